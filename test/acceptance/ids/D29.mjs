// SPDX-License-Identifier: Apache-2.0
// Import and export tables outlive the daemon: a reference exported before is good afterwards.
import { check, equal } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const pairs = rows => rows.map(row => `${row.kref} ${row.vref}`).sort();

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  const made = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'it', made);
  await home.send(vats.keeper.root, 'call', 'it', 'increment');
  await home.settle();
  const before = {};
  for (const name of ['keeper', 'counter']) {
    before[name] = pairs(await home.rows('clist', vats[name].vat))
      .filter(pair => pair.startsWith(made.kref) || pair.startsWith(vats[name].root));
  }
  check(before.keeper.length === 2 && before.counter.length === 2,
    `the tables hold ${JSON.stringify(before)}`);

  await home.restart();
  // A call from outside by the old name, and one through the other vat's table.
  equal(await home.send(made.kref, 'read'), 1, 'the object by its kref');
  equal(await home.send(vats.keeper.root, 'call', 'it', 'increment'), 2, 'through the import table');
  for (const name of ['keeper', 'counter']) {
    const after = pairs(await home.rows('clist', vats[name].vat));
    for (const pair of before[name]) {
      check(after.includes(pair), `${name} had ${pair}, after the restart it has ${after.join(', ')}`);
    }
  }
  await home.audit();
};
