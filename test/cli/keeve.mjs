#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// keeve - the program keeve by itself and against a stand-in for the daemon that gives known answers:
// what it prints, where, and with which exit status.
// usage: keeve.mjs PATH-OF-KEEVE
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const keeve = process.argv[2];
const home = mkdtempSync(join(tmpdir(), 'keeve-cli-'));
let failures = 0;

// The stand-in: one answer for each method, and what it was asked.
const asked = [];
const answers = {
  hold: () => ({ result: {} }),
  status: () => ({ result: { version: '0.1.0', pid: 7, home, state: 'running', uptime_ms: 61000, jail: true,
    durability: 'full', vats: 1, awake: 1, queued: 0, subclusters: [], store_syncs: 3, cranks: 9 } }),
  vats: () => ({ result: [
    { vat: 'v1', name: 'a rather long name of a vat that will not fit', deliveries: 7 },
    { vat: 'v22', name: 'b', deliveries: 1234, subcluster: 's1' },
  ] }),
  clist: ({ vat }) => ({ error: { code: 'NO_SUCH', message: `no vat ${vat}; the vats are v1 to v3` } }),
  terminate: () => ({ result: {} }),
  audit: () => ({ result: { violations: [{ invariant: 'CL-1', where: 'v1', found: 'ko3' }] } }),
  step: () => ({ result: { events: [
    { event: 'deliver', crank: 7, vat: 'v1', type: 'message', target: 'o+0', kref: 'ko1', method: 'greet',
      result: 'kp3', body: '#["greet",["bob","$0"]]', slots: 'ko4' },
    { event: 'commit', crank: 7, vat: 'v1', steps: 90 },
  ] } }),
};
const server = createServer(socket => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', data => {
    text += data;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const { id, method, params } = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      asked.push({ method, params });
      if (method === 'trace') {
        socket.write(`${JSON.stringify({ id, event: { event: 'vat-start', vat: 'v1', incarnation: 2 } })}\n`);
        socket.write(`{"id":${id},"result":{}}\n`);
      } else {
        // In two pieces, as a stream may bring it.
        const line = `${JSON.stringify({ id, ...answers[method](params) })}\n`;
        socket.write(line.slice(0, 10));
        setTimeout(() => socket.write(line.slice(10)), 5);
      }
    }
  });
});

// The owner's door, which answers every call alike.
const calls = [];
const fulfilled = { result: { body: '#["$0","+7","a\\u001b[2Jb"]', slots: ['o+ko4'] } };
let answer = fulfilled;
const door = createServer(socket => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', data => {
    const lines = (text + data).split('\n');
    text = lines.pop();
    for (const line of lines.map(l => JSON.parse(l))) {
      if (line.type !== 'CTP_CALL') continue;
      calls.push(line);
      const said = `${JSON.stringify({ type: 'CTP_RETURN', epoch: 0, answerID: line.questionID, ...answer })}\n`;
      socket.write(said.slice(0, 10));
      setTimeout(() => socket.write(said.slice(10)), 5);
    }
  });
});

const run = (args, options = {}) =>
  new Promise(done => {
    const child = spawn(keeve, args, { env: { HOME: home, PATH: process.env.PATH, ...options.env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', data => (stdout += data));
    child.stderr.on('data', data => (stderr += data));
    child.on('close', status => done({ status, stdout, stderr }));
  });

// The same on a terminal of so many columns.
const onTerminal = (columns, args) =>
  new Promise(done => {
    const words = [keeve, '--home', home, ...args].map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const child = spawn('script', ['-qec', `stty cols ${columns}; ${words}`, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', data => (stdout += data));
    child.on('close', () => done(stdout.replaceAll('\r\n', '\n')));
  });

const expect = (what, found, expected) => {
  const good = expected instanceof RegExp ? expected.test(found) : found === expected;
  if (!good) {
    failures += 1;
    console.log(`not ok ${what}\n  expected ${expected}\n  found    ${JSON.stringify(found)}`);
  } else {
    console.log(`ok ${what}`);
  }
};

const withoutDaemon = async () => {
  let r = await run(['--home', home, 'vats']);
  expect('no daemon: text', r.stderr, `keeve: no daemon is running for ${home}; start it with: keeve start\n`);
  expect('no daemon: status', r.status, 1);
  r = await run([]);
  expect('nothing asked: status', r.status, 2);
  r = await run(['--help']);
  expect('help: status', r.status, 0);
  const names = [...r.stdout.matchAll(/^ {2}([a-z][a-z-]*) {2,}/gm)].map(m => m[1]);
  expect('help: the commands', names.includes('send') && names.length > 15, true);
  for (const name of names) {
    r = await run([name, '--help']);
    expect(`help of ${name}`, r.stdout, new RegExp(`usage: keeve ${name}[^]*example:\\n\\$ keeve `));
    expect(`unknown option of ${name}`, (await run([name, '--nonsense'])).status, 2);
  }
  const reference = readFileSync(new URL('../../docs/commands/reference.md', import.meta.url), 'utf8');
  r = await run(['--help-markdown']);
  expect('docs/commands/reference.md is what keeve --help-markdown writes', r.stdout === reference, true);
  r = await run(['sned']);
  expect('near miss', r.stderr, /no command 'sned'; did you mean 'send'\?/);
  expect('near miss: status', r.status, 2);
  for (const [args, part] of [
    [['send', 'ko1'], /needs at least 2 operands, found 1/],
    [['send', 'x1', 'm'], /expected a reference such as ko4, found "x1"/],
    [['send', 'ko1', 'm', 'hello'], /argument 1, hello: expected JSON[^]*'"text"'/],
    [['send', 'ko1', 'm', '{"a":{"@bigint":7}}'], /argument 1[^]*at \.a: expected a string in "@bigint"/],
    [['vats', 'extra'], /does not take "extra"/],
    [['terminate', 'x'], /expected a vat or subcluster/],
    [['vats', '--home'], /--home needs a value/],
  ]) {
    r = await run(args);
    expect(`${args.join(' ')}: status`, r.status, 2);
    expect(`${args.join(' ')}: text`, r.stderr, part);
  }
  r = await run(['vats'], { env: { KEEVE_HOME: '/nowhere/at/all' } });
  expect('KEEVE_HOME', r.stderr, /no daemon is running for \/nowhere\/at\/all;/);
  r = await run(['vats']);
  expect('the default home', r.stderr, new RegExp(`no daemon is running for ${home}/\\.keeve;`));
};

const withDaemon = async () => {
  const at = ['--home', home];
  let r = await run([...at, 'send', 'ko4', 'greet', '{"kref":"ko4"}', '-5', '"#x"']);
  expect('send: result', r.stdout, '[{"kref":"ko4"},{"@bigint":"7"},"a\\u001b[2Jb"]\n');
  expect('send: status', r.status, 0);
  const { target, method } = calls.pop();
  expect('send: what was asked', JSON.stringify({ target, method }), JSON.stringify({
    target: 'o-ko4', method: { body: '#["greet",["$0",-5,"!#x"]]', slots: ['o-ko4'] } }));
  expect('send: what is held', JSON.stringify(asked.pop()), JSON.stringify({ method: 'hold', params: { kref: 'ko4' } }));

  answer = { exception: { body: '#{"#error":"no such thing","errorId":"error:keeve:r1#1","name":"TypeError"}', slots: [] } };
  r = await run([...at, 'send', 'ko4', 'greet']);
  expect('rejection: standard error', r.stderr, 'error: TypeError: no such thing\n');
  expect('rejection: standard output', r.stdout, '');
  expect('rejection: status', r.status, 1);
  r = await run([...at, '--json', 'send', 'ko4', 'greet']);
  expect('rejection as JSON', r.stdout, '{"@error":"no such thing","name":"TypeError"}\n');
  expect('rejection as JSON: status', r.status, 1);
  answer = { exception: { body: '#{"#error":"there is no ko4","errorId":"error:keeve:r1#2","name":"Error"}', slots: [] } };
  r = await run([...at, 'send', 'ko4', 'greet']);
  expect('nothing of that name: standard error', r.stderr, 'keeve: there is no ko4\n');
  expect('nothing of that name: status', r.status, 1);
  answer = fulfilled;

  r = await run([...at, 'clist', 'v9']);
  expect('declined: text', r.stderr, 'keeve: no vat v9; the vats are v1 to v3\n');
  expect('declined: status', r.status, 1);
  r = await run([...at, 'vats']);
  expect('lines of JSON', r.stdout.split('\n').filter(Boolean).map(l => JSON.parse(l).vat).join(), 'v1,v22');
  r = await run([...at, 'terminate', 's1']);
  expect('terminate', JSON.stringify(asked.pop()), '{"method":"terminate","params":{"subcluster":"s1"}}');
  r = await run([...at, 'audit']);
  expect('violations: status', r.status, 1);
  r = await run([...at, 'trace']);
  expect('trace', r.stdout, '{"event":"vat-start","vat":"v1","incarnation":2}\n');

  expect('table', await onTerminal(80, ['vats']),
    'VAT  NAME                                           DELIVERIES  SUBCLUSTER\n' +
    'v1   a rather long name of a vat that will not fit           7  -\n' +
    'v22  b                                                    1234  s1\n');
  const narrow = (await onTerminal(50, ['vats'])).split('\n');
  expect('narrow table: width', Math.max(...narrow.map(line => [...line].length)) <= 50, true);
  expect('narrow table: cut', narrow[1], /^v1 {3}a rather lo.*… +7 {2}-$/);
  expect('control characters on a terminal', await onTerminal(80, ['send', 'ko4', 'm']),
    '[{"kref":"ko4"},{"@bigint":"7"},"a\\u001b[2Jb"]\n');
  expect('step', await onTerminal(80, ['step']),
    'crank 7  v1 < message o+0 (ko1).greet("bob",{"kref":"ko4"}) result kp3\ncrank 7  v1 commit steps=90\n');
  expect('status', await onTerminal(80, ['status']), /^state {7}running\n[^]*up 1 min 1 s\n[^]*jail {8}on\n/);
};

await withoutDaemon();
await new Promise(done => server.listen(join(home, 'control.sock'), done));
await new Promise(done => door.listen(join(home, 'captp.sock'), done));
await withDaemon();
server.close();
door.close();
rmSync(home, { recursive: true, force: true });
console.log(failures === 0 ? 'all good' : `${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
