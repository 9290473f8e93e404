// SPDX-License-Identifier: Apache-2.0
// Calls, gets and send-only messages to a presence all reach the vat.
import { check, equal, until } from '../lib.mjs';
import { E, client, hosted } from '../client.mjs';

export const test = async t => {
  const { root, kernel, kref } = await hosted(t);
  equal(await E(root).increment(), 1, 'E()');
  check(E.sendOnly(root).increment() === undefined, 'E.sendOnly gave something');
  await until(async () => (await E(root).read()) === 2, 'what was sent only');
  equal(await E.get(E(root).getRelated()).list.then(list => list.length), 1, 'a property of an answer');
  const { p } = await E(root).promise('later');
  const name = E(E.get(p).child).label();
  await E(root).fulfil('later', { child: await E(root).make('n') });
  equal(await name, 'n', 'a property of a promise that the vat is to settle');
  check((await E.get(root).none) === undefined, 'a property an object does not have');

  // The same through a function of the host's that has nothing but the facade.
  const operations = [];
  const presence = client.makeKrefPresence(kref, async (operation, { target, method, args, property }) => {
    operations.push(operation);
    if (operation === 'getProperty') {
      return E.get(await E(kernel).resolveKref(target))[property];
    }
    return client.kunser(await E(kernel).queueMessage(target, method, args));
  });
  equal(await E(presence).increment(), 3, 'E() by queueMessage');
  E.sendOnly(presence).increment();
  await until(async () => (await E(root).read()) === 4, 'what was sent only, by queueMessage');
  await E.get(presence).anything;
  const manager = client.makePresenceManager({ kernelFacade: kernel });
  check((await E.get(manager.resolveKref(kref)).none) === undefined, 'a property by the presence manager');
  equal(operations, ['queueMessage', 'queueMessage', 'getProperty'], 'operations');
};
