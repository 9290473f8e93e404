// SPDX-License-Identifier: Apache-2.0
// background - the host's end of a link to a kernel, whatever carries the messages.
import harden from '@endo/harden';
import { E } from '@endo/eventual-send';
import { makeCapTP } from './captp.js';
import { assertKref, isKrefPresence, krefOf } from './kref.js';
import { slotOfKref } from './tables.js';

/** Facade methods under the names hosts know them by. */
export const resolveKref = (kernel, kref) => E(kernel).resolveKref(kref);
export const subscribePromise = (kernel, kref) => E(kernel).subscribePromise(kref);
export const dropKref = (kernel, kref) => E(kernel).dropKref(krefOf(kref) ?? kref);

/**
 * @param {import('../index.d.ts').BackgroundCapTPOptions} options
 * @returns {import('../index.d.ts').BackgroundCapTP}
 */
export const makeBackgroundCapTP = ({ send, name = 'kernel', bootstrap = undefined, ...options }) => {
  const captp = makeCapTP(name, send, bootstrap, {
    gcImports: true,
    krefs: true,
    dropTogether: true,
    onReject: () => {},
    ...options,
  });
  let kernel;
  const getKernel = () => {
    kernel ??= captp.getBootstrap();
    return kernel;
  };
  return harden({
    dispatch: captp.dispatch,
    getKernel,
    abort: captp.abort,
    resolveKref: kref => resolveKref(getKernel(), kref),
    subscribePromise: kref => subscribePromise(getKernel(), kref),
    dropKref: krefOrPresence => {
      const kref = krefOf(krefOrPresence) ?? krefOrPresence;
      assertKref(kref);
      captp.dropSlot(slotOfKref(kref));
    },
    krefOf,
    isKrefPresence,
    captp,
  });
};

/* How messages travel where the carrier is JSON-RPC: one notification each. */

/** @param {object} message */
export const makeCapTPNotification = message =>
  harden({ jsonrpc: '2.0', method: 'captp', params: [message] });
/** @param {any} message */
export const isCapTPNotification = message =>
  message?.method === 'captp' && Array.isArray(message.params) && message.params.length === 1;
/** @param {any} message */
export const getCapTPMessage = message => {
  if (!isCapTPNotification(message)) {
    throw Error('Not a CapTP notification');
  }
  return message.params[0];
};
