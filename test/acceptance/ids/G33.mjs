// SPDX-License-Identifier: Apache-2.0
// The maker of a durable class is durable itself: stored, sent to another vat, kept there, called from
// there, and the same after restarts of either.
import { check, equal } from '../lib.mjs';

const maker = `
import { E, Far } from '@endo/far';
import { M } from '@endo/patterns';
import { prepareExoClass, prepareExoClassKit } from '@agoric/vat-data';
import { makeGems } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const makePoint = prepareExoClass(baggage, 'point',
    M.interface('point', { move: M.call(M.number()).returns(M.number()) }),
    x => ({ x }),
    { move(dx) { return (this.state.x += dx); } });
  const makeKit = prepareExoClassKit(baggage, 'kit', undefined, n => ({ n }), {
    reader: { read() { return this.state.n; } },
    writer: { write(n) { this.state.n = n; } },
  });
  const gems = makeGems(baggage);
  const makeNote = gems.defineClass('note', {
    initFn: text => ({ text }),
    methods: { text() { return this.state.text; } },
  });
  const makeTally = gems.defineDurableFactory('tally', {
    init: state => { state.n = 0; },
    make: state => Far('tally', { up: () => (state.n += 1) }),
  });
  const virtual = VatData.defineKind('virtual', () => ({}), { hi: () => 'hi' });
  const makers = { makePoint, makeKit, makeNote, makeTally };
  const attempt = f => {
    try { f(); return 'accepted'; } catch (error) { return error.message; }
  };
  return Far('root', {
    bootstrap: () => 'ready',
    store: () => {
      baggage.init('makers', harden(makers));
      const map = VatData.makeScalarBigMapStore('makers', { durable: true });
      for (const name of Object.keys(makers)) map.init(name, makers[name]);
      map.init(makers.makePoint, 'as a key');
      baggage.init('map', map);
    },
    same: () => harden(Object.keys(makers).map(name =>
      baggage.get('makers')[name] === makers[name] && baggage.get('map').get(name) === makers[name])),
    key: () => baggage.get('map').get(makers.makePoint),
    durable: () => harden([...Object.values(makers), virtual].map(it => attempt(() => {
      if (!VatData.canBeDurable(it)) throw Error('not durable');
    }))),
    use: () => {
      const stored = baggage.get('makers');
      return harden([stored.makePoint(3).move(4), stored.makeKit(5).reader.read(),
        stored.makeNote('text').text(), stored.makeTally().up()]);
    },
    give: name => makers[name],
    echo: it => harden([it === makers.makePoint, it]),
  });
};`;

const user = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    fetch: async (from, name) => baggage.init(name, await E(from).give(name)),
    make: async (name, maker, ...args) => baggage.init(name, await E(baggage.get(maker))(...args)),
    facet: async (name, maker, facet, ...args) => {
      const kit = await E(baggage.get(maker))(...args);
      baggage.init(name, kit[facet]);
    },
    call: (name, method, ...args) => E(baggage.get(name))[method](...args),
    back: async (to, name) => {
      const [same, it] = await E(to).echo(baggage.get(name));
      return harden([same, it === baggage.get(name)]);
    },
    remove: name => baggage.delete(name),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker, user });
  const [makerRoot, userRoot] = [vats.maker.root, vats.user.root];
  const names = ['makePoint', 'makeKit', 'makeNote', 'makeTally'];

  await home.send(makerRoot, 'store');
  for (const name of names) {
    await home.send(userRoot, 'fetch', { kref: makerRoot }, name);
  }
  await home.send(userRoot, 'make', 'point0', 'makePoint', 10);
  equal(await home.send(userRoot, 'call', 'point0', 'move', 1), 11, 'a point made from another vat');

  let round = 0;
  for (const again of [
    () => home.keeve(['restart-vat', vats.maker.vat]),
    () => home.keeve(['restart-vat', vats.user.vat]),
    () => home.restart(),
  ]) {
    round += 1;
    await again();
    equal(await home.send(userRoot, 'call', 'point0', 'move', 1), 11 + round, `a point, round ${round}`);
    await home.send(userRoot, 'make', `point${round}`, 'makePoint', 20);
    equal(await home.send(userRoot, 'call', `point${round}`, 'move', round), 20 + round,
      `a point made from another vat, round ${round}`);
    await home.send(userRoot, 'facet', `reader${round}`, 'makeKit', 'reader', 7);
    equal(await home.send(userRoot, 'call', `reader${round}`, 'read'), 7, `a facet, round ${round}`);
    await home.send(userRoot, 'make', `note${round}`, 'makeNote', 'kept');
    equal(await home.send(userRoot, 'call', `note${round}`, 'text'), 'kept', `a note, round ${round}`);
    await home.send(userRoot, 'make', `tally${round}`, 'makeTally');
    equal(await home.send(userRoot, 'call', `tally${round}`, 'up'), 1, `a tally, round ${round}`);
    equal(await home.send(makerRoot, 'same'), [true, true, true, true], `identity, round ${round}`);
    equal(await home.send(makerRoot, 'key'), 'as a key', `a maker as a key, round ${round}`);
    equal(await home.send(makerRoot, 'use'), [7, 5, 'text', 1], `at home, round ${round}`);
    equal(await home.send(userRoot, 'back', { kref: makerRoot }, 'makePoint'), [true, true],
      `sent back, round ${round}`);
  }
  const durable = await home.send(makerRoot, 'durable');
  equal(durable.slice(0, 4), ['accepted', 'accepted', 'accepted', 'accepted'], 'canBeDurable');
  check(durable[4] !== 'accepted', 'the maker of a virtual kind is durable');

  // Its own vat keeps it, whatever the other does.
  for (const name of names) {
    await home.send(userRoot, 'remove', name);
  }
  for (let i = 0; i < 3; i += 1) {
    await home.keeve(['reap']);
    await home.settle();
  }
  equal(await home.send(makerRoot, 'use'), [7, 5, 'text', 1], 'at home, after a collection');
  await home.send(userRoot, 'fetch', { kref: makerRoot }, 'makePoint');
  await home.send(userRoot, 'make', 'last', 'makePoint', 1);
  equal(await home.send(userRoot, 'call', 'last', 'move', 1), 2, 'fetched again');
  await home.audit();
};
