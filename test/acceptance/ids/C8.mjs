// SPDX-License-Identifier: Apache-2.0
// Objects in results get krefs; what the host sends back is the same object for the vat.
import { check, equal } from '../lib.mjs';
import { E, hosted, krefOf, session } from '../client.mjs';

export const test = async t => {
  const { home, root } = await hosted(t);
  const node = await E(root).make('a');
  await E(root).keep('a', node);
  check(await E(root).isKept('a', node), 'the vat got another object than it had given');
  check(await E(root).are(root, root), 'the root is not itself');
  check(!(await E(root).are(root, node)), 'two objects are one');
  // Another host gets the same thing by the same kref.
  const other = await session(t, home);
  const theirs = await other.resolveKref(krefOf(node));
  const theirRoot = await other.resolveKref(krefOf(root));
  check(theirs !== node, 'two sessions share a presence');
  check(await E(theirRoot).isKept('a', theirs), 'another host names another object');
  equal(await home.send(krefOf(node), 'label'), 'a', 'the kref at the command line');
};
