// SPDX-License-Identifier: Apache-2.0
// vow_far - what vats with liveslots import as @keeve/vow: vows over HandledPromise.
import { Far } from '@endo/far';
import { makeVows } from './vow.js';

const { E, Vow } = makeVows({
  toPromise: (x) => HandledPromise.resolve(x),
  send: (x, method, args) =>
    method === undefined
      ? HandledPromise.applyFunction(x, args)
      : HandledPromise.applyMethod(x, method, args),
  sendOnly: (x, method, args) =>
    method === undefined
      ? HandledPromise.applyFunctionSendOnly(x, args)
      : HandledPromise.applyMethodSendOnly(x, method, args),
});

export { E, Far, Vow };
