// SPDX-License-Identifier: Apache-2.0
// client - programs outside the kernel: the client of js/client, and npm's @endo/captp as it is, each with a
// session at the daemon of a home; and what vats they talk to.
import { createRequire } from 'node:module';
import { connect as connectSocket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ROOT, check, join, sleep, until } from './lib.mjs';

export const client = await import(join(ROOT, 'js/client/src/index.js'));
export const { E, Far, connect, krefOf, isKrefPresence, errorCode } = client;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
export const collect = async () => {
  for (let i = 0; i < 3; i += 1) {
    await sleep(1);
    gc();
    await sleep(1);
  }
};

/** What a collection must bring about, in the end. */
export const untilCollected = (ask, text) =>
  until(async () => {
    await collect();
    return ask();
  }, text);

export const socketOf = home => join(home.dir, 'captp.sock');

/** A session of the client's; ends with the test. */
export const session = async (t, home, options = {}) => {
  const made = await connect(options.url ?? socketOf(home), options);
  t.cleanups.push(() => made.close());
  return made;
};

/** A session whose messages are kept, in order; drops, which come when a collection finds them, apart. */
export const watched = async (t, home, options = {}) => {
  const sent = [];
  const drops = [];
  const came = [];
  const openCarrier = () =>
    new Promise((done, fail) => {
      const socket = connectSocket(socketOf(home));
      let text = '';
      let handler;
      socket.setEncoding('utf8');
      socket.once('error', fail);
      socket.once('connect', () =>
        done({
          send: line => {
            const message = JSON.parse(line);
            (message.type === 'CTP_DROP' ? drops : sent).push(message);
            socket.write(`${line}\n`);
          },
          close: () => socket.destroySoon(),
          attend: given => {
            handler = given;
          },
        }),
      );
      socket.on('data', data => {
        text += data;
        const lines = text.split('\n');
        text = lines.pop();
        for (const line of lines) {
          came.push(JSON.parse(line));
          handler.text(line);
        }
      });
      socket.on('close', () => handler?.ended('closed'));
    });
  return { session: await session(t, home, { ...options, openCarrier }), sent, drops, came };
};

/** The error a promise rejects with. */
export const rejected = async (promise, text) => {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  check(false, `${text} was to reject, it gave ${String(value)}`);
};

const require = createRequire(join(ROOT, 'test/npm/package.json'));
const npm = async name => import(pathToFileURL(require.resolve(name)));
/** npm's own makeCapTP, in a program that has nothing of ours. */
export const npmCapTP = async () => (await npm('@endo/captp')).makeCapTP;

/** An object with something of everything for hosts to try. */
export const host = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  const kept = new Map();
  const settlers = new Map();
  let n = 0;
  const makeNode = name =>
    Far('node', { label: () => name, doSomething: () => name + ' did it', next: () => makeNode(name + "'") });
  return Far('counter', {
    bootstrap: () => 'ready',
    increment: () => (n += 1),
    read: () => n,
    getRelated: () => ({ child: makeNode('child'), list: [[makeNode('deep')]] }),
    make: name => makeNode(name),
    makeMany: count => Array.from({ length: count }, (_, i) => makeNode(String(i))),
    same: x => x,
    are: (a, b) => a === b,
    typeOf: x => typeof x,
    keep: (name, x) => void kept.set(name, x),
    drop: name => void kept.delete(name),
    kept: name => kept.get(name),
    isKept: (name, x) => kept.get(name) === x,
    call: (x, method, ...args) => E(x)[method](...args),
    callKept: (name, method, ...args) => E(kept.get(name))[method](...args),
    apply: (f, ...args) => E(f)(...args),
    promise: name => harden({ p: new Promise((...fns) => settlers.set(name, fns)) }),
    fulfil: (name, value) => settlers.get(name)[0](value),
    reject: (name, reason) => settlers.get(name)[1](reason),
    forever: () => new Promise(() => {}),
    fail: text => {
      throw RangeError(text);
    },
  });
};
`;

/** A started home with that vat: { home, root, vat, kernel, session }. */
export const hosted = async (t, options = {}) => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const made = await session(t, home, options);
  const root = await made.resolveKref(vats.host.root);
  return { home, session: made, kernel: made.kernel, root, kref: vats.host.root, vat: vats.host.vat };
};
