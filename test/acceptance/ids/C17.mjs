// SPDX-License-Identifier: Apache-2.0
// What cannot be sent is refused with the path to it, before anything is sent.
import { check, equal } from '../lib.mjs';
import { E, errorCode, host, rejected, watched } from '../client.mjs';

class Element {
  constructor() {
    this.tagName = 'DIV';
    this.addEventListener = () => {};
  }
}

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const cycle = { a: { b: [] } };
  cycle.a.b.push(cycle);
  const before = sent.length;
  for (const [value, path] of [
    [{ options: { onDone: () => 1 } }, 'args[0].options.onDone'],
    [[1, [new Element()]], 'args[0][1][0]'],
    [cycle, 'args[0].a.b[0]'],
    [{ 'odd key': new Map() }, 'args[0]["odd key"]'],
    [Symbol('mine'), 'args[0]'],
    [{ then: () => 1 }, 'args[0].then'],
  ]) {
    const error = await rejected(E(root).same(value), path);
    check(error.message.includes(`${path} is`), `${error.message} does not name ${path}`);
    equal(errorCode(error), 'NOT_SENT', 'its code');
  }
  equal(sent.length, before, 'messages that were sent');
  // So it is where the target is an answer that is not there yet: only the first call goes.
  const error = await rejected(E(E(root).make('x')).same({ deep: [() => 1] }), 'on an answer');
  check(error.message.includes('args[0].deep[0] is'), error.message);
  equal(sent.filter(m => m.type === 'CTP_CALL').length, 2, 'calls that were sent');
  equal(await E(root).same('fine'), 'fine', 'the session goes on');
};
