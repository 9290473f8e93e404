// SPDX-License-Identifier: Apache-2.0
// A promise's state is in the store: one that is pending when the daemon is killed is pending
// afterwards, and settles when its message has run.
import { check, equal, until } from '../lib.mjs';
import { counter } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ counter });
  await home.keeve(['pause']);
  home.sendLater(root, 'increment');
  const [item] = await until(async () => {
    const rows = await home.rows('queue');
    return rows.length > 0 && rows;
  }, 'the message in the queue');
  const before = (await home.rows('promises')).find(row => row.kref === item.result);
  check(before, `${item.result} is not in the list of promises`);
  check(/unsettled|unresolved|pending/.test(before.state), `its state is ${before.state}`);

  await home.killDaemon();
  await home.start('--paused');
  const after = (await home.rows('promises')).find(row => row.kref === item.result);
  check(after, `${item.result} is gone after the restart`);
  equal(after.state, before.state, 'its state after the restart');
  equal((await home.rows('queue')).map(row => row.result), [item.result], 'the queue after the restart');

  await home.keeve(['run']);
  await home.settle();
  equal(await home.send(root, 'read'), 1, 'the message ran once');
  const settled = (await home.rows('promises')).find(row => row.kref === item.result);
  check(!settled || settled.state !== before.state, `${item.result} is still pending`);
  await home.audit();
};
