// SPDX-License-Identifier: Apache-2.0
// A vat finds as globals exactly what its configuration names: of the system's list, and of the objects
// its user holds. Nothing else of a host is there, before and after a restart, of the vat and the daemon.
import { check, equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

// The list of facts/interfaces.md 4.1.
const list = [
  'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'Math', 'crypto', 'SubtleCrypto',
  'fetch', 'Request', 'Headers', 'Response', 'TextEncoder', 'TextDecoder', 'URL', 'URLSearchParams', 'atob',
  'btoa', 'AbortController', 'AbortSignal',
];
// What programs find elsewhere.
const elsewhere = [
  'process', 'require', 'module', 'Buffer', 'global', 'window', 'self', 'document', 'navigator', 'performance',
  'queueMicrotask', 'structuredClone', 'setImmediate', 'XMLHttpRequest', 'WebSocket', 'Worker', 'WebAssembly',
  'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'Deno', 'Bun', 'std', 'os', 'print',
  'localStorage', 'indexedDB', 'Event', 'EventTarget', 'Blob', 'lockdown', 'keeveHost', 'keeveLoad', 'keeveTimers',
];
const inventory = ['adder', 'other'];
const all = [...list, ...elsewhere, ...inventory];

const probe = `
import { E, Far } from '@endo/far';
const typeOf = name => {
  try { return typeof new Function('return ' + name)(); } catch (error) { return 'undefined'; }
};
// Before anything else of the program runs.
const early = harden(${JSON.stringify(all)}.filter(name => typeOf(name) !== 'undefined'));
const works = {
  Date: () => Date.now() > 1e12,
  Math: () => Math.random() >= 0 && Math.random() < 1,
  URL: () => new URL('../x', 'http://h/a/b').href === 'http://h/x',
  btoa: () => btoa('foo') === 'Zm9v',
};
const held = ${JSON.stringify(inventory)};
export const buildRootObject = () => Far('root', {
  bootstrap: () => 'ready',
  found: () => harden([early, ${JSON.stringify(all)}.filter(name => typeOf(name) !== 'undefined')]),
  names: () => harden(Object.getOwnPropertyNames(globalThis).sort()),
  works: name => { try { return works[name](); } catch (error) { return error.name; } },
  increment: name => E(globalThis[name]).increment(),
  inside: () => {
    const compartment = new Compartment({});
    return harden(${JSON.stringify(all)}.filter(name => compartment.evaluate('typeof ' + name) !== 'undefined'));
  },
});`;

// Date and Math of the language are there without what a host adds to them.
const always = ['Date', 'Math'];

export const test = async t => {
  const home = await t.started();
  const { result: main, root: counterRoot } = await home.launch({ counter });
  const second = await home.send(counterRoot, 'make');
  const launched = await home.launch({
    two: { source: probe, globals: ['URL', 'btoa'] },
    held: { source: probe, inventory: { adder: main, other: second } },
    both: { source: probe, globals: ['Date', 'Math'], inventory: { adder: main } },
    none: { source: probe },
  });
  const { vats } = launched;
  const granted = {
    two: ['URL', 'btoa'], held: ['adder', 'other'], both: ['Date', 'Math', 'adder'], none: [],
  };
  const namesOf = {};
  let count = 0;

  const verify = async when => {
    for (const [vat, names] of Object.entries(granted)) {
      const { root } = vats[vat];
      const expected = all.filter(name => names.includes(name) || always.includes(name));
      const [early, found] = await home.send(root, 'found');
      equal(found, expected, `what ${vat} finds ${when}`);
      equal(early, expected, `what ${vat} found at first ${when}`);
      equal(await home.send(root, 'inside'), always, `what a compartment of ${vat} finds ${when}`);
      const own = await home.send(root, 'names');
      namesOf[vat] ??= own;
      equal(own, namesOf[vat], `the globals of ${vat} ${when}`);
    }
    for (const name of ['URL', 'btoa']) {
      equal(await home.send(vats.two.root, 'works', name), true, `${name} works ${when}`);
    }
    for (const name of ['Date', 'Math']) {
      equal(await home.send(vats.both.root, 'works', name), true, `${name} works ${when}`);
      equal(await home.send(vats.none.root, 'works', name), 'TypeError', `${name} not granted ${when}`);
    }
    equal(await home.send(vats.held.root, 'increment', 'adder'), (count += 1), `adder works ${when}`);
    equal(await home.send(vats.both.root, 'increment', 'adder'), (count += 1), `one object ${when}`);
    equal(await home.send(vats.held.root, 'increment', 'other'), count / 2, `other works ${when}`);
  };

  await verify('at first');
  // Beyond what all have: only what was named.
  for (const vat of ['two', 'held', 'both']) {
    equal(namesOf[vat].filter(name => !namesOf.none.includes(name)).sort(),
      granted[vat].filter(name => !always.includes(name)).sort(), `what ${vat} has more than none`);
  }
  for (const { vat } of Object.values(vats)) {
    equal((await home.keeve(['restart-vat', vat])).status, 0, 'restart-vat');
  }
  await verify('after a restart of the vats');
  await home.restart();
  await verify('after signal 9 to the daemon');

  // A hold for the life of the vats: nothing else refers to it now.
  const holders = async kref => home.rows('who-holds', kref);
  check((await holders(second.kref)).some(row => row.how === 'inventory' && row.holder === vats.held.vat),
    'who-holds does not name the inventory');
  await home.audit();
  equal((await home.keeve(['terminate', launched.subclusterId])).status, 0, 'terminate');
  await home.settle();
  const left = await home.keeve(['who-holds', second.kref, '--json']);
  check(left.status !== 0 || !left.stdout.includes('inventory'), `still held: ${left.stdout}`);
  await home.audit();

  // What is not to be had refuses the vat, and says why.
  for (const [of, why] of [
    [{ globals: ['process'] }, /process/],
    [{ globals: ['fetch'] }, /fetch.*devices/],
    [{ inventory: { adder: { kref: 'ko999999' } } }, /ko999999/],
    [{ inventory: { adder: main.kref } }, /inventory/],
    [{ inventory: { console: { kref: counterRoot } } }, /console/],
  ]) {
    const refused = await home.tryLaunch({ probe: { source: probe, ...of } });
    check(refused.status !== 0 && why.test(refused.stderr), `${JSON.stringify(of)} gave ${refused.stderr}`);
  }
};
