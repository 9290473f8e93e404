// SPDX-License-Identifier: Apache-2.0
// makeRemoteKit: what talks to a slot without being registered; a presence made of it reaches the object.
import { equal } from '../lib.mjs';
import { E, hosted, krefOf } from '../client.mjs';

export const test = async t => {
  const { root, session } = await hosted(t);
  const before = session.captp.getTableSizes().imports;
  const { promise, settler } = session.captp.makeRemoteKit(`o-${krefOf(root)}`);
  const presence = settler.resolveWithPresence();
  equal(await E(presence).increment(), 1, 'a call of the presence');
  equal(await E(promise).increment(), 2, 'a call of the promise');
  equal(session.captp.getTableSizes().imports, before, 'imports');
};
