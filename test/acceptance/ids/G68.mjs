// SPDX-License-Identifier: Apache-2.0
// A link may refuse styles of values: a promise is refused at the sender, with the path to it.
import { check, equal } from '../lib.mjs';
import { E, Far, errorCode, host, rejected, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home, { refuse: { send: ['promise', 'bigint'] } });
  const root = await session.resolveKref(vats.host.root);
  const before = sent.length;
  for (const [value, path, style] of [
    [{ list: [1, Promise.resolve(2)] }, 'args[0].list[1]', 'promise'],
    [[{ deep: { n: 3n } }], 'args[0][0].deep.n', 'bigint'],
    [Promise.resolve(1), 'args[0]', 'promise'],
  ]) {
    const error = await rejected(E(root).same(value), path);
    check(error.message.includes(`${path} is of the style ${style}`), error.message);
    equal(errorCode(error), 'NOT_SENT', 'its code');
  }
  equal(sent.length, before, 'messages that were sent');
  // In what a host's object answers, too.
  const error = await rejected(
    E(root).call(Far('mine', { give: () => ({ p: Promise.resolve(1) }) }), 'give'), 'an answer with a promise',
  );
  check(error.message.includes('result.p is of the style promise'), error.message);
  equal(await E(root).same({ list: [1, 2] }), { list: [1, 2] }, 'what is not refused');

  // The other way: a session that takes no promises.
  const { session: second } = await watched(t, home, { refuse: { receive: ['promise'] } });
  const theirs = await second.resolveKref(vats.host.root);
  const refused = await rejected(E(theirs).promise('p'), 'an answer with a promise in it');
  check(refused.message.includes('result.p is of the style promise'), refused.message);
  equal(await E(theirs).same('fine'), 'fine', 'the session goes on');
};
