#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// remains - what the heaps of a vat alone held, thousands of virtual and durable objects and stores and
// what they held of another vat, is gone after its restarts and one reap, which goes on by itself; what
// is kept stays.
// usage: KEEVE=... KEEVE_VAT=... remains.mjs
import { check, equal, runScript, until } from '../acceptance/lib.mjs';

const MANY = 3000; // more than one bringOutYourDead looks at

const keeper = `
import { E, Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const handle = provide(baggage, 'kind', () => VatData.makeKindHandle('thing'));
  const makeThing = VatData.defineDurableKind(handle, held => ({ held }), { held: ({ state }) => state.held });
  const makeBrief = VatData.defineKind('brief', held => ({ held }), { held: ({ state }) => state.held });
  const things = provide(baggage, 'things', () => VatData.makeScalarBigMapStore('things', { durable: true }));
  const kept = [];
  return Far('root', {
    bootstrap: () => 'ready',
    keep: many => {
      for (let i = 0; i < many; i += 1) things.init(i, makeThing(i));
    },
    sum: () => [...things.values()].reduce((sum, it) => sum + it.held(), 0),
    waste: async (many, peer) => {
      const theirs = await E(peer).give();
      const map = VatData.makeScalarBigMapStore('map');
      for (let i = 0; i < many; i += 1) {
        kept.push(makeBrief(theirs), makeThing(theirs));
        map.init(i, theirs);
      }
      kept.push(map);
    },
  });
};`;

const giver = `
import { Far } from '@endo/far';
export const buildRootObject = () => Far('root', { give: () => Far('it', {}) });`;

const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, giver });
  const send = (...args) => home.send(vats.keeper.root, ...args);
  const rows = async () => (await home.rows('stats')).find(row => row.vat === vats.keeper.vat).rows;
  // One reap; those after it come by themselves, until the vat has walked through all its rows.
  const walked = async before => {
    await home.rows('reap');
    await until(async () => (await rows()) < before, 'the first rows to go');
    await until(async () => !(await home.keeve(['export'])).stdout.includes('vom.remains'), 'the walk to end');
    await home.settle();
    return rows();
  };
  const restart = async () => {
    const { status, stderr } = await home.keeve(['restart-vat', vats.keeper.vat]);
    equal(status, 0, `restart-vat: ${stderr}`);
  };

  await send('keep', MANY);
  const base = await rows();
  for (let round = 0; round < 2; round += 1) {
    await send('waste', MANY, { kref: vats.giver.root });
    const full = await rows();
    check(full > base + 3 * MANY, `${full} rows while a heap holds them, ${base} before`);
    await restart();
    await send('sum');
    equal(await walked(full), base, `rows after restart ${round}`);
    equal((await home.rows('promises')).length, 0, 'promises');
    await until(async () => (await home.rows('objects')).length === 2, 'the giver to hear of it');
    equal(await send('sum'), MANY * (MANY - 1) / 2, 'what is kept');
  }
  await home.audit();
};

await runScript(test);
