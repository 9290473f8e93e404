// SPDX-License-Identifier: Apache-2.0
// A kref becomes the object itself, the same each time; what does not exist, is revoked or is no kref rejects.
import { check, equal } from '../lib.mjs';
import { E, owner, rejects } from '../host.mjs';
import { counter, keeper } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { result, root, vats } = await home.launch({ counter, keeper });
  const { kernel } = await owner(t, home);
  const main = await E(kernel).resolveKref(result.kref);
  equal(await E(main).increment(), 1, 'a call of what was resolved');
  check((await E(kernel).resolveKref(result.kref)) === main, 'the same kref is the same object');
  check((await E(await E(kernel).resolveKref(root)).getMain()) === main, 'and the one that a vat gives');
  equal(await E(await E(kernel).getPresence(result.kref, 'counter')).increment(), 2, 'getPresence');
  await rejects(E(kernel).resolveKref('ko999999'), /there is no ko999999/, 'an unknown kref');
  await rejects(E(kernel).resolveKref('kp999999'), /there is no kp999999/, 'an unknown promise');
  for (const text of ['banana', 'ko', 'ko01', 'v1', '', 'ko1 ', ' ko1', 'ko-1', 'ko99999999999999999999999']) {
    await rejects(E(kernel).resolveKref(text), /TypeError: .*kref: expected a kref/, `"${text}", which is no kref`);
  }
  for (const value of [undefined, null, 7, 7n, true, [result.kref], { kref: result.kref }]) {
    await rejects(E(kernel).resolveKref(value), /TypeError: .*kref: expected a kref/, `${String(value)}, which is no kref`);
  }
  await rejects(E(kernel).resolveKref(), /TypeError: resolveKref\(kref, iface\?\): expected at least 1/, 'none at all');
  await home.rows('revoke', result.kref);
  await rejects(E(kernel).resolveKref(result.kref), /OBJECT_REVOKED/, 'a revoked one');
  await rejects(E(main).increment(), /OBJECT_REVOKED/, 'a call of what is revoked');
  // What has ceased to be is not there any more, whatever it was.
  await home.send(vats.keeper.root, 'put', 'it', await home.send(root, 'make'));
  const { kref } = await home.send(vats.keeper.root, 'get', 'it');
  await E(await E(kernel).resolveKref(kref)).increment();
  await home.audit();
};
