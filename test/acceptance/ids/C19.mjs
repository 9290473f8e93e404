// SPDX-License-Identifier: Apache-2.0
// A thousand presences that were dropped are let go of in few messages, whoever asked for them one by one.
import { check, equal } from '../lib.mjs';
import { E, host, untilCollected, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, drops } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const rowsOf = async () => (await home.rows('sessions')).find(row => row.label === 'owner').rows;
  await (async () => {
    const all = await Promise.all(Array.from({ length: 1000 }, (_, i) => E(root).make(`${i}`)));
    equal(await E(all[999]).label(), '999', 'the last of them');
    check((await rowsOf()) >= 1000, 'rows while they are held');
  })();
  await untilCollected(async () => (await rowsOf()) < 100, 'the rows to go');
  check(drops.length < 100, `${drops.length} messages to drop 1000 presences`);
};
