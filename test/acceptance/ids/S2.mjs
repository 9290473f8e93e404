// SPDX-License-Identifier: Apache-2.0
// The kernel's facade is what a session of the owner bootstraps to: each of its methods, and what it says to
// what it does not take.
import { check, equal, until, writeFileSync, join } from '../lib.mjs';
import { E, Far, owner, rejects } from '../host.mjs';
import { counter, keeper } from '../vats.mjs';

const user = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, { label }) =>
  Far('root', {
    bootstrap: async (_vats, { clock }) => harden({ now: clock && (await E(clock).now()), self: Far('self', {}) }),
    label: () => label,
    fail: () => { throw RangeError('too far'); },
  });`;

export const test = async t => {
  const home = await t.started();
  const { result, root, vats, subclusterId } = await home.launch({ counter, keeper });
  const { kernel } = await owner(t, home);
  equal(await E(kernel).ping(), 'pong', 'ping');

  const status = await E(kernel).getStatus();
  equal(status.vats.map(({ id, subclusterId: of }) => [id, of]), [['v1', 's1'], ['v2', 's1']], 'vats of the status');
  equal(status.vats[0].config, { bundleSpec: 'counter.js' }, 'the configuration of a vat');
  equal(status.subclusters.map(({ id, config }) => [id, config.bootstrap]), [['s1', 'counter']], 'subclusters of the status');
  equal(status.remoteComms, { state: 'disconnected' }, 'remoteComms');
  equal(await E(kernel).getVatIds(), ['v1', 'v2'], 'getVatIds');
  equal(await E(kernel).getVats(), status.vats, 'getVats');
  equal(await E(kernel).getSubclusters(), status.subclusters, 'getSubclusters');
  equal(await E(kernel).getSubcluster(subclusterId), status.subclusters[0], 'getSubcluster');
  equal(await E(kernel).getSubcluster('s99'), undefined, 'getSubcluster of none');

  const answer = await E(kernel).queueMessage(root, 'getMain', []);
  check(/^#"\$0\./.test(answer.body), `the body of an answer: ${answer.body}`);
  equal(answer.slots, [result.kref], 'its slots');
  equal((await E(kernel).queueMessage(result.kref, 'increment')).body, '#1', 'without arguments');
  await E(kernel).queueMessage(vats.keeper.root, 'put', ['it', await E(kernel).resolveKref(result.kref)]);
  equal((await E(kernel).queueMessage(vats.keeper.root, 'call', ['it', 'increment'])).body, '#2', 'an object as an argument');
  equal((await E(kernel).queueMessage(vats.keeper.root, 'put', ['text', result.kref])).body.length > 0, true, 'text as an argument');
  equal((await E(kernel).queueMessage(vats.keeper.root, 'get', ['text'])).body, `#"${result.kref}"`, 'text stays text');
  await rejects(E(kernel).queueMessage(root, 'nothing', []), /TypeError: target has no method "nothing"/, 'a rejection');
  await rejects(E(kernel).queueMessage('ko999', 'x', []), /there is no ko999/, 'no such target');
  await rejects(E(kernel).queueMessage(7, 'x', []),
    /TypeError: queueMessage\(target, method, args\?\): target: expected a kref such as ko4, .*found a number/, 'no kref');
  await rejects(E(kernel).queueMessage(root, 7, []), /TypeError: .*method: expected the name of a method, found a number/, 'no method');
  await rejects(E(kernel).queueMessage(root, 'x', 'y'), /TypeError: .*args: expected an array of arguments, found "y"/, 'no arguments');
  await rejects(E(kernel).nothing(), /target has no method "nothing", has \["ping",/, 'no such method');

  writeFileSync(join(t.dir, 'user.js'), user);
  const config = (label, services) => ({
    bootstrap: 'user', services, vats: { user: { sourceSpec: join(t.dir, 'user.js'), parameters: { label } } } });
  await rejects(E(kernel).launchSubcluster(config('none', ['clock'])), /no registered kernel service 'clock'/, 'a missing service');
  await E(kernel).registerKernelServiceObject('clock', Far('clock', { now: () => 'noon' }));
  const launched = await E(kernel).launchSubcluster(config('first', ['clock']));
  equal(launched.subclusterId, 's2', 'subclusterId');
  check(/^#\{"now":"noon","self":"\$0\./.test(launched.bootstrapResult.body), `bootstrapResult: ${launched.bootstrapResult.body}`);
  check(/^ko\d+$/.test(launched.bootstrapResult.slots[0]), 'its slots');
  equal((await E(kernel).queueMessage(launched.rootKref, 'label', [])).body, '#"first"', 'the root that was launched');
  await rejects(E(kernel).queueMessage(launched.rootKref, 'fail', []), /RangeError: too far/, 'an error of a vat');
  await E(kernel).registerKernelServiceObject('secret', Far('secret', {}), { systemOnly: true });
  await rejects(E(kernel).launchSubcluster(config('spy', ['secret'])), /no registered kernel service 'secret'/, 'a service for the system');
  await E(kernel).unregisterKernelServiceObject('clock');
  await rejects(E(kernel).launchSubcluster(config('late', ['clock'])), /no registered kernel service 'clock'/, 'a service that is gone');
  await rejects(E(kernel).launchSubcluster({}), /configuration, bootstrap: expected the name of a vat/, 'a bad configuration');
  await rejects(E(kernel).launchSubcluster('x'), /TypeError: launchSubcluster\(config\): config: expected a cluster configuration/, 'no configuration');

  equal(await E(kernel).pingVat('v1'), 'pong', 'pingVat');
  await rejects(E(kernel).pingVat('v99'), /there is no vat v99/, 'pingVat of none');
  const before = (await home.rows('vats')).find(({ vat }) => vat === 'v1').incarnation;
  equal(await E(kernel).restartVat('v1'), undefined, 'restartVat');
  equal((await home.rows('vats')).find(({ vat }) => vat === 'v1').incarnation, before + 1, 'the incarnation');
  equal(await E(kernel).pinVatRoot('v2'), vats.keeper.root, 'pinVatRoot');
  equal(await E(kernel).unpinVatRoot('v2'), undefined, 'unpinVatRoot');
  equal(await E(kernel).reapVats(), undefined, 'reapVats');
  equal(await E(kernel).collectGarbage(), undefined, 'collectGarbage');
  equal(await E(kernel).isRevoked(result.kref), false, 'isRevoked');
  equal(await E(kernel).revoke(result.kref), undefined, 'revoke');
  equal(await E(kernel).isRevoked(result.kref), true, 'isRevoked after revoke');
  await rejects(E(kernel).queueMessage(result.kref, 'read', []), /OBJECT_REVOKED/, 'what is revoked');
  for (const method of ['executeDBQuery', 'clearState', 'reset']) {
    await rejects(E(kernel)[method]('x'), new RegExp(`Error: ${method}: `), method);
  }
  for (const method of ['restartVat', 'terminateVat', 'pingVat', 'terminateSubcluster', 'getSubcluster']) {
    await rejects(E(kernel)[method](7), new RegExp(`TypeError: ${method}\\(id\\): id: expected a .* found a number`), method);
  }
  equal(await E(kernel).terminateVat('v2'), undefined, 'terminateVat');
  equal(await E(kernel).terminateSubcluster('s2'), undefined, 'terminateSubcluster');
  await until(async () => (await E(kernel).getVatIds()).join() === 'v1', 'what was terminated is gone');
  equal(await E(kernel).terminateAllVats(), undefined, 'terminateAllVats');
  await until(async () => (await E(kernel).getVatIds()).length === 0, 'all are gone');
  equal(await E(kernel).ping(), 'pong', 'the kernel is still there');
  await home.audit();
};
