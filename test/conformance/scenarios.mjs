// SPDX-License-Identifier: Apache-2.0
// scenarios - what vats live through in the conformance suite: name, vats, play(), and expect(), which
// sees to it that what was meant to happen did.
//
// vats    name to a program of sources, which vats in C have too (natives.h), or to { source, ... } of a
//         configuration
// only    the flavours that play it; all if it is missing
// free    not item by item: what happens has no one order
// once    not at full speed: it takes long
// apart   why vats in C come to equal answers by other deliveries and syscalls
import { check, equal } from '../acceptance/lib.mjs';

const javascript = ['process', 'shared', 'inline'];

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
  const labels = VatData.makeScalarBigWeakMapStore('labels');
  const seen = new WeakSet();
  let settle;
  let spoil;
  return Far('root', {
    bootstrap: () => 'ready',
    give: (to, n) => {
      held = Array.from({ length: n }, (_, i) => Far('thing', { n: () => i }));
      return E(to).hold(held);
    },
    hold: things => { held = things; return held.length; },
    again: to => E(to).hold(held),
    drop: () => { held = []; },
    label: text => { held.forEach(it => { labels.init(it, text); seen.add(it); }); },
    labels: () => held.map(it => (labels.has(it) && seen.has(it) ? labels.get(it) : 'none')),
    keep: it => (baggage.has('it') ? baggage.set('it', it) : baggage.init('it', it)),
    kept: method => E(baggage.get('it'))[method](),
    same: (a, b) => a === b,
    twice: it => [it, it],
    promise: () => new Promise((...both) => { [settle, spoil] = both; }),
    hand: to => E(to).wait(new Promise((...both) => { [settle, spoil] = both; })),
    settle: value => settle(value),
    spoil: text => spoil(Error(text)),
    wait: async p => [await p],
    order: to => { [0, 1, 2].forEach(i => E.when(E(to).one(i), v => log.push(v))); },
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
    halfway: (k, v) => { map.set(k, v); for (;;) heap += 1; },
    overrun: (k, v) => { map.set(k, v); const all = []; for (;;) all.push(new Uint8Array(1 << 20)); },
    throws: (k, v) => { map.set(k, v); throw Error('after writing'); },
    breaks: (k, v, other) => { map.set(k, v); E(other).heap(); for (;;) heap += 1; },
  });
};`;

const leaver = `${head}
export const buildRootObject = ({ exitVat, exitVatWithFailure }) => Far('root', {
  bootstrap: () => 'ready',
  ping: () => 'pong',
  leave: () => { exitVat('done'); return 'left'; },
  fail: () => { exitVatWithFailure(Error('could not')); return 'failed'; },
});`;

const bad = `${head}export const buildRootObject = () => { throw TypeError('not today'); };`;

export const sources = { echo, talker, linked, durable, leaver, bad };

const sleeper = {
  globals: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  source: `${head}
export const buildRootObject = () => {
  const log = [];
  return Far('root', {
    bootstrap: () => 'ready',
    sleep: () => new Promise(done => {
      const never = setTimeout(() => log.push('never'), 10);
      setTimeout(text => log.push(text), 10, 'short');
      let ticks = 0;
      const ticking = setInterval(() => {
        log.push(ticks += 1);
        if (ticks < 2) return;
        clearInterval(ticking);
        setTimeout(() => { log.push('long'); done(log); }, 10);
      }, 10);
      clearTimeout(never);
    }),
    log: () => log,
  });
};`,
};

const raw = {
  creationOptions: { raw: true },
  source: `
let calls = 0;
export default function deliver(syscall, facet, method, args, slots) {
  calls += 1;
  const settle = (data, named = []) => {
    const result = syscall.takeResult();
    if (result !== undefined) syscall.resolve(result, false, JSON.stringify(data), named);
  };
  if (method === 'put') {
    const [key, value] = JSON.parse(args);
    syscall.vatstoreSet(key, value);
    settle(calls);
  } else if (method === 'get') {
    settle(syscall.vatstoreGet(JSON.parse(args)[0]) ?? null);
  } else if (method === 'facet') {
    settle({ '@qclass': 'slot', index: 0 }, [7]);
  } else if (method === 'who') {
    settle([facet, slots.length]);
  } else if (method === 'pass') {
    syscall.send(slots[0], 'who', '[]', [], syscall.takeResult());
  } else if (method === 'leave') {
    settle('left');
    syscall.exit();
  }
}`,
};

const answered = (play, status, count) =>
  equal(play.answers.filter(a => a.status === status).length, count, `answers that were ${status}`);

export const scenarios = [
  {
    name: 'messages',
    vats: { echo: 'echo' },
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
    vats: { echo: 'echo' },
    play: async p => {
      p.call(p.root('echo'), 'long', '[3000000]');
      p.call(p.root('echo'), 'echo', `[${JSON.stringify('y'.repeat(1 << 20))}]`);
    },
    expect: p => answered(p, 'fulfilled', 2),
  },
  {
    name: 'promises',
    vats: { a: 'talker', b: 'talker' },
    play: async p => {
      const [a, b] = ['a', 'b'].map(name => p.root(name));
      p.call(a, 'promise');
      p.call(b, 'call', '["$0","call","$1","one",7]', [a, b]);
      p.call(a, 'settle', '["now"]');
      await p.settle();
      p.call(a, 'hand', '["$0"]', [b]);
      p.call(a, 'settle', '["later"]');
      await p.settle();
      p.call(b, 'hand', '["$0"]', [a]);
      p.call(b, 'spoil', '["broken"]');
      await p.settle();
    },
    expect: p => {
      equal(p.answers.map(a => a.value.body).slice(0, 4), ['#"now"', '#7', '#"#undefined"', '#["later"]'], 'answers');
      check(/broken/.test(p.answers[5].value.body), 'the promise was rejected');
    },
  },
  {
    name: 'pipelining',
    apart: 'a vat in C holds a message that came ahead of its target; in JavaScript it passes it on',
    vats: { b: 'talker', c: 'linked' },
    play: async p => {
      p.call(p.root('b'), 'chain', '["$0",10]', [p.root('c')]);
      await p.settle();
    },
    expect: p => equal(p.last().value.body, '#10', 'how long the chain is'),
  },
  {
    name: 'notifications',
    vats: { a: 'talker', b: 'talker' },
    play: async p => {
      const [a, b] = [p.root('a'), p.root('b')];
      p.call(b, 'call', '["$0","one",5]', [a]);
      p.call(b, 'order', '["$0"]', [a]);
      p.call(b, 'wait', '[9]');
      await p.settle();
      p.call(b, 'log');
    },
    expect: p => equal(p.last().value.body, '#[0,1,2]', 'the order of notices'),
  },
  {
    name: 'identity',
    vats: { a: 'talker', b: 'linked' },
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
    vats: { a: 'talker', b: 'talker' },
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
    name: 'weak collections',
    vats: { a: 'talker', b: 'talker' },
    play: async p => {
      const [a, b] = [p.root('a'), p.root('b')];
      const count = async () =>
        (await p.control.ask('objects')).result.filter(row => row.owner === p.vats.a.vat).length;
      const before = await count();
      p.call(a, 'give', '["$0",3]', [b]);
      await p.settle();
      p.call(b, 'label', '["blue"]');
      p.call(b, 'labels');
      p.call(b, 'drop');
      await p.settle();
      await p.collect();
      equal(await count(), before + 3, 'objects that can still be recognized');
      p.call(a, 'again', '["$0"]', [b]);
      await p.settle();
      p.call(b, 'labels');
      p.call(b, 'drop');
      p.call(a, 'drop');
      await p.settle();
      await p.collect();
      equal(await count(), before, 'objects that nothing holds');
      p.call(a, 'give', '["$0",2]', [b]);
      await p.settle();
      p.call(b, 'labels');
    },
    expect: p => equal([2, 5, 9].map(i => p.answers[i].value.body),
      ['#["blue","blue","blue"]', '#["blue","blue","blue"]', '#["none","none"]'], 'labels'),
  },
  {
    name: 'durable state and restart',
    vats: { d: 'durable', k: 'talker' },
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
    name: 'a crank that fails',
    once: true,
    vats: { d: 'durable', other: 'durable' },
    play: async p => {
      const d = p.root('d');
      p.call(d, 'set', '["a",1]');
      p.call(d, 'heap');
      p.call(d, 'breaks', '["a",2,"$0"]', [p.root('other')]);
      p.call(d, 'get', '["a"]');
      p.call(d, 'heap');
      await p.settle();
      p.call(p.root('other'), 'heap');
    },
    expect: p => {
      check(/DELIVERY_FAILED/.test(p.answers[2].value?.body), `it was rejected by name: ${JSON.stringify(p.answers[2])}`);
      equal([3, 4, 5].map(i => p.answers[i].value.body), ['#1', '#1', '#1'],
        'what it wrote is undone, its heap is new, and what it sent was not delivered');
    },
  },
  {
    name: 'an export that is abandoned',
    apart: 'a vat in C can disown an export; in JavaScript a restart does',
    vats: { d: 'durable', k: 'talker' },
    play: async p => {
      const fleeting = p.call(p.root('d'), 'fleeting');
      await p.settle();
      const gone = p.slot(p.answers[fleeting]);
      p.call(p.root('k'), 'call', '["$0","ping"]', [gone]);
      await p.settle();
      await p.abandon(p.vats.d.vat, p.root('d'));
      p.call(gone, 'ping');
      p.call(p.root('k'), 'call', '["$0","ping"]', [gone]);
      p.call(p.root('d'), 'keys');
    },
    expect: p => {
      equal(p.answers[1].value.body, '#"pong"', 'before');
      check(p.answers.slice(-3, -1).every(a => /OBJECT_DELETED/.test(a.value.body)), 'its name means nothing');
    },
  },
  {
    name: 'timers',
    only: javascript,
    free: true,
    vats: { s: sleeper },
    play: async p => {
      p.call(p.root('s'), 'sleep');
      await p.settle();
      p.call(p.root('s'), 'log');
    },
    expect: p => equal(p.answers.map(a => a.value.body),
      ['#["short",1,2,"long"]', '#["short",1,2,"long"]'], 'what came when'),
  },
  {
    name: 'raw vats',
    only: javascript,
    vats: { r: raw, other: raw },
    play: async p => {
      const r = p.root('r');
      p.call(r, 'put', '["key","value"]');
      const facet = p.call(r, 'facet');
      await p.settle();
      p.call(p.slot(p.answers[facet]), 'who', '["$0"]', [r]);
      p.call(p.root('other'), 'pass', '["$0"]', [p.slot(p.answers[facet])]);
      p.call(r, 'get', '["key"]');
      await p.settle();
      await p.order('restart-vat', { vat: p.vats.r.vat });
      p.call(r, 'get', '["key"]');
      p.call(p.slot(p.answers[facet]), 'who');
      p.call(p.root('other'), 'leave');
      await p.settle();
      p.call(p.root('other'), 'get', '["key"]');
    },
    expect: p => {
      equal([2, 3, 4, 5, 6, 7].map(i => p.answers[i].value.body),
        ['[7,1]', '[7,0]', '"value"', '"value"', '[7,0]', '"left"'], 'answers');
      check(/OBJECT_DELETED/.test(p.last().value.body), 'the one that left is gone');
    },
  },
  {
    name: 'a crank that does not end',
    only: javascript,
    once: true,
    vats: { d: 'durable' },
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
    only: javascript,
    once: true,
    vats: { d: 'durable' },
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
    name: 'leaving',
    vats: { x: 'leaver', k: 'talker' },
    bootstrap: 'k',
    play: async p => {
      p.call(p.root('x'), 'ping');
      p.call(p.root('x'), 'leave');
      await p.settle();
      p.call(p.root('k'), 'call', '["$0","ping"]', [p.root('x')]);
    },
    expect: p => check(/OBJECT_DELETED/.test(p.last().value.body), 'the one that left is gone'),
  },
  {
    name: 'exit',
    only: javascript,
    vats: { x: 'leaver', y: 'leaver', k: 'talker' },
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
    vats: { a: 'talker', b: 'linked' },
    play: async p => {
      p.call(p.root('a'), 'many', `["$0",${p.stepping ? 100 : 1000}]`, [p.root('b')]);
      await p.settle();
    },
    expect: p => check(/^#1000?$/.test(p.last().value.body), 'all were answered'),
  },
  {
    name: 'termination',
    vats: { a: 'talker', b: 'linked' },
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
    vats: { bad: 'bad' },
  },
];
