// SPDX-License-Identifier: Apache-2.0
// A host's own object passed to a vat can be called back: within the call, after it, by another vat, and
// while the vat keeps it durably.
import { check, equal, until } from '../../../acceptance/lib.mjs';
import { E, Far } from '../npm.mjs';
import { rejected } from '../sessions.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ one: rootVat, two: rootVat });
  const host = await openOwner(home);
  const [one, two] = [await host.resolve(vats.one.root), await host.resolve(vats.two.root)];
  const heard = [];
  const listener = Far('listener', {
    invoke: (...args) => {
      heard.push(args);
      if (args[0] === 'refuse') throw RangeError('not for you');
      return heard.length;
    },
  });
  equal(await E(one).callBack(listener, 'within'), 1, 'what the vat got within the call');
  await E(one).callLater(listener, 'later');
  await until(() => heard.length === 2, 'the call after the call');
  const reason = await rejected(E(one).callBack(listener, 'refuse'));
  equal([reason.name, reason.message], ['RangeError', 'not for you'], 'the reason of the host');

  // One vat hands it to another.
  await E(one).hold('it', listener);
  equal(await E(two).callBack(E(one).held('it'), 'from two'), 4, 'what the other vat got');
  check((await E(one).held('it')) === listener, 'it comes back to the host as itself');

  // Kept in durable state: a new heap of the vat still reaches it.
  await E(one).keep('it', listener);
  const { status } = await home.keeve(['restart-vat', vats.one.vat]);
  equal(status, 0, 'the vat is restarted');
  equal(await E(one).callBack(E(one).kept('it'), 'from a new heap'), 5, 'what the new heap got');
  equal(heard.map(([what]) => what), ['within', 'later', 'refuse', 'from two', 'from a new heap'], 'what the host heard');
};
