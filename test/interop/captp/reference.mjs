// SPDX-License-Identifier: Apache-2.0
// reference - a server made of npm's CapTP, with the same vat behind it: what it does right, every
// server must; a check that it fails says so in its level.
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { E, Far, makeTagged, WebSocketServer } from './npm.mjs';
import { socketCarrier, webCarrier } from './carriers.mjs';
import { openPeer } from './sessions.mjs';

const SECRET = 'a-secret-of-the-reference';

// Baggage for as long as the server lives.
const makeBaggage = () => {
  const map = new Map();
  return Far('baggage', {
    has: key => map.has(key),
    get: key => map.get(key),
    set: (key, value) => void map.set(key, value),
    init: (key, value) => void map.set(key, value),
    delete: key => void map.delete(key),
  });
};

const makeRoot = () => {
  const text = readFileSync(new URL('./root.js', import.meta.url), 'utf8')
    .replace(/^import .*$/gm, '')
    .replace(/^export /gm, '');
  const compartment = new Compartment({ E, Far, makeTagged, setTimeout, harden });
  const build = compartment.evaluate(`${text}\n;buildRootObject`);
  return build({}, {}, makeBaggage());
};

export const start = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keeve-interop-'));
  const root = makeRoot();
  const peers = new Set();
  const enter = carrier => {
    const peer = openPeer(carrier, root);
    // What is no JSON is the affair of who embeds the library; this server hangs up.
    const { captp } = peer;
    carrier.onText = text => {
      let message;
      try {
        message = JSON.parse(text);
      } catch (error) {
        captp.abort(String(error));
        carrier.close();
        return;
      }
      captp.dispatch(message);
      if (message && message.type === 'CTP_DISCONNECT') carrier.close();
    };
    peers.add(peer);
    void carrier.over.then(() => peers.delete(peer));
  };
  const listen = async (framing, where, secret) => {
    const server = createServer(socket => {
      const carrier = socketCarrier(socket, framing);
      if (secret === undefined) {
        enter(carrier);
        return;
      }
      carrier.onText = text => (text === JSON.stringify(secret) ? enter(carrier) : carrier.close());
    });
    await new Promise(done =>
      typeof where === 'number' ? server.listen(where, '127.0.0.1', done) : server.listen(where, done),
    );
    return server;
  };
  const servers = [
    await listen('lines', join(dir, 'lines')),
    await listen('netstrings', join(dir, 'netstrings')),
    await listen('lines', 0, SECRET),
    await listen('netstrings', 0, SECRET),
  ];
  const web = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  web.on('connection', socket => enter(webCarrier(socket)));
  await new Promise(done => web.on('listening', done));
  const tcp = server => `tcp://127.0.0.1:${server.address().port}/${SECRET}`;
  return {
    name: 'reference',
    doors: [
      { door: 'unix', framing: 'lines', url: `unix:${join(dir, 'lines')}` },
      { door: 'unix', framing: 'netstrings', url: `unix:${join(dir, 'netstrings')}` },
      { door: 'tcp', framing: 'lines', url: tcp(servers[2]) },
      { door: 'tcp', framing: 'netstrings', url: tcp(servers[3]) },
      { door: 'web', framing: 'frames', url: `ws://127.0.0.1:${web.address().port}/captp/${SECRET}` },
    ].map(door => ({ ...door, role: 'grant' })),
    end: () => {
      servers.forEach(server => server.close());
      web.close();
      peers.forEach(peer => peer.carrier.cut());
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
