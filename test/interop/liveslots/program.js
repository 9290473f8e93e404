// SPDX-License-Identifier: Apache-2.0
// program - a random program of deliveries, made while npm's liveslots runs it, since what can be
// delivered next depends on what the vat said. Writes the scenario and its transcript.
// usage: node program.js SEED COUNT SCENARIO TRANSCRIPT [as-npm]
import { makeOracle } from './oracle.mjs';
import { writeFileSync } from 'node:fs';

const [seedText, countText, scenarioPath, transcriptPath, kind] = process.argv.slice(2);
let state = Number(seedText) >>> 0;
const random = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (list) => list[random(list.length)];

// The vat keeps eight cells and runs small programs on them. It never leaves a rejection unhandled.
const code = `({
  buildRootObject() {
    const cells = [];
    const kits = [];
    const calm = (p) => {
      p.catch(() => {});
      return p;
    };
    const steps = {
      put: (i, value) => {
        cells[i] = value;
      },
      far: (i) => {
        cells[i] = Far('far ' + i, { run, slow });
      },
      open: (i) => {
        cells[i] = calm(new Promise((resolve, reject) => {
          kits[i] = { resolve, reject };
        }));
      },
      settle: (i, j) => kits[i]?.resolve(cells[j]),
      reject: (i, j) => kits[i]?.reject(cells[j]),
      send: (i, j, ...ks) => {
        cells[j] = calm(E(cells[i]).run(...ks.map((k) => ['put', k, cells[k]])));
      },
      pipe: (i, j) => {
        cells[j] = calm(E(E(cells[i]).run()).slow());
      },
      get: (i, j) => {
        cells[j] = calm(E.get(cells[i]).a);
      },
      grab: (i, target) => {
        cells[i] = calm(E.get(target).a);
      },
      call: (i, target) => {
        cells[i] = calm(E(target)(cells[i]));
      },
      data: (i, j, k) => {
        cells[i] = harden({ b: [cells[j]], a: cells[k] });
      },
      when: (i, j) => {
        cells[i] = calm(E.when(cells[j], (v) => harden({ v }), (e) => harden([e])));
      },
      fail: (i) => {
        throw RangeError('step ' + i);
      },
      give: () => {},
    };
    const run = (...ops) => {
      let last;
      for (const [verb, i, ...rest] of ops) {
        steps[verb](i, ...rest);
        last = cells[i];
      }
      return last;
    };
    const slow = async (...ops) => {
      await null;
      return run(...ops);
    };
    return Far('root', { run, slow });
  },
})`;

const exported = new Set(['o+0']); // objects of the vat we may send to
const open = new Set(); // promises of the vat's that are not settled, results of ours included
const theirs = new Set(); // promises we settle and the vat has subscribed to
let nextPromise = 60;
let nextImport = 50;
const see = (slots) => {
  for (const slot of slots) {
    if (slot.startsWith('o+')) {
      exported.add(slot);
    } else if (slot.startsWith('p+') && !theirs.has(slot)) {
      open.add(slot);
    }
  }
};
const watch = {
  send: (slots, result) => {
    see(slots);
    if (result) theirs.add(result);
  },
  subscribe: (vpid) => {
    theirs.add(vpid);
    open.delete(vpid);
  },
  resolve: (resolutions) => {
    for (const [, , data] of resolutions) see(data.slots);
    for (const [vpid] of resolutions) open.delete(vpid);
  },
};

const slot = () => {
  switch (random(6)) {
    case 0:
      return pick([...exported]);
    case 1:
      return `o-${50 + random(4)}`;
    case 2:
      nextImport += 1;
      return `o-${nextImport + 10}`;
    case 3:
      if (theirs.size > 0) return pick([...theirs]);
    // fall through
    case 4:
      if (open.size > 0) return pick([...open]);
    // fall through
    default:
      nextPromise += 1;
      return `p-${nextPromise}`;
  }
};
const encode = (build) => {
  const slots = [];
  const use = () => {
    const name = slot();
    let index = slots.indexOf(name);
    if (index < 0) {
      index = slots.length;
      slots.push(name);
    }
    return `${name.startsWith('p') ? '&' : '$'}${index}`;
  };
  const body = JSON.stringify(build(use));
  return `#${body}${slots.length > 0 ? ` slots ${slots.join(',')}` : ''}`;
};
const value = (use) =>
  random(3) > 0
    ? use()
    : pick([1, 'text', '+7', '#undefined', { x: 1 }, { '#error': 'told', name: 'TypeError' }]);
const cell = () => random(8);
const step = (use) =>
  pick([
    () => ['put', cell(), value(use)],
    () => ['put', cell(), use()],
    () => ['far', cell()],
    () => ['open', cell()],
    () => ['settle', cell(), cell()],
    () => ['reject', cell(), cell()],
    () => ['send', cell(), cell()],
    () => ['send', cell(), cell(), cell()],
    () => ['send', cell(), cell(), cell(), cell()],
    () => ['pipe', cell(), cell()],
    () => (kind === undefined ? ['get', cell(), cell()] : ['give', cell()]),
    () => (kind === undefined ? ['grab', cell(), use()] : ['give', cell()]),
    () => (kind === undefined ? ['call', cell(), use()] : ['give', cell()]),
    () => ['data', cell(), cell(), cell()],
    () => ['when', cell(), cell()],
    () => ['give', cell()],
    () => ['give', cell()],
    () => ['fail', cell()],
  ])();
const message = () => {
  const targets = [...exported, ...exported, ...open];
  const methargs =
    kind === undefined && random(8) === 0
      ? encode(() => [pick(['a', 'b', 'run', '%@@toStringTag'])]) // a property
      : encode((use) => [
          pick(['run', 'run', 'slow']),
          Array.from({ length: 1 + random(4) }, () => step(use)),
        ]);
  const target = pick(targets);
  nextPromise += 1;
  const result = `p-${nextPromise}`;
  open.add(result);
  return `message ${target} ${methargs} -> ${result}`;
};
const notify = () => {
  const vpid = pick([...theirs]);
  theirs.delete(vpid);
  const outcome = random(4) === 0 ? 'rejected' : 'fulfilled';
  return `notify ${vpid} ${outcome} ${encode(value)}`;
};

const lines = [];
const transcript = [];
const oracle = makeOracle(code, (line) => transcript.push(line), watch);
await oracle.start();
for (let i = 0; i < Number(countText); i += 1) {
  const line = theirs.size > 0 && random(3) === 0 ? notify() : message();
  lines.push(line);
  await oracle.deliver(line);
}
writeFileSync(scenarioPath, `${code}\n---\n${lines.join('\n')}\n`);
writeFileSync(transcriptPath, `${transcript.join('\n')}\n`);
process.exit(0);
