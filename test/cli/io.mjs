#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// io - what a configuration asks for from outside: services by name, I/O channels.
// usage: io.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

import { base, check, failed, finish, home, rows, run, sleep } from './lib.mjs';

// Keeps all services it is given, and passes on what it is asked to send them.
fs.writeFileSync(join(base, 'user.js'), `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: (_vats, services) => {
      for (const [name, service] of Object.entries(services)) baggage.init(name, service);
      return Object.keys(services);
    },
    names: () => [...baggage.keys()],
    ask: (name, method, ...args) => E(baggage.get(name))[method](...args),
    keep: (name, value) => baggage.init(name, value),
  });`);
let launches = 0;
const launch = async config => {
  const file = join(base, `cluster${(launches += 1)}.json`);
  fs.writeFileSync(file, JSON.stringify({ bootstrap: 'user', vats: { user: { sourceSpec: 'user.js' } }, ...config }));
  return run(['launch', file]);
};
const ask = async (root, ...args) => {
  const { code, out, err } = await run(['send', root, 'ask', ...args.map(arg => JSON.stringify(arg))]);
  return code === 0 ? JSON.parse(out) : err;
};
const until = async (what, done) => {
  const end = Date.now() + 60_000;
  while (!(await done())) {
    if (Date.now() > end) {
      check(what, 'nothing for a minute', 'something');
      return;
    }
    await sleep(20);
  }
};
// A client of a socket, with all that it was sent.
const connect = where => new Promise((done, failed) => {
  const socket = net.connect(where, () => done({ socket, text: () => text }));
  let text = '';
  socket.on('error', failed);
  socket.on('data', data => (text += data));
});
const restart = async () => {
  process.kill(Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8')), 'SIGKILL');
  check('start after kill -9', (await run(['start'])).code, 0);
};

const file = join(base, 'lines.txt');
const path = join(base, 'channel.sock');
let root;
let facet;

const tests = {
  async 'services that are not there'() {
    check('start', (await run(['start'])).code, 0);
    check('missing', (await launch({ services: ['clock'] })).err, "keeve: no registered kernel service 'clock'");
    check('for the system only', (await launch({ services: ['kernelFacet'] })).err,
      "keeve: no registered kernel service 'kernelFacet'");
    check("another's channel", (await launch({ services: ['io:s1:log'] })).err,
      "keeve: no registered kernel service 'io:s1:log'");
    check('no list', (await launch({ services: 'clock' })).err,
      'keeve: configuration, services: expected an array of names, found "clock"');
    check('nothing was launched', (await rows('subclusters')).length, 0);
    facet = (await rows('services')).find(({ name }) => name === 'kernelFacet').kref;
  },

  async 'a service that a vat provides'() {
    const provider = JSON.parse((await launch({})).out).rootKref;
    const register = ['send', facet, 'registerKernelServiceObject'];
    check('registered', (await run([...register, '"keeper"', JSON.stringify({ kref: provider })])).out, `"${provider}"`);
    check('with a bad name', (await run([...register, '"io:x"', JSON.stringify({ kref: provider })])).err,
      /TypeError: registerKernelServiceObject\(.*\): name: expected a name that is not one of the kernel's own/);
    check('with no object', (await run([...register, '"x"', '7'])).err,
      /TypeError: .*: object: expected an object of a host or a vat, found a number/);
    const launched = JSON.parse((await launch({ services: ['keeper'] })).out);
    check('bootstrap', JSON.stringify(launched.bootstrapResult), '["keeper"]');
    check('it is the object', JSON.stringify(await ask(launched.rootKref, 'keeper', 'names')), '[]');
    await restart();
    check('after a restart', (await launch({ services: ['keeper'] })).code, 0);
    check('unregistered', (await run(['send', facet, 'unregisterKernelServiceObject', '"keeper"'])).code, 0);
    check('is gone', (await launch({ services: ['keeper'] })).err, "keeve: no registered kernel service 'keeper'");
    check('its object lives on', JSON.stringify(await ask(launched.rootKref, 'keeper', 'names')), '[]');
  },

  async 'channels that cannot be'() {
    const err = async io => (await launch({ io })).err;
    check('no type', await err({ x: {} }),
      'keeve: configuration, io.x.type: expected console, file, socket, listen or network, found nothing');
    check('no such key', await err({ x: { type: 'console', speed: 1 } }),
      /^keeve: configuration, io.x.speed: there is no such key; known are type direction unit path hostport$/);
    check('no path', await err({ x: { type: 'file' } }), 'keeve: configuration, io.x.path: expected a path, found nothing');
    check('no file', await err({ x: { type: 'file', direction: 'in', path: 'absent.txt' } }), /absent.txt.*No such file/);
    check('no regular file', await err({ x: { type: 'file', path: '/dev/null' } }), /it is no regular file/);
    check('no address', await err({ x: { type: 'listen', hostport: 'nowhere' } }), /expected a place such as 127.0.0.1:7000/);
    check('nothing stays', (await rows('services')).filter(({ name }) => name.startsWith('io:')).length, 0);
  },

  async 'a file, a console, a socket'() {
    fs.writeFileSync(file, 'one\ntwo\r\nthrée\nlast');
    const launched = JSON.parse((await launch({
      io: {
        lines: { type: 'file', path: 'lines.txt', direction: 'in' },
        out: { type: 'file', path: 'out.txt', direction: 'out' },
        chars: { type: 'file', path: 'lines.txt', unit: 'chars' },
        bytes: { type: 'file', path: 'bytes.bin', unit: 'bytes' },
        log: { type: 'console' },
        talk: { type: 'socket', path },
      },
    })).out);
    root = launched.rootKref;
    check('services', JSON.stringify(launched.bootstrapResult), '["lines","out","chars","bytes","log","talk"]');
    for (const line of ['one', 'two', 'thrée', 'last', null, null]) {
      check('a line', await ask(root, 'lines', 'read'), line);
    }
    fs.appendFileSync(file, '\nmore\n');
    check('the file has grown', JSON.stringify([await ask(root, 'lines', 'read'), await ask(root, 'lines', 'read')]), '["","more"]');
    check('a character', await ask(root, 'chars', 'read'), 'o');
    check('only for reading', await ask(root, 'lines', 'write', 'x'), /the channel lines is not for writing/);
    check('only for writing', await ask(root, 'out', 'read'), /the channel out is not for reading/);
    check('no string', await ask(root, 'out', 'write', 7),
      /TypeError: write\(text\): text: expected a string, found a number/);
    await ask(root, 'out', 'write', 'first');
    await ask(root, 'out', 'write', 'second');
    check('written', fs.readFileSync(join(base, 'out.txt'), 'utf8'), 'first\nsecond\n');
    await ask(root, 'bytes', 'write', '\u0000a\u00ff');
    check('bytes', fs.readFileSync(join(base, 'bytes.bin')).toString('hex'), '0061ff');
    check('bytes come back', await ask(root, 'bytes', 'read'), '\u0000a\u00ff');
    check('no byte', await ask(root, 'bytes', 'write', '\u0100'), /expected characters up to U\+00FF/);
    await ask(root, 'log', 'write', 'to the console');
    check('the log', (await rows('logs')).some(({ text }) => text === 'to the console'), true);
    check('a console reads nothing', await ask(root, 'log', 'read'), null);
    check('nobody is there', await ask(root, 'talk', 'write', 'x'), /nobody is connected to the channel talk/);
  },

  async 'a conversation over a socket'() {
    check('its mode', (fs.statSync(path).mode & 0o777).toString(8), '600');
    const waiting = ask(root, 'talk', 'read');
    const client = await connect(path);
    client.socket.write('hello\nto');
    check('a line that was waited for', await waiting, 'hello');
    await ask(root, 'talk', 'write', 'welcome');
    await until('what the vat wrote', () => client.text() === 'welcome\n');
    const rest = ask(root, 'talk', 'read');
    client.socket.end('gether\nlast words');
    check('a line in two pieces', await rest, 'together');
    check('without its end', await ask(root, 'talk', 'read'), 'last words');
    check('the end', await ask(root, 'talk', 'read'), null);
    const next = await connect(path);
    next.socket.write('another\n');
    check('the next client', await ask(root, 'talk', 'read'), 'another');
    next.socket.destroy();
  },

  async 'after a restart'() {
    await restart();
    check('the vat has its channels', await ask(root, 'lines', 'read'), 'one');
    await ask(root, 'out', 'write', 'third');
    check('written', fs.readFileSync(join(base, 'out.txt'), 'utf8'), 'first\nsecond\nthird\n');
    const client = await connect(path);
    client.socket.write('again\n');
    check('the socket', await ask(root, 'talk', 'read'), 'again');
    client.socket.destroy();
    fs.rmSync(file);
    await restart();
    check('a file that is gone', await ask(root, 'lines', 'read'), /lines.txt: No such file/);
    check('the others', await ask(root, 'out', 'write', 'fourth').then(JSON.stringify), JSON.stringify({ '@undefined': true }));
  },

  async 'over the network'() {
    const server = net.createServer(socket => socket.end('from the network\n'));
    await new Promise(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address();
    const { rootKref } = JSON.parse((await launch({
      io: { far: { type: 'network', hostport: `127.0.0.1:${port}` }, near: { type: 'listen', hostport: '127.0.0.1:0' },
        gone: { type: 'network', hostport: '127.0.0.1:1' }, named: { type: 'network', hostport: 'localhost:1' } },
    })).out);
    check('read', await ask(rootKref, 'far', 'read'), 'from the network');
    check('ended', await ask(rootKref, 'far', 'read'), null);
    check('anew', await ask(rootKref, 'far', 'read'), 'from the network');
    check('nobody there', await ask(rootKref, 'gone', 'read'), /refused/);
    check('no address', await ask(rootKref, 'named', 'read'), /expected an address such as 127.0.0.1:7000/);
    server.close();
  },

  async 'the end of a subcluster closes its channels'() {
    const subcluster = (await rows('vats')).find(row => row.root === root).subcluster;
    check('terminate', (await run(['terminate', subcluster])).code, 0);
    check('the socket is gone', fs.existsSync(path), false);
    check('the names', (await rows('services')).filter(({ name }) => name.startsWith(`io:${subcluster}:`)).length, 0);
    await rows('audit');
    check('stop', (await run(['stop'])).code, 0);
  },
};

for (const [name, test] of Object.entries(tests)) {
  const before = failed();
  await test();
  console.log(`${failed() > before ? 'not ok' : 'ok'} ${name}`);
}
finish();
