// SPDX-License-Identifier: Apache-2.0
// Ephemeral objects cross a durable link: a host iterates a generator of a vat, and the kernel says that
// the iterator is ephemeral. After a restart in the middle the next step rejects by name, and so does what a
// new session finds under the kref.
import { check, equal } from '../lib.mjs';
import { E, errorCode, krefOf, rejected, session } from '../client.mjs';

const source = `
import { Far } from '@endo/far';
export const buildRootObject = () =>
  Far('source', {
    bootstrap: () => 'ready',
    count: n => {
      function* numbers() {
        for (let i = 1; i <= n; i += 1) yield i;
      }
      const generator = numbers();
      return Far('iterator', { next: () => harden(generator.next()) });
    },
  });
`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ source });
  const mine = await session(t, home);
  const root = await mine.resolveKref(vats.source.root);
  const iterator = await E(root).count(3);
  equal(await E(iterator).next(), { value: 1, done: false }, 'the first step');
  const kref = krefOf(iterator);
  const { vref } = (await home.rows('clist', vats.source.vat)).find(row => row.kref === kref);
  const [{ lifetime }] = await home.rows('describe', vref);
  equal(lifetime, 'ephemeral', `the lifetime of ${vref}`);

  await home.restart();
  const lost = await rejected(E(iterator).next(), 'the next step in the old session');
  equal(errorCode(lost), 'CONNECTION_LOST', 'its code');
  const again = await session(t, home);
  const error = await rejected(
    again.resolveKref(kref).then(found => E(found).next()), 'the next step in a new session',
  );
  check(['OBJECT_DELETED', 'OBJECT_REVOKED', 'NO_SUCH'].includes(errorCode(error)) || error.message.includes(kref),
    error.message);
  // The source itself is there, and counts anew.
  const fresh = await E(await again.resolveKref(vats.source.root)).count(2);
  equal(await E(fresh).next(), { value: 1, done: false }, 'a step of a new iterator');
};
