// SPDX-License-Identifier: Apache-2.0
// Objects of the host go into a vat, are called back while the host's call is open and after it, and are
// themselves again when they come back.
import { check, equal, until } from '../lib.mjs';
import { E, Far, hosted, rejected, session } from '../client.mjs';

export const test = async t => {
  const { home, root, kref, session: mine } = await hosted(t);
  const heard = [];
  const listener = Far('listener', {
    tell: x => {
      heard.push(x);
      return heard.length;
    },
    fail: () => {
      throw RangeError('from the host');
    },
  });
  equal(await E(root).call(listener, 'tell', 'during'), 1, 'called while the call is open');
  await E(root).keep('listener', listener);
  equal(await E(root).callKept('listener', 'tell', 'after'), 2, 'called after the call returned');
  check((await E(root).kept('listener')) === listener, 'it came back as another');
  const error = await rejected(E(root).callKept('listener', 'fail'), 'a failing callback');
  equal([error.constructor.name, error.message], ['RangeError', 'from the host'], 'its error');
  equal(await E(root).apply(Far('add', (a, b) => a + b), 2, 3), 5, 'a function of the host');

  // Someone else makes the vat call it, with an object of a vat as argument.
  const other = await session(t, home);
  const theirs = await other.resolveKref(kref);
  equal(await E(theirs).callKept('listener', 'tell', await E(theirs).make('node')), 3, 'called for another host');
  equal(await E(heard[2]).label(), 'node', 'the object it was called with');

  // Once its host is gone it rejects, by name.
  await mine.close();
  const gone = await until(async () => {
    const reason = await rejected(E(theirs).callKept('listener', 'tell', 'x'), 'a host that is gone');
    return /\[KERNEL:/.test(reason.message) && reason;
  }, 'a named rejection');
  check(/PEER_GONE/.test(gone.message), gone.message);
};
