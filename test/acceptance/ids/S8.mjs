// SPDX-License-Identifier: Apache-2.0
// From vat to host, step by step: the vat's answer, the promise it settles, capdata with krefs over the
// link, presences at the host.
import { check, equal, until } from '../lib.mjs';
import { E, client, host, isKrefPresence, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, came } = await watched(t, home);
  await session.resolveKref(vats.host.root);
  const manager = client.makePresenceManager({ kernelFacade: session.kernel });
  const trace = await home.trace();
  const answer = await E(session.kernel).queueMessage(vats.host.root, 'getRelated', []);

  // 1 the vat resolves; 2 the kernel settles a promise with krefs.
  const resolve = await until(
    () => trace.events.find(e => e.event === 'syscall' && e.vat === vats.host.vat && e.name === 'resolve'),
    'the syscall of the vat',
  );
  check(String(JSON.stringify(resolve)).includes('child'), 'what the vat resolved with');
  // 3 and 4 a message of the link whose value is capdata with krefs as text.
  const returned = came.filter(m => m.type === 'CTP_RETURN').at(-1);
  check(returned.result.body.includes('ko') && returned.result.slots.length === 0, JSON.stringify(returned));
  equal(Object.keys(answer).sort(), ['body', 'slots'], 'the answer');
  check(answer.slots.every(slot => /^ko\d+$/.test(slot)), 'its slots are krefs');
  // 5 and 6 presences.
  const { child } = manager.fromCapData(answer);
  check(isKrefPresence(child), 'no presence');
  equal(await E(child).doSomething(), 'child did it', 'a call of it');
};
