// SPDX-License-Identifier: Apache-2.0
// What cannot be passed is refused with an error that says so, as an argument and as a result; it does
// not arrive as something less.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const asker = `
import { E, Far } from '@endo/far';
const make = {
  cycle: () => { const a = []; a.push(a); return harden(a); },
  'deep cycle': () => { const a = { b: { c: [] } }; a.b.c.push(a); return harden(a); },
  function: () => harden(() => 1),
  'async function': () => harden(async () => 1),
  class: () => harden(class A {}),
  Map: () => harden(new Map([[1, 2]])),
  Set: () => harden(new Set([1])),
  WeakMap: () => harden(new WeakMap()),
  Date: () => harden(new Date(0)),
  RegExp: () => harden(/x/),
  Uint8Array: () => new Uint8Array(2),
  DataView: () => new DataView(new ArrayBuffer(2)),
  proxy: () => new Proxy(harden({}), {}),
  instance: () => harden(new (class A { x = 1; })()),
  getter: () => harden({ get x() { return 1; } }),
  hole: () => harden([1, , 2]),
  'array with more': () => harden(Object.assign([1], { more: 2 })),
  'symbol key': () => harden({ [Symbol.iterator]: 1 }),
  'unique symbol': () => Symbol('mine'),
  'not enumerable': () => harden(Object.defineProperty({}, 'x', { value: 1 })),
  'null prototype': () => harden(Object.create(null, { x: { value: 1, enumerable: true } })),
  'methods without Far': () => harden({ f: () => 1 }),
  'far in data': () => harden({ f: () => 1, x: 2 }),
  iterator: () => harden([1].values()),
  generator: () => harden((function* g() {})()),
  thenable: () => harden({ then: () => 1 }),
};
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    names: () => harden(Object.keys(make)),
    send: (name, other) =>
      E(other).note(make[name]()).then(() => 'taken', error => error.name + ': ' + error.message),
    sendDeep: (name, other) =>
      E(other).note([{ it: make[name]() }])
        .then(() => 'taken', error => error.name + ': ' + error.message),
    give: name => make[name](),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ asker, recorder });
  const other = { kref: vats.recorder.root };
  const names = await home.send(vats.asker.root, 'names');
  check(names.length >= 20, `only ${names.length} values`);
  for (const name of names) {
    for (const method of ['send', 'sendDeep']) {
      const outcome = await home.send(vats.asker.root, method, name, other);
      check(/^(TypeError|Error|SyntaxError): ./.test(outcome), `${method} of ${name}: ${outcome}`);
    }
    // A thenable is adopted by the promise of the result; all others are refused as they are.
    if (name !== 'thenable') {
      const refusal = await home.rejection(vats.asker.root, 'give', name);
      check(refusal['@error'], `the result ${name} gave ${JSON.stringify(refusal)}`);
    }
  }
  equal(await home.send(vats.recorder.root, 'notes'), [], 'what arrived');

  // At the command line, too.
  for (const arg of [{ '@nonsense': 1 }, [{ '@bigint': 'x' }], { '@number': '7' }]) {
    const { status, stderr } = await home.keeve(
      ['send', vats.recorder.root, 'note', JSON.stringify(arg)]);
    check(status !== 0 && stderr !== '', `${JSON.stringify(arg)} was sent`);
  }
  equal(await home.send(vats.recorder.root, 'notes'), [], 'what arrived from the command line');
};
