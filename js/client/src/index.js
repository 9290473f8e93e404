// SPDX-License-Identifier: Apache-2.0
// @keeve/client - objects of a Keeve kernel in your program.
import './init.js';

export { E } from '@endo/eventual-send';
export { Far, passStyleOf, makeTagged } from '@endo/pass-style';
export { connect } from './connect.js';
export {
  makeBackgroundCapTP,
  makeCapTPNotification,
  isCapTPNotification,
  getCapTPMessage,
  resolveKref,
  subscribePromise,
  dropKref,
} from './background.js';
export { makeCapTP } from './captp.js';
export { makeKrefImportExportTables } from './kref_tables.js';
export { makeDelegatePresence } from './delegate.js';
export { makeKrefPresence } from './kref_presence.js';
export { krefOf, isKrefPresence, isKref } from './kref.js';
export { kslot, kser, kunser } from './kernel_marshal.js';
export { convertKrefsToStandins, convertPresencesToStandins } from './convert.js';
export { makePresenceManager } from './presence_manager.js';
export { errorCode } from './failures.js';
