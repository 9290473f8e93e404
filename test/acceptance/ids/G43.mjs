// SPDX-License-Identifier: Apache-2.0
// The live entries of each table can be counted, vat by vat: a thousand objects made, nine hundred
// dropped and collected, and the numbers follow, at the owner as at the one who held them.
import { check, equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

const holder = `
import { E, Far } from '@endo/far';
import { makeScalarBigMapStore } from '@agoric/vat-data';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('held')) {
    baggage.init('held', makeScalarBigMapStore('held', { durable: true }));
  }
  return Far('root', {
    bootstrap: () => 'ready',
    take: async (maker, first, count) => {
      const made = await Promise.all(Array.from({ length: count }, () => E(maker).make()));
      made.forEach((it, i) => baggage.get('held').init(first + i, it));
    },
    drop: (first, count) => {
      for (let i = first; i < first + count; i += 1) baggage.get('held').delete(i);
    },
  });
};
`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ holder, counter });
  const counts = async () => {
    const rows = await home.rows('stats');
    return [vats.counter.vat, vats.holder.vat].map(vat => rows.find(row => row.vat === vat));
  };
  const collected = async () => {
    const report = await home.rows('gc');
    await home.settle();
    return report;
  };

  await collected();
  const [owner0, holder0] = await counts();
  for (let first = 0; first < 1000; first += 250) {
    await home.send(vats.holder.root, 'take', { kref: vats.counter.root }, first, 250);
  }
  await collected();
  const [owner1, holder1] = await counts();
  equal(owner1.exports - owner0.exports, 1000, 'exports after a thousand were made');
  equal(owner1.durable - owner0.durable, 1000, 'durable ones of these');
  equal(owner1.objects - owner0.objects, 1000, 'objects in the store of their vat');
  equal(holder1.imports - holder0.imports, 1000, 'imports of who holds them');
  equal(holder1.entries - holder0.entries, 1000, 'entries of its collection');
  check(owner1.rows - owner0.rows >= 1000 && owner1.bytes > owner0.bytes, 'rows and bytes grow');
  equal([owner1.queued, holder1.queued], [0, 0], 'nothing is queued');
  equal(owner1.promises, owner0.promises, 'promises, all settled');

  for (let first = 0; first < 900; first += 300) {
    await home.send(vats.holder.root, 'drop', first, 300);
  }
  const report = await collected();
  const [owner2, holder2] = await counts();
  equal(owner2.exports - owner0.exports, 100, 'exports after nine hundred were dropped');
  equal(owner2.objects - owner0.objects, 100, 'objects then');
  equal(holder2.imports + holder2.weak - holder0.imports - holder0.weak, 100, 'imports then');
  equal(holder2.entries - holder0.entries, 100, 'entries then');
  check(owner1.rows - owner2.rows >= 900, `rows fall by ${owner1.rows - owner2.rows}`);
  equal(report.find(row => row.vat === vats.counter.vat)?.exports, -900, 'what gc reports of the owner');

  // In piece after piece the same: the counts of one vat, asked for alone.
  const [alone] = await home.rows('stats', vats.counter.vat);
  equal(alone.rows, owner2.rows, 'rows of one vat alone');
  const unknown = await home.keeve(['stats', 'v999']);
  equal(unknown.status, 1, 'the status for a vat there is not');
  await home.audit();
};
