// SPDX-License-Identifier: Apache-2.0
// websocket - one text a frame, over any WebSocket with the interface pages have.
import { connectionLost } from '../failures.js';

/**
 * @param {typeof WebSocket} Socket
 * @param {string} url
 * @param {string} shown the address without its secret
 * @param {object} [extra] what else the constructor takes
 * @returns {Promise<import('../../index.d.ts').Carrier>}
 */
export const openWebSocket = (Socket, url, shown, extra = undefined) =>
  new Promise((done, fail) => {
    const socket = extra === undefined ? new Socket(url) : new Socket(url, extra);
    let handler;
    let open = false;
    const ended = why => {
      if (!open) {
        fail(connectionLost(`cannot connect to ${shown}: ${why}`));
      }
      open = false;
      handler?.ended(why);
      handler = undefined;
    };
    socket.onopen = () => {
      open = true;
      done({
        send: text => {
          if (open) {
            socket.send(text);
          }
        },
        close: () => socket.close(),
        attend: given => {
          handler = given;
        },
      });
    };
    socket.onmessage = ({ data }) => handler?.text(data);
    socket.onerror = event => {
      if (event.message) {
        ended(event.message);
      }
    };
    socket.onclose = ({ code, reason }) =>
      ended(reason || (code === 1000 ? 'closed by the other side' : `closed (${code}); is the secret right?`));
  });
