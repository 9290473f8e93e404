// SPDX-License-Identifier: Apache-2.0
// Measures @endo/captp between two Node processes over a unix socket, one JSON message per line.
// usage: node captp.mjs                   the client; it starts the server itself
//        node captp.mjs --serve SOCKET    the server alone
//        node captp.mjs --to SOCKET KREF  the client alone, of an owner of a keeve daemon
import '@endo/init';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCapTP } from '@endo/captp';
import { E, Far } from '@endo/far';

const attach = (name, socket, bootstrap) => {
  const { dispatch, getBootstrap } = makeCapTP(name, message => socket.write(`${JSON.stringify(message)}\n`), bootstrap);
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', data => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) dispatch(JSON.parse(line));
  });
  return getBootstrap;
};

const serve = at =>
  net.createServer(socket => attach('server', socket, Far('server', { ping: i => i })))
    .listen(at, () => console.log('listening'));

const measure = async (target, n, inFlight) => {
  let next = 0;
  const loop = async () => {
    while (next < n) {
      const i = next;
      next += 1;
      if ((await E(target).ping(i)) !== i) throw Error('a wrong answer');
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: inFlight }, loop));
  const seconds = (performance.now() - begin) / 1000;
  return { n, in_flight: inFlight, seconds, rate: n / seconds };
};

const measureAll = async (name, target) => {
  await measure(target, 3000, 1);
  for (const [inFlight, text] of [[1, 'sequential'], [64, '64 in flight']]) {
    console.log(JSON.stringify({ name: `${name}, ${text}`, ...(await measure(target, 20000, inFlight)) }));
  }
};

const connect = async at => {
  const socket = net.connect(at);
  await new Promise(done => socket.once('connect', done));
  return { socket, root: await attach('client', socket)() };
};

const measureDaemon = async (at, kref) => {
  const { socket, root } = await connect(at);
  await measureAll('W2 ping, unmodified @endo/captp', await E(root).resolveKref(kref));
  socket.destroy();
};

const main = async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-captp-'));
  const at = path.join(dir, 'socket');
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--serve', at], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise(done => child.stdout.once('data', done));
    const { socket, root } = await connect(at);
    await measureAll('@endo/captp W2 ping', root);
    socket.destroy();
  } finally {
    child.kill();
    fs.rmSync(dir, { recursive: true });
  }
};

const [mode, at, kref] = process.argv.slice(2);
if (mode === '--serve') serve(at);
else if (mode === '--to') await measureDaemon(at, kref);
else await main();
