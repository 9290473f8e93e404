// SPDX-License-Identifier: Apache-2.0
// frames - drives `keeve-vat --worker` as the kernel does: src/vatproto/vatproto.h in JavaScript, for
// tests only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const types = { START: 1, DELIVER: 2, ROW: 3, DONE: 65, GET: 66, NEXT: 67, LOG: 68 };
const levels = ['debug', 'log', 'info', 'warn', 'error'];

const u8 = (n) => Buffer.from([n]);
const u32 = (n) => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
};
const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
};
const string = (text) => {
  // text or bytes
  const b = Buffer.from(text);
  return Buffer.concat([u32(b.length), b]);
};
const strings = (list) => Buffer.concat([u32(list.length), ...list.map(string)]);
const capdata = ({ body, slots = [] }) => Buffer.concat([string(body), strings(slots)]);

export const frame = (type, ...fields) => {
  const body = Buffer.concat([u8(types[type]), ...fields]);
  return Buffer.concat([u32(body.length), body]);
};

export const start = ({
  code,
  name = 'vat.js',
  globals = [],
  steps = 20_000_000,
  heap = 64 * 1024 * 1024,
  parameters = { body: '#{}' },
  rows = [],
  inventory = [],
  raw = false,
}) =>
  frame(
    'START',
    u32(1),
    u64(1),
    u64(1),
    u64(steps),
    u64(heap),
    u8(raw ? 1 : 0),
    string('0123456789abcdef0123456789abcdef'),
    string(name),
    string(code),
    strings(globals),
    capdata(parameters),
    strings(rows),
    strings(inventory),
  );

export const message = (seq, target, methargs, result = '') =>
  frame('DELIVER', u64(seq), u8(1), string(target), string(result), capdata(methargs));

export const timer = (seq) => frame('DELIVER', u64(seq), u8(7));

export const bringOutYourDead = (seq) => frame('DELIVER', u64(seq), u8(6));

export const row = (key, value) =>
  frame('ROW', u8(value === undefined ? 0 : 1), string(key), string(value ?? ''));

const reader = (bytes) => {
  let at = 0;
  const take = (n) => bytes.subarray(at, (at += n));
  const number = () => take(4).readUInt32LE();
  return {
    u8: () => take(1)[0],
    u32: number,
    u64: () => Number(take(8).readBigUInt64LE()),
    string: () => take(number()).toString(),
    rest: () => bytes.subarray(at),
  };
};

const decode = (bytes) => {
  const r = reader(bytes);
  const type = r.u8();
  switch (type) {
    case types.DONE: {
      const done = { type: 'DONE', seq: r.u64(), status: r.u8(), error: r.string() };
      return { ...done, steps: r.u64(), heap: r.u64(), tail: r.rest() };
    }
    case types.GET:
      return { type: 'GET', key: r.string() };
    case types.NEXT:
      return { type: 'NEXT', prior: r.string() };
    case types.LOG:
      return { type: 'LOG', level: levels[r.u8()], text: r.string() };
    default:
      throw Error(`unknown frame type ${type}`);
  }
};

/** A worker of its own: write() frames, take() what it says, end() and exit() for its status. */
export const openWorker = (program, options = []) => {
  const child = spawn(program, ['--worker', '3', ...options], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const socket = child.stdio[3];
  const exited = once(child, 'exit');
  const queue = [];
  const readers = [];
  let input = Buffer.alloc(0);
  let stderr = '';
  let ended = false;

  const give = (item) => {
    const next = readers.shift();
    if (next) {
      next(item);
    } else {
      queue.push(item);
    }
  };
  socket.on('data', (bytes) => {
    input = Buffer.concat([input, bytes]);
    while (input.length >= 4 && input.length >= 4 + input.readUInt32LE()) {
      const size = input.readUInt32LE();
      give(decode(input.subarray(4, 4 + size)));
      input = input.subarray(4 + size);
    }
  });
  socket.on('error', () => {});
  const over = () => {
    if (!ended) {
      ended = true;
      give({ type: 'END' });
    }
  };
  socket.on('close', over);
  socket.on('end', over);
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });

  return {
    pid: child.pid,
    write: (...frames) => socket.write(Buffer.concat(frames)),
    end: () => socket.end(),
    take: () =>
      queue.length > 0 ? Promise.resolve(queue.shift()) : new Promise((fill) => readers.push(fill)),
    exit: async () => {
      const [status, signal] = await exited;
      return { status, signal, stderr };
    },
  };
};

/** Starts a vat of that code; gives its console lines, its DONE and how it ended. */
export const startOnce = async (program, options) => {
  const worker = openWorker(program);
  const logs = [];
  worker.write(start(options));
  for (;;) {
    const item = await worker.take();
    if (item.type === 'LOG') {
      logs.push(`${item.level}: ${item.text}`);
    } else if (item.type === 'GET') {
      worker.write(row(item.key));
    } else if (item.type === 'NEXT') {
      worker.write(row(''));
    } else {
      worker.end();
      return { done: item, logs, ...(await worker.exit()) };
    }
  }
};
