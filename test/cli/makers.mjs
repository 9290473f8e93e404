#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// makers - the maker of a durable class, exported and held by nothing but another vat's durable map, is
// neither a cycle nor garbage: keeve gc leaves it alone, in heaps that have it and in heaps that have
// not. It goes when the last holder does, be that one half of a cycle.
// usage: KEEVE=... KEEVE_VAT=... makers.mjs
import { check, equal, runScript } from '../acceptance/lib.mjs';

const owner = `
import { Far } from '@endo/far';
import { prepareExoClass, prepareExoClassKit } from '@agoric/vat-data';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const makers = {
    point: prepareExoClass(baggage, 'point', undefined, x => ({ x }), {
      move(by) { return (this.state.x += by); },
    }),
    kit: prepareExoClassKit(baggage, 'kit', undefined, n => ({ n }), {
      reader: { read() { return this.state.n; } },
      writer: { write(n) { this.state.n = n; } },
    }),
  };
  return Far('root', {
    bootstrap: () => 'ready',
    give: name => makers[name],
    is: (name, it) => makers[name] === it,
  });
};`;

const holder = `
import { E, Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const map = provide(baggage, 'map', () => VatData.makeScalarBigMapStore('map', { durable: true }));
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('half'));
  const makeHalf = VatData.defineDurableKind(kind, held => ({ held, other: undefined }), {
    meet: ({ state }, other) => { state.other = other; },
  });
  return Far('root', {
    bootstrap: () => 'ready',
    fetch: async (from, name) => map.init(name, await E(from).give(name)),
    same: (from, name) => E(from).is(name, map.get(name)),
    move: async (...by) => E(E(map.get('point'))(by[0])).move(by[1]),
    read: async n => E((await E(map.get('kit'))(n)).reader).read(),
    drop: name => map.delete(name),
    // Two that hold each other, one of them the maker.
    hide: name => {
      const [one, other] = [makeHalf(map.get(name)), makeHalf()];
      one.meet(other);
      other.meet(one);
      map.delete(name);
    },
  });
};`;

const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ holder, owner });
  const from = { kref: vats.owner.root };
  const send = (...args) => home.send(vats.holder.root, ...args);
  const gc = async () => {
    const { status, stderr } = await home.keeve(['gc']);
    equal(status, 0, `keeve gc: ${stderr}`);
    await home.settle();
  };
  const works = async when => {
    equal(await send('move', 3, 4), 7, `an object of the maker, ${when}`);
    equal(await send('read', 5), 5, `a facet of the maker of kits, ${when}`);
    equal(await send('same', from, 'point'), true, `it is the owner's own, ${when}`);
  };
  const exported = async () => {
    const { stdout } = await home.keeve(['export']);
    const key = /^(v\d+\.s\.)makerKindID\t"?(\d+)/m.exec(stdout);
    check(key, 'the owner has named its makers');
    return stdout.split('\n').filter(line => line.startsWith(`${key[1]}vom.es.o+d${key[2]}/`)).length;
  };

  for (const name of ['point', 'kit']) {
    await send('fetch', from, name);
  }
  await works('at first');
  for (const [when, again] of [
    ['while heaps have it', () => {}],
    ['when the heap of its owner has ended', () => home.keeve(['restart-vat', vats.owner.vat])],
    ['when the heap of its holder has ended', () => home.keeve(['restart-vat', vats.holder.vat])],
    ['when both have ended', async () => {
      await home.keeve(['restart-vat', vats.owner.vat]);
      await home.keeve(['restart-vat', vats.holder.vat]);
    }],
    ['when the daemon was killed', () => home.restart()],
  ]) {
    await again();
    await gc();
    await works(`${when}, after keeve gc`);
    await gc();
    equal(await exported(), 2, `makers that are known outside, ${when}`);
  }
  equal((await home.rows('objects')).length, 4, 'objects: two roots, two makers');

  await send('drop', 'kit');
  await gc();
  equal(await exported(), 1, 'makers that are known outside, one dropped');
  equal(await send('move', 1, 1), 2, 'the one that is held');

  await send('hide', 'point');
  for (let i = 0; i < 3; i += 1) {
    await home.rows('reap');
    await home.settle();
  }
  equal(await exported(), 1, 'a maker held from a cycle, after reaps');
  await gc();
  equal(await exported(), 0, 'and after keeve gc');
  equal((await home.rows('objects')).length, 2, 'objects: the roots');

  // The class is as it was: its maker can be had again.
  await send('fetch', from, 'point');
  equal(await send('move', 2, 2), 4, 'fetched again');
  await home.audit();
};

await runScript(test);
