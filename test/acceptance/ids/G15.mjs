// SPDX-License-Identifier: Apache-2.0
// importSlot: a presence registered for a slot is the one that comes when the slot does.
import { check, equal } from '../lib.mjs';
import { E, Far, hosted, krefOf, session } from '../client.mjs';

export const test = async t => {
  const { home, root } = await hosted(t);
  const node = await E(root).make('a');
  await E(root).keep('node', node);
  // Another session knows the kref beforehand.
  const other = await session(t, home);
  const mine = Far('mine', { label: () => 'mine' });
  other.captp.importSlot(`o-${krefOf(node)}`, mine);
  const theirRoot = await other.resolveKref(krefOf(root));
  check((await E(theirRoot).kept('node')) === mine, 'another presence came');
  check(await E(theirRoot).isKept('node', mine), 'it went back as something else');
  equal(krefOf(mine), krefOf(node), 'its kref');
  // Without a presence of ours, one that reaches the object is made at once.
  const third = await session(t, home);
  const early = third.captp.importSlot(`o-${krefOf(node)}`);
  equal(await E(early).label(), 'a', 'a call of it');
  check((await E(await third.resolveKref(krefOf(root))).kept('node')) === early, 'it came as another');
};
