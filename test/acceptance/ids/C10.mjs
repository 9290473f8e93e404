// SPDX-License-Identifier: Apache-2.0
// isKrefPresence: true of what came from a kernel, false of all else.
import { equal } from '../lib.mjs';
import { E, Far, client, hosted } from '../client.mjs';

export const test = async t => {
  const { root, kernel } = await hosted(t);
  const { child } = await E(root).getRelated();
  const { p } = await E(root).promise('p');
  const table = {
    root: [root, true], kernel: [kernel, true], child: [child, true], promise: [p, true],
    standin: [client.kslot('ko4'), false], mine: [Far('mine', {}), false], record: [{}, false],
    array: [[root], false], text: ['ko4', false], number: [4, false], none: [undefined, false],
    null: [null, false], answer: [E(root).read(), false], fn: [() => 1, false],
    proxy: [{ ...root }, false],
  };
  for (const [name, [value, expected]] of Object.entries(table)) {
    equal(client.isKrefPresence(value), expected, `isKrefPresence of ${name}`);
  }
};
