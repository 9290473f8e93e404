// SPDX-License-Identifier: Apache-2.0
// kref_presence - presences made from a kref alone: what is sent to them goes to a function of the host's,
// whatever link lies behind it.
import harden from '@endo/harden';
import { HandledPromise } from '@endo/eventual-send';
import { Remotable } from '@endo/pass-style';
import { assertKref, isPromiseKref, recordPresence } from './kref.js';

/**
 * @callback SendToKernel
 * @param {'queueMessage' | 'getProperty' | 'subscribePromise'} operation
 * @param {{ target: string, method?: string | symbol, args?: unknown[], property?: string | symbol }} message
 * @returns {unknown} the answer, or a promise for it
 */

const makeHandler = (kref, sendToKernel) => ({
  get: async (_target, property) => sendToKernel('getProperty', harden({ target: kref, property })),
  applyFunction: async (_target, args) =>
    sendToKernel('queueMessage', harden({ target: kref, method: undefined, args })),
  applyMethod: async (_target, method, args) =>
    sendToKernel('queueMessage', harden({ target: kref, method, args })),
});

const makePresence = (kref, sendToKernel, iface) => {
  let presence;
  new HandledPromise((_resolve, _reject, resolveWithPresence) => {
    presence = resolveWithPresence(makeHandler(kref, sendToKernel));
  });
  return Remotable(iface ?? `Alleged: ${kref}`, undefined, presence);
};

/** Settles when the kernel's promise does; asked for at once, so that a rejection is not missed. */
const makePromise = (kref, sendToKernel) => {
  const promise = new HandledPromise((resolve, reject) => {
    Promise.resolve()
      .then(() => sendToKernel('subscribePromise', harden({ target: kref })))
      .then(resolve, reject);
  }, makeHandler(kref, sendToKernel));
  promise.catch(() => {});
  return promise;
};

/** @type {WeakMap<Function, Map<string, WeakRef<object>>>} */
const madeFor = new WeakMap();
const collected = new FinalizationRegistry(({ made, kref }) => {
  if (made.get(kref)?.deref() === undefined) {
    made.delete(kref);
  }
});

/**
 * The presence of a kref, for E(): one for each kref and function while it lives. A kref of a promise gives
 * a promise.
 *
 * @param {string} kref
 * @param {SendToKernel} sendToKernel
 * @param {string} [iface]
 * @returns {object}
 */
export const makeKrefPresence = (kref, sendToKernel, iface = undefined) => {
  assertKref(kref);
  if (!madeFor.has(sendToKernel)) {
    madeFor.set(sendToKernel, new Map());
  }
  const made = madeFor.get(sendToKernel);
  const known = made.get(kref)?.deref();
  if (known) {
    return known;
  }
  const presence = isPromiseKref(kref)
    ? makePromise(kref, sendToKernel)
    : makePresence(kref, sendToKernel, iface);
  recordPresence(presence, kref);
  made.set(kref, new WeakRef(presence));
  collected.register(presence, { made, kref });
  return presence;
};
