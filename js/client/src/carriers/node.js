// SPDX-License-Identifier: Apache-2.0
// node - how a program in Node reaches a kernel.
import WebSocket from 'ws';
import { shownAddress } from '../address.js';
import { openLines } from './lines.js';
import { openWebSocket } from './websocket.js';

/** @param {ReturnType<typeof import('../address.js').readAddress>} address */
export const openCarrier = address => {
  const shown = shownAddress(address);
  switch (address.kind) {
    case 'unix':
      return openLines({ path: address.path }, shown);
    case 'tcp':
      return openLines({ host: address.host, port: address.port }, shown, address.secret);
    default:
      return openWebSocket(WebSocket, address.url, shown, { perMessageDeflate: false });
  }
};
