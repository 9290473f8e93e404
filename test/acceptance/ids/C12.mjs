// SPDX-License-Identifier: Apache-2.0
// A promise of the kernel arrives as a promise, and the host waits for it; so it does by fromCapData.
import { check, equal } from '../lib.mjs';
import { E, client, hosted, krefOf } from '../client.mjs';

export const test = async t => {
  const { root, kernel, kref } = await hosted(t);
  const { p } = await E(root).promise('one');
  check(p instanceof Promise && /^kp/.test(krefOf(p)), 'p is no promise of the kernel');
  let settled = false;
  p.then(() => {
    settled = true;
  });
  await E(root).read();
  check(!settled, 'settled before its time');
  // It can be sent to, and goes back as itself, before it settles.
  const name = E(p).label();
  await E(root).keep('p', p);
  await E(root).fulfil('one', await E(root).make('later'));
  equal(await E(await p).label(), 'later', 'what it settled to');
  equal(await name, 'later', 'the answer of what was sent before');
  check((await E(root).kept('p')) === (await p), 'it came back as another');

  const manager = client.makePresenceManager({ kernelFacade: kernel });
  const { p: second } = await E(manager.resolveKref(kref)).promise('two');
  check(second instanceof Promise, 'the presence manager gives no promise');
  await E(root).fulfil('two', 22);
  equal(await second, 22, 'what it settled to by the manager');
};
