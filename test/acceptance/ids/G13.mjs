// SPDX-License-Identifier: Apache-2.0
// onBeforeExportHook: the host chooses the slot of an outgoing value, and the answer comes back to it.
import { check, equal } from '../lib.mjs';
import { E, Far, host, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const mine = Far('mine', { n: () => 7 });
  const { session, sent } = await watched(t, home, {
    onBeforeExportHook: value => (value === mine ? 'o+777' : undefined),
  });
  const root = await session.resolveKref(vats.host.root);
  check((await E(root).same(mine)) === mine, 'another value came back');
  equal(sent.filter(m => m.type === 'CTP_CALL').at(-1).method.slots, ['o+777'], 'the slot on the wire');
  await E(root).keep('mine', mine);
  equal(await E(root).callKept('mine', 'n'), 7, 'called under that slot');
  const other = Far('other', { n: () => 8 });
  equal(await E(root).call(other, 'n'), 8, 'another value');
  check(!sent.at(-2).method?.slots.includes('o+777'), 'the slot was given twice');
};
