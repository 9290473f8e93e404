// SPDX-License-Identifier: Apache-2.0
// exportValue: a value under a slot of the host's choice, which the other side calls without having been
// sent it; sent later, it goes under the same slot.
import { check, equal } from '../lib.mjs';
import { E, Far, host, watched } from '../client.mjs';
import { makePair } from '../pair.mjs';

export const test = async t => {
  const value = Far('value', { n: x => x + 1 });
  const { near, far } = await makePair(t, {});
  near.exportValue(value, 'o+chosen');
  equal(await E(far.makeRemoteKit('o-chosen').settler.resolveWithPresence()).n(1), 2, 'a call of the slot');

  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const mine = Far('mine', { n: () => 9 });
  session.captp.exportValue(mine, 'o+mine');
  equal(await E(root).call(mine, 'n'), 9, 'called by a vat');
  equal(sent.find(m => m.method?.body.startsWith('["call"')).method.slots, ['o+mine'], 'the slot on the wire');
  let refused = false;
  try {
    session.captp.exportValue(Far('other', {}), 'o+mine');
  } catch {
    refused = true;
  }
  check(refused, 'a second value under one slot');
};
