// SPDX-License-Identifier: Apache-2.0
// References, virtual objects, collections and watched promises rest on the vat's store alone: each is
// put to work, the daemon is killed, and with nothing but the rows each goes on.
import { check, equal } from '../lib.mjs';

const managers = `
import { E, Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
const V = VatData;
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = name => provide(baggage, name + ' kind', () => V.makeKindHandle(name));
  const makeNode = V.defineDurableKind(kind('node'), value => ({ value, next: null }), {
    value: ({ state }) => state.value,
    next: ({ state }) => state.next,
    link: ({ state }, next) => { state.next = next; },
    append: ({ state, self }, value) => {
      const node = makeNode(value);
      state.next = node;
      return node;
    },
  });
  const makePair = V.defineDurableKindMulti(kind('pair'), () => ({ n: 0 }), {
    up: { step: ({ state, facets }) => { state.n += 1; return facets.down; } },
    down: { step: ({ state, facets }) => { state.n -= 1; return facets.up; }, read: ({ state }) => state.n },
  });
  const makeWatcher = V.defineDurableKind(kind('watcher'), () => ({}), {
    onFulfilled: (_context, value, ...args) => baggage.get('heard').add(['fulfilled', value, ...args].join(' ')),
    onRejected: (_context, reason, ...args) =>
      baggage.get('heard').add(['rejected', reason.message || reason.name || reason, ...args].join(' ')),
  });
  const list = provide(baggage, 'list', () => makeNode('first'));
  const pair = provide(baggage, 'pair', () => makePair());
  const watcher = provide(baggage, 'watcher', () => makeWatcher());
  provide(baggage, 'heard', () => V.makeScalarBigSetStore('heard', { durable: true }));
  const map = provide(baggage, 'map', () => V.makeScalarBigMapStore('map', { durable: true }));
  const weak = provide(baggage, 'weak', () => V.makeScalarBigWeakMapStore('weak', { durable: true }));
  return Far('root', {
    bootstrap: () => 'ready',
    // references
    append: values => {
      let node = list;
      while (node.next()) node = node.next();
      for (const value of values) node = node.append(value);
    },
    values: () => {
      const values = [];
      for (let node = list; node; node = node.next()) values.push(node.value());
      return harden(values);
    },
    cut: () => list.link(null),
    remember: it => { list.link(makeNode(it)); },
    recalled: () => list.next().value(),
    recalledIs: it => list.next().value() === it,
    // objects
    up: () => pair.up.step() === pair.down,
    read: () => harden([pair.down.read(), pair.up.step() === pair.down && pair.down.step() === pair.up]),
    // collections
    fill: n => { for (let i = 0; i < n; i += 1) map.init(i, 'v' + i); },
    some: (from, count) => {
      const found = [];
      for (const [key, value] of map.entries()) {
        if (key >= from) found.push(value);
        if (found.length === count) break;
      }
      return harden(found);
    },
    size: () => map.getSize(),
    drop: key => map.delete(key),
    tag: (it, text) => { weak.init(it, text); },
    tagOf: it => weak.has(it) ? weak.get(it) : 'none',
    tagOwn: text => { weak.init(list, text); },
    ownTag: () => weak.get(list),
    // promises
    watch: (from, name) => { V.watchPromise(E(from).wait(name), watcher, 'of', name); },
    heard: () => harden([...baggage.get('heard').keys()]),
  });
};`;
const promiser = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const waiting = new Map();
  return Far('root', {
    bootstrap: () => 'ready',
    wait: name => new Promise((resolve, reject) => waiting.set(name, { resolve, reject })),
    settle: (name, how, value) => waiting.get(name)[how](value),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ managers, promiser });
  const { root } = vats.managers;
  const promises = { kref: vats.promiser.root };
  const again = async () => {
    equal((await home.keeve(['restart-vat', vats.managers.vat])).status, 0, 'restart-vat');
    await home.settle();
  };
  const rowsWith = async text => {
    const { stdout } = await home.keeve(['export']);
    return stdout.split('\n').filter(line => line.includes(text)).length;
  };

  // Promises: one settles before, one after a restart of the watching vat.
  for (const name of ['a', 'b', 'c']) {
    await home.send(root, 'watch', promises, name);
  }
  await home.settle();
  await home.send(vats.promiser.root, 'settle', 'a', 'resolve', 'early');
  await home.settle();
  equal(await home.send(root, 'heard'), ['fulfilled early of a'], 'what the watcher heard');
  await again();
  await home.send(vats.promiser.root, 'settle', 'b', 'resolve', 'late');
  await home.settle();
  equal(await home.send(root, 'heard'), ['fulfilled early of a', 'fulfilled late of b'],
    'what it heard after a restart');

  // References.
  await home.send(root, 'append', ['second', 'third']);
  await home.send(root, 'append', ['fourth']);
  // Objects.
  equal(await home.send(root, 'up'), true, 'facets of one object');
  equal(await home.send(root, 'up'), true, 'facets of one object');
  // Collections.
  await home.send(root, 'fill', 50);
  await home.send(root, 'drop', 7);
  await home.send(root, 'tag', promises, 'a presence');
  await home.send(root, 'tagOwn', 'an own object');

  const verify = async text => {
    equal(await home.send(root, 'values'), ['first', 'second', 'third', 'fourth'], `the list ${text}`);
    equal(await home.send(root, 'read'), [2, true], `the pair ${text}`);
    equal(await home.send(root, 'some', 5, 4), ['v5', 'v6', 'v8', 'v9'], `the map ${text}`);
    equal(await home.send(root, 'size'), 49, `its size ${text}`);
    equal(await home.send(root, 'tagOf', promises), 'a presence', `the weak map ${text}`);
    equal(await home.send(root, 'tagOf', { kref: root }), 'none', `another key ${text}`);
    equal(await home.send(root, 'ownTag'), 'an own object', `an own key ${text}`);
  };
  await verify('at first');
  await home.keeve(['reap']);
  await home.settle();
  await verify('after a collection');
  await home.restart();
  await verify('after signal 9');
  // The promise whose decider ended with its heap.
  await home.settle();
  const heard = await home.send(root, 'heard');
  equal(heard.length, 3, 'what the watcher heard in all');
  check(heard.includes('rejected vatUpgraded of c'), `the watcher heard ${heard}`);

  // What nothing refers to any more goes from the store.
  check((await rowsWith('fourth')) > 0, 'a node is in the store');
  await home.send(root, 'cut');
  await home.send(root, 'remember', promises);
  for (let i = 0; i < 4; i += 1) {
    await home.keeve(['reap']);
    await home.settle();
  }
  equal(await rowsWith('fourth') + await rowsWith('third'), 0, 'nodes left in the store');
  // A reference to another vat's object, held by a row alone.
  await home.restart();
  equal(await home.send(root, 'recalled'), promises, 'what a state refers to');
  equal(await home.send(root, 'recalledIs', promises), true, 'it has one identity');
  await home.audit();
};
