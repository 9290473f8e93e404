// SPDX-License-Identifier: Apache-2.0
// makeKrefImportExportTables: the kref of a presence, the presence of a kref, and nothing for foreign objects.
import { check, equal } from '../lib.mjs';
import { E, Far, client, hosted, krefOf } from '../client.mjs';

export const test = async t => {
  const { root, session } = await hosted(t);
  const tables = client.makeKrefImportExportTables({
    sendToKernel: (_operation, { target, method, args }) =>
      E(session.kernel).queueMessage(target, method, args).then(client.kunser),
  });
  const presence = tables.importSlot(krefOf(root));
  check(tables.importSlot(krefOf(root)) === presence, 'a second presence for one kref');
  equal(tables.exportSlot(presence), krefOf(root), 'the kref of a presence');
  equal(await E(presence).increment(), 1, 'a call of it');
  check(tables.importSlot('kp7') instanceof Promise, 'a promise has no promise');
  for (const foreign of [Far('mine', {}), {}, 'ko1', 7, undefined, Promise.resolve()]) {
    equal(tables.exportSlot(foreign), undefined, `the kref of ${String(foreign)}`);
  }
  for (const bad of ['o+1', 'ko', '', 'v1']) {
    let threw = false;
    try {
      tables.importSlot(bad);
    } catch {
      threw = true;
    }
    check(threw, `importSlot(${bad}) gave something`);
  }
};
