// SPDX-License-Identifier: Apache-2.0
// Slots on the wire: + is the sender's own, - the other side's; each side reverses what it reads.
import { check, equal } from '../lib.mjs';
import { E, Far, host, krefOf, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent, came } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const mine = Far('mine', {});
  const value = await E(root).same({ mine, node: root, p: new Promise(done => setTimeout(done, 50, 'settled')) });
  const call = sent.filter(m => m.type === 'CTP_CALL').at(-1);
  const answer = came.filter(m => m.type === 'CTP_RETURN').at(-1);
  equal(call.target, `o-${vats.host.root}`, 'the target: theirs');
  equal(call.method.slots, ['o+1', `o-${vats.host.root}`, 'p+1'], 'slots of the call');
  equal(answer.result.slots.slice(0, 2), ['o-1', `o+${vats.host.root}`], 'slots of the answer');
  check(/^p[-+]/.test(answer.result.slots[2]), 'the promise');
  check(value.mine === mine && value.node === root, 'other values came back');
  equal(await value.p, 'settled', 'the promise');
  const { p } = await E(root).promise('theirs');
  equal(came.filter(m => m.type === 'CTP_RETURN').at(-1).result.slots, [`p+${krefOf(p)}`], 'a promise of theirs');
  const resolved = sent.find(m => m.type === 'CTP_RESOLVE');
  equal(resolved.promiseID, 'p-1', 'a settlement names it from the receiver');
};
