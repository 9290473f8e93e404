// SPDX-License-Identifier: Apache-2.0
// Fulfilment and rejection reach the host: settled after it subscribed, and before; and what a promise
// became is still known after a restart of the daemon.
import { check, equal } from '../lib.mjs';
import { E, hosted, krefOf, rejected, session } from '../client.mjs';

const keeper = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('keeper', { bootstrap: () => 'ready', hold: p => void p });
`;

export const test = async t => {
  const { home, root, session: first } = await hosted(t);
  await home.launch({ keeper });
  const made = {};
  for (const name of ['fulfilled', 'rejected', 'early', 'earlyRejected']) {
    made[name] = (await E(root).promise(name)).p;
  }
  // Waiting before it settles.
  const waiting = [made.fulfilled, rejected(made.rejected, 'rejected')];
  await E(root).fulfil('fulfilled', { n: 7n });
  await E(root).reject('rejected', RangeError('no'));
  equal((await waiting[0]).n === 7n, true, 'a fulfilment');
  const error = await waiting[1];
  equal([error.constructor.name, error.message], ['RangeError', 'no'], 'a rejection');

  // Settled before anyone asks: another host, by the kref alone.
  await E(root).fulfil('early', 'was early');
  await E(root).reject('earlyRejected', 'any reason');
  const other = await session(t, home);
  equal(await other.subscribePromise(krefOf(made.early)), 'was early', 'fulfilled before');
  equal(await rejected(other.subscribePromise(krefOf(made.earlyRejected)), 'early'), 'any reason', 'rejected before');

  // A promise that nobody had settled when the daemon died: its vat's heap was to, and that is gone.
  const { p } = await E(root).promise('open');
  const lost = rejected(p, 'what was open');
  await home.restart();
  check(/CONNECTION_LOST/.test((await lost).message), 'an open promise at the end of the session');
  await first.closed;
  const again = await session(t, home);
  const root2 = await again.resolveKref(krefOf(root));
  const { p: p2 } = await E(root2).promise('again');
  await E(root2).fulfil('again', 'after the restart');
  equal(await p2, 'after the restart', 'a promise after the restart');
};
