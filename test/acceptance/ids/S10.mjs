// SPDX-License-Identifier: Apache-2.0
// Names in the kernel: ko for objects, kp for promises, v for vats; in a vat o and p with a sign.
import { check, until } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  const made = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'it', made);
  await home.keeve(['pause']);
  home.sendLater(vats.keeper.root, 'call', 'it', 'read');
  await until(async () => (await home.rows('queue')).length > 0, 'the message in the queue');

  const vatRows = await home.rows('vats');
  check(vatRows.length === 2 && vatRows.every(row => /^v\d+$/.test(row.vat)), 'vats are named vN');
  const objects = await home.rows('objects');
  check(objects.length >= 3 && objects.every(row => /^k[od]\d+$/.test(row.kref)), 'objects are koN');
  check(objects.every(row => /^v\d+$/.test(row.owner)), 'owners are vN');
  const promises = await home.rows('promises');
  check(promises.length >= 1 && promises.every(row => /^kp\d+$/.test(row.kref)), 'promises are kpN');
  for (const { vat } of vatRows) {
    for (const row of await home.rows('clist', vat)) {
      const object = /^ko\d+$/.test(row.kref) &&
        /^(o-\d+|o\+\d+|o\+[dv]\d+\/\d+(:\d+)?)$/.test(row.vref);
      const promise = /^kp\d+$/.test(row.kref) && /^p[+-]\d+$/.test(row.vref);
      check(object || promise, `${vat} has ${row.kref} as ${row.vref}`);
    }
  }
};
