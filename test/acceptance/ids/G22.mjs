// SPDX-License-Identifier: Apache-2.0
// A kind hears that the form of an object in memory is about to go: when a collection takes it, and in
// a last crank when the vat is restarted or the daemon stops in order. A kill says nothing.
import { equal } from '../lib.mjs';

const maker = `
import { Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeCustomDurableKindWithStoreObj } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('told')) baggage.init('told', 0);
  let held;
  const counts = new Map();
  const counter = state => {
    counts.set(state, state.n);
    return Far('counter', {
      inc: () => { counts.set(state, counts.get(state) + 1); return counts.get(state); },
      stored: () => state.n,
    });
  };
  const makeCounter = makeCustomDurableKindWithStoreObj(makeDurableZone(baggage).subZone('counters'), {
    tag: 'counter',
    make: state => { state.n = 0; return counter(state); },
    reanimate: counter,
    willSleep: (state, baseRef) => {
      if (!/^o\\+d/.test(baseRef)) throw Error(baseRef);
      baggage.set('told', baggage.get('told') + 1);
      state.n = counts.get(state);
      counts.delete(state);
    },
  });
  return Far('root', {
    bootstrap: () => { baggage.init('a', makeCounter()); baggage.init('b', makeCounter()); },
    inc: name => baggage.get(name).inc(),
    stored: name => baggage.get(name).stored(),
    hold: name => { held = name && baggage.get(name); },
    told: () => baggage.get('told'),
    inMemory: () => counts.size,
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker });
  const root = vats.maker.root;
  const inc = name => home.send(root, 'inc', name);
  const told = () => home.send(root, 'told');
  const reap = async () => {
    equal((await home.keeve(['reap', vats.maker.vat])).status, 0, 'reap');
    await home.settle();
  };

  // Eviction by a collection.
  await inc('a');
  equal(await inc('a'), 2, 'a, counted in memory');
  equal(await home.send(root, 'stored', 'a'), 0, 'what is stored of a');
  await home.send(root, 'hold', 'b');
  await reap();
  equal(await told(), 1, 'hooks called: a went, b is held');
  equal(await home.send(root, 'inMemory'), 1, 'forms in memory');
  equal(await home.send(root, 'stored', 'a'), 2, 'what is stored of a, after its eviction');
  equal(await inc('a'), 3, 'a, revived');
  await home.send(root, 'hold', null);

  // An orderly restart of the vat: both are in memory.
  equal(await inc('b'), 1, 'b');
  const incarnation = async () =>
    Number((await home.rows('vats')).find(row => row.vat === vats.maker.vat).incarnation);
  const before = await incarnation();
  equal((await home.keeve(['restart-vat', vats.maker.vat])).status, 0, 'restart-vat');
  equal(await incarnation(), before + 1, 'incarnation, when restart-vat has answered');
  equal(await told(), 3, 'hooks called, after restart-vat');
  equal([await inc('a'), await inc('b')], [4, 2], 'both, after restart-vat');

  // The daemon stops in order; paused, too.
  await home.stop();
  await home.start();
  equal(await told(), 5, 'hooks called, after stop');
  equal([await inc('a'), await inc('b')], [5, 3], 'both, after stop');
  equal((await home.keeve(['pause'])).status, 0, 'pause');
  await home.stop();
  await home.start();
  equal(await told(), 7, 'hooks called, after a stop while paused');
  equal([await inc('a'), await inc('b')], [6, 4], 'both, after a stop while paused');

  // Nothing in memory: nothing is told.
  await reap();
  equal(await told(), 9, 'hooks called, after a collection');
  equal((await home.keeve(['restart-vat', vats.maker.vat])).status, 0, 'restart-vat');
  equal(await told(), 9, 'hooks called, when nothing was in memory');

  // A kill says nothing, and what was in memory alone is lost.
  equal(await inc('a'), 7, 'a, before a kill');
  await home.restart();
  equal(await told(), 9, 'hooks called, after kill -9');
  equal(await inc('a'), 7, 'a, after kill -9');
  await home.audit();
};
