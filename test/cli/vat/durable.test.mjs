// SPDX-License-Identifier: Apache-2.0
// Durable state: what a vat's cranks leave in its store, and say, is what npm's liveslots leaves and says.
// usage: node durable.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { comparableRows, runNpms, runOurs } from './both.mjs';

const [program] = process.argv.slice(2);

/** Texts of errors are each side's own; that there is one, and of which class, is compared. */
const withoutTexts = (value) =>
  JSON.parse(
    JSON.stringify(value, (key, member) =>
      key === 'body' && typeof member === 'string'
        ? member.replace(/"#error":"(?:[^"\\]|\\.)*","errorId":"[^"]*"/g, '"#error"')
        : member,
    ),
  );

/** leaveOut: keys of rows that are not compared. */
const agree = async (text, steps, leaveOut = /^$/) => {
  const [ours, npms] = await Promise.all([runOurs(program, text, steps, ['--unjailed']), runNpms(text, steps)]);
  const [rows, theirRows] = [ours, npms].map((results) =>
    comparableRows(results, steps).map((list) => list.filter(([key]) => !leaveOut.test(key))));
  for (const [n, theirs] of npms.entries()) {
    const step = n === 0 ? 'start' : `step ${n}, ${JSON.stringify(steps[n - 1])}`;
    assert.equal(ours[n].error !== '', theirs.error !== '', `${step}: ${ours[n].error} / ${theirs.error}`);
    assert.deepEqual(rows[n], theirRows[n], `rows after ${step}`);
    assert.deepEqual(withoutTexts(ours[n].syscalls), withoutTexts(theirs.syscalls), `syscalls of ${step}`);
  }
  return ours;
};

const head = `
  import { Far } from '@endo/far';
  import { M } from '@endo/patterns';
  import * as vd from '@agoric/vat-data';
  const { defineDurableKind, defineDurableKindMulti, defineKind, makeKindHandle, provide } = vd;
  const { makeScalarBigMapStore, makeScalarBigSetStore } = vd;
  const { makeScalarBigWeakMapStore, makeScalarBigWeakSetStore } = vd;
`;

const counters = `${head}
  export const buildRootObject = (powers, parameters, baggage) => {
    const handle = provide(baggage, 'handle', () => makeKindHandle('counter'));
    const makeCounter = defineDurableKind(
      handle,
      (name) => ({ name, count: 0n, other: undefined }),
      {
        increment: ({ state }, by = 1n) => (state.count += by),
        read: ({ state }) => harden([state.name, state.count, state.other]),
        hold: ({ state }, other) => { state.other = other; },
        twice: ({ state, self }) => { state.count += 1n; state.count += 1n; return self; },
        caught: ({ self }) => {
          try { self.fail(); } catch (error) { return harden([Object.isFrozen(error), error.message]); }
          return 'nothing thrown';
        },
        fail: ({ state }) => { state.count += 100n; throw Error('failed after a write'); },
        deep: ({ state }) => { state.other = harden({ list: [1, { far: Far('heap', {}) }] }); },
      },
      { finish: ({ state }) => { state.count = 1n; } },
    );
    return Far('root', {
      make: (name) => makeCounter(name),
      keep: (name) => { baggage.init(name, makeCounter(name)); return baggage.get(name); },
      get: (name) => baggage.get(name),
      put: (name, value) => (baggage.has(name) ? baggage.set(name, value) : baggage.init(name, value)),
      remove: (name) => baggage.delete(name),
      same: (name, other) => baggage.get(name) === other,
      names: () => harden([...baggage.keys()]),
      increment: (name) => baggage.get(name).increment(),
    });
  };
`;

test('durable objects: state, identity, references, restart', () =>
  agree(counters, [
    ['send', 'o+0', 'keep', '["a"]'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+d10/1', 'twice'],
    ['send', 'o+d10/1', 'fail'],
    ['send', 'o+d10/1', 'caught'],
    ['send', 'o+d10/1', 'deep'],
    ['send', 'o+0', 'same', '["a","$0.Alleged: counter"]', ['o+d10/1']],
    ['send', 'o+0', 'make', '["b"]'],
    ['send', 'o+0', 'make', '["c"]'],
    ['send', 'o+d10/2', 'hold', '["$0.Alleged: counter"]', ['o+d10/3']],
    ['send', 'o+d10/1', 'hold', '[["$0.Alleged: counter","$1.Alleged: thing"]]', ['o+d10/2', 'o-5']],
    ['drop', 'o+d10/3'],
    ['reap'],
    ['restart'],
    ['send', 'o+0', 'names'],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['drop', 'o+d10/2'],
    ['reap'],
    ['send', 'o+d10/1', 'hold', '[7]'],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",{"x":"$0.Alleged: thing"}]', ['o-6']],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",{"x":"$0.Alleged: thing","y":"$1"}]', ['o-6', 'o-7']],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",[]]'],
    ['reap'],
    ['send', 'o+0', 'put', '["s","text with \\"quotes\\", \\u0001 and \\ud83d\\ude00"]'],
    ['send', 'o+0', 'get', '["s"]'],
    ['send', 'o+0', 'get', '["absent"]'],
    ['send', 'o+0', 'put', '[3,4]'],
    ['send', 'o+0', 'remove', '["a"]'],
    ['reap'],
    ['drop', 'o+d10/1'],
    ['reap'],
    ['restart'],
    ['send', 'o+0', 'make', '["d"]'],
  ]));

const stores = `${head}
  export const buildRootObject = (powers, parameters, baggage) => {
    const all = {
      map: () => makeScalarBigMapStore('map', { durable: true }),
      set: () => makeScalarBigSetStore('set', { durable: true }),
      weakMap: () => makeScalarBigWeakMapStore('weak map', { durable: true }),
      weakSet: () => makeScalarBigWeakSetStore('weak set', { durable: true }),
      strings: () => makeScalarBigMapStore('strings', { durable: true, keyShape: M.string() }),
      records: () => makeScalarBigMapStore('records', {
        durable: true, keyShape: M.number(), valueShape: M.splitRecord({ n: M.number() }),
      }),
      brief: () => makeScalarBigMapStore('brief'),
      unlabelled: () => makeScalarBigSetStore(),
    };
    const handle = provide(baggage, 'handle', () => makeKindHandle('thing'));
    const makeThing = defineDurableKind(handle, () => ({}), { hello: () => 'hello' });
    const store = (name) => provide(baggage, name, all[name]);
    let held;
    return Far('root', {
      make: (name) => { store(name); },
      thing: () => makeThing(),
      init: (name, key, value) => store(name).init(key, value),
      set: (name, key, value) => store(name).set(key, value),
      get: (name, key) => store(name).get(key),
      has: (name, key) => store(name).has(key),
      remove: (name, key) => store(name).delete(key),
      add: (name, key) => store(name).add(key),
      addAll: (name, list) => store(name).addAll(list),
      entries: (name) => harden([...store(name).entries()]),
      keys: (name) => harden([...store(name).keys()]),
      values: (name) => harden([...store(name).values()]),
      some: (name) => harden([...store(name).keys(M.string()), ...store(name).entries(M.any(), M.number())]),
      size: (name) => harden([store(name).getSize(), store(name).getSize(M.number())]),
      snapshot: (name) => store(name).snapshot(),
      clear: (name) => store(name).clear(),
      clearNumbers: (name) => store(name).clear(M.number()),
      forget: (name) => baggage.delete(name),
      hold: (name) => { held = all[name](); held.init?.('k', Far('heap', {})); return held; },
      heldGet: () => held.get('k'),
      drop: () => { held = undefined; },
      bad: () => store('map').init('bad', Far('heap', {})),
      badKey: () => store('map').init(Far('heap', {}), 1),
      during: () => { for (const key of store('map').keys()) { store('map').init('new' + key, 1); } },
      deleting: () => { for (const key of store('map').keys()) { store('map').delete(key); } },
      partly: () => { const i = store('map').keys()[Symbol.iterator](); const { value } = i.next(); return value; },
    });
  };
`;

const everyKey = [
  '"text"', '""', '"ünï \\u0001|{}~"', '0', '-0', '1', '-1', '2.5', '-2.5', '1e300', '"#NaN"', '"#Infinity"',
  '"#-Infinity"', '"+0"', '"+9"', '"+10"', '"+12345678901234567890"', '"-1"', '"-9"', '"-10"', '"-100"',
  '"-12345678901234567890"', 'true', 'false', 'null', '"#undefined"', '"%name"', '"%@@asyncIterator"',
  '"$0.Alleged: import"',
];

test('stores: keys of every sort, in their order', () =>
  agree(stores, [
    ...everyKey.map((key, n) => ['send', 'o+0', 'init', `["map",${key},${n}]`, key[1] === '$' ? ['o-5'] : []]),
    ...everyKey.map((key) => ['send', 'o+0', 'get', `["map",${key}]`, key[1] === '$' ? ['o-5'] : []]),
    ['send', 'o+0', 'entries', '["map"]'],
    ['send', 'o+0', 'keys', '["map"]'],
    ['send', 'o+0', 'values', '["map"]'],
    ['send', 'o+0', 'some', '["map"]'],
    ['send', 'o+0', 'size', '["map"]'],
    ['restart'],
    ['send', 'o+0', 'entries', '["map"]'],
    ['send', 'o+0', 'clearNumbers', '["map"]'],
    ['send', 'o+0', 'keys', '["map"]'],
    ['send', 'o+0', 'deleting', '["map"]'],
    ['send', 'o+0', 'size', '["map"]'],
    ['send', 'o+0', 'init', `["map","${'k'.repeat(218)}",1]`],
    ['send', 'o+0', 'init', `["map","${'k'.repeat(219)}",1]`],
    ['send', 'o+0', 'init', '["map",[1],1]'],
    ['send', 'o+0', 'init', '["map",{"a":1},1]'],
  ]));

test('stores: the four sorts, shapes, refusals, clearing', () =>
  agree(stores, [
    ...['map', 'set', 'weakMap', 'weakSet', 'strings', 'records', 'brief', 'unlabelled'].map((name) =>
      ['send', 'o+0', 'make', `["${name}"]`]),
    ['send', 'o+0', 'thing'],
    ['send', 'o+0', 'thing'],
    ['send', 'o+0', 'init', '["map","$0.Alleged: thing",{"self":"$0"}]', ['o+d10/1']],
    ['send', 'o+0', 'init', '["map","$0.Alleged: thing",1]', ['o+d10/1']],
    ['send', 'o+0', 'set', '["map","$0.Alleged: thing",["$0","$1.Alleged: thing"]]', ['o+d10/1', 'o+d10/2']],
    ['send', 'o+0', 'set', '["map","absent",1]'],
    ['send', 'o+0', 'remove', '["map","absent"]'],
    ['send', 'o+0', 'bad'],
    ['send', 'o+0', 'badKey'],
    ['send', 'o+0', 'during'],
    ['send', 'o+0', 'partly'],
    ['send', 'o+0', 'add', '["set","$0.Alleged: thing"]', ['o+d10/2']],
    ['send', 'o+0', 'add', '["set","$0.Alleged: thing"]', ['o+d10/2']],
    ['send', 'o+0', 'addAll', '["set",[1,2,3,2]]'],
    ['send', 'o+0', 'keys', '["set"]'],
    ['send', 'o+0', 'values', '["set"]'],
    ['send', 'o+0', 'entries', '["set"]'],
    ['send', 'o+0', 'snapshot', '["set"]'],
    ['send', 'o+0', 'snapshot', '["strings"]'],
    ['send', 'o+0', 'addAll', '["strings",[["a",1],["b",{"c":"$0.Alleged: thing"}],["a",2]]]', ['o+d10/1']],
    ['send', 'o+0', 'snapshot', '["strings"]'],
    ['send', 'o+0', 'init', '["strings",5,1]'],
    ['send', 'o+0', 'has', '["strings",5]'],
    ['send', 'o+0', 'init', '["records",5,{"n":1}]'],
    ['send', 'o+0', 'init', '["records",6,{"n":"x"}]'],
    ['send', 'o+0', 'set', '["records",5,{"m":"x"}]'],
    ['send', 'o+0', 'init', '["weakMap","$0.Alleged: thing","$1.Alleged: import"]', ['o+d10/1', 'o-7']],
    ['send', 'o+0', 'init', '["weakMap","$0.Alleged: import","of import"]', ['o-8']],
    ['send', 'o+0', 'add', '["weakSet","$0.Alleged: import"]', ['o-8']],
    ['send', 'o+0', 'keys', '["weakMap"]'],
    ['reap'],
    ['drop', 'o+d10/1', 'o+d10/2'],
    ['reap'],
    ['send', 'o+0', 'remove', '["map","$0.Alleged: thing"]', ['o+d10/1']],
    ['reap'],
    ['send', 'o+0', 'clear', '["strings"]'],
    ['reap'],
    ['send', 'o+0', 'clear', '["set"]'],
    ['retire', 'o+d10/2'],
    ['reap'],
    ['retireImports', 'o-8'],
    ['reap'],
    ['send', 'o+0', 'forget', '["weakMap"]'],
    ['send', 'o+0', 'forget', '["records"]'],
    ['reap'],
    ['send', 'o+0', 'hold', '["brief"]'],
    ['send', 'o+0', 'heldGet'],
    ['drop', 'o+v2/12'],
    ['reap'],
    ['send', 'o+0', 'heldGet'],
    ['send', 'o+0', 'drop'],
    ['reap'],
    ['restart'],
    ['send', 'o+0', 'size', '["map"]'],
  ]));

/** A generator that gives the same numbers for a seed, on every machine. */
const numbersOf = (seed) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
};

for (const seed of [1, 2, 3]) {
  test(`stores: random programs, seed ${seed}`, () => {
    const below = numbersOf(seed);
    const pick = (list) => list[below(list.length)];
    const names = ['map', 'weakMap', 'strings', 'set', 'weakSet'];
    const keys = ['"a"', '"b"', '1', '2', '"+3"', '"$0.Alleged: import"', '"$1.Alleged: thing"', '[1]'];
    const values = ['1', '"text"', '"$0.Alleged: import"', '{"t":"$1.Alleged: thing"}', '["$1.Alleged: thing"]'];
    const slots = () => [`o-${5 + below(2)}`, `o+d10/${1 + below(3)}`];
    const step = () => {
      const name = pick(names);
      const kind = name.toLowerCase().includes('set') ? 'set' : 'map';
      const shown = pick(['size', 'keys', 'values', 'entries', 'some']);
      return pick([
        () => ['send', 'o+0', kind === 'set' ? 'add' : 'init', `["${name}",${pick(keys)},${pick(values)}]`, slots()],
        () => ['send', 'o+0', kind === 'set' ? 'add' : 'set', `["${name}",${pick(keys)},${pick(values)}]`, slots()],
        () => ['send', 'o+0', 'remove', `["${name}",${pick(keys)}]`, slots()],
        () => ['send', 'o+0', 'has', `["${name}",${pick(keys)}]`, slots()],
        () => ['send', 'o+0', shown, `["${name}"]`],
        () => ['send', 'o+0', below(4) ? 'has' : 'clear', `["${name}",${pick(keys)}]`, slots()],
        () => ['reap'],
        () => (below(5) ? ['reap'] : ['restart']),
      ])();
    };
    const things = [1, 2, 3].map(() => ['send', 'o+0', 'thing']);
    return agree(stores, [...things, ...Array.from({ length: 120 }, step)]);
  });
}

const kits = `${head}
  export const buildRootObject = (powers, parameters, baggage) => {
    const handle = provide(baggage, 'kit', () => makeKindHandle('kit'));
    let amplify; let isKit;
    const makeKit = defineDurableKindMulti(handle, (n) => ({ n }), {
      up: { up: ({ state, facets }) => { state.n += 1; return facets.down; }, n: ({ state }) => state.n },
      down: { down: ({ state, facets }) => { state.n -= 1; return facets.up; } },
      $PLUS
    }, { receiveAmplifier: (a) => { amplify = a; }, receiveInstanceTester: (t) => { isKit = t; } });
    const makeBrief = defineKind('brief', (x) => ({ x }), { get: ({ state }) => state.x, set: ({ state }, x) => { state.x = x; } });
    const makeBriefKit = vd.defineKindMulti('brief kit', () => ({}), { a: { b: ({ facets }) => facets.b }, b: { a: ({ facets }) => facets.a } });
    let held;
    return Far('root', {
      make: (n) => makeKit(n),
      keep: (n) => { const { up, down } = makeKit(n); baggage.init('up', up); baggage.init('down', down); },
      keepOne: (n) => { baggage.init('one', makeKit(n).down); return baggage.get('one'); },
      get: (name) => baggage.get(name),
      forget: (name) => baggage.delete(name),
      amplify: (facet) => { const { up, down } = amplify(facet); return harden([up === facet, down === facet, up.n()]); },
      is: (facet) => harden([isKit(facet), isKit(facet, 'up'), isKit(facet, 'down')]),
      isBad: (facet) => isKit(facet, 'sideways'),
      brief: () => { held = makeBrief(Far('heap', {})); return held; },
      briefKit: () => makeBriefKit(),
      briefHeld: () => held.get(),
      briefSet: (x) => held.set(x),
      briefInBaggage: () => baggage.init('brief', held),
      weak: (facet) => { provide(baggage, 'weak', () => makeScalarBigWeakMapStore('weak', { durable: true })).init(facet, 1); },
      oneFacet: () => { vd.defineKindMulti('one', () => ({}), { a: { f: () => 1 } }); },
      symbolFacet: () => { vd.defineKindMulti('odd', () => ({}), { a: { f: () => 1 }, [Symbol.for('b')]: { f: () => 1 } }); },
      notFunctions: () => { defineKind('data', () => ({}), { f: 1 }); },
      notKit: () => { defineKind('kit', () => ({}), { a: { f: () => 1 }, b: { f: () => 1 } }); },
      notData: () => defineKind('text', () => 'text', { f: () => 1 })(),
      wrongThis: (facet) => { const { up } = makeKit(1); return up.n.apply(facet); },
    });
  };
`;

test('kits: facets live and die together, and know each other', () =>
  agree(kits.replace('$PLUS', ''), [
    ['send', 'o+0', 'make', '[5]'],
    ['send', 'o+d10/1:1', 'up'],
    ['send', 'o+d10/1:0', 'down'],
    ['send', 'o+d10/1:1', 'n'],
    ['send', 'o+0', 'amplify', '["$0.Alleged: kit up"]', ['o+d10/1:1']],
    ['send', 'o+0', 'amplify', '["$0.Alleged: kit down"]', ['o+d10/1:0']],
    ['send', 'o+0', 'amplify', '["$0.Alleged: import"]', ['o-5']],
    ['send', 'o+0', 'is', '["$0.Alleged: kit up"]', ['o+d10/1:1']],
    ['send', 'o+0', 'is', '["$0.Alleged: import"]', ['o-5']],
    ['send', 'o+0', 'isBad', '["$0.Alleged: import"]', ['o-5']],
    ['send', 'o+0', 'wrongThis', '["$0.Alleged: kit down"]', ['o+d10/1:0']],
    ...['oneFacet', 'symbolFacet', 'notFunctions', 'notKit', 'notData'].map((name) => ['send', 'o+0', name]),
    ['drop', 'o+d10/1:0'],
    ['reap'],
    ['send', 'o+0', 'weak', '["$0.Alleged: kit up"]', ['o+d10/1:1']],
    ['drop', 'o+d10/1:1'],
    ['reap'],
    ['send', 'o+0', 'keep', '[7]'],
    ['send', 'o+0', 'keepOne', '[8]'],
    ['send', 'o+0', 'get', '["up"]'],
    ['send', 'o+0', 'brief'],
    ['send', 'o+0', 'briefHeld'],
    ['send', 'o+0', 'briefInBaggage'],
    ['send', 'o+0', 'briefSet', '["$0.Alleged: kit up"]', ['o+d10/2:1']],
    ['send', 'o+0', 'briefKit'],
    ['reap'],
    ['send', 'o+0', 'forget', '["up"]'],
    ['send', 'o+0', 'forget', '["down"]'],
    ['reap'],
    ['restart', kits.replace('$PLUS', 'aside: { here: () => 1 },')],
    ['send', 'o+0', 'get', '["one"]'],
    ['send', 'o+0', 'make', '[1]'],
    ['send', 'o+0', 'forget', '["one"]'],
    ['drop', 'o+d10/3:0'],
    ['reap'],
  ], /^vom\.rc\.o\+d10\/2$/)); // counts what a virtual object of the heap before the restart held

const exos = `${head}
  import { E } from '@endo/far';
  import { makeDurableZone } from '@agoric/zone/durable.js';
  const { prepareExo, prepareExoClass, prepareExoClassKit, provideDurableMapStore } = vd;
  const CounterI = M.interface('Counter', {
    increment: M.call(M.bigint()).returns(M.bigint()),
    later: M.callWhen(M.await(M.remotable())).returns(M.any()),
    read: M.call().returns(M.record()),
  });
  const KitI = { reader: M.interface('R', { read: M.call().returns(M.any()) }),
    writer: M.interface('W', { write: M.call(M.any()).optional(M.string()).returns() }) };
  export const buildRootObject = (powers, parameters, baggage) => {
    const makeCounter = prepareExoClass(baggage, 'counter', CounterI, (start) => ({ n: start }), {
      increment(by) { this.state.n += by; return this.state.n; },
      later(other) { return harden([other === this.self, this.state.n]); },
      read() { return harden({ n: this.state.n, self: this.self }); },
    }, { stateShape: { n: M.bigint(), $SHAPE } });
    const makeKit = prepareExoClassKit(baggage, 'store', KitI, () => ({ value: 'none' }), {
      reader: { read() { return this.state.value; } },
      writer: { write(value, note) { this.state.value = harden([value, note, this.facets.reader]); } },
    }, { finish: ({ facets }) => { facets.writer.write('finished'); } });
    const single = prepareExo(baggage, 'single', M.interface('S', {}, { defaultGuards: 'passable' }), {
      hi: (name) => 'hi ' + name,
    });
    const table = provideDurableMapStore(baggage, 'table');
    const zone = makeDurableZone(baggage);
    const makePoint = zone.exoClass('point', undefined, (x, y) => ({ x, y }), {
      move(dx, dy) { this.state.x += dx; this.state.y += dy; return this.self; },
      where() { return harden([this.state.x, this.state.y]); },
    });
    const inner = zone.subZone('inner');
    const points = inner.mapStore('points');
    const origin = zone.makeOnce('origin', () => makePoint(0, 0));
    return Far('root', {
      counter: (n) => makeCounter(n),
      kit: () => makeKit(),
      single: () => single,
      put: (key, value) => { table.init(key, value); },
      point: (name, x, y) => { points.init(name, makePoint(x, y)); return points.get(name); },
      origin: () => origin,
      moved: async () => { const p = await E(origin).move(1, 2); return harden([p === origin, await E(p).where()]); },
    });
  };
`;

test("npm's exo classes, kits, guards and zones", () =>
  agree(exos.replace('$SHAPE', ''), [
    ['send', 'o+0', 'counter', '["+5"]'],
    ['send', 'o+0', 'counter', '[5]'],
    ['send', 'o+d10/1', 'increment', '["+2"]'],
    ['send', 'o+d10/1', 'increment', '[2]'],
    ['send', 'o+d10/1', 'increment', '[]'],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+d10/1', 'later', '["$0.Alleged: counter"]', ['o+d10/1']],
    ['send', 'o+d10/1', '__getInterfaceGuard__'],
    ['send', 'o+d10/1', '__getMethodNames__'],
    ['send', 'o+0', 'kit'],
    ['send', 'o+d11/1:1', 'write', '[{"a":"$0.Alleged: import"},"note"]', ['o-5']],
    ['send', 'o+d11/1:1', 'write', '[1,2]'],
    ['send', 'o+d11/1:0', 'read'],
    ['send', 'o+0', 'single'],
    ['send', 'o+d12/1', 'hi', '["you"]'],
    ['send', 'o+0', 'put', '["k","$0.Alleged: single"]', ['o+d12/1']],
    ['send', 'o+0', 'point', '["p",1,2]'],
    ['send', 'o+0', 'origin'],
    ['send', 'o+0', 'moved'],
    ['reap'],
    ['restart', exos.replace('$SHAPE', 'label: M.or(M.string(), M.undefined())')],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+0', 'counter', '["+7"]'],
    ['send', 'o+0', 'moved'],
    ['reap'],
    ['restart', exos.replace('$SHAPE', 'label: M.string()')],
  ]));

const watchers = `${head}
  import { E } from '@endo/far';
  const { providePromiseWatcher, watchPromise } = vd;
  export const buildRootObject = (powers, parameters, baggage) => {
    const heard = provide(baggage, 'heard', () => makeScalarBigMapStore('heard', { durable: true }));
    const hear = (...what) => heard.init(heard.getSize(), harden(what));
    const handle = provide(baggage, 'handle', () => makeKindHandle('watcher'));
    const watcher = providePromiseWatcher(handle,
      (value, ...args) => hear('fulfilled', value, ...args), (reason, ...args) => hear('rejected', reason, ...args));
    const quietHandle = provide(baggage, 'quiet', () => makeKindHandle('quiet'));
    const quiet = providePromiseWatcher(quietHandle);
    const keys = [];
    return Far('root', {
      watch: (p, ...args) => watchPromise(p, watcher, ...args),
      twice: (p) => { watchPromise(p, watcher, 1); watchPromise(p, watcher, 2); watchPromise(p, quiet); },
      ask: (other, ...args) => { watchPromise(E(other).question(), watcher, ...args); },
      local: () => watchPromise(Promise.resolve('local'), watcher),
      never: () => watchPromise(new Promise(() => {}), watcher, 'left'),
      bad: () => { watchPromise(Promise.resolve(), Far('x', { onFulfilled() {} })); watchPromise(3, watcher); },
      heard: () => harden([...heard.entries()]),
    });
  };
`;

test('watched promises, across a restart', () =>
  agree(watchers, [
    ['send', 'o+0', 'local'],
    ['send', 'o+0', 'heard'],
    ['send', 'o+0', 'watch', '["&0","extra",{"of":"$1.Alleged: import"}]', ['p-7', 'o-5']],
    ['send', 'o+0', 'ask', '["$0.Alleged: other","asked"]', ['o-6']],
    ['send', 'o+0', 'never'],
    ['send', 'o+0', 'bad'],
    ['send', 'o+0', 'twice', '["&0"]', ['p-8']],
    ['fulfill', 'p-7', '"soon"'],
    ['send', 'o+0', 'heard'],
    ['reap'],
    ['send', 'o+0', 'watch', '["&0","kept"]', ['p-9']],
    ['restart'],
    ['fulfill', 'p-8', '{"two":"$0.Alleged: import"}', ['o-9']],
    ['reject', 'p-9', '{"#error":"gone","name":"Error"}'],
    ['reject', 'p+6', '"ours, rejected by the kernel"'],
    ['send', 'o+0', 'heard'],
    ['reap'],
  ]));

test('a kind that is not defined again is named', async () => {
  const forgetful = `${head}
    export const buildRootObject = (powers, parameters, baggage) => Far('root', {});`;
  const results = await agree(counters, [['restart', forgetful]]);
  assert.match(results[1].error, /defineDurableKind not called for tags: \[counter\]/);
  assert.match(results[1].error, /prepareExoClass\(baggage, tag/);
});

test('refusals say where and what', async () => {
  const results = await agree(counters, [
    ['send', 'o+0', 'keep', '["a"]'],
    ['send', 'o+d10/1', 'deep'],
    ['send', 'o+0', 'get', '["nobody"]'],
    ['send', 'o+0', 'keep', '["a"]'],
  ]);
  const text = (n) => JSON.parse(results[n].syscalls[0][1][0][2].body.slice(1))['#error'];
  assert.match(text(2), /state\.other\.list\[1\]\.far is an object of the heap/);
  assert.equal(text(3), 'key "nobody" not found in collection "baggage"');
  assert.equal(text(4), 'key "a" already registered in collection "baggage"');
});

const leavers = `${head}
  export const buildRootObject = (powers, parameters, baggage) => {
    const handle = provide(baggage, 'thing', () => makeKindHandle('thing'));
    const makeThing = defineDurableKind(handle, (held) => ({ held }), { held: ({ state }) => state.held });
    const makeBrief = defineKind('brief', (held) => ({ held, text: 'brief' }), { held: ({ state }) => state.held });
    const makeKit = vd.defineKindMulti('pair', (held) => ({ held }), { a: { f: () => 1 }, b: { f: () => 1 } });
    const makers = {
      brief: makeBrief, pair: (it) => makeKit(it).b, thing: makeThing,
      map: (it) => { const store = makeScalarBigMapStore('map'); store.init('value', it); return store; },
      key: (it) => { const store = makeScalarBigSetStore('set'); store.add(it); return store; },
      weak: (it) => { const store = makeScalarBigWeakMapStore('weak'); store.init(it, it); return store; },
      durableMap: (it) => { const store = makeScalarBigMapStore('own', { durable: true }); store.init(it, it); return store; },
      durableWeak: (it) => { const store = makeScalarBigWeakSetStore('own', { durable: true }); store.add(it); return store; },
    };
    const kept = [];
    return Far('root', {
      hold: (what, it) => { kept.push(makers[what](it)); },
      holdNew: (what) => { kept.push(makers[what](makeThing('inner'))); },
      show: (what, it) => { kept.push(makers[what](it)); return kept.at(-1); },
      nest: (it) => { kept.push(makeBrief(makers.map(makeBrief(it)))); },
      note: (it) => provide(baggage, 'noted', () => makeScalarBigWeakMapStore('noted', { durable: true })).init(it, 1),
      keep: (name, it) => baggage.init(name, it),
      get: (name) => baggage.get(name),
    });
  };
`;

const importText = '"$0.Alleged: import"';
const sorts = ['brief', 'pair', 'thing', 'map', 'key', 'weak', 'durableMap', 'durableWeak'];

test('what a heap alone held goes after a restart, with all it held', async () => {
  const steps = [
    ['send', 'o+0', 'keep', `["kept",${importText}]`, ['o-4']],
    ...sorts.map((what, n) => ['send', 'o+0', 'hold', `["${what}",${importText}]`, [`o-${10 + n}`]]),
    ...sorts.map((what) => ['send', 'o+0', 'holdNew', `["${what}"]`]),
    ...['brief', 'map'].map((what, n) => ['send', 'o+0', 'show', `["${what}",${importText}]`, [`o-${30 + n}`]]),
    ['send', 'o+0', 'nest', `[${importText}]`, ['o-40']],
    ['send', 'o+0', 'hold', `["brief",${importText}]`, ['o-4']],
    ['restart'],
    ['send', 'o+0', 'hold', `["brief",${importText}]`, ['o-5']],
    ['send', 'o+0', 'hold', `["map",${importText}]`, ['o-6']],
    ['reap'],
    ['reap'],
    ['send', 'o+0', 'get', '["kept"]'],
  ];
  const results = await runOurs(program, leavers, steps, ['--unjailed']);
  assert.equal(results.at(-1).error, '');
  const [first, second, last] = results.slice(-3);
  const gone = [...sorts.map((_, n) => `o-${10 + n}`), 'o-30', 'o-31', 'o-40'];
  // The kernel itself has dropped what only weak stores knew.
  const reached = gone.filter((vref) => !['o-17'].includes(vref));
  assert.deepEqual(first.syscalls, [['dropImports', reached], ['retireImports', gone]]);
  assert.deepEqual(second.syscalls, []);
  assert.match(JSON.stringify(last.syscalls), /\$0\.Alleged: import.*o-4/);

  // As in a vat that began with the names of this heap, and what is kept.
  const left = last.rows.filter(([key]) => /^v(om\.|c\.)/.test(key)).map(([key]) => key);
  assert.deepEqual(left.filter((key) => /^vc\.(?!1\.|2\.|3\.)/.test(key)).map((key) => key.replace(/^vc\.\d+/, 'vc.N')),
    ['vc.N.svalue', 'vc.N.|entryCount', 'vc.N.|nextOrdinal', 'vc.N.|schemata'], 'stores');
  assert.deepEqual(left.filter((key) => /^vom\.(o|es)/.test(key)).map((key) => key.replace(/\d+\/\d+$/, 'K/I')),
    ['vom.o+vK/I'], 'objects');
  assert.deepEqual(left.filter((key) => /^vom\.(rc\.o-|ir)/.test(key)), ['vom.rc.o-4', 'vom.rc.o-5', 'vom.rc.o-6']);
  assert.equal(left.filter((key) => /^vom\.vkind/.test(key)).length, 2, 'kinds of this heap');
  assert.equal(new Map(last.rows).get('vom.rc.o-4'), '1');
});

test('a durable object that only an ended heap held is retired from where it is known', async () => {
  const steps = [
    ['send', 'o+0', 'show', `["thing",${importText}]`, ['o-10']],
    ['send', 'o+0', 'show', `["durableMap",${importText}]`, ['o-11']],
    ['send', 'o+0', 'note', '["$0.Alleged: thing"]', ['o+d10/1']],
    ['drop', 'o+d10/1', 'o+d6/4'],
    ['restart'],
    ['reap'],
  ];
  const results = await runOurs(program, leavers, steps, ['--unjailed']);
  const last = results.at(-1);
  assert.equal(last.error, '');
  assert.deepEqual(last.syscalls, [['dropImports', ['o-10', 'o-11']], ['retireImports', ['o-10', 'o-11']],
    ['retireExports', ['o+d10/1', 'o+d6/4']]]);
  assert.deepEqual(last.rows.filter(([key]) => /o\+d10\/1|o\+d6\/4|^vc\.4\./.test(key)), []);
});
