// SPDX-License-Identifier: Apache-2.0
// delegate - a presence for what is not held yet. What is sent to it waits, in order, until someone
// provides what it stands for; it is the same presence before and after.
import harden from '@endo/harden';
import { HandledPromise } from '@endo/eventual-send';
import { Remotable } from '@endo/pass-style';
import { makePromiseKit } from '@endo/promise-kit';

/**
 * @param {string} [name] the interface it alleges
 * @returns {{ presence: object, provide(target: unknown): void, fail(reason: unknown): void }}
 */
export const makeDelegatePresence = (name = 'delegate') => {
  const { promise, resolve, reject } = makePromiseKit();
  promise.catch(() => {});
  let presence;
  new HandledPromise((_resolve, _reject, resolveWithPresence) => {
    presence = resolveWithPresence({
      get: (_target, property) => HandledPromise.get(promise, property),
      applyFunction: (_target, args) => HandledPromise.applyFunction(promise, args),
      applyMethod: (_target, method, args) => HandledPromise.applyMethod(promise, method, args),
    });
  });
  return harden({
    presence: Remotable(name.startsWith('Alleged: ') ? name : `Alleged: ${name}`, undefined, presence),
    provide: resolve,
    fail: reject,
  });
};
