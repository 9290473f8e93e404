// SPDX-License-Identifier: Apache-2.0
// Every kind of passable value goes from the command line to a vat and back, and from a vat through
// another vat and back, and is what it was.
import { check, equal } from '../lib.mjs';

const echo = `
import { Far } from '@endo/far';
export const buildRootObject = () => Far('root', { bootstrap: () => 'ready', echo: it => it });`;

// Sends each value of its own to echo, and says which came back as something else.
const asker = `
import { E, Far } from '@endo/far';
import { makeTagged, passStyleOf } from '@endo/pass-style';
const self = Far('self', {});
const table = harden([
  ['empty text', ''], ['text', 'some text'], ['sigils', '!#$%&+-'], ['surrogates', '\u{1F37A} \\u0000'],
  ['zero', 0], ['integer', 42], ['fraction', -0.1], ['largest', 1.7976931348623157e308],
  ['smallest', 5e-324], ['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity],
  ['true', true], ['false', false], ['null', null], ['undefined', undefined],
  ['bigint', 7n], ['negative bigint', -7n], ['zero bigint', 0n], ['huge bigint', 2n ** 4000n + 1n],
  ['asyncIterator', Symbol.asyncIterator], ['iterator', Symbol.iterator],
  ['empty array', []], ['array', [1, [2n, [undefined]]]],
  ['empty record', {}], ['record', { b: 1, a: { '': 'empty name', '!odd': NaN } }],
  ['tagged', makeTagged('pair', [1, 'two'])],
  ['remotable', self], ['remotable twice', [self, { self }]],
]);
const same = (a, b) => {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return false;
  if (passStyleOf(a) !== passStyleOf(b) || passStyleOf(a) === 'remotable') return false;
  const names = Reflect.ownKeys(a);
  return names.length === Reflect.ownKeys(b).length && names.every(name => same(a[name], b[name]));
};
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    names: () => harden(table.map(([name]) => name)),
    changed: async other => {
      const back = await Promise.all(table.map(([, value]) => E(other).echo(value)));
      return harden(table.filter(([, value], i) => !same(value, back[i])).map(([name]) => name));
    },
    negativeZero: async other => harden([1 / -0, 1 / (await E(other).echo(-0))]),
    error: async other => {
      const back = await E(other).echo(harden(TypeError('wrong')));
      return harden([back instanceof TypeError, back.name, back.message]);
    },
    promise: async other => {
      const [settled] = await E(other).echo(harden([Promise.resolve('before')]));
      let resolve;
      const promise = new Promise(it => { resolve = it; });
      const [back] = await E(other).echo(harden([promise]));
      resolve('after');
      return harden([back === promise, await settled, await back]);
    },
    rejected: async other => {
      const [back] = await E(other).echo(harden([Promise.reject(harden({ why: 1n }))]));
      return back.then(() => 'fulfilled', reason => reason);
    },
  });`;

const conventions = [
  'text', '', 'ko1', '$0', 0, 1.5, -7, true, false, null, [], {}, [1, [2]], { a: { b: [] } },
  { '@bigint': '7' }, { '@bigint': '-120000000000000000000000000000' }, { '@undefined': true },
  { '@number': 'NaN' }, { '@number': 'Infinity' }, { '@number': '-Infinity' },
  { '@symbol': '@@asyncIterator' }, { '@tagged': 'pair', payload: [1, { '@bigint': '2' }] },
  { '@record': { '@bigint': 'not one' } },
];

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ asker, echo });
  for (const value of conventions) {
    equal(await home.send(vats.echo.root, 'echo', value), value, 'what came back from the vat');
  }
  const object = { kref: vats.asker.root };
  equal(await home.send(vats.echo.root, 'echo', [object, object]), [object, object], 'an object');

  const other = { kref: vats.echo.root };
  const names = await home.send(vats.asker.root, 'names');
  check(names.length >= 25, `only ${names.length} values`);
  equal(await home.send(vats.asker.root, 'changed', other), [], 'values that came back changed');
  equal(await home.send(vats.asker.root, 'negativeZero', other),
    [{ '@number': '-Infinity' }, { '@number': 'Infinity' }], '-0 is sent as 0');
  equal(await home.send(vats.asker.root, 'error', other), [true, 'TypeError', 'wrong'], 'an error');
  equal(await home.send(vats.asker.root, 'promise', other), [true, 'before', 'after'], 'promises');
  equal(await home.send(vats.asker.root, 'rejected', other), { why: { '@bigint': '1' } },
    'a rejected promise');
};
