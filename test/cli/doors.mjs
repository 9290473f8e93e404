#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// doors - a real daemon's doors: which are open, who comes in, and what hosts that behave badly can do.
// usage: doors.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';

import { base, check, failed, finish, home, rows, run as runIn } from './lib.mjs';

const run = (args, at = home) => runIn(args, { KEEVE_HOME: at });
const PATIENCE_MS = 60000;
const BOOTSTRAP = '{"type":"CTP_BOOTSTRAP","epoch":0,"questionID":"q-1"}';
const ping = n => JSON.stringify({ type: 'CTP_CALL', epoch: 0, questionID: `q-${n}`, target: 'q-1',
  method: { body: '["ping",[]]', slots: [] } });

// Gives what fn gives as soon as that is not undefined.
const until = async (what, fn) => {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await fn();
    if (found !== undefined) return found;
    if (Date.now() > end) throw Error(`${what}: did not come`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
};

// A connection: lines that came, and whether it is closed.
const connect = where => new Promise((resolve, reject) => {
  const socket = net.connect(where);
  wires.add(socket);
  const wire = { socket, lines: [], said: '', bytes: 0, closed: false, say: text => socket.write(`${text}\n`) };
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', text => {
    wire.bytes += text.length;
    wire.said += text.slice(0, 1000);
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    wire.lines.push(...parts);
  });
  socket.on('error', error => { wire.error = error; reject(error); });
  socket.on('close', () => { wire.closed = true; });
  socket.on('connect', () => resolve(wire));
});
const answer = (wire, id) => until(`an answer to ${id}`, () => {
  const found = wire.lines.find(line => line.includes(`"answerID":"${id}"`));
  return found ?? (wire.closed ? 'closed' : undefined);
});
const closing = wire => until('the end of a connection', () => wire.closed || undefined);

const urlOf = async (door, at = home) => {
  const { out } = await run(['url'], at);
  return out.split('\n').map(line => JSON.parse(line)).find(row => row.door === door)?.url;
};
const tcpOf = url => {
  const [, host, port, secret] = url.match(/^tcp:\/\/([^:]+):(\d+)\/(.+)$/);
  return { host, port: Number(port), secret };
};
const webOf = url => {
  const [, host, port, path] = url.match(/^ws:\/\/([^:]+):(\d+)(\/captp\/.+)$/);
  return { host, port: Number(port), path };
};

// What the web door answers: { status, headers, body }, and the socket if it became a WebSocket.
const ask = (web, path, headers = {}, method = 'GET') => new Promise((resolve, reject) => {
  const request = http.request({ host: web.host, port: web.port, path, headers, method }, response => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', text => { body += text; });
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
  });
  request.on('upgrade', (response, socket, head) => resolve({ status: response.statusCode, socket, head }));
  request.on('error', reject);
  request.end();
});
const SOCKET = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
const frame = (text, first = 0x81) => {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([first, 0x80 | payload.length])
    : Buffer.from([first, 0x80 | 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
};

// The sockets on which the process listens, other than those of files.
const listening = pid => {
  const inodes = new Set(fs.readdirSync(`/proc/${pid}/fd`).map(fd => {
    try { return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1]; } catch { return undefined; }
  }).filter(Boolean));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap(kind => fs.existsSync(`/proc/${pid}/net/${kind}`)
    ? fs.readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n').slice(1)
      .map(line => line.trim().split(/\s+/)).filter(words => inodes.has(words[9]) && (kind.startsWith('udp') || words[3] === '0A')) : []).length;
};
const pidOf = () => Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8'));
const sessionCount = async () => (await rows('sessions')).length;
// Sessions that a test leaves would be counted by the next.
const wires = new Set();
const none = () => until('the end of all sessions', async () => (await sessionCount()) === 0 || undefined);
const alive = async what => {
  const wire = await connect(join(home, 'captp.sock'));
  wire.say(BOOTSTRAP);
  wire.say(ping(2));
  check(`${what}: others are served`, await answer(wire, 'q-2'), /"pong/);
  wire.socket.destroy();
  await none();
};

const tests = {
  async 'doors are closed unless asked for'() {
    check('start', (await run(['start'])).code, 0);
    check('nothing listens on the network', listening(pidOf()), 0);
    check('the socket is its owner\'s', (fs.statSync(join(home, 'captp.sock')).mode & 0o7777).toString(8), '600');
    check('so is the secret', (fs.statSync(join(home, 'secrets', 'owner')).mode & 0o7777).toString(8), '600');
    check('url', (await run(['url'])).out, JSON.stringify({ door: 'unix', url: `unix:${join(home, 'captp.sock')}` }));
    check('no grant', (await run(['url', 'shop'])).err, /there is no grant shop/);
    await alive('unix');
    check('stop', (await run(['stop'])).code, 0);
    check('the socket is gone', fs.existsSync(join(home, 'captp.sock')), false);
  },

  async 'what start refuses'() {
    const refusals = [
      [['--tcp', '8080'], 2, /--tcp: expected HOST:PORT such as 127\.0\.0\.1:0, found "8080"/],
      [['--web', 'localhost:99999'], 2, /--web: expected HOST:PORT/],
      [['--origin', 'https://shop.example'], 2, /about a web door/],
      [['--pages', base], 2, /about a web door/],
      [['--web', '127.0.0.1:0', '--origin', 'shop.example/x'], 2, /--origin: expected what browsers call one/],
      [['--web', '127.0.0.1:0', '--pages', join(base, 'nowhere')], 1, /nowhere: No such file/],
      [['--tcp', 'no.such.host.invalid:0'], 1, /no address for the host/],
    ];
    for (const [args, code, err] of refusals) {
      const r = await run(['start', ...args]);
      check(`start ${args.join(' ')}`, r.code, code);
      check(`start ${args.join(' ')}`, r.err, err);
    }
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => taken.on('listening', resolve));
    const r = await run(['start', '--tcp', `127.0.0.1:${taken.address().port}`]);
    check('a port that is taken', `${r.code} ${r.err}`, /^1 .*cannot listen at 127\.0\.0\.1:\d+: Address already in use/);
    taken.close();
    check('no daemon is left', (await run(['status'])).code, 1);
  },

  async 'a tcp door asks for its secret'() {
    const r = await run(['start', '--tcp', '127.0.0.1:0', '--tcp', '0.0.0.0:0', '--web', '127.0.0.1:0',
      '--origin', 'https://shop.example', '--pages', base]);
    check('start', r.code, 0);
    check('a warning', r.err, /warning: --tcp 0\.0\.0\.0:0 can be reached from other machines, and nothing said there is encrypted/);
    check('three listen', listening(pidOf()), 3);
    const status = JSON.parse((await run(['status'])).out);
    check('status', status.doors.map(d => `${d.door} ${d.local}`).join(), 'unix yes,tcp yes,tcp no,web yes');
    const { secret, ...where } = tcpOf(await urlOf('tcp'));
    check('256 bits', Buffer.from(secret, 'base64url').length, 32);
    for (const first of [JSON.stringify(secret), `${secret.length + 2}:${JSON.stringify(secret)},${BOOTSTRAP.length}:${BOOTSTRAP},`]) {
      const wire = await connect(where);
      wire.socket.write(first.startsWith('"') ? `${first}\n${BOOTSTRAP}\n` : first);
      const said = await until('a bootstrap', () => wire.lines[0] ?? (wire.bytes > 50 ? 'netstring' : undefined));
      check('bootstrap', said, first.startsWith('"') ? /"slots":\["o\+ko\d+"\]/ : 'netstring');
      wire.socket.destroy();
    }
    for (const wrong of [JSON.stringify(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'E' : 'A'}`), secret, '""', BOOTSTRAP]) {
      const wire = await connect(where);
      wire.say(wrong);
      wire.say(BOOTSTRAP);
      await closing(wire);
      check(`wrong secret ${wrong.slice(0, 5)}...`, wire.bytes, 0);
    }
    await none();
  },

  async 'a web door asks for its secret and looks where pages come from'() {
    const web = webOf(await urlOf('web'));
    const host = `${web.host}:${web.port}`;
    const tries = [
      [web.path, {}, 101],
      [web.path, { Origin: `http://${host}` }, 101],
      [web.path, { Origin: 'https://shop.example' }, 101],
      [web.path, { Origin: 'https://foreign.example' }, 403],
      [web.path, { Origin: 'null' }, 403],
      [web.path, { Origin: 'http://rebound.example', Host: 'rebound.example' }, 403],
      [`${web.path.slice(0, -1)}${web.path.endsWith('A') ? 'E' : 'A'}`, {}, 403],
      ['/captp/', {}, 403],
      ['/', {}, 404],
    ];
    for (const [path, headers, status] of tries) {
      const found = await until('the door', () => ask(web, path, { ...SOCKET, ...headers }));
      check(`${JSON.stringify(headers)} ${path.length}`, found.status, status);
      found.socket?.destroy();
    }
    const { socket } = await ask(web, web.path, SOCKET);
    let said = '';
    socket.on('data', bytes => { said += bytes.toString('latin1'); });
    socket.write(frame(BOOTSTRAP));
    check('bootstrap', await until('a bootstrap', () => said.match(/"slots":\["o\+ko\d+"\]/)?.[0]), /o\+ko/);
    check('sessions', (await rows('sessions')).map(r => `${r.label} ${r.door}`).join(), 'owner web');
    socket.destroy();
    await none();
  },

  async 'pages are shown, and nothing beside them'() {
    const web = webOf(await urlOf('web'));
    fs.writeFileSync(join(base, 'shop.html'), '<h1>shop');
    fs.writeFileSync(join(base, '.secret'), 'secret');
    fs.symlinkSync(join(home, 'secrets', 'owner'), join(base, 'owner'));
    fs.writeFileSync(join(base, 'large.bin'), Buffer.alloc(3 << 20, 'x'));
    const shop = await ask(web, '/shop.html');
    check('a page', `${shop.status} ${shop.headers['content-type']} ${shop.body}`, '200 text/html; charset=utf-8 <h1>shop');
    check('its policy', shop.headers['content-security-policy'], new RegExp(`connect-src 'self' ws://${web.host}:${web.port};`));
    check('a large file', (await ask(web, '/large.bin')).body.length, 3 << 20);
    check('HEAD', (await ask(web, '/large.bin', {}, 'HEAD')).headers['content-length'], String(3 << 20));
    for (const path of ['/.secret', '/owner', '/%2e%2e/secrets/owner', '/nowhere', '/cli/../.secret', '/..%2fowner']) {
      const found = await ask(web, path);
      check(path, `${found.status} ${found.body}`, /^40[04] (?!.*secret)/);
    }
    check('POST', (await ask(web, '/shop.html', {}, 'POST')).status, 405);
  },

  async '500 hosts at once, each heard'() {
    const hosts = await Promise.all(Array.from({ length: 500 }, () => connect(join(home, 'captp.sock'))));
    for (const wire of hosts) { wire.say(BOOTSTRAP); wire.say(ping(2)); }
    let heard = 0;
    for (const wire of hosts) heard += /"pong/.test(await answer(wire, 'q-2')) ? 1 : 0;
    check('heard', heard, 500);
    check('listed', await sessionCount(), 500);
    for (const wire of hosts) wire.socket.destroy();
    await none();
    check('audit', (await run(['audit'])).code, 0);
  },

  async 'garbage ends its own session, with a reason'() {
    for (const garbage of ['{"type":', '[1,2', 'null', '\u0000', '{"type":"CTP_CALL"}', '3:abc;', '99999999999999:', `{"type":"CTP_RETURN","answerID":"${'x'.repeat(5000)}"}`]) {
      const wire = await connect(join(home, 'captp.sock'));
      wire.socket.write(`${garbage}\n`);
      wire.socket.write(`${garbage}\n`);
      await until(`the end after ${garbage.slice(0, 20)}`, () => wire.closed || wire.said.includes('CTP_DISCONNECT') || undefined);
      check(`after ${garbage.slice(0, 20)}`, wire.said, /CTP_DISCONNECT/);
      wire.socket.destroy();
    }
    const raw = await connect(join(home, 'captp.sock'));
    raw.socket.write(Buffer.from([0x7b, 0xff, 0xfe, 0x0a]));
    await closing(raw);
    await none();
    await alive('after garbage');
  },

  async 'a host that says too much on a line is cut'() {
    const wire = await connect(join(home, 'captp.sock'));
    wire.socket.on('error', () => {});
    const piece = 'x'.repeat(1 << 20);
    for (let i = 0; i < 17 && !wire.closed; i += 1) {
      await new Promise(resolve => { wire.socket.write(piece, resolve); });
    }
    await until('the end', () => wire.closed || wire.lines.some(l => l.includes('CTP_DISCONNECT')) || undefined);
    wire.socket.destroy();
    await none();
  },

  async 'a host that never reads holds nobody up'() {
    const wire = await connect(join(home, 'captp.sock'));
    wire.socket.pause();
    wire.say(BOOTSTRAP);
    // What is said of the console's objects is long enough to fill what the system keeps.
    let waits = false;
    for (let i = 2; i < 200000 && !waits && !wire.closed; i += 1) {
      if (!wire.socket.write(`${ping(i)}\n`)) {
        waits = !(await Promise.race([new Promise(resolve => { wire.socket.once('drain', () => resolve(true)); }),
          new Promise(resolve => { setTimeout(() => resolve(false), 3000); })]));
      }
    }
    check('it is not read from any more, or cut', waits || wire.closed, true);
    const other = await connect(join(home, 'captp.sock'));
    other.say(BOOTSTRAP);
    other.say(ping(2));
    check('another is served', await answer(other, 'q-2'), /"pong/);
    other.socket.destroy();
    wire.socket.destroy();
    await none();
  },

  async 'hosts that are killed leave nothing'() {
    const children = Array.from({ length: 5 }, () => spawn(process.execPath, ['-e', `
      const s = require('node:net').connect(${JSON.stringify(join(home, 'captp.sock'))});
      s.write(${JSON.stringify(`${BOOTSTRAP}\n${ping(2)}\n`)});
      s.on('data', () => {});`]));
    await until('their sessions', async () => (await sessionCount()) === 5 || undefined);
    for (const child of children) child.kill('SIGKILL');
    await none();
    check('audit', (await run(['audit'])).code, 0);
  },

  async 'at the end hosts are told'() {
    const wire = await connect(join(home, 'captp.sock'));
    wire.say(BOOTSTRAP);
    await answer(wire, 'q-1');
    const url = await urlOf('tcp');
    check('stop', (await run(['stop'])).code, 0);
    await closing(wire);
    check('what they are told', wire.lines.join(), /CTP_DISCONNECT.*the daemon is stopping/);
    check('start', (await run(['start', '--tcp', '127.0.0.1:0'])).code, 0);
    check('the secret is the same', tcpOf(await urlOf('tcp')).secret, tcpOf(url).secret);
  },
};

for (const [name, test] of Object.entries(tests)) {
  const before = failed();
  const from = Date.now();
  try {
    await test();
  } catch (error) {
    check(name, String(error), 'to end');
  }
  for (const socket of wires) socket.destroy();
  wires.clear();
  console.log(`${failed() === before ? 'ok' : 'NOT OK'}  ${name}  ${Date.now() - from} ms`);
}
await run(['stop']);
finish();
