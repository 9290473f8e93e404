// SPDX-License-Identifier: Apache-2.0
// kref_tables - tables that know things of a kernel by their krefs. Given to @endo/captp as its option
// makeCapTPImportExportTables they serve a link to a kernel; by themselves they pair krefs with presences
// that send through a function of the host's.
import { makeChecker } from './checked.js';
import { connectionLost } from './failures.js';
import { assertKref, isPromiseKref } from './kref.js';
import { makeKrefPresence } from './kref_presence.js';
import { assertSendable } from './passable.js';
import { makeEngine, slotOfKref } from './tables.js';

const unconnected = () => {
  throw connectionLost('these tables have no link: give them sendToKernel, or give them to captp');
};

const unconnectedKit = () => {
  throw connectionLost('these tables have no link');
};

/**
 * @param {object} [options] what captp gives its tables, and/or
 * @param {import('./kref_presence.js').SendToKernel} [options.sendToKernel]
 * @returns {import('../index.d.ts').KrefTables}
 */
export const makeKrefImportExportTables = ({
  gcImports = true,
  releaseSlot = () => {},
  makeRemoteKit = undefined,
  sendToKernel = unconnected,
  ...hooks
} = {}) => {
  const tables = makeEngine({
    hooks,
    krefs: true,
    wrap: makeChecker((args, path) => assertSendable(args, path)),
  })({ gcImports, releaseSlot, makeRemoteKit: makeRemoteKit ?? unconnectedKit });

  const importSlot = (kref, iface = undefined) => {
    assertKref(kref);
    if (makeRemoteKit === undefined) {
      return makeKrefPresence(kref, sendToKernel, iface);
    }
    const slot = slotOfKref(kref);
    if (!tables.hasImport(slot)) {
      if (isPromiseKref(kref)) {
        throw Error(`${kref} is a promise; it is imported when the kernel sends it`);
      }
      tables.importSlot(slot);
    }
    return tables.getImport(slot);
  };
  return { ...tables, importSlot };
};
