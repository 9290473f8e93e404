// SPDX-License-Identifier: Apache-2.0
// missingExportHook: a reference to a slot that the table does not have is filled in when it is named.
// Against npm's captp, which can name any slot.
import { check, equal } from '../lib.mjs';
import { E, Far, rejected } from '../client.mjs';
import { makePair } from '../pair.mjs';

export const test = async t => {
  const store = new Map([['o+stored', Far('stored', { read: () => 'loaded' })]]);
  const loads = [];
  const { far } = await makePair(t, {
    missingExportHook: slot => {
      loads.push(slot);
      return store.get(slot);
    },
  });
  const reach = slot => far.makeRemoteKit(slot).settler.resolveWithPresence();
  equal(await E(reach('o-stored')).read(), 'loaded', 'a slot that only the store knows');
  equal(await E(reach('o-stored')).read(), 'loaded', 'the same again');
  equal(loads, ['o+stored'], 'loads');
  const unknown = await rejected(E(reach('o-none')).read(), 'a slot nobody knows');
  check(unknown.message.includes('o+none'), unknown.message);

  const plain = await makePair(t, {});
  const error = await rejected(
    E(plain.far.makeRemoteKit('o-stored').settler.resolveWithPresence()).read(), 'without the hook',
  );
  check(/Unknown export o\+stored/.test(error.message), error.message);
};
