// SPDX-License-Identifier: Apache-2.0
// An export happens or leaves no trace: a hook that throws undoes it, and the next try gets the same slot.
import { check, equal } from '../lib.mjs';
import { E, Far, host, rejected, watched } from '../client.mjs';

export const test = async t => {
  let angry = true;
  const hooked = [];
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home, {
    exportHook: (_value, slot) => {
      hooked.push(slot);
      if (angry) {
        throw Error('not now');
      }
    },
  });
  const root = await session.resolveKref(vats.host.root);
  const mine = Far('mine', { n: () => 3 });
  const before = { sent: sent.length, sizes: session.captp.getTableSizes().exports };
  const error = await rejected(E(root).keep('mine', mine), 'a hook that throws');
  check(error.message.includes('not now'), error.message);
  equal(session.captp.getTableSizes().exports, before.sizes, 'exports after it threw');
  equal(sent.length, before.sent, 'messages after it threw');
  angry = false;
  await E(root).keep('mine', mine);
  equal(session.captp.getTableSizes().exports, before.sizes + 1, 'exports after the retry');
  equal(hooked, ['o+1', 'o+1'], 'slots that were tried');
  equal(await E(root).callKept('mine', 'n'), 3, 'the object');
  await E(root).keep('other', Far('other', {}));
  equal(hooked, ['o+1', 'o+1', 'o+2'], 'the next slot');
};
