// SPDX-License-Identifier: Apache-2.0
// both - gives the same deliveries to a vat under our worker and under npm's liveslots.
//
// A vat here is a module's text. A step is an array:
//   ['send', target, method, args, slots]   args: JSON of smallcaps      ['drop'|'retire', ...exports]
//   ['fulfill'|'reject', vpid, body, slots]   ['retireImports', ...imports]   ['reap']   ['restart', text?]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { frame, openWorker, row, start } from './frames.mjs';

const here = new URL('.', import.meta.url).pathname;
const packages = join(here, '../../../deps/node_modules');
const parameters = { body: '#"#undefined"', slots: [] };

// ---- ours ----

const reader = (bytes) => {
  let at = 0;
  const take = (n) => bytes.subarray(at, (at += n));
  const u32 = () => take(4).readUInt32LE();
  const string = () => take(u32()).toString();
  const list = (item) => Array.from({ length: u32() }, item);
  const capdata = () => ({ body: string(), slots: list(string) });
  return { u8: () => take(1)[0], u32, string, list, capdata };
};

const readSyscall = (r) => {
  const kind = r.u8();
  switch (kind) {
    case 1: {
      const target = r.string();
      const methargs = r.capdata();
      return ['send', target, methargs, r.string()];
    }
    case 2:
      return ['subscribe', r.string()];
    case 3:
      return ['resolve', r.list(() => [r.string(), r.u8() === 1, r.capdata()])];
    case 8: {
      const failure = r.u8() === 1;
      return ['exit', failure, r.capdata()];
    }
    default: {
      const names = { 4: 'dropImports', 5: 'retireImports', 6: 'retireExports', 7: 'abandonExports' };
      return [names[kind], r.list(r.string)];
    }
  }
};

const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
};
const u32 = (n) => u64(n).subarray(0, 4);
const string = (text) => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
const strings = (items) => Buffer.concat([u32(items.length), ...items.map(string)]);

const deliveryFields = ([kind, ...rest]) => {
  switch (kind) {
    case 'message': {
      const [target, { methargs, result }] = rest;
      const fields = [string(target), string(result), string(methargs.body), strings(methargs.slots)];
      return [1, ...fields];
    }
    case 'notify': {
      const [list] = rest;
      const items = list.flatMap(([vpid, rejected, { body, slots }]) =>
        [string(vpid), Buffer.from([rejected ? 1 : 0]), string(body), strings(slots)]);
      return [2, u32(list.length), ...items];
    }
    case 'bringOutYourDead':
      return [6];
    default:
      return [{ dropExports: 3, retireExports: 4, retireImports: 5 }[kind], strings(rest[0])];
  }
};

const byKey = ([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** One incarnation under keeve-vat over the rows, a Map that it changes. */
const openOurs = (program, text, rows, options) => {
  const worker = openWorker(program, options);
  const logs = [];
  let seq = 0;
  const answer = async () => {
    for (;;) {
      const said = await worker.take();
      if (said.type === 'GET') {
        worker.write(row(said.key, rows.get(said.key)));
      } else if (said.type === 'NEXT') {
        const next = [...rows].filter(([key]) => byKey([key], [said.prior]) > 0).sort(byKey)[0];
        worker.write(next ? row(...next) : row('', undefined));
      } else if (said.type === 'LOG') {
        logs.push(said.text);
      } else if (said.type === 'DONE') {
        return said;
      } else {
        const { status, signal, stderr } = await worker.exit();
        throw Error(`the worker went: ${status} ${signal} ${stderr} ${logs.join('; ')}`);
      }
    }
  };
  const finish = async () => {
    const done = await answer();
    const r = reader(done.tail);
    const syscalls = r.list(() => readSyscall(r));
    r.list(() => {
      const set = r.u8() === 1;
      const key = r.string();
      if (set) {
        rows.set(key, r.string());
      } else {
        rows.delete(key);
      }
    });
    return { error: done.error, syscalls, rows: [...rows].sort(byKey), logs: logs.splice(0) };
  };
  return {
    start: async () => {
      worker.write(start({ code: text, parameters, steps: 0, heap: 0 }));
      return finish();
    },
    deliver: async (delivery) => {
      const [kind, ...fields] = deliveryFields(delivery);
      seq += 1;
      worker.write(frame('DELIVER', u64(seq), Buffer.from([kind]), ...fields));
      return finish();
    },
    end: async () => {
      worker.end();
      await worker.exit();
    },
  };
};

// ---- npm's ----

const openNpms = (text, given) => {
  const dir = mkdtempSync(join(tmpdir(), 'keeve-npm-'));
  symlinkSync(packages, join(dir, 'node_modules'));
  const file = join(dir, 'vat.mjs');
  writeFileSync(file, text);
  const child = spawn('node', ['--expose-gc', join(here, 'npm_vat.mjs'), dir, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (delivery, rows) => {
    child.stdin.write(`${JSON.stringify({ delivery, rows })}\n`);
    const { value, done } = await lines.next();
    if (done) {
      throw Error('the process of npm\'s liveslots went');
    }
    const result = JSON.parse(value);
    result.rows.sort(byKey);
    return result;
  };
  return {
    start: () => ask(['startVat', parameters], given),
    deliver: (delivery) => ask(delivery),
    end: async () => {
      child.stdin.end();
      await new Promise((resolve) => child.on('exit', resolve));
      rmSync(dir, { recursive: true });
    },
  };
};

// ---- both ----

const deliveryOf = (step, n) => {
  const [kind, ...rest] = step;
  switch (kind) {
    case 'send': {
      const [target, method, args = '[]', slots = []] = rest;
      const methargs = { body: `#[${JSON.stringify(method)},${args}]`, slots };
      return ['message', target, { methargs, result: `p-${100 + n}` }];
    }
    case 'drop':
      return ['dropExports', rest];
    case 'retire':
      return ['retireExports', rest];
    case 'retireImports':
      return ['retireImports', rest];
    case 'fulfill':
    case 'reject': {
      const [vpid, body, slots = []] = rest;
      return ['notify', [[vpid, kind === 'reject', { body: `#${body}`, slots }]]];
    }
    default:
      return ['bringOutYourDead'];
  }
};

/**
 * Runs the steps under one of the two; gives what each crank said and left, the start first. next gives
 * a step after each result, or undefined at the end.
 */
const runUnder = async (open, text, next) => {
  let rows = [];
  let vat = open(text, rows);
  const results = [];
  const note = (result) => {
    results.push(result);
    rows = result.rows;
  };
  note(await vat.start());
  for (let n = 0; results.at(-1).error === ''; n += 1) { // a vat ends with its failed crank
    const step = next(n, results.at(-1));
    if (step === undefined) {
      break;
    }
    if (step[0] === 'restart') {
      await vat.end();
      vat = open(step[1] ?? text, rows);
      note(await vat.start());
    } else {
      note(await vat.deliver(deliveryOf(step, n)));
    }
  }
  await vat.end();
  return results;
};

export const runOurs = (program, text, steps, options) =>
  runUnder((code, rows) => openOurs(program, code, new Map(rows), options), text, (n) => steps[n]);
/** steps: an array, or a function that makes each step from its number and the result before it. */
export const runNpms = (text, steps) =>
  runUnder((code, rows) => openNpms(code, rows), text, Array.isArray(steps) ? (n) => steps[n] : steps);

// ---- Rows of heaps that have ended ----

/**
 * The rows without those of virtual kinds and stores of an earlier incarnation, which began with the
 * counters given: ours go in time, npm's stay (docs/decisions/0014). What a durable store of that age
 * holds is known by what refers to it.
 */
const withoutRemains = (rows, { exportID, collectionID }) => {
  const table = JSON.parse(new Map(rows).get('storeKindIDTable') ?? '{}');
  const isStore = (kind) => Object.values(table).includes(Number(kind));
  const held = new Set(rows.flatMap(([key]) => {
    const [, kind, id] = /^vom\.(?:rc|es)\.o\+d(\d+)\/(\d+)$/.exec(key) ?? [];
    return isStore(kind) ? [id] : [];
  }));
  const endedStore = (id) => Number(id) < collectionID && !held.has(id);
  return rows.filter(([key]) => {
    const [, kind, id] = /^vom\.(?:[er][sc]\.)?o\+v(\d+)\/(\d+)$/.exec(key) ?? [];
    if (kind !== undefined) {
      return isStore(kind) ? Number(id) >= collectionID : Number(kind) >= exportID;
    }
    const [, ofKind] = /^vom\.vkind\.(\d+)\./.exec(key) ?? [];
    const [, ofStore] = /^vc\.(\d+)\./.exec(key) ?? /^vom\.ir\..*\|(\d+)$/.exec(key) ?? [];
    return (ofKind === undefined || Number(ofKind) >= exportID) && (ofStore === undefined || !endedStore(ofStore));
  });
};

/** The rows of each of the results, to be compared with those of the other one. */
export const comparableRows = (results, steps) => {
  let began = { exportID: 0, collectionID: 0 };
  return results.map(({ rows }, n) => {
    if (n > 0 && steps[n - 1][0] === 'restart') {
      began = JSON.parse(new Map(results[n - 1].rows).get('idCounters'));
    }
    return withoutRemains(rows, began);
  });
};
