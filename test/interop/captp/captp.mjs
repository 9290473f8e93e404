// SPDX-License-Identifier: Apache-2.0
// An unmodified @endo/captp 4.5.1 at each door of a daemon: every form of data, calls, functions, gets, send-only,
// pipelining, promises both ways, host objects, drops both ways, the end and coming back, many in flight.
// usage: KEEVE=... KEEVE_VAT=... node captp.mjs
import { createConnection } from 'node:net';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Failure, ROOT, check, equal, join, runScript, sleep, until } from '../../acceptance/lib.mjs';

const require = createRequire(join(ROOT, 'test/npm/package.json'));
const npm = name => import(pathToFileURL(require.resolve(name)));
await npm('ses/assert-shim.js');
await npm('@endo/eventual-send/shim.js');
const { E } = await npm('@endo/eventual-send');
const { makeCapTP } = await npm('@endo/captp');
const { Far, makeTagged, passStyleOf } = await npm('@endo/pass-style');
const { default: harden } = await import(
  pathToFileURL(createRequire(require.resolve('@endo/captp')).resolve('@endo/harden'))
);
const { WebSocket } = require('ws');

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const host = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  const kept = new Map();
  const settlers = new Map();
  const makeNode = name =>
    Far('node', { label: () => name, next: () => makeNode(name + "'"), isIt: x => x });
  return Far('root', {
    bootstrap: () => 'ready',
    same: x => x,
    add: (a, b) => a + b,
    make: name => makeNode(name),
    makeMany: n => Array.from({ length: n }, (_, i) => makeNode(String(i))),
    record: () => ({ a: 1, node: makeNode('in'), list: [makeNode('list')] }),
    fn: () => Far('fn', (a, b) => a * b),
    fail: (name, text) => {
      throw { RangeError, TypeError, Error }[name](text);
    },
    throwValue: x => {
      throw x;
    },
    keep: (name, x) => void kept.set(name, x),
    drop: name => void kept.delete(name),
    kept: name => kept.get(name),
    callKept: (name, method, ...args) => E(kept.get(name))[method](...args),
    call: (x, method, ...args) => E(x)[method](...args),
    apply: (f, ...args) => E(f)(...args),
    when: p => p,
    promise: name => harden({ p: new Promise((...fns) => settlers.set(name, fns)) }),
    fulfil: (name, value) => settlers.get(name)[0](value),
    reject: (name, reason) => settlers.get(name)[1](reason),
    forever: () => new Promise(() => {}),
  });
};
`;

/* ---- carriers: open(hear, ended) gives { send, close } ---- */

const overSocket = (where, first, cut, join) => (hear, ended) =>
  new Promise((done, fail) => {
    const socket = createConnection(where);
    let bytes = Buffer.alloc(0);
    socket.once('error', fail);
    socket.once('close', ended);
    socket.on('data', data => {
      bytes = Buffer.concat([bytes, data]);
      for (;;) {
        const found = cut(bytes);
        if (!found) {
          break;
        }
        bytes = found.rest;
        hear(JSON.parse(found.text));
      }
    });
    const send = text => void socket.write(join(text));
    socket.once('connect', () => {
      if (first !== undefined) {
        send(JSON.stringify(first));
      }
      done({ send, close: () => socket.destroy() });
    });
  });

const cutLine = bytes => {
  const end = bytes.indexOf(10);
  return end < 0 ? undefined : { text: bytes.subarray(0, end).toString(), rest: bytes.subarray(end + 1) };
};
const cutNetstring = bytes => {
  const colon = bytes.indexOf(58);
  const size = Number(bytes.subarray(0, colon).toString());
  if (colon < 0 || bytes.length < colon + 2 + size) {
    return undefined;
  }
  check(bytes[colon + 1 + size] === 44, 'a netstring without its comma');
  return {
    text: bytes.subarray(colon + 1, colon + 1 + size).toString(), rest: bytes.subarray(colon + 2 + size),
  };
};
const line = text => `${text}\n`;
const netstring = text => `${Buffer.byteLength(text)}:${text},`;

const overWebSocket = url => (hear, ended) =>
  new Promise((done, fail) => {
    const socket = new WebSocket(url);
    socket.once('error', fail);
    socket.once('close', ended);
    socket.on('message', data => hear(JSON.parse(data)));
    socket.once('open', () => done({ send: text => socket.send(text), close: () => socket.terminate() }));
  });

/** A session as someone makes one who knows npm's captp and the address. */
const enter = async (t, open, options = {}) => {
  const sent = [];
  const came = [];
  const faults = [];
  let captp;
  const carrier = await open(
    message => {
      came.push(message);
      captp.dispatch(message);
    },
    () => captp.abort(Error('closed')),
  );
  captp = makeCapTP('peer', message => {
    sent.push(message);
    carrier.send(JSON.stringify(message));
  }, undefined, { onReject: error => faults.push(error), ...options });
  t.cleanups.push(() => carrier.close());
  return { ...captp, sent, came, faults, close: carrier.close };
};

const rejection = async promise => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Failure('it was to reject');
};

/* ---- what is tried at each door ---- */

const data = {
  plain: [null, true, false, 0, -7.25, 1e21, '', 'text', 'ä😀', ['a', ['b']], { b: 1, a: { c: 2 } }],
  special: [undefined, NaN, Infinity, -Infinity, 0n, -123456789012345678901234567890n],
  symbols: [Symbol.for('registered'), Symbol.asyncIterator, Symbol.for('@@odd')],
  strings: ['!bang', '#hash', '+7', '$0', '&1', '%x', '\ud800', 'a\udc00b', '\u0000', 'line\nline', 'ko4', 'o+1'],
  qclass: { '@qclass': 'slot', index: 0, more: { '@qclass': 7 } },
  keys: { '': 1, 'a b': 2, '#tag': 3, ä: 4, constructor: 6 },
};

const alike = (a, b) =>
  Object.is(a, b) || (a === 0 && b === 0) ||
  (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null &&
    Array.isArray(a) === Array.isArray(b) &&
    Object.keys(a).length === Object.keys(b).length && Object.keys(a).every(key => key in b && alike(a[key], b[key])));

const tryData = async root => {
  for (const [what, value] of Object.entries(data)) {
    check(alike(await E(root).same(harden(value)), value), `${what} came back as something else`);
  }
  const tagged = await E(root).same(makeTagged('unknown', [1n, { x: makeTagged('inner', 'y') }]));
  equal([passStyleOf(tagged), tagged[Symbol.toStringTag]], ['tagged', 'unknown'], 'a tagged value');
  equal(tagged.payload[1].x.payload, 'y', 'its payload');
  for (const error of [RangeError('r'), TypeError('t'), Error('e')]) {
    const [back] = await E(root).same(harden([error]));
    equal([back.constructor.name, back.message], [error.constructor.name, error.message], 'an error as data');
  }
  const long = '0123456789abcdef'.repeat(65_536);
  check((await E(root).same(long)) === long, 'a string of 1 MB');
};

const tryCalls = async root => {
  equal(await E(root).add(2, 3), 5, 'a call');
  equal(await E(await E(root).fn())(6, 7), 42, 'a function');
  equal(await E(E(root).fn())(6, 7), 42, 'a function that is an answer');
  equal(await E.get(E(root).record()).a, 1, 'a property of an answer');
  equal(await E(E.get(E(root).record()).node).label(), 'in', 'an object in a property');
  equal(await E(E.get(E.get(E(root).record()).list)[0]).label(), 'list', 'in a property of a property');
  E.sendOnly(root).keep('sent', 'only');
  await until(async () => (await E(root).kept('sent')) === 'only', 'what was sent only');
  for (const name of ['RangeError', 'TypeError', 'Error']) {
    const error = await rejection(E(root).fail(name, 'why'));
    equal([error.constructor.name, error.message], [name, 'why'], 'a rejection');
  }
  equal(await rejection(E(root).throwValue({ any: ['value'] })), { any: ['value'] }, 'a reason that is no error');
  check(/no method|has no/.test((await rejection(E(root).nothing())).message), 'a method there is not');
};

const tryPipelines = async (root, sent) => {
  let node = E(root).make('n');
  const before = sent.filter(m => m.type === 'CTP_CALL').length;
  for (let i = 0; i < 10; i += 1) {
    node = E(node).next();
  }
  equal(await E(node).label(), `n${"'".repeat(10)}`, 'ten deep on answers');
  check(sent.filter(m => m.type === 'CTP_CALL').length >= before + 10, 'they were not sent');
  // On a promise that the vat settles later.
  const { p } = await E(root).promise('pipe');
  let on = p;
  for (let i = 0; i < 10; i += 1) {
    on = E(on).next();
  }
  const label = E(on).label();
  await E(root).fulfil('pipe', await E(root).make('m'));
  equal(await label, `m${"'".repeat(10)}`, 'ten deep on a promise');
  // On an answer that rejects, and on data.
  equal((await rejection(E(E(E(root).fail('RangeError', 'first')).a()).b())).message, 'first', 'on a rejection');
  check((await rejection(E(E(root).add(1, 2)).nothing())) instanceof Error, 'on data');
};

const tryPromises = async root => {
  const { p, ...rest } = await E(root).promise('one');
  equal(rest, {}, 'the record');
  await E(root).fulfil('one', { value: 7n });
  check((await p).value === 7n, 'a promise of the vat');
  const { p: q } = await E(root).promise('two');
  const failing = rejection(q);
  await E(root).reject('two', RangeError('no'));
  equal((await failing).message, 'no', 'a promise that is rejected');
  // Ours: the vat waits for it; sends to it before it is settled.
  equal(await E(root).when(sleep(20).then(() => 'late')), 'late', 'a promise of ours');
  equal((await rejection(E(root).when(sleep(20).then(() => Promise.reject(RangeError('ours')))))).message, 'ours',
    'a promise of ours that rejects');
  equal(await E(root).call(sleep(20).then(() => Far('mine', { n: x => x + 1 })), 'n', 1), 2, 'sent to before');
  const back = await E(root).same(harden([sleep(20).then(() => 'through')]));
  equal(await back[0], 'through', 'a promise of ours that came back');
  // The promise of a call as an argument.
  const node = E(root).make('arg');
  equal(await E(root).call(node, 'label'), 'arg', 'an answer as an argument');
};

const tryObjects = async root => {
  const heard = [];
  const mine = Far('mine', {
    tell: x => heard.push(x),
    fail: () => {
      throw RangeError('mine');
    },
  });
  equal(await E(root).call(mine, 'tell', 'during'), 1, 'called back during the call');
  await E(root).keep('mine', mine);
  equal(await E(root).callKept('mine', 'tell', 'after'), 2, 'called back after the call');
  check((await E(root).kept('mine')) === mine, 'it came back as another');
  equal((await rejection(E(root).callKept('mine', 'fail'))).message, 'mine', 'its error');
  equal(await E(root).apply(Far('f', (a, b) => `${a}${b}`), 'x', 'y'), 'xy', 'a function of ours');
  const node = await E(root).make('both');
  const [a, b, c] = await E(root).same(harden([mine, node, root]));
  check(a === mine && b === node && c === root, 'objects of both sides came back as others');
  equal(heard, ['during', 'after'], 'what it heard');
  await E(root).drop('mine');
};

const tryMany = async root => {
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => E(root).add(i, 1)));
  equal(answers.filter((answer, i) => answer !== i + 1).length, 0, 'wrong answers among 1,000 in flight');
};

const untilCollected = (ask, text) =>
  until(async () => {
    gc();
    await sleep(5);
    return ask();
  }, text);

const tryDrops = async (home, root, sent, came) => {
  // Of our session, the latest. What was collected before goes when it will, so numbers are compared with room.
  const rowsOf = async () => (await home.rows('sessions')).at(-1).rows;
  await (async () => {
    const many = await E(root).makeMany(200);
    equal(await E(many[199]).label(), '199', 'the last');
    check((await rowsOf()) >= 200, 'rows while they are held');
  })();
  await untilCollected(async () => (await rowsOf()) < 100, 'rows to go');
  check(sent.some(m => m.type === 'CTP_DROP'), 'no drops were sent');
  // The other way: what the vat lets go of.
  await E(root).keep('dropped', Far('dropped', {}));
  await home.rows('gc');
  const drops = came.filter(m => m.type === 'CTP_DROP').length;
  await E(root).drop('dropped');
  await until(async () => {
    await home.rows('gc');
    return came.filter(m => m.type === 'CTP_DROP').length > drops;
  }, 'the drop of our object');
};

const tryDoor = async (t, home, what, open, rootKref) => {
  const first = await enter(t, open, { gcImports: true });
  const kernel = await first.getBootstrap();
  equal(await E(kernel).ping(), 'pong', `${what}: the facade`);
  const root = await E(kernel).resolveKref(rootKref);
  await tryData(root);
  await tryCalls(root);
  await tryPipelines(root, first.sent);
  await tryPromises(root);
  await tryObjects(root);
  await tryMany(root);
  await tryDrops(home, root, first.sent, first.came);
  equal(first.faults.filter(error => /answer to a question|Unknown export|resolvement/.test(error?.message)).length, 0,
    `${what}: what npm's captp complained about`);
  // Cut off, and back.
  const waiting = rejection(E(root).forever());
  first.close();
  await waiting;
  const again = await enter(t, open);
  const sameRoot = await E(again.getBootstrap()).resolveKref(rootKref);
  equal(await E(sameRoot).add(20, 1), 21, `${what}: after coming back`);
  // An end in good order.
  again.abort();
  await until(() => again.sent.some(m => m.type === 'CTP_DISCONNECT'), 'the goodbye');
  again.close();
  console.log(`${what}: all of it`);
};

await runScript(async t => {
  const home = await t.started('--tcp', '127.0.0.1:0', '--web', '127.0.0.1:0');
  const { vats } = await home.launch({ host });
  const path = join(home.dir, 'captp.sock');
  const urls = Object.fromEntries((await home.rows('url')).map(row => [row.door, row.url]));
  const tcp = new URL(urls.tcp.replace('tcp:', 'http:'));
  const at = { host: tcp.hostname, port: Number(tcp.port) };
  const secret = tcp.pathname.slice(1);
  for (const [what, open] of [
    ['unix, lines', overSocket(path, undefined, cutLine, line)],
    ['unix, netstrings', overSocket(path, undefined, cutNetstring, netstring)],
    ['tcp, lines', overSocket(at, secret, cutLine, line)],
    ['tcp, netstrings', overSocket(at, secret, cutNetstring, netstring)],
    ['websocket', overWebSocket(urls.web)],
  ]) {
    await tryDoor(t, home, what, open, vats.host.root);
  }
  await until(async () => (await home.rows('sessions')).length === 0, 'the sessions to end');
  await home.rows('gc');
  await home.audit();
});
