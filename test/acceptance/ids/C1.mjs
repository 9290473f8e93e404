// SPDX-License-Identifier: Apache-2.0
// A host calls an object of a vat with E() and gets values with presences in them, which it calls in turn.
import { equal } from '../lib.mjs';
import { E, hosted, isKrefPresence } from '../client.mjs';

export const test = async t => {
  const { root } = await hosted(t);
  equal(await E(root).increment(), 1, 'the first answer');
  equal(await E(root).increment(), 2, 'the second');
  const { child, list } = await E(root).getRelated();
  equal([isKrefPresence(child), isKrefPresence(list[0][0])], [true, true], 'nested presences');
  equal(await E(child).doSomething(), 'child did it', 'a nested one');
  equal(await E(list[0][0]).label(), 'deep', 'a deeper one');
  equal(await E(E(E(root).getRelated()).child).label().catch(() => 'no method'), 'no method', 'child is data');
  equal(await E(E.get(E(root).getRelated()).child).label(), 'child', 'without waiting in between');
};
