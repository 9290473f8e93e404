// SPDX-License-Identifier: Apache-2.0
// One call with {init, make, cleanup} gives a factory: init runs once for each object, make once when
// it is new and once in each life of the vat in which it is used, and after it was collected.
import { equal } from '../lib.mjs';

const maker = `
import { Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeDefineDurableFactory } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const count = name => {
    if (baggage.has(name)) baggage.set(name, baggage.get(name) + 1);
    else baggage.init(name, 1);
  };
  const defineDurableFactory = makeDefineDurableFactory(makeDurableZone(baggage).subZone('factories'));
  const makeCounter = defineDurableFactory('counter', {
    init: (state, n) => { count('init'); state.n = n; },
    make: state => {
      count('make');
      return Far('counter', { inc: () => (state.n += 1) });
    },
    cleanup: state => { count('cleanup'); baggage.init('last', state.n); },
  });
  const makePlain = defineDurableFactory({ make: () => ({ hi: () => 'hi' }) });
  const attempt = f => {
    try { f(); return 'accepted'; } catch (error) { return error.message; }
  };
  return Far('root', {
    bootstrap: () => { baggage.init('a', makeCounter(10)); baggage.init('b', makeCounter(20)); },
    inc: name => baggage.get(name).inc(),
    remove: name => baggage.delete(name),
    counts: () => harden(['init', 'make', 'cleanup'].map(name => (baggage.has(name) ? baggage.get(name) : 0))),
    last: () => baggage.get('last'),
    plain: () => makePlain().hi(),
    refusals: () => harden([
      attempt(() => defineDurableFactory('none')),
      attempt(() => defineDurableFactory('none', { init() {} })),
      attempt(() => defineDurableFactory({ make: () => ({}) })),
    ]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker });
  const root = vats.maker.root;
  const counts = () => home.send(root, 'counts');
  const reap = async () => {
    equal((await home.keeve(['reap', vats.maker.vat])).status, 0, 'reap');
    await home.settle();
  };

  equal(await counts(), [2, 2, 0], 'init, make, cleanup when two are new');
  equal(await home.send(root, 'inc', 'a'), 11, 'a');
  equal(await home.send(root, 'inc', 'a'), 12, 'a');
  equal(await counts(), [2, 2, 0], 'calls of what is in memory');

  equal((await home.keeve(['restart-vat', vats.maker.vat])).status, 0, 'restart-vat');
  equal(await counts(), [2, 2, 0], 'a restart alone');
  equal(await home.send(root, 'inc', 'a'), 13, 'a, after a restart');
  equal(await home.send(root, 'inc', 'a'), 14, 'a, again');
  equal(await counts(), [2, 3, 0], 'a in its second life');

  await home.restart();
  equal(await home.send(root, 'inc', 'a'), 15, 'a, after kill -9');
  equal(await home.send(root, 'inc', 'b'), 21, 'b, after kill -9');
  equal(await counts(), [2, 5, 0], 'both in the third life');

  await reap();
  equal(await counts(), [2, 5, 0], 'a collection alone');
  equal(await home.send(root, 'inc', 'b'), 22, 'b, after a collection');
  equal(await counts(), [2, 6, 0], 'b, revived after a collection');

  await home.send(root, 'remove', 'b');
  await reap();
  equal(await counts(), [2, 6, 1], 'b is gone');
  equal(await home.send(root, 'last'), 22, 'what its cleanup could read');
  await home.restart();
  await home.send(root, 'inc', 'a');
  await reap();
  equal(await counts(), [2, 7, 1], 'a alone is left');

  equal(await home.send(root, 'plain'), 'hi', 'a make that gives bare methods');
  equal((await home.send(root, 'refusals')).map(text => /"make" function is required/.test(text) ||
    /a factory without tag/.test(text)), [true, true, true], 'refusals');
  await home.audit();
};
