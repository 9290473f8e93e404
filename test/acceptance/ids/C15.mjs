// SPDX-License-Identifier: Apache-2.0
// Presences deep inside arguments are references for the vat, and text is text.
import { check, equal } from '../lib.mjs';
import { E, hosted, krefOf, watched, host } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const [a, b, c] = await E(root).makeMany(3);
  const back = await E(root).same({ list: [a, { deep: [[b]] }], c, again: a, text: krefOf(b) });
  check(back.list[0] === a && back.list[1].deep[0][0] === b && back.c === c && back.again === a, 'others came back');
  equal(back.text, krefOf(b), 'text that looks like a kref');
  const { method } = sent.filter(m => m.type === 'CTP_CALL').at(-1);
  equal([...method.slots].sort(), [a, b, c].map(x => `o-${krefOf(x)}`).sort(), 'slots of the message');
  equal(await E(root).typeOf(krefOf(a)), 'string', 'a kref sent as text');
};
