// SPDX-License-Identifier: Apache-2.0
// PresenceManager.fromCapData: capdata and smallcaps bodies with krefs become values with live presences.
import { check, equal } from '../lib.mjs';
import { E, client, hosted } from '../client.mjs';

export const test = async t => {
  const { root, kernel, kref } = await hosted(t);
  const manager = client.makePresenceManager({ kernelFacade: kernel });
  // The document's example, with a kref of this kernel.
  const presence = manager.fromCapData({ body: '{"@qclass":"slot","index":0}', slots: [kref] });
  equal(await E(presence).increment(), 1, 'a presence from a capdata body');
  const same = manager.fromCapData({ body: '#{"a":["$0.Alleged: counter"],"n":"+7","u":"#undefined"}', slots: [kref] });
  check(same.a[0] === presence, 'smallcaps gives another presence');
  check(same.n === 7n && same.u === undefined, 'the values beside');
  equal(await E(same.a[0]).increment(), 2, 'a presence from a smallcaps body');
  // What queueMessage answers.
  const answer = await E(kernel).queueMessage(kref, 'getRelated', []);
  check(answer.body.startsWith('#') && answer.slots.every(slot => /^ko\d+$/.test(slot)), JSON.stringify(answer));
  const related = manager.fromCapData(answer);
  equal(await E(related.child).label(), 'child', 'a presence of an answer');
  equal(await E(related.list[0][0]).label(), 'deep', 'a deeper one');
  // And back as an argument.
  check(await E(presence).are(related.child, related.child), 'an argument is not itself');
  equal(await E(root).read(), 2, 'the same counter');
};
