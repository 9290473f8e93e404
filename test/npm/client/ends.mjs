// SPDX-License-Identifier: Apache-2.0
// ends - two ends of a link in one process: the client's, and one of npm's @endo/captp that plays the
// kernel. All that travels is written down.
import 'ses/assert-shim.js';
import '@endo/eventual-send/shim.js';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const { makeCapTP: makePeer } = await import('@endo/captp');
const { Remotable } = await import('@endo/pass-style');
export { makePeer };
export const client = await import('../../../js/client/src/index.js');
export const { E, Far } = client;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

export const turn = () => new Promise(done => setTimeout(done, 1));
export const collect = async () => {
  for (let i = 0; i < 3; i++) {
    await turn();
    gc();
    await turn();
  }
};

/** Waits for a cause, not for a time. */
export const until = async (ask, what) => {
  const end = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    if (Date.now() > end) {
      throw Error(`waited in vain for ${what}`);
    }
    await turn();
  }
};

/** What GC must bring about: collected again and again until it has. */
export const untilCollected = (ask, what) =>
  until(async () => {
    await collect();
    return ask();
  }, what);

/** What was sent is JSON, and arrives in a later turn. */
const carry = (sent, deliver) => message => {
  sent.push(message);
  const text = JSON.stringify(message);
  setImmediate(() => deliver(JSON.parse(text)));
};

/**
 * @param {object} [o]
 * @param {object} [o.options] of the client's makeCapTP
 * @param {unknown} [o.bootstrap] of the peer
 * @param {object} [o.peerOptions]
 * @param {Function} [o.make] makes the client's end
 */
export const makeEnds = ({ options = {}, bootstrap, ours, peerOptions = {}, make = client.makeCapTP } = {}) => {
  const sent = [];
  const came = [];
  const faults = [];
  let near;
  let far;
  near = make('near', carry(sent, m => far.dispatch(m)), ours, {
    onReject: () => {},
    ...options,
  });
  far = makePeer('far', carry(came, m => near.dispatch(m)), bootstrap, {
    onReject: error => faults.push(error),
    ...peerOptions,
  });
  return { near, far, sent, came, faults, types: list => list.map(m => m.type) };
};

/** Tables of a kernel: exports are named after krefs, the first one ko1; it counts mentions as captp does. */
export const makeKernelTables = () => {
  const exported = new Map();
  const imported = new Map();
  let last = 0;
  const factory = ({ makeRemoteKit }) => ({
    makeSlotForValue: value => {
      last += 1;
      return value instanceof Promise ? `p+kp${last}` : `o+ko${last}`;
    },
    makeValueForSlot: (slot, iface) => {
      const { promise, settler } = makeRemoteKit(slot);
      return {
        val: slot[0] === 'p' ? promise : Remotable(iface, undefined, settler.resolveWithPresence()),
        settler,
      };
    },
    hasImport: slot => imported.has(slot),
    getImport: slot => imported.get(slot),
    markAsImported: (slot, value) => imported.set(slot, value),
    hasExport: slot => exported.has(slot),
    getExport: slot => exported.get(slot),
    markAsExported: (slot, value) => exported.set(slot, value),
    deleteExport: slot => exported.delete(slot),
    didDisconnect: () => {},
  });
  return { factory, exported };
};
