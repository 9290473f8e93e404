#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// cycles - durable objects of several vats that hold each other, and nothing else holds them: counts keep
// them for ever, keeve gc finds them. What is held from a baggage stays, also when the daemon is killed
// in the middle.
// usage: KEEVE=... KEEVE_VAT=... cycles.mjs
import { check, equal, makeTest, until } from '../acceptance/lib.mjs';

const maker = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const handle = provide(baggage, 'kind', () => VatData.makeKindHandle('node'));
  const make = VatData.defineDurableKind(handle, name => ({ name, next: undefined }), {
    label: ({ state }) => state.name,
    next: ({ state }) => state.next,
    setNext: ({ state }, next) => { state.next = next; },
    // Leads to next through a map, as a value and as a key.
    setNextInMap: ({ state }, next) => {
      const map = VatData.makeScalarBigMapStore('map', { durable: true });
      map.init('value', next);
      map.init(next, 'key');
      state.next = map;
    },
  });
  return Far('root', {
    bootstrap: () => 'ready',
    make: name => make(name),
    loop: name => {
      const one = make(name + '-one');
      const other = make(name + '-other');
      one.setNext(other);
      other.setNext(one);
    },
  });
};`;

const driver = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('driver', {
    bootstrap: () => 'ready',
    ring: async (name, method, ...roots) => {
      const nodes = [];
      for (const root of roots) nodes.push(await E(root).make(name));
      for (let i = 0; i < nodes.length; i += 1) {
        await E(nodes[i])[method](nodes[(i + 1) % nodes.length]);
      }
      baggage.init(name, nodes[0]);
    },
    drop: name => baggage.delete(name),
    walk: async (name, steps) => {
      let node = baggage.get(name);
      for (let i = 0; i < steps; i += 1) node = await E(node).next();
      return E(node).label();
    },
  });`;

const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ driver, one: maker, two: maker, three: maker });
  const root = name => ({ kref: vats[name].root });
  const send = (...args) => home.send(vats.driver.root, ...args);
  const objects = async () => {
    const rows = await home.rows('stats');
    return ['one', 'two', 'three'].map(name => rows.find(row => row.name === name).objects);
  };
  const named = async name => (await home.keeve(['export'])).stdout.split('\n')
    .filter(line => line.includes(`\\"${name}`) || line.includes(`"${name}`)).length;
  const gc = async () => {
    const { status, stderr } = await home.keeve(['gc']);
    equal(status, 0, `keeve gc: ${stderr}`);
    equal(stderr, '', 'keeve gc');
  };

  await send('ring', 'living', 'setNext', root('one'), root('two'), root('three'));
  await send('ring', 'pair', 'setNext', root('one'), root('two'));
  await send('ring', 'triangle', 'setNextInMap', root('one'), root('two'), root('three'));
  await gc();
  equal(await objects(), [3, 3, 2], 'objects while they are held');
  await home.send(vats.three.root, 'loop', 'alone');

  for (const name of ['pair', 'triangle']) {
    await send('drop', name);
  }
  for (let i = 0; i < 4; i += 1) {
    equal((await home.keeve(['reap'])).status, 0, 'reap');
    await home.settle();
  }
  equal(await objects(), [3, 3, 4], 'objects that count on each other, after reaps');

  // The daemon dies while cycles are being looked for; what it knew of them is lost, nothing else.
  equal((await home.keeve(['pause'])).status, 0, 'pause');
  home.stream('collect');
  await until(async () => (await home.status()).cycles.state === 'waiting', 'vats to be waited for');
  await home.restart();
  await home.audit();
  equal(await send('walk', 'living', 4), 'living', 'the ring after kill -9');

  await gc();
  equal(await objects(), [1, 1, 1], 'objects after keeve gc');
  for (const name of ['pair', 'triangle', 'alone']) {
    equal(await named(name), 0, `rows that name ${name}`);
  }
  equal(await send('walk', 'living', 5), 'living', 'the ring that is held');
  const { cycles } = await home.status();
  check(cycles.epochs >= 1 && cycles.state === 'none', `cycles of status: ${JSON.stringify(cycles)}`);
  check(cycles.unreachable > 0, 'status counts what was found');

  await send('drop', 'living');
  await gc();
  equal(await objects(), [0, 0, 0], 'objects when nothing is held');
  equal((await home.rows('objects')).length, 4, 'objects of the kernel: the roots');
  await home.audit();
};

const t = makeTest();
try {
  await test(t);
} catch (error) {
  console.log(error.stack);
  process.exitCode = 1;
} finally {
  await t.end();
}
