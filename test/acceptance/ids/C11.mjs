// SPDX-License-Identifier: Apache-2.0
// krefOf: the kref of a presence, undefined of what has none.
import { check, equal } from '../lib.mjs';
import { E, Far, hosted, krefOf } from '../client.mjs';

export const test = async t => {
  const { home, root, kernel, kref } = await hosted(t);
  equal(krefOf(root), kref, 'the root');
  const { child } = await E(root).getRelated();
  check(/^ko\d+$/.test(krefOf(child)), `the child: ${krefOf(child)}`);
  check(/^ko\d+$/.test(krefOf(kernel)), `the facade: ${krefOf(kernel)}`);
  equal(await home.send(krefOf(child), 'label'), 'child', 'what that kref names');
  const { p } = await E(root).promise('p');
  check(/^kp\d+$/.test(krefOf(p)), `the promise: ${krefOf(p)}`);
  for (const other of [Far('mine', {}), {}, [root], 'ko4', 4, undefined, null, Promise.resolve(root), () => 1]) {
    equal(krefOf(other), undefined, `krefOf(${String(other)})`);
  }
};
