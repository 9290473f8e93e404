// SPDX-License-Identifier: Apache-2.0
// checked - references whose messages are looked at before they are sent. A presence or promise of
// @endo/captp is wrapped in one of ours; what is sent to ours, or to what a message to ours answers, is
// checked first and passed on then, in the same order.
import harden from '@endo/harden';
import { HandledPromise } from '@endo/eventual-send';
import { Remotable } from '@endo/pass-style';

const ignore = () => {};

const rejection = error => {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
};

/**
 * @param {(args: unknown[], path: string) => void} check throws for what may not be sent
 */
export const makeChecker = check => {
  /** A promise that settles as the inner one does, and whose messages are checked. */
  const checkedPromise = inner => {
    const promise = new HandledPromise((resolve, reject) => {
      inner.then(resolve, reject);
    }, handlerOf(inner));
    promise.catch(ignore);
    return promise;
  };

  const sent = (args, send) => {
    try {
      check(args, 'args');
    } catch (error) {
      return rejection(error);
    }
    return checkedPromise(send());
  };

  function handlerOf(inner) {
    return {
      get: (_target, property) => checkedPromise(HandledPromise.get(inner, property)),
      applyFunction: (_target, args) =>
        sent(args, () => HandledPromise.applyFunction(inner, args)),
      applyMethod: (_target, method, args) =>
        sent(args, () => HandledPromise.applyMethod(inner, method, args)),
    };
  }

  const checkedPresence = (inner, iface) => {
    let presence;
    new HandledPromise((_resolve, _reject, resolveWithPresence) => {
      presence = resolveWithPresence(handlerOf(inner));
    });
    return Remotable(iface, undefined, presence);
  };

  return harden({ checkedPromise, checkedPresence });
};
