// SPDX-License-Identifier: Apache-2.0
// carriers - connections that carry whole texts, from either end.
//
//   carrier.send(text)      one text
//   carrier.write(bytes)    what no text is: halves of frames, garbage
//   carrier.onText, onEnd   set by the owner; what came before is kept for it
//   carrier.close()         an orderly end;  carrier.cut() at once, with no goodbye
import { connect } from 'node:net';
import { WebSocket } from './npm.mjs';

const framers = {
  lines: {
    join: text => `${text}\n`,
    cut: buffer => {
      const end = buffer.indexOf(10);
      return end < 0 ? null : [buffer.subarray(0, end), end + 1];
    },
  },
  netstrings: {
    join: text => `${Buffer.byteLength(text)}:${text},`,
    cut: buffer => {
      const colon = buffer.indexOf(58);
      const size = colon < 0 ? 0 : Number(buffer.subarray(0, colon).toString());
      if (!Number.isSafeInteger(size)) return [Buffer.from('no netstring'), buffer.length];
      const end = colon + 1 + size;
      return colon < 0 || buffer.length <= end ? null : [buffer.subarray(colon + 1, end), end + 1];
    },
  },
};

const makeCarrier = parts => {
  const early = [];
  const carrier = { ...parts, ended: false, arrived: 0 };
  let onText = null;
  carrier.over = new Promise(done => (carrier.hasEnded = done));
  carrier.take = text => {
    carrier.arrived += 1;
    onText ? onText(text) : early.push(text);
  };
  Object.defineProperty(carrier, 'onText', {
    set: handler => {
      onText = handler;
      early.splice(0).forEach(handler);
    },
  });
  carrier.end = () => {
    carrier.ended = true;
    carrier.hasEnded();
  };
  return carrier;
};

export const socketCarrier = (socket, framing) => {
  const { join, cut } = framers[framing];
  const carrier = makeCarrier({
    socket,
    send: text => socket.writable && socket.write(join(text)),
    write: bytes => socket.writable && socket.write(bytes),
    close: () => socket.end(),
    cut: () => socket.destroy(),
  });
  let chunks = [];
  let waits = 0; /* bytes that must be there before it is worth looking */
  let has = 0;
  socket.on('data', data => {
    chunks.push(data);
    has += data.length;
    if (has < waits || (framing === 'lines' && !data.includes(10))) {
      return;
    }
    let rest = chunks.length === 1 ? data : Buffer.concat(chunks);
    for (let found = cut(rest); found; found = cut(rest)) {
      rest = rest.subarray(found[1]);
      carrier.take(found[0].toString());
    }
    chunks = [rest];
    has = rest.length;
    const colon = framing === 'lines' ? -1 : rest.indexOf(58);
    waits = colon < 0 ? 0 : colon + 2 + Number(rest.subarray(0, colon).toString());
  });
  socket.on('error', () => {});
  socket.on('close', carrier.end);
  return carrier;
};

export const webCarrier = socket => {
  const carrier = makeCarrier({
    socket,
    send: text => socket.readyState === 1 && socket.send(text),
    write: bytes => socket._socket && socket._socket.write(bytes),
    close: () => socket.close(),
    cut: () => socket.terminate(),
  });
  socket.on('message', data => carrier.take(data.toString()));
  socket.on('error', () => {});
  socket.on('close', carrier.end);
  return carrier;
};

// A door as `keeve url` names it: unix:PATH, tcp://HOST:PORT/SECRET, ws://HOST:PORT/captp/SECRET.
export const dial = async (url, framing = 'lines', options = {}) => {
  if (url.startsWith('ws:')) {
    const socket = new WebSocket(url, options);
    const carrier = webCarrier(socket);
    await new Promise((done, fail) => socket.once('open', done).once('error', fail));
    return carrier;
  }
  let socket;
  let secret;
  if (url.startsWith('tcp:')) {
    const { hostname, port, pathname } = new URL(url.replace(/^tcp:/, 'http:'));
    secret = pathname.slice(1);
    socket = connect(Number(port), hostname);
  } else {
    socket = connect(url.replace(/^unix:/, ''));
  }
  await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
  const carrier = socketCarrier(socket, framing);
  if (secret !== undefined) {
    carrier.send(JSON.stringify(options.secret ?? secret));
  }
  return carrier;
};
