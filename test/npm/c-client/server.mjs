// SPDX-License-Identifier: Apache-2.0
// server - a plain Node program with an unmodified @endo/captp on a unix socket, for clients that are not
// JavaScript. It cuts texts as lines or as netstrings.
import '@endo/init';
import net from 'node:net';
import { makeCapTP } from '@endo/captp';
import { E } from '@endo/eventual-send';
import { makePromiseKit } from '@endo/promise-kit';
import { Far, makeTagged } from '@endo/pass-style';

const cutters = {
  lines: {
    join: text => `${text}\n`,
    cut: rest => {
      const end = rest.indexOf(10);
      return end < 0 ? null : [rest.subarray(0, end), rest.subarray(end + 1)];
    },
  },
  netstrings: {
    join: text => `${Buffer.byteLength(text)}:${text},`,
    cut: rest => {
      const colon = rest.indexOf(58);
      const size = Number(rest.subarray(0, Math.max(colon, 0)).toString());
      if (colon < 0 || rest.length < colon + size + 2) return null;
      if (rest[colon + 1 + size] !== 44) throw Error('a netstring without its comma');
      return [rest.subarray(colon + 1, colon + 1 + size), rest.subarray(colon + size + 2)];
    },
  },
};

const makeChild = name => Far('Child', { getName: () => name, same: other => other });

const makeRoot = session => {
  const kits = new Map();
  const child = makeChild('kept');
  let kept;
  return Far('Root', {
    ping: i => i,
    echo: (...values) => harden(values),
    makeChild,
    child: () => child,
    record: () => harden({ a: 1, child, nested: { list: [child, 'x'] }, f: Far('f', x => x + 1) }),
    fail: () => { throw RangeError('boom'); },
    failWith: reason => Promise.reject(reason),
    values: () => harden([null, undefined, true, 0, -1.5, NaN, Infinity, 2n ** 70n, 'é\u0000"\\', Symbol.for('s'),
      Symbol.asyncIterator, makeTagged('t', [1]), { '@qclass': 'x' }]),
    big: n => 'x'.repeat(n),
    lone: () => '\ud800',
    isLone: text => text === '\ud800',
    kit: name => {
      const kit = makePromiseKit();
      kits.set(name, kit);
      return harden({ promise: kit.promise });
    },
    settle: (name, value) => kits.get(name).resolve(value),
    spoil: (name, reason) => kits.get(name).reject(reason),
    callBack: (target, ...args) => E(target).invoke(...args),
    callFunction: (f, ...args) => E(f)(...args),
    callLater: (target, n) => {
      for (let i = 0; i < n; i += 1) E.sendOnly(target).count(i);
      return 'called';
    },
    chain: target => E(E(target).self()).hello('chain'),
    getOf: (target, name) => E.get(target)[name],
    whenResolved: promise => E.when(promise, value => harden(['resolved', value]), reason => harden(['rejected', reason])),
    keep: thing => { kept = thing; },
    kept: () => kept,
    letGo: () => { kept = undefined; },
    collect: async () => {
      for (let i = 0; i < 10; i += 1) {
        globalThis.gc?.();
        await new Promise(done => setTimeout(done, 10));
      }
    },
    stats: () => harden(JSON.parse(JSON.stringify(session.getStats()))),
    bootstrapOfClient: () => session.getBootstrap(),
    abort: reason => { session.abort(reason); },
    cut: () => { session.cut(); },
  });
};

export const serve = (path, framing) => {
  const { join, cut } = cutters[framing];
  const complaints = [];
  const server = net.createServer(socket => {
    const session = {};
    const captp = makeCapTP('server', message => { socket.write(join(JSON.stringify(message))); }, makeRoot(session), {
      gcImports: true,
      onReject: reason => complaints.push(String(reason?.stack ?? reason)),
    });
    Object.assign(session, captp, { cut: () => { socket.destroy(); } });
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => captp.abort());
    socket.on('data', data => {
      rest = Buffer.concat([rest, data]);
      for (let found = cut(rest); found; found = cut(rest)) {
        rest = found[1];
        captp.dispatch(JSON.parse(found[0].toString()));
      }
    });
  });
  return new Promise(done => server.listen(path, () => done({ server, complaints })));
};
