#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// operate - an operator at a real daemon: pinning, revoking, looking for holders, counting, mending.
// usage: operate.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const [keeve, libexec] = [resolve(process.argv[2]), dirname(resolve(process.argv[3]))];
const base = fs.mkdtempSync(join(tmpdir(), 'keeve-cli-'));
const home = join(base, 'home');
let failures = 0;

const check = (what, found, expected) => {
  const good = expected instanceof RegExp ? expected.test(found) : found === expected;
  if (!good) {
    failures += 1;
    console.log(`not as expected: ${what}\n  expected ${expected}\n  found    ${found}`);
  }
};

const run = (args, at = home) =>
  new Promise(done => {
    const child = spawn(keeve, ['--home', at, ...args], {
      env: { PATH: process.env.PATH, HOME: base, KEEVE_LIBEXEC: libexec },
    });
    let out = '';
    let err = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), 30000);
    child.stdout.on('data', data => (out += data));
    child.stderr.on('data', data => (err += data));
    child.on('close', code => {
      clearTimeout(timer);
      done({ code, out: out.trim(), err: err.trim() });
    });
  });
const rows = async (...args) => {
  const { code, out, err } = await run(args);
  check(`${args.join(' ')}: status`, code, 0);
  check(`${args.join(' ')}: standard error`, err, '');
  return out.split('\n').filter(Boolean).map(line => JSON.parse(line));
};
const row = async (name, is, ...args) => (await rows(...args)).find(r => r[name] === is);
const kill9 = async () => {
  const pid = Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  check('start after kill -9', (await run(['start'])).code, 0);
};

fs.writeFileSync(join(base, 'maker.js'), `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const handle = baggage.has('kind') ? baggage.get('kind') : VatData.makeKindHandle('thing');
  if (!baggage.has('kind')) baggage.init('kind', handle);
  const make = VatData.defineDurableKind(handle, () => ({ n: 0 }), { add: ({ state }) => (state.n += 1) });
  return Far('root', { bootstrap: () => 'up', make: () => make() });
};`);
fs.writeFileSync(join(base, 'keeper.js'), `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    keep: it => baggage.init('it', it),
    drop: () => baggage.delete('it'),
    add: () => E(baggage.get('it')).add(),
  });`);
fs.writeFileSync(join(base, 'cluster.json'), JSON.stringify({
  bootstrap: 'maker', vats: { maker: { sourceSpec: 'maker.js' }, keeper: { sourceSpec: 'keeper.js' } } }));

const tests = {
  async 'set up'() {
    check('start', (await run(['start'])).code, 0);
    check('launch', (await run(['launch', join(base, 'cluster.json')])).code, 0);
    check('make', (await run(['send', 'ko1', 'make'])).out, '{"kref":"ko3"}');
    check('keep', (await run(['send', 'ko2', 'keep', '{"kref":"ko3"}'])).code, 0);
    check('works', (await run(['send', 'ko2', 'add'])).out, '1');
  },

  async 'a pin is counted, outlives kill -9, and is taken back'() {
    check('unpin before', (await run(['unpin', 'ko3'])).err, 'keeve: ko3 is not pinned');
    await rows('pin', 'ko3');
    await rows('pin', 'ko3');
    check('objects', (await row('kref', 'ko3', 'objects')).pinned, 'yes');
    await kill9();
    check('objects after kill -9', (await row('kref', 'ko3', 'objects')).pinned, 'yes');
    await rows('unpin', 'ko3');
    check('objects after unpin', (await row('kref', 'ko3', 'objects')).pinned, 'no');
    check('no such', (await run(['pin', 'ko999'])).err, 'keeve: there is no ko999');
    check('no kref', (await run(['pin', 'v1'])).err, /expected a reference such as ko4, found "v1"/);
    await rows('audit');
  },

  async 'holders are named'() {
    const found = await rows('who-holds', 'ko3');
    const owner = found.find(r => r.holder === 'v1');
    const keeper = found.find(r => r.holder === 'v2');
    check('owner', `${owner.how} ${owner.vref} ${owner.references}`, 'owner o+d10/1 0');
    check('keeper', `${keeper.how} ${keeper.references} ${keeper.stored}`, 'import 1 1');
    const counted = (await row('kref', 'ko3', 'objects')).reachable;
    check('all of them', found.reduce((sum, r) => sum + r.references, 0), counted);
    check('no such', (await run(['who-holds', 'kp999999'])).err, 'keeve: there is no kp999999');
  },

  async 'what is dropped is collected, and gc says what went'() {
    await rows('gc');
    const before = await row('vat', 'v1', 'stats', 'v1');
    await run(['send', 'ko1', 'make']); // the console holds it until the next start
    check('stats of one more', (await row('vat', 'v1', 'stats')).exports - before.exports, 1);
    await kill9();
    await run(['send', 'ko1', 'make']); // wakes the maker, who hears what is not held any more
    const report = await row('vat', 'v1', 'gc');
    const after = await row('vat', 'v1', 'stats', 'v1');
    check('the one the console let go of is gone', after.exports - before.exports, 1);
    check('its state too', after.objects - before.objects, 1);
    check('reported unless it went before', report === undefined || report.rows < 0, true);
    await rows('pause');
    check('paused', (await run(['gc'])).err, /^keeve: the kernel is paused/);
    await rows('run');
    check('no such vat', (await run(['gc', 'v77'])).err, 'keeve: there is no vat v77');
    check('stats of no vat', (await run(['stats', 'x'])).err, /expected a vat such as v2, found x/);
  },

  async 'a reference is described with what it stands for'() {
    const found = (await rows('describe', 'ko3', '--vat', 'v2'))[0];
    check('describe', `${found.vref} ${found.owner} ${found.pinned}`, /^o-\d+ v1 no$/);
    check('no such', (await run(['describe', 'ko999999'])).err, 'keeve: there is no ko999999');
    check('no vat', (await run(['describe', 'o+1', '--vat', 'ko1'])).code, 2);
  },

  async 'a revoked object is sent to in vain, also after kill -9'() {
    await rows('revoke', 'ko3');
    check('send', (await run(['send', 'ko3', 'add'])).err, /^error: Error: \[KERNEL:OBJECT_REVOKED\] /);
    check('from a vat', (await run(['send', 'ko2', 'add'])).err, /^error: Error: \[KERNEL:OBJECT_REVOKED\] /);
    await kill9();
    check('after kill -9', (await run(['send', 'ko2', 'add'])).err, /OBJECT_REVOKED/);
    check('objects', (await row('kref', 'ko3', 'objects')).revoked, 'yes');
    check('others', (await row('kref', 'ko2', 'objects')).revoked, 'no');
    check('no such', (await run(['revoke', 'ko999999'])).err, 'keeve: there is no ko999999');
    await rows('audit');
  },
};

for (const [name, test] of Object.entries(tests)) {
  const before = failures;
  await test();
  console.log(`${failures === before ? 'ok' : 'NOT OK'}  ${name}`);
}
await run(['stop']);
fs.rmSync(base, { recursive: true, force: true });
process.exit(failures === 0 ? 0 : 1);
