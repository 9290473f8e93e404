// SPDX-License-Identifier: Apache-2.0
// page - how a page reaches a kernel.
import { shownAddress } from '../address.js';
import { openWebSocket } from './websocket.js';

/** @param {ReturnType<typeof import('../address.js').readAddress>} address */
export const openCarrier = async address => {
  if (address.kind !== 'ws') {
    throw TypeError('a page connects to ws://HOST:PORT/captp/SECRET (keeve url tells it)');
  }
  return openWebSocket(globalThis.WebSocket, address.url, shownAddress(address));
};
