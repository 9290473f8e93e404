// SPDX-License-Identifier: Apache-2.0
// subscribePromise, called directly: settles as the promise of that name does, whether it is open or was
// settled before, fulfilled or rejected, also after the daemon was killed.
import { check, equal, until } from '../lib.mjs';
import { E, owner, rejects } from '../host.mjs';

const maker = `
import { E, Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';
export const buildRootObject = () => {
  const kits = {};
  return Far('root', {
    bootstrap: () => 'ready',
    make: name => {
      kits[name] = makePromiseKit();
      kits[name].promise.catch(() => {});
      return harden([kits[name].promise]);
    },
    fulfill: (name, value) => kits[name].resolve(value),
    reject: (name, text) => kits[name].reject(TypeError(text)),
    thing: () => Far('thing', { label: () => 'a thing' }),
  });
};`;
export const test = async t => {
  const home = await t.started();
  const { root: make } = await home.launch({ maker });
  let { kernel } = await owner(t, home);
  const kprefs = {};
  for (const name of ['later', 'early', 'lost', 'late loss', 'object', 'kept', 'kept loss']) {
    const { body, slots } = await E(kernel).queueMessage(make, 'make', [name]);
    equal(body, '#["&0"]', 'a promise in a result');
    check(/^kp\d+$/.test(slots[0]), `a promise is a kp: ${slots[0]}`);
    kprefs[name] = slots[0];
  }
  const tell = (...args) => E(kernel).queueMessage(make, ...args);
  const subscribed = E(kernel).subscribePromise(kprefs.later);
  const again = E(kernel).subscribePromise(kprefs.later);
  const lost = rejects(E(kernel).subscribePromise(kprefs.lost), /TypeError: it broke/, 'a rejection');
  await tell('fulfill', ['later', { answer: 42n }]);
  equal(String((await subscribed).answer), '42', 'settled after it was subscribed to');
  equal(String((await again).answer), '42', 'twice');
  await tell('reject', ['lost', 'it broke']);
  await lost;
  await tell('fulfill', ['early', 'news']);
  equal(await E(kernel).subscribePromise(kprefs.early), 'news', 'settled before');
  await tell('reject', ['late loss', 'before']);
  await rejects(E(kernel).subscribePromise(kprefs['late loss']), /TypeError: before/, 'rejected before');
  const thing = E(kernel).subscribePromise(kprefs.object);
  const { slots } = await tell('thing', []);
  await tell('fulfill', ['object', await E(kernel).resolveKref(slots[0])]);
  equal(await E(await thing).label(), 'a thing', 'an object');
  equal(await E(kernel).resolveKref(kprefs.early), 'news', 'resolveKref of a promise settles as it does');

  await rejects(E(kernel).subscribePromise('ko1'), /TypeError: .*expected a promise such as kp7, found "ko1"/, 'an object');
  await rejects(E(kernel).subscribePromise('kp999999'), /there is no kp999999/, 'no such promise');
  await rejects(E(kernel).subscribePromise(7), /TypeError: subscribePromise\(kpref\): kpref: expected a kref/, 'a number');

  // Across a restart: the kernel still knows the promises, since they are pinned.
  await tell('fulfill', ['kept', 'after all']);
  await tell('reject', ['kept loss', 'after all']);
  await home.settle();
  await home.rows('pin', kprefs.kept);
  await home.rows('pin', kprefs['kept loss']);
  await home.restart();
  ({ kernel } = await owner(t, home));
  equal(await E(kernel).subscribePromise(kprefs.kept), 'after all', 'fulfilled before the restart');
  await rejects(E(kernel).subscribePromise(kprefs['kept loss']), /after all/, 'rejected before the restart');
  await until(async () => (await home.status()).queued === 0, 'quiet');
  await home.audit();
};
