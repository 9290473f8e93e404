// SPDX-License-Identifier: Apache-2.0
// failures - the errors this package makes. Plain errors, so that they can be sent on; what kind it is
// stands in brackets at the start of the message, as the kernel writes its own.
import harden from '@endo/harden';

const CODE = /^\[KERNEL:([A-Z_:]+)\]/;

/** @param {string} text */
export const connectionLost = text => harden(Error(`[KERNEL:CONNECTION_LOST] ${text}`));

/** @param {string} text */
export const notSent = text => harden(TypeError(`[KERNEL:NOT_SENT] ${text}`));

/**
 * The code of an error of the kernel or of this package: "CONNECTION_LOST", "OBJECT_DELETED"...
 * @param {unknown} error
 * @returns {string | undefined}
 */
export const errorCode = error =>
  error instanceof Error ? CODE.exec(error.message)?.[1] : undefined;

/** What someone gave as a reason, as text. */
export const textOf = reason => {
  if (reason instanceof Error) {
    return reason.message;
  }
  return typeof reason === 'string' ? reason : (JSON.stringify(reason) ?? String(reason));
};
