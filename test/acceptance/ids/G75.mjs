// SPDX-License-Identifier: Apache-2.0
// How stores differ from Map: init is for new keys, set, get and delete are for those that are there
// and throw otherwise; keys come in order. A write is kept without more ado.
import { check, equal } from '../lib.mjs';

const table = `
import { Far } from '@endo/far';
const { makeScalarBigMapStore, makeScalarBigSetStore, makeScalarBigWeakMapStore } = VatData;
const attempt = f => {
  try {
    const it = f();
    return it === undefined ? 'undefined' : it;
  } catch (error) {
    return 'throws: ' + error.message;
  }
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const make = {
    baggage: () => baggage,
    durable: () => makeScalarBigMapStore('durable', { durable: true }),
    virtual: () => makeScalarBigMapStore('virtual'),
    weak: () => makeScalarBigWeakMapStore('weak'),
  };
  const key = Far('key', {});
  if (!baggage.has('kept')) baggage.init('kept', makeScalarBigMapStore('kept', { durable: true }));
  return Far('root', {
    bootstrap: () => 'ready',
    table: name => {
      const store = make[name]();
      const k = name === 'weak' ? key : 'k';
      return harden([
        attempt(() => store.has(k)),
        attempt(() => store.get(k)),
        attempt(() => store.set(k, 1)),
        attempt(() => store.delete(k)),
        attempt(() => store.init(k, 1)),
        attempt(() => store.init(k, 2)),
        attempt(() => store.has(k)),
        attempt(() => store.get(k)),
        attempt(() => store.set(k, 3)),
        attempt(() => store.get(k)),
        attempt(() => store.delete(k)),
        attempt(() => store.has(k)),
        attempt(() => store.get(k)),
      ]);
    },
    order: () => {
      const store = makeScalarBigMapStore('order');
      const given = ['b', 10, 2, -1, 'a', 3n, -20n, 1.5, true, NaN, 'B', undefined, null, false, 100n];
      for (const it of given) store.init(it, it);
      return harden([[...store.keys()], [...store.values()], [...store.entries()], store.getSize()]);
    },
    set: () => {
      const set = makeScalarBigSetStore('set');
      set.add('x');
      set.add('x');
      set.addAll(['z', 'y']);
      return harden([
        set.has('x'), set.getSize(), [...set.keys()], [...set.values()],
        attempt(() => set.delete('x')), attempt(() => set.delete('x')), set.getSize(),
        attempt(() => set.clear()), set.getSize(),
      ]);
    },
    refused: () => {
      const store = makeScalarBigMapStore('scalars');
      return harden([
        attempt(() => store.init({}, 1)), attempt(() => store.init(harden(['array']), 1)),
        attempt(() => store.init(Symbol('mine'), 1)), attempt(() => store.init('k', new Map())),
        attempt(() => {
          store.init('a', 1);
          for (const it of store.keys()) store.init(it + it, 1);
        }),
      ]);
    },
    copies: () => {
      const store = makeScalarBigMapStore('copies');
      const record = harden({ inner: [1] });
      store.init('k', record);
      return harden([store.get('k') === record, Object.isFrozen(store.get('k')), store.get('k')]);
    },
    put: value => {
      const kept = baggage.get('kept');
      return kept.has('k') ? kept.set('k', value) : kept.init('k', value);
    },
    get: () => baggage.get('kept').get('k'),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ table });
  const missing = /^throws: .*not found/;
  const taken = /^throws: .*already registered/;
  const expected = [/^false$/, missing, missing, missing, /^undefined$/, taken, /^true$/, /^1$/,
    /^undefined$/, /^3$/, /^undefined$/, /^false$/, missing];
  for (const name of ['baggage', 'durable', 'virtual', 'weak']) {
    const found = await home.send(root, 'table', name);
    equal(found.length, expected.length, name);
    found.forEach((it, i) => check(expected[i].test(String(it)), `${name}, step ${i}: ${it}`));
  }

  const big = n => ({ '@bigint': String(n) });
  const und = { '@undefined': true };
  const nan = { '@number': 'NaN' };
  const [keys, values, entries, size] = await home.send(root, 'order');
  equal(size, 15, 'size');
  const within = [[-1, 1.5, 2, 10, nan], [big(-20), big(3), big(100)], ['B', 'a', 'b'], [false, true]];
  for (const group of within) {
    const places = group.map(it => keys.findIndex(k => JSON.stringify(k) === JSON.stringify(it)));
    check(places.every((at, i) => at >= 0 && (i === 0 || at === places[i - 1] + 1)),
      `${JSON.stringify(group)} is not in order in ${JSON.stringify(keys)}`);
  }
  equal(values, keys, 'values come in the order of keys');
  equal(entries, keys.map(k => [k, k]), 'entries too');
  check(keys.some(k => k === null) && keys.some(k => JSON.stringify(k) === JSON.stringify(und)),
    'null and undefined are keys');

  const [has, three, setKeys, setValues, first, second, ...rest] = await home.send(root, 'set');
  equal([has, three, setKeys, setValues], [true, 3, ['x', 'y', 'z'], ['x', 'y', 'z']], 'a set');
  equal([first, rest], ['undefined', [2, 'undefined', 0]], 'what goes from a set');
  check(missing.test(second), `deleting twice: ${second}`);
  for (const text of await home.send(root, 'refused')) {
    check(/^throws: ./.test(text), `it was accepted: ${text}`);
  }
  equal(await home.send(root, 'copies'), [false, true, { inner: [1] }], 'values are copies');

  await home.send(root, 'put', 1);
  await home.send(root, 'put', 2);
  await home.restart();
  equal(await home.send(root, 'get'), 2, 'what was written is there');
};
