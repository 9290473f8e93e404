// SPDX-License-Identifier: Apache-2.0
// Slots of CapTP: o or p, plus for the writer's own and minus for the reader's, turned by who reads.
import { check, equal, until } from '../../../acceptance/lib.mjs';
import { dial } from '../carriers.mjs';
import { flip, openRaw, slotValue } from '../sessions.mjs';
import { rootVat } from '../keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ root: rootVat });
  const raw = openRaw(await dial(`unix:${home.dir}/captp.sock`));
  const kernel = await raw.bootstrap();
  check(/^o-ko\d+$/.test(kernel), `the kernel's object is ${kernel} to us`);
  const found = await raw.call(kernel, ['resolveKref', [root]]);
  equal(found.result.slots, [`o+${root}`], 'what is the kernel\'s is o+ as it writes it');
  const target = flip(found.result.slots[0]);
  equal(target, `o-${root}`, 'and o- as we do');

  const ours = await raw.call(target, ['echo', [[slotValue(0, 'Alleged: mine'), slotValue(1), slotValue(2)]]], ['o+3', 'p+5', target]);
  equal(ours.result.slots, ['o-3', 'p-5', `o+${root}`], 'ours come back with minus, its own with plus');
  raw.send({ type: 'CTP_RESOLVE', promiseID: 'p-5', res: { body: '1', slots: [] } });

  const kit = await raw.call(target, ['makePromise', []]);
  const { promise, resolver } = JSON.parse(kit.result.body);
  const [p, r] = [promise.index, resolver.index].map(i => kit.result.slots[i]);
  check(/^p\+kp\d+$/.test(p) && /^o\+ko\d+$/.test(r), `a promise is ${p}, an object ${r}`);
  const pending = raw.ask(flip(p), ['getName', []]);
  await raw.call(flip(r), ['resolve', [slotValue(0, 'Alleged: named')]], ['o+9']);
  const settled = await raw.hear(m => m.type === 'CTP_RESOLVE', 'the promise to settle');
  equal([settled.promiseID, settled.res.slots], [flip(p), ['o-9']], 'promiseID is written as the reader writes it');
  const call = await raw.hear(m => m.type === 'CTP_CALL', 'the call on our object');
  equal([call.target, /^q-/.test(call.questionID)], ['o-9', true], 'a target of ours has a minus');
  raw.send({ type: 'CTP_RETURN', answerID: call.questionID, result: { body: '"nine"', slots: [] } });
  equal((await raw.returned(pending)).answerID, pending, 'names of questions are not turned');

  // A plus where a minus belongs is refused, and calls nothing.
  const refused = await raw.call(`o+${root}`, ['count', []]);
  check(refused.exception, 'a target of our own');
  equal(await home.send(root, 'counted'), 0, 'calls that arrived');
  await until(() => raw.heard.filter(m => m.type === 'CTP_CALL').length === 1, 'no other call');
};
