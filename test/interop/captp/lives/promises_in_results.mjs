// SPDX-License-Identifier: Apache-2.0
// A promise inside a result arrives as a promise, named kp, and can be awaited and sent to.
import { check, equal, until } from '../../../acceptance/lib.mjs';
import { E, passStyleOf } from '../npm.mjs';
import { openOwner, rootVat, slotsHeard } from '../keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ root: rootVat });
  const host = await openOwner(home);
  const it = await host.resolve(root);
  const [promise] = await E(it).waitIn('a');
  equal(passStyleOf(promise), 'promise', 'what arrives');
  const [slot] = slotsHeard(host, 'CTP_RETURN');
  check(/^p\+kp\d+$/.test(slot), `the wire names it ${slot}`);
  const row = (await home.rows('promises')).find(p => p.kref === slot.slice(2));
  equal(row && row.state, 'unresolved', 'the kernel has it under that name');
  let settled = false;
  void promise.then(() => (settled = true));
  const pipelined = E(promise).getName();
  equal(await E(it).echo(1), 1, 'another call meanwhile');
  check(!settled, 'it settled by itself');
  const child = await E(it).makeChild('awaited');
  await E(it).settle('a', child);
  check((await promise) === child, 'what the host awaited is the child');
  equal(await pipelined, 'awaited', 'a call sent to the promise');

  // The same of a promise by its kref.
  const [second] = await E(it).waitIn('b');
  const kref = slotsHeard(host, 'CTP_RETURN')[0].slice(2);
  const byName = E(host.first).resolveKref(kref);
  await E(it).settle('b', 7);
  equal([await second, await byName], [7, 7], 'the promise, and its kref resolved');
  await until(() => settled, 'the first to settle');
};
