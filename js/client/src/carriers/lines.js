// SPDX-License-Identifier: Apache-2.0
// lines - one text a line over a stream of bytes: a unix or TCP socket of Node's.
import { createConnection } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { connectionLost } from '../failures.js';

/** Texts of one turn leave together. */
const makeWriter = socket => {
  let waiting = [];
  const flush = () => {
    const texts = waiting;
    waiting = [];
    if (texts.length > 0 && !socket.destroyed) {
      socket.write(texts.join(''));
    }
  };
  return {
    write: text => {
      if (waiting.push(`${text}\n`) === 1) {
        process.nextTick(flush);
      }
    },
    flush,
  };
};

/** Calls back with each whole line. */
const makeSplitter = line => {
  const decoder = new StringDecoder('utf8');
  let parts = [];
  return bytes => {
    const pieces = decoder.write(bytes).split('\n');
    parts.push(pieces[0]);
    for (const piece of pieces.slice(1)) {
      const whole = parts.join('');
      parts = [piece];
      if (whole !== '') {
        line(whole);
      }
    }
  };
};

/**
 * @param {{ path: string } | { host: string, port: number }} where
 * @param {string} shown the address without its secret
 * @param {string} [secret] the first text
 * @returns {Promise<import('../../index.d.ts').Carrier>}
 */
export const openLines = (where, shown, secret = undefined) =>
  new Promise((done, fail) => {
    const socket = createConnection(where);
    const writer = makeWriter(socket);
    let handler;
    let why = 'closed by the other side';
    socket.setNoDelay(true);
    socket.once('error', error => {
      why = error.message;
      fail(connectionLost(`cannot connect to ${shown}: ${why}`));
    });
    socket.once('close', () => {
      handler?.ended(why);
      handler = undefined;
    });
    const split = makeSplitter(text => handler?.text(text));
    socket.on('data', split);
    socket.once('connect', () => {
      if (secret !== undefined) {
        writer.write(JSON.stringify(secret));
      }
      done({
        send: writer.write,
        close: () => {
          writer.flush();
          socket.end();
          socket.destroySoon();
        },
        attend: given => {
          handler = given;
        },
      });
    });
  });
