// SPDX-License-Identifier: Apache-2.0
// That a presence was collected is noticed, and the kernel's count goes down.
import { check, equal } from '../lib.mjs';
import { E, hosted, krefOf, untilCollected } from '../client.mjs';

export const test = async t => {
  const { home, root, session } = await hosted(t);
  const rowsOf = async () => (await home.rows('sessions')).find(row => row.label === 'owner').rows;
  const kept = await E(root).make('kept');
  await (async () => {
    const all = await E(root).makeMany(50);
    equal(new Set(all.map(krefOf)).size, 50, 'krefs');
    check((await rowsOf()) >= 50, 'rows while they are held');
  })();
  await untilCollected(async () => (await rowsOf()) < 25, 'the rows to go');
  equal(await E(kept).label(), 'kept', 'what is still held');
  check(session.captp.getTableSizes().imports <= 4, 'the table of the client');
};
