// SPDX-License-Identifier: Apache-2.0
// A raw vat's worker, driven by frames: what its dispatch function is called with, and what the syscall
// object takes and refuses.
// usage: node raw.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { message, openWorker, row, start } from './frames.mjs';

const [program] = process.argv.slice(2);

/** The syscalls at the start of a DONE's tail: [kind, text of its bytes], cut at what is known of them. */
const tailText = (done) => done.tail.toString('latin1');

/** A raw vat of that code; deliver(target, body, slots, result) gives its DONE and console lines. */
const openRaw = async (code) => {
  const worker = openWorker(program);
  const rows = new Map();
  let seq = 0;
  const until = async () => {
    const logs = [];
    for (;;) {
      const item = await worker.take();
      if (item.type === 'LOG') {
        logs.push(`${item.level}: ${item.text}`);
      } else if (item.type === 'GET') {
        worker.write(row(item.key, rows.get(item.key)));
      } else if (item.type === 'NEXT') {
        const next = [...rows.keys()].sort().find((key) => key > item.prior);
        worker.write(row(next ?? '', rows.get(next)));
      } else {
        return { ...item, logs };
      }
    }
  };
  worker.write(start({ code, raw: true }));
  const started = await until();
  return {
    started,
    rows,
    deliver: (target, body, slots = [], result = '') => {
      seq += 1;
      worker.write(message(seq, target, { body, slots }, result));
      return until();
    },
    end: () => {
      worker.end();
      return worker.exit();
    },
  };
};

/** The vat runs each line with `syscall` and says what it gives, or the error. */
const say = `
const show = (f) => { try { return JSON.stringify(f()) ?? 'undefined'; } catch (e) { return e.name + ': ' + e.message; } };
export default function deliver(syscall, facet, method, args, slots) {
  const all = { facet, method, args, slots };
  console.log(show(() => new Function('syscall', 'all', 'return ' + JSON.parse(args)[0])(syscall, all)));
}`;
const ask = async (vat, expression, slots = []) => {
  const { logs, error } = await vat.deliver('o+0', `["say",[${JSON.stringify(expression)}]]`, slots);
  assert.equal(error, '');
  return logs.map((line) => line.replace(/^log: /, '')).join('\n');
};

test('what deliver is called with', async () => {
  const vat = await openRaw(
    `export default (...all) => console.log(JSON.stringify(all.slice(1)), typeof all[0], Object.isFrozen(all[0]), Object.isFrozen(all[4]));`,
  );
  assert.equal(vat.started.error, '');
  const called = async (...args) => (await vat.deliver(...args)).logs;
  assert.deepEqual(await called('o+0', '#["foo",[1,"!!x"]]', ['o-50', 'o+3', 'p-60', 'p+1']), [
    'log: [0,"foo","[1,\\"!x\\"]",[-50,3,"p-60","p+1"]] object true true',
  ]);
  assert.deepEqual(await called('o+9007199254740991', '["foo",{"a":1}]'), [
    'log: [9007199254740991,"foo","{\\"a\\":1}",[]] object true true',
  ]);
  assert.deepEqual(await called('o+7', '#["#undefined",[]]'), ['log: [7,null,"[]",[]] object true true']);
  await vat.end();
});

test('results: untaken, taken, thrown', async () => {
  const vat = await openRaw(`export default (syscall, facet, method) => {
    if (method === 'take') console.log(syscall.takeResult(), syscall.takeResult());
    if (method === 'settle') syscall.resolve(syscall.takeResult(), true, '"no"');
    if (method === 'throw') throw RangeError('a "quoted"\\nlöng text');
    if (method === 'later') return Promise.resolve().then(() => console.log(syscall.takeResult()));
  };`);
  const tail = async (method, result) => tailText(await vat.deliver('o+0', `#["${method}",[]]`, [], result));
  assert.match(await tail('nothing', 'p-60'), /p-60[^]*#"#undefined"/);
  assert.doesNotMatch(await tail('nothing', ''), /undefined/);
  assert.doesNotMatch(await tail('take', 'p-61'), /undefined/);
  assert.match(await tail('settle', 'p-62'), /p-62\x01[^]*"no"/);
  assert.doesNotMatch(await tail('later', 'p-64'), /undefined/);
  const thrown = await vat.deliver('o+0', '#["throw",[]]', [], 'p-63');
  assert.match(
    thrown.tail.toString(),
    /p-63\x01[^]*{"@qclass":"error","message":"a \\"quoted\\"\\u000alöng text","name":"RangeError"}/,
  );
  assert.match(thrown.logs[0], /^error: deliver threw: RangeError/);
  await vat.end();
});

test('what syscalls refuse', async () => {
  const vat = await openRaw(say);
  const refused = async (expression, expected) => assert.match(await ask(vat, expression), expected, expression);
  for (const slot of ['-1.5', 'NaN', 'Infinity', '2 ** 53', 'undefined', 'null', '{}', '[]', 'true', '7n', '"x"',
    '"o+v1/2"', '"o+d6/1"', '"d-1"', '"o+01"', '"ko5"', '"p+"', '"p+1 "', '"o+" + "9".repeat(100)',
    'Symbol.iterator', '"o+99999999999999999999"', 'new Proxy([], {})']) {
    await refused(`syscall.send(${slot}, 'foo', '[]')`, /^TypeError: the target: expected/);
    await refused(`syscall.send(0, 'foo', '[]', [${slot}])`, /^TypeError: slots/);
  }
  for (const slots of ['7', '"-50"', '{}', '{ length: 1, 0: 5 }', 'new Proxy([5], {})', '[, 5]', 'null',
    'Object.defineProperty([5], 0, { get: () => 5 })', 'new Uint8Array(2)', 'new Array(4294967295)']) {
    await refused(`syscall.send(0, 'foo', '[]', ${slots})`, /^(Type|Range)Error: slots/);
  }
  await refused(`syscall.send(0, 'foo', '[]', Array(70000).fill(1))`, /^RangeError: slots: expected at most 65536/);
  for (const method of ['7', '{}', 'Symbol("x")', 'true']) {
    await refused(`syscall.send(0, ${method}, '[]')`, /^TypeError: the method/);
  }
  for (const args of ['undefined', '7', '[]', '{ toString: () => "[]" }']) {
    await refused(`syscall.send(0, 'foo', ${args})`, /^TypeError: the arguments: expected a string/);
  }
  for (const args of ['""', '"#[]"', '"[1"', '"[1],[2]"', '"[1]],[\\"x\\",[]"', '"x"', '"[\\u0000]"',
    '\'[{"@qclass":"slot","index":0}]\'', '\'[{"@qclass":"none"}]\'', '"[".repeat(300) + "]".repeat(300)',
    '"[".repeat(1e6)', '\'{"a":1} x\'']) {
    await refused(`syscall.send(0, 'foo', ${args})`, /^TypeError: the arguments: expected/);
    await refused(`syscall.resolve('p+1', false, ${args})`, /^(TypeError: data|undefined)/);
  }
  await refused(`syscall.send(0, 'foo', '"' + 'x'.repeat(9e6) + '"')`, /^RangeError: the arguments: expected at most 8388608/);
  await refused(`syscall.send(0, 'foo', '[]', [], 7)`, /^TypeError: the result/);
  await refused(`syscall.send(0, 'foo', '[]', [], 'o+1')`, /^TypeError: the result/);
  await refused(`syscall.subscribe(7)`, /^TypeError: the promise/);
  await refused(`syscall.resolve('p+1', 1, '7')`, /^TypeError: rejected/);
  await refused(`syscall.dropImports([5])`, /^TypeError: slots: expected numbers of imports/);
  await refused(`syscall.dropImports(['p-60'])`, /^TypeError: slots: expected numbers of imports/);
  await refused(`syscall.dropImports(-50)`, /^TypeError: slots/);
  await refused(`syscall.vatstoreGet('')`, /^RangeError: the key/);
  await refused(`syscall.vatstoreGet('x'.repeat(993))`, /^RangeError: the key: expected 1 to 992 bytes/);
  await refused(`syscall.vatstoreSet('x', 7)`, /^TypeError: the value/);
  await refused(`syscall.vatstoreSet('x', 'y'.repeat(17e6))`, /^RangeError: the value/);
  await refused(`syscall.vatstoreDelete()`, /^TypeError: the key/);
  await refused(`syscall.send.call(null, 0, 'foo')`, /^TypeError: the arguments/);
  await refused(`syscall.extra = 1`, /^TypeError|^1/);
  assert.equal(await ask(vat, 'Object.keys(syscall).length'), '10');
  // Nothing of all this was sent: the last crank has no syscalls and no changes.
  const { tail } = await vat.deliver('o+0', '#["say",["syscall.send(0)"]]');
  assert.deepEqual([...tail], [0, 0, 0, 0, 0, 0, 0, 0]);
  await vat.end();
});

test('rows', async () => {
  const vat = await openRaw(say);
  vat.rows.set('b', 'two');
  vat.rows.set('c', 'three');
  assert.equal(await ask(vat, 'syscall.vatstoreGet("b") + syscall.vatstoreGet("nothing")'), '"twoundefined"');
  assert.equal(
    await ask(vat, '(syscall.vatstoreSet("a", "öne"), syscall.vatstoreDelete("b"), [syscall.vatstoreGet("a"), syscall.vatstoreGetNextKey(""), syscall.vatstoreGetNextKey("a"), syscall.vatstoreGetNextKey("c")])'),
    '["öne","a","c",null]',
  );
  await vat.end();
});

test('a crank of a flood of sends fails, and says why', async () => {
  const vat = await openRaw(say);
  const done = await vat.deliver(
    'o+0',
    `["say",["(() => { const text = '7' + ' '.repeat(5e6); for (;;) syscall.send(0, 'foo', text); })()"]]`,
  );
  assert.match(done.logs.join(), /RangeError: the crank has sent more than 64 MB/);
  assert.match(done.error, /the crank sent and stored 6\d MB/);
  const { status } = await vat.end();
  assert.notEqual(status, 0);
});

test('notify and the rest go to methods of deliver', async () => {
  const vat = await openRaw(`export default function deliver() {}
    deliver.notify = (syscall, ...rest) => { console.log(JSON.stringify(rest), typeof syscall.send); };`);
  assert.equal(vat.started.error, '');
  await vat.end();
});

test('what is no raw vat', async () => {
  for (const code of ['export const deliver = () => {};', 'export default 7;', `import '@endo/far'; export default () => {};`, 'throw Error("at load")']) {
    const vat = await openRaw(code);
    assert.match(vat.started.error, /^vat.js: /, code);
    await vat.end();
  }
});
