#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// daemon - a real daemon with real workers, from outside: starting, stopping, being killed, one home for
// one daemon, a socket left over, a hostile client, what waits at a stop, export while it runs.
// usage: daemon.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

import { base, check, env, failed, finish, home, keeve, libexec, run, sleep } from './lib.mjs';

const pidOf = () => Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8'));
const alive = pid => {
  try {
    process.kill(pid, 0);
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
};
const gone = async pid => {
  for (let i = 0; i < 1000 && alive(pid); i += 1) await sleep(10);
  return !alive(pid);
};
const children = pid =>
  fs.readdirSync('/proc').filter(name => {
    try {
      return fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(pid);
    } catch {
      return false;
    }
  });

fs.writeFileSync(join(base, 'vat.js'), `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('n')) baggage.init('n', 0);
  return Far('root', {
    bootstrap: () => 'up',
    add: () => { baggage.set('n', baggage.get('n') + 1); return baggage.get('n'); },
    never: () => new Promise(() => {}),
    say: text => console.log(text),
  });
};`);
fs.writeFileSync(join(base, 'cluster.json'),
  JSON.stringify({ bootstrap: 'a', bundles: { b: {} }, vats: { a: { sourceSpec: 'vat.js' } } }));

const tests = {
  async 'start, launch, send, stop'() {
    check('before', (await run(['status'])).err, /^keeve: no daemon is running/);
    const started = await run(['start']);
    check('start', started.out, /"already":false/);
    check('its mode', (fs.statSync(home).mode & 0o7777).toString(8), '700');
    check('its socket', (fs.statSync(join(home, 'control.sock')).mode & 0o7777).toString(8), '600');
    check('again', (await run(['start'])).out, /"already":true/);
    const launched = await run(['launch', join(base, 'cluster.json')]);
    check('launch', launched.out, '{"subclusterId":"s1","rootKref":"ko1","bootstrapResult":"up"}');
    check('warning', launched.err, 'warning: bundles is not used yet');
    check('send', (await run(['send', 'ko1', 'add'])).out, '1');
    const status = JSON.parse((await run(['status'])).out);
    check('jail', status.jail, true);
    check('vats', status.subclusters[0].vats.a.root, 'ko1');
    const pid = pidOf();
    check('stop', (await run(['stop'])).code, 0);
    check('is gone', alive(pid), false);
    check('took its socket along', fs.existsSync(join(home, 'control.sock')), false);
    check('stop again', (await run(['stop'])).code, 0);
  },

  async 'one home, one daemon'() {
    await run(['start']);
    const second = await run(['start', '--foreground']);
    check('status', second.code, 1);
    check('text', second.err,
      `keeve: another daemon (process ${pidOf()}) is running in ${home}; one home has one daemon`);
    check('the first goes on', (await run(['send', 'ko1', 'add'])).out, '2');
  },

  async 'kill -9 of the daemon loses nothing and leaves nothing'() {
    const pid = pidOf();
    const workers = children(pid);
    check('has a zygote and a worker', workers.length >= 2, true);
    process.kill(pid, 'SIGKILL');
    check('is gone', await gone(pid), true);
    for (const worker of workers) check(`child ${worker} is gone`, await gone(Number(worker)), true);
    check('its socket is left', fs.existsSync(join(home, 'control.sock')), true);
    check('and nobody is behind it', (await run(['status'])).err, /no daemon is running/);
    check('start', (await run(['start'])).out, /"already":false/);
    check('send', (await run(['send', 'ko1', 'add'])).out, '3');
  },

  async 'kill -9 of the zygote and of a worker'() {
    const before = children(pidOf());
    for (const pid of before) process.kill(Number(pid), 'SIGKILL');
    for (const pid of before) await gone(Number(pid));
    check('send', (await run(['send', 'ko1', 'add'])).out, '4');
    check('log', fs.readFileSync(join(home, 'daemon.log'), 'utf8'),
      /worker-gone .*vat=v1 incarnation=\d+ why="was killed by signal 9 \(SIGKILL\)"/);
  },

  async 'a client that sends nonsense, half a line, and leaves'() {
    const socket = net.connect(join(home, 'control.sock'));
    let heard = '';
    socket.on('data', data => (heard += data));
    socket.write('nonsense\n{"id":1,"method":"send","params":{"target":"ko1","methargs":{"body":"#[\\"never\\",[]]"}}}\n');
    socket.write('{"id":2,"method":"nothing"}\n{"id":3,"method":"send","params":{"target":"x"}}\n');
    socket.write('{"id":4,"method":"clist","params":{"vat":"v77"}}\n{"id":5,"meth');
    await sleep(300);
    const lines = heard.trim().split('\n').map(line => JSON.parse(line));
    check('answers', lines.length, 4);
    check('nonsense', `${lines[0].id} ${lines[0].error.code}`, 'null BAD');
    check('no method', lines[1].error.message, 'there is no method "nothing"');
    check('no kref', lines[2].error.message, 'target: expected a kref such as ko4, found "x"');
    check('no vat', lines[3].error.code, 'NO_SUCH');
    socket.destroy();
    check('others are served', (await run(['send', 'ko1', 'add'])).out, '5');
  },

  async 'bad configurations name what is wrong'() {
    fs.writeFileSync(join(base, 'bad.json'), '{"bootstrap":"a","vats":{"a":{"sourceSpec":"none.js"}}}');
    const missing = await run(['launch', join(base, 'bad.json')]);
    check('missing', `${missing.code} ${missing.err}`,
      `1 keeve: configuration, vats.a.sourceSpec: ${base}/none.js: No such file or directory`);
    fs.writeFileSync(join(base, 'none.js'), 'throw Error("no thanks")');
    check('throwing', (await run(['launch', join(base, 'bad.json')])).err, /vat "a" did not start: .*no thanks/);
    check('nothing is left of it', (await run(['vats'])).out.split('\n').length, 1);
  },

  async 'export while it runs is what is exported when it has stopped'() {
    const live = await run(['export', join(base, 'live.txt')]);
    check('live', live.code, 0);
    check('send', (await run(['send', 'ko1', 'say', '"hello logs"'])).code, 0);
    check('logs', (await run(['logs'])).out, /"text":"hello logs"/);
    check('audit', (await run(['audit'])).code, 0);
    const again = await run(['export', join(base, 'again.txt')]);
    check('again', again.code, 0);
    await run(['stop']);
    check('stopped', (await run(['export', join(base, 'stopped.txt')])).code, 0);
    const rows = name => fs.readFileSync(join(base, name), 'utf8').split('\n').filter(l => /^v1\.s\./.test(l)).join();
    check('there is such state', rows('live.txt') !== '', true);
    check('state of the vat', rows('live.txt'), rows('stopped.txt'));
  },

  async 'a signal stops it in order, and what waits is told'() {
    const child = spawn(keeve, ['start', '--foreground'], { env });
    let out = '';
    child.stdout.on('data', data => (out += data));
    while (!out.includes('ready')) await sleep(10);
    const waiting = run(['send', 'ko1', 'never']);
    await sleep(200);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    check('status', code, 0);
    check('the call', (await waiting).err, 'keeve: the daemon is stopping');
  },

  async 'a disk that is full ends it with a clear text, and nothing is lost'() {
    const other = join(base, 'other');
    const args = ['--home', other];
    fs.writeFileSync(join(base, 'fat.js'), `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => Far('root', {
  bootstrap: () => 'up',
  fill: name => { for (let i = 0; i < 100; i += 1) baggage.init(name + i, 'x'.repeat(10000)); return name; },
  has: name => baggage.has(name + 99),
});`);
    fs.writeFileSync(join(base, 'fat.json'), '{"bootstrap":"a","vats":{"a":{"sourceSpec":"fat.js"}}}');
    const limit = 'trap "" XFSZ; ulimit -f 4000; exec "$0" --home "$1" start --foreground';
    const child = spawn('bash', ['-c', limit, keeve, other], { env });
    let err = '';
    child.stderr.on('data', data => (err += data));
    const ended = once(child, 'exit');
    while ((await run([...args, 'status'])).code !== 0) await sleep(10);
    await run([...args, 'launch', join(base, 'fat.json')]);
    const kept = [];
    for (let i = 0; i < 20; i += 1) {
      const filled = await run([...args, 'send', 'ko1', 'fill', `"n${i}-"`]);
      if (filled.code !== 0) {
        check('the one that did not fit', filled.err, 'keeve: commit: disk I/O error');
        break;
      }
      kept.push(i);
    }
    check('some fitted', kept.length > 0 && kept.length < 20, true);
    check('status', (await ended)[0], 1);
    check('text', err.trim(), 'keeve: commit: disk I/O error');
    check('start', (await run([...args, 'start'])).code, 0);
    for (const i of kept) check(`what was acknowledged, ${i}`, (await run([...args, 'send', 'ko1', 'has', `"n${i}-"`])).out, 'true');
    await run([...args, 'stop']);
  },

  async 'homes and programs that do not fit are refused'() {
    fs.chmodSync(home, 0o755);
    const open = await run(['start']);
    check('open home', `${open.code} ${open.err}`, /^1 keeve: .* has mode 0755: .*chmod 700/);
    fs.chmodSync(home, 0o700);
    const program = await run(['start'], { KEEVE_LIBEXEC: base });
    check('no program', `${program.code} ${program.err}`,
      `1 keeve: expected the program ${base}/keeve-vat, found none`);
    const empty = join(base, 'empty');
    fs.mkdirSync(empty);
    fs.copyFileSync(join(libexec, 'keeve-vat'), join(empty, 'keeve-vat'));
    const image = await run(['start'], { KEEVE_LIBEXEC: empty });
    check('no image', `${image.code} ${image.err.split('\n')[0]}`,
      '1 keeve: the program for vats exited with status 1');
    check('no image, its reason', image.err, /cannot read .*keeve-vat\.image/);
    fs.renameSync(join(home, 'store', 'keeve.sqlite'), join(base, 'keep'));
    fs.writeFileSync(join(home, 'store', 'keeve.sqlite'), 'not a database, but long enough to be looked at'.repeat(9));
    const store = await run(['start']);
    check('no store', `${store.code} ${store.err}`, /^1 keeve: .*keeve\.sqlite/);
    fs.rmSync(join(home, 'store', 'keeve.sqlite'));
    fs.renameSync(join(base, 'keep'), join(home, 'store', 'keeve.sqlite'));
    check('start', (await run(['start'])).code, 0);
    check('send', (await run(['send', 'ko1', 'add'])).out, '6');
  },

  async 'listings count as people do; logs of no vat are refused'() {
    fs.writeFileSync(join(base, 'still.js'),
      "import { Far } from '@endo/far'; export const buildRootObject = () => Far('root', { bootstrap() {} });");
    const names = Array.from({ length: 11 }, (_, i) => `n${i}`);
    fs.writeFileSync(join(base, 'many.json'), JSON.stringify({
      bootstrap: 'n0', vats: Object.fromEntries(names.map(name => [name, { sourceSpec: 'still.js' }])) }));
    check('launch', (await run(['launch', join(base, 'many.json')])).code, 0);
    for (const [what, first] of [['vats', 'vat'], ['objects', 'kref']]) {
      const listed = (await run([what])).out.split('\n').map(line => JSON.parse(line)[first]);
      const numbers = listed.map(name => Number(name.replace(/^\D+/, '')));
      check(`${what}: how many`, numbers.length > 10, true);
      check(`${what}: order`, numbers.join(), [...numbers].sort((a, b) => a - b).join());
    }
    const { code, err } = await run(['logs', 'v9999']);
    check('logs', `${code} ${err}`, '1 keeve: there is no vat v9999');
    const { vat } = JSON.parse((await run(['vats'])).out.split('\n').at(-1));
    check('logs of one that is silent', (await run(['logs', vat])).code, 0);
  },
};

try {
  for (const [name, test] of Object.entries(tests)) {
    const before = failed();
    await test();
    console.log(`${failed() === before ? 'ok  ' : 'FAIL'} ${name}`);
  }
} finally {
  await run(['stop']);
  fs.rmSync(base, { recursive: true, force: true });
}
process.exit(failed() === 0 ? 0 : 1);
