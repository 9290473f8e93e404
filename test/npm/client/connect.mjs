// SPDX-License-Identifier: Apache-2.0
// connect(): every kind of address, its end from either side, and what it says when it fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { WebSocketServer } from 'ws';
import { E, Far, client, makeKernelTables, makePeer, until } from './ends.mjs';

const { connect, errorCode, krefOf } = client;
const dir = mkdtempSync(join(tmpdir(), 'keeve-client-'));
const cleanups = [() => rmSync(dir, { recursive: true })];
after(() => cleanups.reverse().forEach(cleanup => cleanup()));

const SECRET = 'b'.repeat(43);

/** What each connection is served by: npm's captp, and never() that never answers. */
const serve = (send, end) => {
  const facade = Far('kernel', {
    hello: name => `hello ${name}`,
    make: () => Far('made', { n: () => 1 }),
    never: () => new Promise(() => {}),
    later: () => ({ p: new Promise(() => {}) }),
    call: (f, x) => E(f)(x),
    dropMe: () => void setImmediate(end),
  });
  return makePeer('kernel', send, facade, {
    onReject: () => {},
    makeCapTPImportExportTables: makeKernelTables().factory,
  });
};

/** A server of lines; with a secret, that is what the first line must be. */
const serveLines = (listenAt, secret) =>
  new Promise(done => {
    const server = createServer(socket => {
      let told = secret === undefined;
      let text = '';
      const captp = serve(m => socket.write(`${JSON.stringify(m)}\n`), () => socket.destroy());
      socket.setEncoding('utf8');
      socket.on('error', () => {});
      socket.on('data', data => {
        text += data;
        const lines = text.split('\n');
        text = lines.pop();
        for (const line of lines) {
          if (!told) {
            told = JSON.parse(line) === secret;
            if (!told) {
              socket.destroy();
              return;
            }
          } else {
            captp.dispatch(JSON.parse(line));
          }
        }
      });
    });
    cleanups.push(() => server.close());
    server.listen(listenAt, () => done(server.address()));
  });

const serveWeb = () =>
  new Promise(done => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => done(server.address()));
    server.on('connection', (socket, request) => {
      if (request.url !== `/captp/${SECRET}`) {
        socket.close(1008, 'who are you');
        return;
      }
      const captp = serve(m => socket.send(JSON.stringify(m)), () => socket.terminate());
      socket.on('message', data => captp.dispatch(JSON.parse(data)));
    });
    cleanups.push(() => server.close());
  });

const path = join(dir, 'captp.sock');
await serveLines(path);
const tcp = await serveLines({ port: 0, host: '127.0.0.1' }, SECRET);
const web = await serveWeb();

const addresses = [
  ['a path', path],
  ['unix:', `unix:${path}`],
  ['tcp:', `tcp://127.0.0.1:${tcp.port}/${SECRET}`],
  ['ws:', `ws://127.0.0.1:${web.port}/captp/${SECRET}`],
];

for (const [what, address] of addresses) {
  test(`${what}: calls, callbacks, an end from here`, async () => {
    const connection = await connect(address);
    assert.equal(krefOf(connection.kernel), 'ko1');
    assert.equal(await connection.getKernel(), connection.kernel);
    assert.equal(await connection.getBootstrap(), connection.kernel);
    assert.equal(await E(connection.kernel).hello('you'), 'hello you');
    assert.equal(await E(connection.kernel).call(Far('f', x => x + 1), 41), 42);
    const long = 'ä\ud800'.repeat(500_000);
    assert.ok((await E(connection.kernel).hello(long)) === `hello ${long}`, 'long text');
    const waiting = E(connection.kernel).never();
    await connection.close();
    const error = await waiting.then(() => assert.fail('answered'), e => e);
    assert.equal(errorCode(error), 'CONNECTION_LOST');
    assert.equal(errorCode(await connection.closed), 'CONNECTION_LOST');
    await assert.rejects(E(connection.kernel).hello('you'), /CONNECTION_LOST/);
  });

  test(`${what}: an end from there rejects everything`, async () => {
    const connection = await connect(address);
    const { p } = await E(connection.kernel).later();
    const waiting = [E(connection.kernel).never(), E(E(connection.kernel).never()).more(), p];
    E(connection.kernel).dropMe().catch(() => {});
    for (const one of waiting) {
      const error = await one.then(() => assert.fail('answered'), e => e);
      assert.equal(errorCode(error), 'CONNECTION_LOST', error.message);
    }
    assert.equal(errorCode(await connection.closed), 'CONNECTION_LOST');
    // Coming back is a connection of its own.
    const again = await connect(address);
    assert.equal(await E(again.kernel).hello('again'), 'hello again');
    await again.close();
  });
}

test('a thousand calls in flight', async () => {
  const connection = await connect(path);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => E(connection.kernel).hello(`${i}`)),
  );
  assert.deepEqual(answers, Array.from({ length: 1000 }, (_, i) => `hello ${i}`));
  await connection.close();
});

test('what cannot be reached, and a wrong secret', async () => {
  const wrong = 'c'.repeat(43);
  for (const [address, shape] of [
    [join(dir, 'none.sock'), /CONNECTION_LOST.*cannot connect to unix:.*none\.sock/],
    [`tcp://127.0.0.1:${tcp.port}/${wrong}`, /CONNECTION_LOST.*tcp:\/\/127/],
    [`ws://127.0.0.1:${web.port}/captp/${wrong}`, /CONNECTION_LOST.*ws:\/\/127/],
    ['http://127.0.0.1/', /unknown kind of address http/],
    ['tcp://127.0.0.1:99', /not a whole address/],
    ['', /no address/],
  ]) {
    const error = await connect(address).then(() => assert.fail(address), e => e);
    assert.match(error.message, shape);
    assert.ok(!error.message.includes(wrong), 'a secret in an error');
  }
});

test('the connection is no leak: sockets close', async () => {
  const pipes = () => process.getActiveResourcesInfo().filter(r => r === 'PipeWrap').length;
  const before = pipes();
  const connections = await Promise.all(Array.from({ length: 20 }, () => connect(path)));
  await Promise.all(connections.map(c => c.close()));
  await until(() => pipes() <= before, 'sockets to close');
});
