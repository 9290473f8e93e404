// SPDX-License-Identifier: Apache-2.0
// convertPresencesToStandins: presences and promises of the kernel become stand-ins in one pass; all else stays.
import { check, equal } from '../lib.mjs';
import { E, Far, client, hosted, isKrefPresence, krefOf } from '../client.mjs';

export const test = async t => {
  const { root, kernel, kref } = await hosted(t);
  const { child, list } = await E(root).getRelated();
  const { p } = await E(root).promise('p');
  const mine = Far('mine', { n: () => 4 });
  const value = { child, deep: { list: [list[0][0], { p }] }, text: krefOf(child), n: 1n, mine };
  const converted = client.convertPresencesToStandins(value);
  equal(
    [converted.child, converted.deep.list[0], converted.deep.list[1].p].map(krefOf),
    [child, list[0][0], p].map(krefOf), 'krefs of the stand-ins',
  );
  check(![converted.child, converted.deep.list[1].p].some(isKrefPresence), 'a stand-in is a presence');
  check(converted.text === krefOf(child) && converted.n === 1n && converted.mine === mine, 'the rest changed');
  check(value.child === child, 'the value itself changed');
  // The kernel takes stand-ins for what they stand for.
  const answer = await E(kernel).queueMessage(kref, 'are', client.convertPresencesToStandins([child, child]));
  equal(client.kunser(answer), true, 'what the vat made of them');
  const back = await E(root).same(client.convertPresencesToStandins({ deep: [child] }));
  check(back.deep[0] === child, 'a stand-in came back as another');
  equal(await E(root).call(converted.mine, 'n'), 4, 'an object of the host');
};
