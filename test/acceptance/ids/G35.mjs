// SPDX-License-Identifier: Apache-2.0
// canBeDurable() and the stores agree about every kind of value, and a refusal says where inside the
// value stands what cannot last.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const prober = `
import { E, Far } from '@endo/far';
import { makeTagged } from '@endo/pass-style';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const { canBeDurable, defineDurableKind, defineKind, makeKindHandle } = VatData;
  const { makeScalarBigMapStore, makeScalarBigSetStore } = VatData;
  const handle = provide(baggage, 'handle', () => makeKindHandle('thing'));
  const makeThing = defineDurableKind(handle, held => ({ held }), {
    hold: ({ state }, held) => { state.held = held; },
    held: ({ state }) => state.held,
  });
  const makeVirtual = defineKind('virtual', () => ({}), { ping: () => 'pong' });
  const thing = provide(baggage, 'thing', () => makeThing(null));
  const map = provide(baggage, 'map', () => makeScalarBigMapStore('map', { durable: true }));
  const set = provide(baggage, 'set', () => makeScalarBigSetStore('set', { durable: true }));
  const heap = Far('purse', {});
  const table = presence => ({
    text: 'text', number: 1.5, bigint: 7n, undefined: undefined, null: null,
    symbol: Symbol.asyncIterator,
    record: harden({ a: [1, { b: 'c' }] }),
    tagged: makeTagged('pair', harden([1, 2])),
    error: harden(Error('kept')),
    presence, 'kind handle': handle, 'durable object': thing,
    'durable map': map, 'durable set': set,
    'record with durables': harden({ deep: [thing, presence] }),
    'heap object': heap,
    'virtual object': makeVirtual(),
    'virtual map': makeScalarBigMapStore('virtual'),
    promise: harden(Promise.resolve(1)),
    'record with a heap object': harden({ owner: [0, { purse: heap }] }),
    'tagged heap object': makeTagged('pair', harden([1, heap])),
    function: harden(() => 1),
    cycle: (() => { const a = {}; a.a = a; return harden(a); })(),
  });
  // What cannot be passed at all is refused by the predicate, too.
  const predicate = value => {
    try {
      return canBeDurable(value);
    } catch (error) {
      return 'refused';
    }
  };
  const attempt = f => {
    try {
      f();
      return 'stored';
    } catch (error) {
      return error.message;
    }
  };
  return Far('root', {
    bootstrap: () => 'ready',
    table: other => {
      const values = table(other);
      return harden(Object.keys(values).map(name => {
        const value = values[name];
        return [
          name,
          predicate(value),
          attempt(() => (map.has('v') ? map.set('v', value) : map.init('v', value))),
          attempt(() => thing.hold(value)),
          attempt(() => makeThing(value)),
          attempt(() => provide(baggage, 'b-' + name, () => value)),
        ];
      }));
    },
    key: () => harden([attempt(() => map.init(heap, 1)), attempt(() => set.add(heap))]),
  });
};`;

const lasting = ['text', 'number', 'bigint', 'undefined', 'null', 'symbol', 'record', 'tagged', 'error',
  'presence', 'kind handle', 'durable object', 'durable map', 'durable set', 'record with durables'];
const fleeting = {
  'heap object': /^$/,
  'virtual object': /^$/,
  'virtual map': /^$/,
  promise: /^$/,
  'record with a heap object': /\.owner\[1\]\.purse/,
  'tagged heap object': /payload\[1\]/,
  function: /./,
  cycle: /./,
};

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ prober, recorder });
  const rows = await home.send(vats.prober.root, 'table', { kref: vats.recorder.root });
  equal(rows.map(([name]) => name), [...lasting, ...Object.keys(fleeting)], 'the kinds of values');
  for (const [name, predicate, ...outcomes] of rows) {
    const passable = name !== 'function' && name !== 'cycle';
    equal(predicate, passable ? lasting.includes(name) : 'refused', `canBeDurable of ${name}`);
    if (predicate === true) {
      equal(outcomes, outcomes.map(() => 'stored'), `storing ${name}`);
      continue;
    }
    for (const text of outcomes) {
      check(text !== 'stored', `${name} was stored`);
      check(text.length > 10 && fleeting[name].test(fleeting[name].source === '^$' ? '' : text),
        `the refusal of ${name} says: ${text}`);
    }
    // Where: in which state, in which store.
    if (passable) {
      check(outcomes[1].includes('held') && outcomes[2].includes('held'), `in state: ${outcomes[1]}`);
      check(outcomes[0].includes('"map"') && outcomes[3].includes('"baggage"'),
        `in maps: ${outcomes}`);
    }
  }
  for (const text of await home.send(vats.prober.root, 'key')) {
    check(/durable/.test(text), `a heap object as a key: ${text}`);
  }
  // What was stored is there after signal 9, what was refused left nothing.
  await home.restart();
  const again = await home.send(vats.prober.root, 'table', { kref: vats.recorder.root });
  equal(again, rows, 'the table after a restart');
};
