// SPDX-License-Identifier: Apache-2.0
// captp - an unmodified npm CapTP peer at a door of the daemon: a socket, lines of JSON.
import '../npm/node_modules/@endo/init/debug.js';
import net from 'node:net';

import { makeCapTP, E } from '../npm/node_modules/@endo/captp/src/index.js';
import { Far } from '../npm/node_modules/@endo/pass-style/index.js';

export { E, Far };

// where: a path, or {host, port}; first: a text to say before, such as a secret.
export const connect = (where, { first, bootstrap, ...options } = {}) =>
  new Promise((done, failed) => {
    const socket = net.connect(where);
    let unread = '';
    let over;
    const ended = new Promise(resolve => (over = resolve));
    const captp = makeCapTP('test', message => socket.write(`${JSON.stringify(message)}\n`), bootstrap,
      { onReject: () => {}, ...options });
    socket.on('connect', () => {
      if (first !== undefined) socket.write(`${JSON.stringify(first)}\n`);
      done({
        E,
        ended,
        socket,
        bootstrap: captp.getBootstrap(),
        close: () => {
          captp.abort();
          socket.destroy();
        },
      });
    });
    socket.on('data', data => {
      const lines = (unread + data).split('\n');
      unread = lines.pop();
      lines.filter(Boolean).forEach(line => captp.dispatch(JSON.parse(line)));
    });
    socket.on('error', failed);
    socket.on('close', () => {
      captp.abort(Error('the door closed the connection'));
      over();
    });
  });
