#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// operate - an operator at a real daemon: pinning, revoking, looking for holders, counting, mending.
// usage: operate.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';

import { base, check, failed, finish, home, rows, run as runIn } from './lib.mjs';

const run = (args, at = home) => runIn(args, { KEEVE_HOME: at });
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
    await rows('pin', 'ko3'); // and once this is durable, the end of that session is, too
    await rows('unpin', 'ko3');
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

// The text of a store with rows changed: null deletes one.
const edited = (text, changes) => {
  const [first, ...rest] = text.trim().split('\n');
  const rows = new Map(rest.slice(0, -1).map(line => [line.split('\t')[0], line]));
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) rows.delete(key);
    else rows.set(key, `${key}\t${value}`);
  }
  const sorted = [...rows.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const body = `${[first, ...sorted.map(key => rows.get(key))].join('\n')}\n`;
  return `${body}end ${rows.size} ${createHash('sha256').update(body).digest('hex')}\n`;
};
let homes = 0;
const damaged = async (text, changes) => {
  const at = join(base, `damaged-${(homes += 1)}`);
  fs.writeFileSync(join(base, 'damaged.keeve'), edited(text, changes));
  check('import', (await run(['import', join(base, 'damaged.keeve')], at)).code, 0);
  return at;
};
const doctor = async (at, ...options) => {
  const { code, out, err } = await run(['doctor', ...options], at);
  const findings = out.split('\n').filter(Boolean).map(line => JSON.parse(line));
  return { code, err, sum: findings.pop(), findings };
};

Object.assign(tests, {
  async 'doctor: a home that is well, and one that is in use'() {
    check('in use', (await run(['doctor'])).err, /^keeve: a daemon is running for .*; keeve audit checks it/);
    check('stop', (await run(['stop'])).code, 0);
    const before = (await run(['export'])).out;
    const found = await doctor(home);
    check('status', found.code, 0);
    check('findings', `${found.findings.length} ${found.sum.findings}`, '0 0');
    check('rows', found.sum.rows, before.split('\n').length - 2);
    await doctor(home, '--repair');
    check('nothing was written', (await run(['export'])).out === before, true);
    check('no backup of what is well', fs.readdirSync(home).some(name => name.startsWith('backup')), false);
    check('no store', (await run(['doctor'], join(base, 'nowhere'))).code, 1);
  },

  async 'doctor: what is wrong is explained, and repaired when asked for'() {
    const text = (await run(['export'])).out;
    const changes = { ko2: 'v2 9 9', 'hold.ko4711': '1', 'gc.v77.ko1': '', 'pin.kp4711': '', 'ko1.i.v2': '' };
    const at = await damaged(text, changes);
    const was = (await run(['export'], at)).out;
    const found = await doctor(at);
    check('status', found.code, 1);
    check('what', found.findings.map(f => `${f.invariant} ${f.where} ${f.repairable}`).sort().join('; '),
      'CL-4 v2 true; RC-1 ko2 true; ST-1 gc.v77.ko1 true; ST-1 hold.ko4711 true; ST-1 pin.kp4711 true');
    check('each explained', found.findings.every(f => /^[A-Z].{30,}\.$/.test(f.meaning)), true);
    check('looking changes nothing', (await run(['export'], at)).out === was, true);
    const mended = await doctor(at, '--repair');
    check('status of the repair', mended.code, 0);
    check('repaired', mended.findings.filter(f => f.repaired).length, 5);
    check('says where it was written down', mended.err, new RegExp(`^as it was: ${at}/backup-1.keeve$`));
    check('the backup', fs.readFileSync(join(at, 'backup-1.keeve'), 'utf8').trim() === was, true);
    check('afterwards', (await doctor(at)).code, 0);
    check('it starts', (await run(['start'], at)).code, 0);
    check('its audit', (await run(['audit'], at)).code, 0);
    check('it works', (await run(['send', 'ko1', 'make'], at)).out, /^\{"kref":"ko\d+"\}$/);
    await run(['stop'], at);
  },

  async 'doctor: what takes a person is left, what cannot be read is named'() {
    const text = (await run(['export'])).out;
    const lost = await damaged(text, { ko2: null });
    const found = await doctor(lost, '--repair');
    check('status', found.code, 1);
    check('left', found.findings.map(f => `${f.where} ${f.repaired}`).join(), 'ko2 false');
    const garbled = await damaged(text, { ko2: 'rubbish' });
    check('garbled', (await doctor(garbled)).err,
      'keeve: the store cannot be read any further: store row "ko2": expected OWNER REACHABLE RECOGNIZABLE [revoked]');
    fs.writeFileSync(join(garbled, 'store', 'keeve.sqlite'), 'no store at all'.repeat(1000));
    const broken = await run(['doctor'], garbled);
    check('no store: status', broken.code, 1);
    check('no store: text', broken.err, /^keeve: .*keeve\.sqlite/);
  },
});

for (const [name, test] of Object.entries(tests)) {
  const before = failed();
  await test();
  console.log(`${failed() === before ? 'ok' : 'NOT OK'}  ${name}`);
}
await run(['stop']);
finish();
