// SPDX-License-Identifier: Apache-2.0
// scenarios - what vats live through in the conformance suite: name, vats, play(), and expect(), which
// sees to it that what was meant to happen did.
import { check, equal } from '../acceptance/lib.mjs';

const head = `import { E, Far } from '@endo/far';\n`;

const echo = `${head}
export const buildRootObject = () => Far('root', {
  bootstrap: () => 'ready',
  echo: (...args) => args,
  fail: text => { throw RangeError(text); },
  kinds: () => [undefined, NaN, Infinity, -0, 10n ** 30n, 'text', Symbol.for('s'), [1, [2]], { a: 1 }, Error('e')],
  long: n => 'x'.repeat(n),
  log: text => { console.log(text); console.warn(text, { n: 1 }); },
});`;

const talker = `${head}
export const buildRootObject = (_powers, _parameters, baggage) => {
  let held = [];
  const log = [];
  let settle;
  return Far('root', {
    bootstrap: () => 'ready',
    give: (to, n) => {
      held = Array.from({ length: n }, (_, i) => Far('thing', { n: () => i }));
      return E(to).hold(held);
    },
    hold: things => { held = things; return held.length; },
    drop: () => { held = []; },
    keep: it => (baggage.has('it') ? baggage.set('it', it) : baggage.init('it', it)),
    kept: method => E(baggage.get('it'))[method](),
    same: (a, b) => a === b,
    twice: it => [it, it],
    promise: () => new Promise(r => { settle = r; }),
    settle: value => settle(value),
    wait: async p => [await p],
    listen: p => { [1, 2, 3].map(i => E.when(p, v => log.push(i + ':' + v))); },
    log: () => log,
    chain: async (target, n) => {
      let p = target;
      for (let i = 0; i < n; i += 1) p = E(p).next(i);
      return E(p).n();
    },
    next: i => Far('next', { next: j => Far('next', { n: () => j }), n: () => i }),
    many: async (target, n) =>
      (await Promise.all(Array.from({ length: n }, (_, i) => E(target).one(i)))).length,
    one: i => i,
    call: (target, method, ...args) => E(target)[method](...args),
  });
};`;

const linked = `${head}
export const buildRootObject = () => {
  const link = n => Far('link', { next: () => link(n + 1), n: () => n });
  return Far('root', { bootstrap: () => 'ready', next: () => link(1), n: () => 0,
    one: i => i, first: () => link(0) });
};`;

const durable = `${head}
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  let heap = 0;
  const { makeKindHandle, defineDurableKind, makeScalarBigMapStore } = VatData;
  const make = defineDurableKind(provide(baggage, 'kind', () => makeKindHandle('account')),
    first => ({ n: first, note: 'new' }), {
      add: ({ state }, n) => (state.n += n),
      read: ({ state }) => [state.n, state.note],
      note: ({ state }, text) => { state.note = text; },
    });
  const map = provide(baggage, 'map', () => makeScalarBigMapStore('map', { durable: true }));
  return Far('root', {
    bootstrap: () => 'ready',
    make: first => make(first),
    heap: () => (heap += 1),
    fleeting: () => Far('fleeting', { ping: () => 'pong' }),
    set: (k, v) => (map.has(k) ? map.set(k, v) : map.init(k, v)),
    get: k => map.get(k),
    keys: () => [...map.keys()],
    remove: k => map.delete(k),
    addOf: (k, n) => map.get(k).add(n),
    halfway: (k, v) => { map.set(k, v); for (;;) heap += 1; },
    overrun: (k, v) => { map.set(k, v); const all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length); },
    throws: (k, v) => { map.set(k, v); throw Error('after writing'); },
  });
};`;

const leaver = `${head}
export const buildRootObject = ({ exitVat, exitVatWithFailure }) => Far('root', {
  bootstrap: () => 'ready',
  ping: () => 'pong',
  leave: () => { exitVat('done'); return 'left'; },
  fail: () => { exitVatWithFailure(Error('could not')); return 'failed'; },
});`;

const answered = (play, status, count) =>
  equal(play.answers.filter(a => a.status === status).length, count, `answers that were ${status}`);

export const scenarios = [
  {
    name: 'messages',
    vats: { echo },
    play: async p => {
      p.call(p.root('echo'), 'echo', '[1,"two",[3],{"four":"+4"},"#undefined","#NaN"]');
      p.call(p.root('echo'), 'kinds');
      p.call(p.root('echo'), 'fail', '["no"]');
      p.call(p.root('echo'), 'nothing');
      p.call(p.root('echo'), 'log', '["said"]');
    },
    expect: p => answered(p, 'rejected', 2),
  },
  {
    name: 'big messages',
    vats: { echo },
    play: async p => {
      p.call(p.root('echo'), 'long', '[3000000]');
      p.call(p.root('echo'), 'echo', `[${JSON.stringify('y'.repeat(1 << 20))}]`);
    },
    expect: p => answered(p, 'fulfilled', 2),
  },
  {
    name: 'promises',
    vats: { a: talker, b: talker, c: linked },
    play: async p => {
      const [a, b, c] = ['a', 'b', 'c'].map(name => p.root(name));
      p.call(a, 'promise');
      p.call(b, 'chain', '["$0",10]', [c]);
      p.call(b, 'call', '["$0","call","$1","one",7]', [a, b]);
      p.call(a, 'settle', '["now"]');
      await p.settle();
    },
    expect: p => answered(p, 'fulfilled', 4),
  },
  {
    name: 'notifications',
    vats: { a: talker, b: talker },
    play: async p => {
      const [a, b] = [p.root('a'), p.root('b')];
      p.call(b, 'call', '["$0","one",5]', [a]);
      p.call(b, 'listen', '["x"]');
      p.call(b, 'wait', '[9]');
      p.call(b, 'log');
      await p.settle();
      p.call(b, 'log');
    },
    expect: p => equal(p.last().value.body, '#["1:x","2:x","3:x"]', 'the order of notices'),
  },
  {
    name: 'identity',
    vats: { a: talker, b: linked },
    play: async p => {
      const first = p.call(p.root('b'), 'first');
      await p.settle();
      const link = p.slot(p.answers[first]);
      p.call(p.root('a'), 'same', '["$0","$0"]', [link]);
      p.call(p.root('a'), 'same', '["$0","$1"]', [link, p.root('b')]);
      p.call(p.root('a'), 'twice', '["$0"]', [link]);
      p.call(p.root('a'), 'call', '["$0","n"]', [link]);
    },
    expect: p => equal(p.answers.slice(1, 3).map(a => a.value.body), ['#true', '#false'], 'sameness'),
  },
  {
    name: 'garbage',
    vats: { a: talker, b: talker },
    play: async p => {
      const count = async () =>
        (await p.control.ask('objects')).result.filter(row => row.owner === p.vats.a.vat).length;
      const before = await count();
      p.call(p.root('a'), 'give', '["$0",30]', [p.root('b')]);
      await p.settle();
      equal(await count(), before + 30, 'objects while they are held');
      p.call(p.root('b'), 'drop');
      p.call(p.root('a'), 'drop');
      await p.settle();
      await p.collect();
      equal(await count(), before, 'objects when nothing holds them');
      p.call(p.root('b'), 'one', '[1]');
    },
    expect: p => answered(p, 'fulfilled', 4),
  },
  {
    name: 'durable state and restart',
    vats: { d: durable, k: talker },
    play: async p => {
      const d = p.root('d');
      const made = p.call(d, 'make', '["+5"]');
      const fleeting = p.call(d, 'fleeting');
      await p.settle();
      const [account, gone] = [p.slot(p.answers[made]), p.slot(p.answers[fleeting])];
      p.call(d, 'set', '["a","$0"]', [account]);
      p.call(d, 'set', '["b",7]');
      p.call(p.root('k'), 'keep', '["$0"]', [account]);
      p.call(account, 'note', '["kept"]');
      p.call(d, 'heap');
      await p.settle();
      await p.order('restart-vat', { vat: p.vats.d.vat });
      p.call(account, 'read');
      p.call(gone, 'ping');
      p.call(d, 'heap');
      p.call(d, 'keys');
      p.call(p.root('k'), 'kept', '["read"]');
      p.call(d, 'throws', '["b",8]');
      p.call(d, 'get', '["b"]');
      p.call(d, 'remove', '["b"]');
      p.call(d, 'get', '["b"]');
    },
    expect: p => answered(p, 'rejected', 3),
  },
  {
    name: 'a crank that does not end',
    once: true,
    vats: { d: durable },
    play: async p => {
      p.call(p.root('d'), 'set', '["a",1]');
      p.call(p.root('d'), 'halfway', '["a",2]');
      p.call(p.root('d'), 'get', '["a"]');
    },
    expect: p => {
      check(/DELIVERY_FAILED/.test(p.answers[1].value.body), 'it was rejected by name');
      equal(p.answers[2].value.body, '#1', 'what it wrote is undone');
    },
  },
  {
    name: 'a heap that is too large',
    once: true,
    vats: { d: durable },
    play: async p => {
      p.call(p.root('d'), 'set', '["a",1]');
      p.call(p.root('d'), 'overrun', '["a",2]');
      p.call(p.root('d'), 'get', '["a"]');
    },
    expect: p => {
      check(/ran out of memory/.test(p.answers[1].value.body), 'it was rejected by name');
      equal(p.answers[2].value.body, '#1', 'what it wrote is undone');
    },
  },
  {
    name: 'exit',
    vats: { x: leaver, y: leaver, k: talker },
    bootstrap: 'k',
    play: async p => {
      p.call(p.root('x'), 'ping');
      p.call(p.root('x'), 'leave');
      p.call(p.root('y'), 'fail');
      await p.settle();
      p.call(p.root('x'), 'ping');
      p.call(p.root('k'), 'call', '["$0","ping"]', [p.root('y')]);
    },
    expect: p => check(/OBJECT_DELETED/.test(p.answers[3].value.body), 'the one that left is gone'),
  },
  {
    name: 'many sends in a crank',
    vats: { a: talker, b: linked },
    play: async p => {
      p.call(p.root('a'), 'many', `["$0",${p.stepping ? 100 : 1000}]`, [p.root('b')]);
      await p.settle();
    },
    expect: p => check(/^#1000?$/.test(p.last().value.body), 'all were answered'),
  },
  {
    name: 'termination',
    vats: { a: talker, b: linked },
    play: async p => {
      const first = p.call(p.root('b'), 'first');
      await p.settle();
      await p.order('terminate', { vat: p.vats.b.vat });
      p.call(p.slot(p.answers[first]), 'n');
      p.call(p.root('a'), 'call', '["$0","n"]', [p.root('b')]);
    },
    expect: p => check(p.answers.slice(-2).every(a => a.status !== 'fulfilled'), 'it is gone'),
  },
  {
    name: 'code that does not start',
    refused: true,
    vats: { bad: `${head}export const buildRootObject = () => { throw TypeError('not today'); };` },
  },
];
