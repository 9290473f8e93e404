// SPDX-License-Identifier: Apache-2.0
// What becomes of a session when the daemon is killed in the middle of calls: what was acknowledged is done and
// not repeated, what was open rejects by name on both sides, and who comes back finds what it had.
import { check, equal, until } from '../../../acceptance/lib.mjs';
import { E, Far } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

// Asks the host something, and remembers durably what became of that.
const asker = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const provide = (name, make) => {
    if (!baggage.has(name)) baggage.init(name, make());
    return baggage.get(name);
  };
  provide('outcome', () => 'none');
  const makeWatcher = VatData.defineDurableKind(provide('kind', () => VatData.makeKindHandle('watcher')), () => ({}), {
    onFulfilled: () => baggage.set('outcome', 'fulfilled'),
    onRejected: (_context, reason) => baggage.set('outcome', reason.message),
  });
  return Far('root', {
    bootstrap: () => 'ready',
    ask: it => { VatData.watchPromise(E(it).answer(), makeWatcher()); },
    outcome: () => baggage.get('outcome'),
  });
};`;

const CALLS = 400;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ root: rootVat, asker });
  const host = await openOwner(home);
  const root = await host.resolve(vats.root.root);
  let asked = 0;
  await E(await host.resolve(vats.asker.root)).ask(Far('slow', { answer: () => ((asked += 1), new Promise(() => {})) }));
  await until(() => asked === 1, 'the vat to ask the host');

  const acknowledged = [];
  let open = 0;
  const calls = [...Array(CALLS)].map(() =>
    E(root).count().then(
      n => acknowledged.push(n),
      reason => {
        check(reason instanceof Error && reason.message !== '', 'an open call rejects with an error');
        open += 1;
      },
    ),
  );
  await until(() => acknowledged.length >= 20, 'some calls to be acknowledged');
  await home.killDaemon();
  await Promise.all(calls);
  equal(acknowledged, acknowledged.map((_, i) => i + 1), 'acknowledged once each, in order');
  equal(acknowledged.length + open, CALLS, 'each call was answered or rejected');

  await home.start();
  await home.settle();
  const counted = await home.send(vats.root.root, 'counted');
  check(counted >= acknowledged.length, `${counted} calls are done, ${acknowledged.length} were acknowledged`);
  check(counted <= CALLS, `${counted} calls are done, ${CALLS} were sent`);
  const outcome = await until(async () => {
    const found = await home.send(vats.asker.root, 'outcome');
    return found !== 'none' && found;
  }, 'the vat to hear of its question');
  check(/\[KERNEL:PEER_GONE\]/.test(outcome), `the vat's question was rejected with ${outcome}`);
  equal(asked, 1, 'the host was asked once');

  const again = await openOwner(home);
  equal(await E(await again.resolve(vats.root.root)).count(), counted + 1, 'who comes back goes on');
  equal((await home.rows('sessions')).length, 1, 'sessions: the old one is not resumed');
  await home.audit();
};
