// SPDX-License-Identifier: Apache-2.0
// What a call from a host costs is bounded: one message each way, no more than so many bytes, one crank of
// the vat; and the benchmark of it is part of the tree.
import { check, equal, existsSync, join, ROOT } from '../lib.mjs';
import { E, host, watched } from '../client.mjs';

const CALLS = 200;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent, came } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  await E(root).increment();
  const before = { sent: sent.length, came: came.length, cranks: (await home.status()).cranks };
  for (let i = 0; i < CALLS; i += 1) {
    await E(root).increment();
  }
  const calls = sent.slice(before.sent);
  equal(calls.length, CALLS, 'messages that were sent');
  equal(came.length - before.came, CALLS, 'messages that came');
  check(calls.every(m => JSON.stringify(m).length < 200), 'a call of more than 200 bytes');
  const cranks = (await home.status()).cranks - before.cranks;
  check(cranks <= 4 * CALLS, `${cranks} cranks for ${CALLS} calls`);
  check(existsSync(join(ROOT, 'bench')), 'no benchmark');
};
