// SPDX-License-Identifier: Apache-2.0
// B keeps an object of A in its durable state: it holds through every combination of restarts of A, of
// B and of the daemon.
import { equal } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  const made = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'it', made);
  const ways = {
    A: async () => equal((await home.keeve(['restart-vat', vats.counter.vat])).status, 0, 'restart A'),
    B: async () => equal((await home.keeve(['restart-vat', vats.keeper.vat])).status, 0, 'restart B'),
    daemon: () => home.restart(),
  };
  const names = Object.keys(ways);
  let count = 0;
  for (let cell = 1; cell < 8; cell += 1) {
    const chosen = names.filter((_, bit) => cell & (1 << bit));
    for (const name of chosen) {
      await ways[name]();
    }
    count += 1;
    equal(await home.send(vats.keeper.root, 'call', 'it', 'increment'), count,
      `the call after restarting ${chosen.join(' and ')}`);
  }
  equal(await home.send(made.kref, 'read'), count, 'the same object by its kref');
  await home.audit();
};
