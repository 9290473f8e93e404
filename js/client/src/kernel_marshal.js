// SPDX-License-Identifier: Apache-2.0
// kernel_marshal - values with references of the kernel's as { body, slots }: smallcaps with krefs for
// slots, as the kernel keeps messages. It knows nothing of links; what it reads are stand-ins.
import harden from '@endo/harden';
import { makeMarshal } from '@endo/marshal';
import { Far } from '@endo/pass-style';
import { isPromise } from '@endo/promise-kit';
import { assertKref, isKref, isPromiseKref, krefOf as krefOrUndefined, recordStandin } from './kref.js';

const ALLEGED = 'Alleged: ';

/**
 * A stand-in: a value that names a thing of the kernel's in data. It cannot be called.
 *
 * @param {string} kref "ko4" gives an object, "kp7" a promise that never settles
 * @param {string} [iface]
 */
export const kslot = (kref, iface = undefined) => {
  assertKref(kref);
  if (isPromiseKref(kref)) {
    const promise = harden(new Promise(() => {}));
    recordStandin(promise, kref);
    return promise;
  }
  const name = iface?.startsWith(ALLEGED) ? iface.slice(ALLEGED.length) : iface;
  const standin = Far(name || 'standin', { getKref: () => kref, iface: () => name });
  recordStandin(standin, kref);
  return standin;
};

/**
 * The kref of a stand-in, presence, or promise of the kernel. Throws for anything else.
 * @param {unknown} value
 * @returns {string}
 */
export const krefOf = value => {
  const kref = krefOrUndefined(value);
  if (kref === undefined) {
    throw TypeError('no kref: neither a stand-in of kslot() nor a presence of a kernel');
  }
  return kref;
};

const slotOf = value => {
  const kref = krefOrUndefined(value);
  if (kref === undefined) {
    throw TypeError(
      `${isPromise(value) ? 'a promise' : 'an object'} of this program has no kref; send it over CapTP`,
    );
  }
  return kref;
};

/**
 * A marshal whose slots are krefs.
 * @param {(kref: string, iface?: string) => unknown} valueOf
 */
export const makeKernelMarshal = valueOf =>
  makeMarshal(
    slotOf,
    (slot, iface) => {
      if (!isKref(slot)) {
        throw TypeError(`not a kref in the slots: ${JSON.stringify(slot)}`);
      }
      return valueOf(slot, iface);
    },
    { marshalName: 'kernel', errorTagging: 'off', serializeBodyFormat: 'smallcaps' },
  );

const standins = makeKernelMarshal(kslot);

/** @param {unknown} value with stand-ins and presences for references */
export const kser = value => standins.toCapData(harden(value));
/** @param {{ body: string, slots: string[] }} capdata smallcaps or capdata body; gives stand-ins */
export const kunser = capdata => standins.fromCapData(capdata);

