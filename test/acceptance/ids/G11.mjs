// SPDX-License-Identifier: Apache-2.0
// gcHook: the host is told once, with the slot, when the kernel needs its object no longer.
import { check, equal } from '../lib.mjs';
import { E, Far, hosted, untilCollected } from '../client.mjs';

export const test = async t => {
  const told = [];
  const { home, root } = await hosted(t, { gcHook: (slot, value) => told.push([slot, value]) });
  const [first, second] = [Far('first', { n: () => 1 }), Far('second', { n: () => 2 })];
  await E(root).keep('first', first);
  await E(root).keep('second', second);
  equal(await E(root).callKept('second', 'n'), 2, 'an object that is kept');
  await home.rows('gc');
  await E(root).read();
  equal(told, [], 'before anything was dropped');
  await E(root).drop('second');
  await untilCollected(async () => {
    await home.rows('gc');
    return told.length > 0;
  }, 'gcHook');
  for (let i = 0; i < 3; i += 1) {
    await home.rows('gc');
    await E(root).read();
  }
  equal(told.map(([slot]) => slot), ['o+2'], 'slots it was told of');
  check(told[0][1] === second, 'another value');
  equal(await E(root).callKept('first', 'n'), 1, 'the other object');
  // It can be sent again.
  await E(root).keep('second', second);
  equal(await E(root).callKept('second', 'n'), 2, 'the object, sent again');
};
