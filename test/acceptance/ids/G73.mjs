// SPDX-License-Identifier: Apache-2.0
// buildRootObject gets the root of durable state. Durable stores take only what lasts; virtual ones
// take heap objects, too, under the same methods.
import { check, equal } from '../lib.mjs';

const stores = `
import { Far } from '@endo/far';
const { makeScalarBigMapStore, makeScalarBigSetStore } = VatData;
const { makeScalarBigWeakMapStore, makeScalarBigWeakSetStore } = VatData;
export const buildRootObject = (_powers, _parameters, baggage) => {
  const make = durable => ({
    map: makeScalarBigMapStore('map', { durable }),
    weakMap: makeScalarBigWeakMapStore('weakMap', { durable }),
    set: makeScalarBigSetStore('set', { durable }),
    weakSet: makeScalarBigWeakSetStore('weakSet', { durable }),
  });
  const virtual = make(false);
  const lasting = make(true);
  if (!baggage.has('map')) for (const name of Object.keys(lasting)) baggage.init(name, lasting[name]);
  const heap = Far('heap', { ping: () => 'pong' });
  const attempt = f => {
    try {
      f();
      return 'taken';
    } catch (error) {
      return error.message;
    }
  };
  const take = ({ map, weakMap, set, weakSet }) => harden([
    attempt(() => map.init('value', heap)),
    attempt(() => map.init('deep', harden([{ heap }]))),
    attempt(() => map.init(heap, 'as a key')),
    attempt(() => weakMap.init(heap, 'as a key')),
    attempt(() => set.add(heap)),
    attempt(() => weakSet.add(heap)),
  ]);
  return Far('root', {
    bootstrap: () => 'ready',
    virtual: () => take(virtual),
    virtualHas: () => harden([
      virtual.map.get('value') === heap, virtual.map.get('deep')[0].heap === heap,
      virtual.map.get(heap), virtual.weakMap.get(heap), virtual.set.has(heap), virtual.weakSet.has(heap),
    ]),
    durable: () => take(lasting),
    durableHas: () => harden([
      lasting.map.getSize(), lasting.weakMap.has(heap), lasting.set.getSize(), lasting.weakSet.has(heap),
    ]),
    baggage: () => attempt(() => baggage.init('heap', heap)),
    put: (key, value) => baggage.init(key, value),
    get: key => baggage.get(key),
    keys: () => harden([...baggage.keys()]),
    putDeep: (name, key, value) => baggage.get(name).init(key, value),
    getDeep: (name, key) => baggage.get(name).get(key),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ stores });
  equal(await home.send(root, 'virtual'), Array(6).fill('taken'), 'virtual stores');
  await home.keeve(['reap']);
  await home.settle();
  equal(await home.send(root, 'virtualHas'), [true, true, 'as a key', 'as a key', true, true],
    'what virtual stores have');
  for (const text of [...(await home.send(root, 'durable')), await home.send(root, 'baggage')]) {
    check(/not durable/.test(text), `a durable store says: ${text}`);
  }
  equal(await home.send(root, 'durableHas'), [0, false, 0, false], 'what durable stores have');
  // One root, in every life.
  await home.send(root, 'put', 'text', 'kept');
  await home.send(root, 'putDeep', 'map', 7, ['deep', { '@bigint': '1' }]);
  await home.restart();
  equal(await home.send(root, 'get', 'text'), 'kept', 'a value of the baggage');
  equal(await home.send(root, 'getDeep', 'map', 7), ['deep', { '@bigint': '1' }], 'a value of a store in it');
  equal((await home.send(root, 'keys')).sort(), ['map', 'set', 'text', 'weakMap', 'weakSet'], 'its keys');
};
