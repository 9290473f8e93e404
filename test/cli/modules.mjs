// SPDX-License-Identifier: Apache-2.0
// A plain vat of several files, from launch to a restart after the files are gone.
// usage: node modules.mjs KEEVE KEEVE-VAT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';

const [program, worker] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'keeve-modules-'));
const keeve = (...args) =>
  spawnSync(program, ['--home', join(dir, 'home'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, KEEVE_LIBEXEC: dirname(resolve(worker)) },
  });
const good = (...args) => {
  const { status, stdout, stderr } = keeve(...args);
  assert.equal(status, 0, stderr);
  return stdout;
};
const write = (name, text) => {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
};
const cluster = (vat) =>
  write('app/cluster.json', JSON.stringify({ bootstrap: 'v', vats: { v: { sourceSpec: vat } } }));

test('a vat of several files', () => {
  write('app/vats/v.js', `
    import { Far } from '@endo/far';
    import { add } from '../lib/add.js';
    import settings from './settings.json';
    export const rooted = () => 'rooted';
    export const buildRootObject = () => Far('root', {
      bootstrap: () => add(settings.first, 2),
      later: async () => (await import('../lib/later.js')).later,
    });`);
  write('app/vats/settings.json', '{"first":40}');
  write('app/lib/add.js', `import { rooted } from '../vats/v.js';
    export const add = (a, b) => [rooted(), a + b];`);
  write('app/lib/later.js', `export const later = 'later';`);
  cluster('vats/v.js');
  good('start');
  try {
    const launched = JSON.parse(good('launch', join(dir, 'app/cluster.json')));
    assert.deepEqual(launched.bootstrapResult, ['rooted', 42]);
    rmSync(join(dir, 'app/lib'), { recursive: true });
    assert.equal(JSON.parse(good('send', launched.rootKref, 'later')), 'later');
    good('stop');
    good('start');
    assert.equal(JSON.parse(good('send', launched.rootKref, 'later')), 'later');

    const refused = keeve('launch', join(dir, 'app/cluster.json'));
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /cannot import "\.\/lib\/add\.js": lib\/add\.js: No such file/);

    write('app/out.js', `import '../secret.js'; export const buildRootObject = () => {};`);
    write('secret.js', 'export {};');
    cluster('out.js');
    const outside = keeve('launch', join(dir, 'app/cluster.json'));
    assert.match(outside.stderr, /out\.js cannot import "\.\.\/secret\.js": it lies outside of the directory/);
  } finally {
    keeve('stop');
    rmSync(dir, { recursive: true });
  }
});
