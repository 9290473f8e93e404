// SPDX-License-Identifier: Apache-2.0
// Fulfilment and rejection both reach the host: later, settled before the host hears of the promise, and
// across a restart of the daemon.
import { check, equal } from '../../../acceptance/lib.mjs';
import { E } from '../npm.mjs';
import { rejected } from '../sessions.mjs';
import { openOwner, rootVat, slotsHeard } from '../keeve.mjs';

const outcome = promise => promise.then(value => ['fulfilled', value], reason => ['rejected', reason.message]);

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ root: rootVat });
  let host = await openOwner(home);
  let it = await host.resolve(root);

  // Later.
  const krefs = {};
  const open = async name => {
    const [promise] = await E(it).waitIn(name);
    [krefs[name]] = slotsHeard(host, 'CTP_RETURN').map(slot => slot.slice(2));
    return [promise]; /* not the promise itself, which would be awaited */
  };
  const [good, bad] = [await open('good'), await open('bad')].map(([promise]) => outcome(promise));
  const subscribed = outcome(E(host.first).subscribePromise(krefs.good));
  await E(it).settle('good', 'a value');
  await E(it).refuse('bad', harden(Error('a reason')));
  equal(await good, ['fulfilled', 'a value'], 'a promise fulfilled later');
  equal(await subscribed, ['fulfilled', 'a value'], 'the same, subscribed by its kref');
  equal(await bad, ['rejected', 'a reason'], 'a promise rejected later');

  // Settled before: another host hears of it now for the first time.
  const late = await openOwner(home);
  const same = await late.resolve(root);
  const [[first], [second]] = [await E(same).waitIn('good'), await E(same).waitIn('bad')];
  equal(await outcome(first), ['fulfilled', 'a value'], 'fulfilled before');
  equal(await outcome(second), ['rejected', 'a reason'], 'rejected before');
  equal(await outcome(E(late.first).subscribePromise(krefs.good)), ['fulfilled', 'a value'], 'subscribed after');
  equal(await outcome(E(late.first).subscribePromise(krefs.bad)), ['rejected', 'a reason'], 'subscribed after');

  // Across a restart: held by the kernel, not by a heap.
  void outcome((await open('never'))[0]);
  for (const kref of Object.values(krefs)) {
    const { status, stderr } = await home.keeve(['pin', kref]);
    equal([status, stderr], [0, ''], `pin ${kref}`);
  }
  await home.restart();
  host = await openOwner(home);
  equal(await outcome(E(host.first).subscribePromise(krefs.good)), ['fulfilled', 'a value'], 'fulfilled, after a restart');
  equal(await outcome(E(host.first).subscribePromise(krefs.bad)), ['rejected', 'a reason'], 'rejected, after a restart');
  const reason = await rejected(E(host.first).subscribePromise(krefs.never), 'a promise whose heap is gone');
  equal(reason.name, 'vatUpgraded', 'the name of what it was rejected with');
  it = await host.resolve(root);
  check((await E(it).echo(1)) === 1, 'the vat answers');
};
