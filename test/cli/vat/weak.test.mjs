// SPDX-License-Identifier: Apache-2.0
// WeakMap and WeakSet: a key that may leave the heap and come back is known by its name, as with npm's
// liveslots, and otherwise they are the engine's.
// usage: node weak.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { comparableRows, runNpms, runOurs } from './both.mjs';

const [program] = process.argv.slice(2);
const ours = (text, steps) => runOurs(program, text, steps, ['--unjailed']);

const withoutTexts = (value) =>
  JSON.parse(
    JSON.stringify(value, (key, member) =>
      key === 'body' && typeof member === 'string'
        ? member.replace(/"#error":"(?:[^"\\]|\\.)*","errorId":"[^"]*"/g, '"#error"')
        : member,
    ),
  );

const agree = (results, npms, steps) => {
  const [rows, theirRows] = [results, npms].map((them) => comparableRows(them, steps));
  for (const [n, theirs] of npms.entries()) {
    const step = n === 0 ? 'start' : `step ${n}, ${JSON.stringify(steps[n - 1])}`;
    assert.equal(results[n].error, theirs.error, `the error of ${step}`);
    assert.deepEqual(withoutTexts(results[n].syscalls), withoutTexts(theirs.syscalls), `syscalls of ${step}`);
    assert.deepEqual(rows[n], theirRows[n], `rows after ${step}`);
  }
};

/** Maps, sets and cells, each in three; what a cell holds is a key and a value. */
const vat = `
  import { E, Far } from '@endo/far';
  import * as vd from '@agoric/vat-data';
  const { provide } = vd;
  export const buildRootObject = ({ WeakMap, WeakSet }, parameters, baggage) => {
    const handleOf = (name) => provide(baggage, name, () => vd.makeKindHandle(name));
    const makeThing = vd.defineDurableKind(handleOf('thing'), () => ({ held: undefined }), {
      hold: ({ state }, x) => { state.held = x; },
      held: ({ state }) => state.held,
    });
    const makeKit = vd.defineDurableKindMulti(handleOf('kit'), () => ({}), {
      up: { other: ({ facets }) => facets.down }, down: { other: ({ facets }) => facets.up },
    });
    const makeBrief = vd.defineKind('brief', () => ({}), { hello: () => 'hello' });
    const store = provide(baggage, 'store', () => vd.makeScalarBigMapStore('store', { durable: true }));
    const weakStore = provide(baggage, 'weak', () => vd.makeScalarBigWeakMapStore('weak', { durable: true }));
    const makers = {
      thing: makeThing, brief: makeBrief, up: () => makeKit().up, down: () => makeKit().down,
      far: () => Far('far', {}), store: () => vd.makeScalarBigMapStore('cell'),
    };
    const cells = [];
    const collections = [];
    return Far('root', {
      make: (i, what) => { cells[i] = makers[what](); },
      put: (i, x) => { cells[i] = x; },
      give: (i) => cells[i],
      clear: (i) => { cells[i] = undefined; },
      save: (key, i) => { if (store.has(key)) { store.set(key, cells[i]); } else { store.init(key, cells[i]); } },
      load: (i, key) => { cells[i] = store.get(key); },
      forget: (key) => store.delete(key),
      hold: (i, j) => cells[i].hold(cells[j]),
      held: (i, j) => { cells[i] = cells[j].held(); },
      other: (i) => { cells[i] = cells[i].other(); },
      note: (i) => { if (!weakStore.has(cells[i])) { weakStore.init(cells[i], 'noted'); } },
      map: (m) => { collections[m] = new WeakMap(); },
      fill: (m, i, j) => { collections[m] = new WeakMap().set(cells[i], 'first').set(cells[j], cells[i]); },
      set: (m) => {
        collections[m] = new WeakSet();
        cells.filter((x) => x !== undefined).forEach((x) => collections[m].add(x));
      },
      end: (m) => { collections[m] = undefined; },
      enter: (m, i, value) => { collections[m].set(cells[i], value); },
      tie: (m, i, j) => { collections[m].set(cells[i], cells[j]); },
      get: (m, x) => harden([collections[m].has(x), collections[m].get(x)]),
      look: (m, i) => harden([collections[m].has(cells[i]), collections[m].get(cells[i])]),
      add: (m, i) => { collections[m].add(cells[i]); },
      has: (m, x) => collections[m].has(x),
      remove: (m, i) => collections[m].delete(cells[i]),
      removeIt: (m, x) => collections[m].delete(x),
    });
  };
`;

const numbersOf = (seed) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
};

/** Makes legal deliveries: it knows what the kernel would know of the vat's imports and exports. */
const makeProgram = (seed, count) => {
  const below = numbersOf(seed);
  const pick = (list) => list[below(list.length)];
  const steps = [];
  let nextImport = 10;
  let imports = []; // names the vat may be told
  const reached = new Set(); // exports the kernel reaches
  const seen = new Set(); // exports it only sees
  const dropped = new Set(); // imports the vat only sees

  const hear = ({ syscalls }) => {
    for (const [name, list, ...rest] of syscalls) {
      const slots = name === 'resolve' ? list.flatMap(([, , data]) => data.slots) : [];
      for (const vref of slots.filter((slot) => slot.startsWith('o+') && slot !== 'o+0')) {
        reached.add(vref);
        seen.delete(vref);
      }
      if (name === 'dropImports') {
        list.forEach((vref) => dropped.add(vref));
      } else if (name === 'retireImports') {
        imports = imports.filter((vref) => !list.includes(vref));
        list.forEach((vref) => dropped.delete(vref));
      } else if (name === 'retireExports') {
        list.forEach((vref) => seen.delete(vref));
      }
      assert.deepEqual(rest, [], name);
    }
  };
  const anImport = () => {
    if (imports.length < 3) {
      imports.push(`o-${(nextImport += 1)}`);
    }
    const vref = pick(imports);
    dropped.delete(vref);
    return vref;
  };
  const anObject = () => (reached.size > 0 && below(2) ? pick([...reached]) : anImport());
  const cell = () => below(3);
  const call = (method, ...args) => ['send', 'o+0', method, JSON.stringify(args)];
  const callWith = (method, n) => ['send', 'o+0', method, `[${n},"$0"]`, [anObject()]];
  const first = [call('map', 0), call('map', 1), call('set', 2)];
  const pending = [...first];
  const makers = [
    () => call('make', cell(), pick(['thing', 'brief', 'up', 'down', 'far', 'store'])),
    () => callWith('put', cell()),
    () => callWith('put', cell()),
    () => call('give', cell()),
    () => call('clear', cell()),
    () => call('clear', cell()),
    () => call('clear', cell()),
    () => call('save', cell(), cell()),
    () => call('load', cell(), cell()),
    () => call('forget', cell()),
    () => call('hold', cell(), cell()),
    () => call('held', cell(), cell()),
    () => call('other', cell()),
    () => call('note', cell()),
    () => call('map', below(2)),
    () => call('fill', below(2), cell(), cell()),
    () => call('set', 2),
    () => call('end', cell()),
    () => call('enter', below(2), cell(), below(100)),
    () => call('enter', below(2), cell(), below(100)),
    () => call('tie', below(2), cell(), cell()),
    () => callWith('get', below(2)),
    () => callWith('get', below(2)),
    () => call('look', below(2), cell()),
    () => call('add', 2, cell()),
    () => callWith('has', 2),
    () => call('remove', cell(), cell()),
    () => callWith('removeIt', cell()),
    () => ['reap'],
    () => ['reap'],
    () => ['reap'],
    () => {
      const vref = pick([...reached]);
      if (vref === undefined) {
        return ['reap'];
      }
      reached.delete(vref);
      seen.add(vref);
      return ['drop', vref];
    },
    () => {
      const vref = pick([...seen]);
      if (vref === undefined) {
        return ['reap'];
      }
      seen.delete(vref);
      return ['retire', vref];
    },
    () => {
      const vref = pick([...dropped]);
      if (vref === undefined) {
        return ['reap'];
      }
      dropped.delete(vref);
      imports = imports.filter((other) => other !== vref);
      return ['retireImports', vref];
    },
    () => {
      if (below(3)) {
        return ['reap'];
      }
      // What the heap alone held would be let go later by ours, and by npm's never.
      const cells = [0, 1, 2].flatMap((n) => [call('clear', n), call('end', n)]);
      pending.push(...cells, ['reap'], ['restart'], ...first);
      return pending.shift();
    },
  ];
  const endHeap = () => {
    imports = [];
    dropped.clear();
    for (const vrefs of [reached, seen]) {
      [...vrefs].filter((vref) => !vref.startsWith('o+d')).forEach((vref) => vrefs.delete(vref));
    }
  };
  return {
    steps,
    next: (n, result) => {
      hear(result);
      if (n === count) {
        return undefined;
      }
      const step = pending.shift() ?? pick(makers)();
      if (step[0] === 'restart') {
        endHeap();
      }
      steps.push(step);
      return step;
    },
  };
};

const seeds = process.env.SEEDS ? process.env.SEEDS.split(' ').map(Number) : [1, 2, 3, 4];
for (const seed of seeds) {
  test(`random programs, seed ${seed}`, async () => {
    const { next, steps } = makeProgram(seed, 200);
    const npms = await runNpms(vat, next);
    assert.equal(npms.length, 201);
    agree(await ours(vat, steps), npms, steps);
  });
}

/** What the methods of a vat's root answer, in turn; a string is the text of a rejection. */
const answersOf = async (text, steps) => {
  const results = await ours(text, steps);
  assert.equal(results.at(-1).error, '');
  return results.slice(1).flatMap(({ syscalls }) =>
    syscalls.filter(([name]) => name === 'resolve').map(([, [[, rejected, { body }]]]) => {
      const value = JSON.parse(body.slice(1));
      return rejected ? value['#error'] : value;
    }));
};

test('they are the engine\'s in all other respects', async () => {
  const text = `
    import { Far } from '@endo/far';
    export const buildRootObject = (powers) => {
      class Mine extends WeakMap {
        set(key, value) { return super.set(key, [value]); }
      }
      const texts = (...thunks) => thunks.map((thunk) => {
        try { return typeof thunk(); } catch (error) { return error.name + ': ' + error.message; }
      });
      const shape = (C) => [C.name, C.length, Object.isFrozen(C), Object.isFrozen(C.prototype),
        C.prototype.constructor === C, C.prototype[Symbol.toStringTag],
        ...Reflect.ownKeys(C.prototype).filter((k) => typeof k === 'string').sort()
          .map((k) => k + C.prototype[k].length + Object.isFrozen(C.prototype[k]) + C.prototype[k].name)];
      return Far('root', {
        same: (x) => {
          const c = new Compartment();
          const inner = c.evaluate('new Compartment().globalThis.WeakMap');
          return harden([powers.WeakMap === WeakMap, powers.WeakSet === WeakSet, inner === WeakMap,
            c.globalThis.WeakSet === WeakSet, typeof WeakRef, typeof FinalizationRegistry]);
        },
        shape: () => harden([shape(WeakMap), shape(WeakSet)]),
        subclass: (x, y) => {
          const m = new Mine([[x, 1], [y, 2]]);
          const s = new WeakSet([x, [], y]);
          return harden([m instanceof Mine, m instanceof WeakMap, String(m), m.get(x), m.get(y), m.delete(x), m.has(x),
            m.delete(x), m.has(y), s instanceof WeakSet, s.has(x), s.delete(y), s.has(y), s.add(y) === s, s.has(y)]);
        },
        frozen: (x) => harden([harden(new WeakMap()).set(x, 1).get(x)]),
        refused: (x) => harden([
          ...texts(() => new WeakMap().set(1, 2), () => new WeakSet().add('x'), () => WeakMap(), () => new WeakMap([1]),
            () => new WeakMap([[1, 2]]), () => WeakMap.prototype.get.call(new WeakSet(), x),
            () => WeakSet.prototype.has.call(new WeakMap(), x), () => WeakMap.prototype.get.call({}, x),
            () => WeakMap.prototype.set.call(WeakMap.prototype, x, 1), () => WeakMap.prototype.get.call(7, x),
            () => new WeakMap().get(7), () => new WeakMap().has(), () => new WeakSet().delete(undefined)),
          ...texts(() => WeakMap.prototype.get.call({}, {}), () => WeakMap.prototype.set.call(WeakMap.prototype, {}, 1)),
        ]),
        values: (x) => {
          const m = new WeakMap();
          const out = [m.get(x), m.set(x) === m, m.has(x), m.get(x)];
          for (const v of ['text', -0, 10n ** 20n, Symbol.for('s'), null, m]) {
            out.push(Object.is(m.set(x, v).get(x), v));
          }
          return harden(out);
        },
      });
    };
  `;
  const two = '["$0.Alleged: x","$1.Alleged: y"]';
  const [same, shape, subclass, frozen, refused, values] = await answersOf(text, [
    ['send', 'o+0', 'same'],
    ['send', 'o+0', 'shape'],
    ['send', 'o+0', 'subclass', two, ['o-1', 'o-2']],
    ['send', 'o+0', 'frozen', two, ['o-1', 'o-2']],
    ['send', 'o+0', 'refused', two, ['o-1', 'o-2']],
    ['send', 'o+0', 'values', two, ['o-1', 'o-2']],
  ]);
  assert.deepEqual(same, [true, true, true, true, 'undefined', 'undefined']);
  assert.deepEqual(shape, [
    ['WeakMap', 0, true, true, true, 'WeakMap', 'constructor0trueWeakMap', 'delete1truedelete', 'get1trueget',
      'has1truehas', 'set2trueset'],
    ['WeakSet', 0, true, true, true, 'WeakSet', 'add1trueadd', 'constructor0trueWeakSet', 'delete1truedelete',
      'has1truehas'],
  ]);
  assert.deepEqual(subclass, [true, true, '[object WeakMap]', [1], [2], true, false, false, true, true, true, true,
    false, true, true]);
  assert.deepEqual(frozen, [1]);
  const foreign = 'TypeError: this is no WeakMap instance';
  assert.deepEqual(refused, [
    'TypeError: key is no object', 'TypeError: value is no object', 'TypeError: call: WeakMap',
    'TypeError: item is no object', 'TypeError: key is no object', foreign, 'TypeError: this is no WeakSet instance',
    foreign, foreign, foreign, 'undefined', 'boolean', 'boolean', foreign, foreign,
  ]);
  assert.deepEqual(values, ['#undefined', true, true, '#undefined', true, true, true, true, true, true]);
});

test('a record of facets is known again although it was made anew', async () => {
  const text = `
    import { Far } from '@endo/far';
    import * as vd from '@agoric/vat-data';
    export const buildRootObject = (powers, parameters, baggage) => {
      const handle = vd.provide(baggage, 'kit', () => vd.makeKindHandle('kit'));
      const makeKit = vd.defineDurableKindMulti(handle, () => ({}), {
        a: { tag: ({ facets }, text) => { map.set(facets, text); set.add(facets); } },
        b: { tags: ({ facets }) => harden([map.get(facets), set.has(facets), map.has(facets.a)]) },
      });
      const map = new WeakMap();
      const set = new WeakSet();
      return Far('root', {
        make: (key) => { baggage.init(key, makeKit()); },
        tag: (key, text) => baggage.get(key).a.tag(text),
        tags: (key) => baggage.get(key).b.tags(),
      });
    };
  `;
  const call = (...args) => ['send', 'o+0', args[0], JSON.stringify(args.slice(1))];
  const answers = await answersOf(text, [
    call('make', 'x'), call('make', 'y'), call('tag', 'x', 'tag of x'), ['reap'], ['reap'], call('tags', 'x'),
    call('tags', 'y'),
  ]);
  assert.deepEqual(answers.slice(3), [['tag of x', true, false], ['#undefined', false, false]]);
});

test("stores of npm's on the heap know names; what its packages remember of an object does not keep its name", async () => {
  const text = `
    import { Far } from '@endo/far';
    import { M, matches, isKey } from '@endo/patterns';
    import { passStyleOf } from '@endo/pass-style';
    import { makeHeapZone } from '@agoric/zone/heap.js';
    import { makeScalarWeakMapStore, makeScalarWeakSetStore } from '@agoric/store';
    import { makeExo } from '@endo/exo';
    export const buildRootObject = () => {
      const zone = makeHeapZone();
      const stores = [zone.weakMapStore('a'), makeScalarWeakMapStore('b')];
      const sets = [zone.weakSetStore('c'), makeScalarWeakSetStore('d')];
      const guarded = makeExo('guarded', M.interface('G', { look: M.call(M.remotable()).returns(M.any()) }), {
        look: (x) => harden([passStyleOf(x), isKey(x), matches(x, M.or(M.remotable(), M.string()))]),
      });
      return Far('root', {
        look: (x) => guarded.look(x),
        init: (x) => { stores.forEach((s) => s.init(x, 'value')); sets.forEach((s) => s.add(x)); },
        find: (x) => harden([...stores.map((s) => s.get(x)), ...sets.map((s) => s.has(x))]),
      });
    };
  `;
  const results = await ours(text, [
    ['send', 'o+0', 'look', '["$0.Alleged: x"]', ['o-1']],
    ['reap'],
    ['send', 'o+0', 'init', '["$0.Alleged: x"]', ['o-2']],
    ['reap'],
    ['send', 'o+0', 'find', '["$0.Alleged: x"]', ['o-2']],
    ['reap'],
    ['retireImports', 'o-2'],
    ['reap'],
  ]);
  assert.match(results[1].syscalls[0][1][0][2].body, /\["remotable",true,true\]/);
  assert.deepEqual(results[2].syscalls, [['dropImports', ['o-1']], ['retireImports', ['o-1']]]);
  assert.deepEqual(results[4].syscalls, [['dropImports', ['o-2']]]);
  assert.match(results[5].syscalls[0][1][0][2].body, /\["value","value",true,true\]/);
  assert.deepEqual(results.slice(6).map(({ syscalls }) => syscalls), [[['dropImports', ['o-2']]], [], []]);
});
