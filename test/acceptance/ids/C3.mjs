// SPDX-License-Identifier: Apache-2.0
// kslot() makes a stand-in for a kref, krefOf() tells it again; a stand-in in a message is the object.
import { check, equal, join, ROOT } from '../lib.mjs';
import { E, client, hosted } from '../client.mjs';

const { kslot } = client;
const { krefOf } = await import(join(ROOT, 'js/client/src/kernel_marshal_entry.js'));

export const test = async t => {
  for (const kref of ['ko42', 'kp7']) {
    equal(krefOf(kslot(kref)), kref, `${kref} and back`);
  }
  for (const plain of [{}, [], 'ko42', 7, null, undefined, Promise.resolve(1)]) {
    let threw = false;
    try {
      krefOf(plain);
    } catch {
      threw = true;
    }
    check(threw, `krefOf(${String(plain)}) gave something`);
  }
  const { root, kref } = await hosted(t);
  const made = await E(root).make('a');
  check(await E(root).are(made, kslot(krefOf(made))), 'a stand-in is not what it names');
  check((await E(root).same(kslot(kref))) === root, 'a stand-in came back as another');
};
