// SPDX-License-Identifier: Apache-2.0
// A delegate: a presence, under a kref known beforehand, for an object not held yet. Messages to it arrive
// once, in order, when it is provided; it is the same presence before and after.
import { check, equal } from '../lib.mjs';
import { E, client, hosted, krefOf, session } from '../client.mjs';

const recorder = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const heard = [];
  return Far('recorder', { bootstrap: () => 'ready', say: x => heard.push(x), heard: () => harden([...heard]) });
};
`;

export const test = async t => {
  const { home, root } = await hosted(t);
  const { vats } = await home.launch({ recorder });
  const kref = vats.recorder.root;
  const mine = await session(t, home);
  const { presence, provide } = client.makeDelegatePresence('future');
  mine.captp.importSlot(`o-${kref}`, presence);
  equal(krefOf(presence), kref, 'its kref before there is anything');
  const said = [E(presence).say(1), E(presence).say(2)];
  const hostRoot = await mine.resolveKref(krefOf(root));
  await E(hostRoot).keep('it', presence);
  const plain = await (await session(t, home)).resolveKref(kref);
  equal(await E(plain).heard(), [], 'what arrived before it was provided');
  provide(mine.captp.makeRemoteKit(`o-${kref}`).settler.resolveWithPresence());
  said.push(E(presence).say(3));
  equal(await Promise.all(said), [1, 2, 3], 'answers');
  equal(await E(plain).heard(), [1, 2, 3], 'what arrived');
  check((await mine.resolveKref(kref)) === presence, 'another presence came');
  equal(await E(hostRoot).callKept('it', 'heard'), [1, 2, 3], 'the vat knew it all the time');
};
