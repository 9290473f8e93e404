// SPDX-License-Identifier: Apache-2.0
// keeve bundle: what it makes is launched; what cannot live in a vat is named; --watch does it again.
// usage: node bundle.mjs KEEVE KEEVE-VAT
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync }
  from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test, { after } from 'node:test';

const [program, worker] = process.argv.slice(2).map((path) => resolve(path));
const here = new URL('.', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'keeve-bundle-'));
const options = {
  cwd: dir,
  encoding: 'utf8',
  env: { ...process.env, KEEVE_LIBEXEC: dirname(worker) },
};
const keeve = (...args) => spawnSync(program, ['--home', join(dir, 'home'), ...args], options);
const write = (files) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
};
const npm = (name, text) =>
  write({
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, main: 'main.js' }),
    [`node_modules/${name}/main.js`]: text,
  });
const root = (head, value) => `${head}
  import { Far } from '@endo/far';
  export const buildRootObject = () => Far('root', { bootstrap: () => ${value} });`;

after(() => rmSync(dir, { recursive: true }));

test('a vat with a package of npm', () => {
  npm('upper', 'exports.upper = text => text.toUpperCase();');
  write({
    'vats/v.js': root(`import { upper } from 'upper'; import { word } from './word.js';`, 'upper(word)'),
    'vats/word.js': `export const word = 'bundled';`,
    'cluster.json': JSON.stringify({ bootstrap: 'v', vats: { v: { bundleSpec: 'vats/v.bundle' } } }),
  });
  const made = keeve('bundle', 'vats/v.js');
  assert.equal(made.status, 0, made.stderr);
  assert.deepEqual(Object.keys(JSON.parse(made.stdout)), ['bundle', 'bytes']);
  const bundle = JSON.parse(readFileSync(join(dir, 'vats/v.bundle'), 'utf8'));
  assert.equal(bundle.moduleFormat, 'iife');
  assert.deepEqual(bundle.exports, ['buildRootObject']);
  assert.ok(bundle.external.includes('@endo/far'));
  assert.deepEqual(readdirSync(join(dir, 'vats')), ['v.bundle', 'v.js', 'word.js']);
  assert.equal(keeve('start').status, 0);
  try {
    const launched = keeve('launch', 'cluster.json');
    assert.equal(launched.status, 0, launched.stderr);
    assert.equal(JSON.parse(launched.stdout).bootstrapResult, 'BUNDLED');
  } finally {
    keeve('stop');
  }
});

test('the packages that stay outside are the built-in ones', () => {
  const source = readFileSync(join(here, '../../src/vat/js/packages.js'), 'utf8');
  const names = [...source.matchAll(/^ {2}'([^']+)': record/gm)].map((match) => match[1]);
  const { external } = JSON.parse(readFileSync(join(dir, 'vats/v.bundle'), 'utf8'));
  assert.deepEqual([...external].sort(), names.sort());
});

test('with everything inside', () => {
  npm('@endo/far', `exports.Far = () => 'not the built-in one';`);
  try {
    const made = keeve('bundle', 'vats/v.js', '--portable', '-o', 'all.bundle');
    assert.equal(made.status, 0, made.stderr);
    const { code, external } = JSON.parse(readFileSync(join(dir, 'all.bundle'), 'utf8'));
    assert.match(code, /not the built-in one/);
    assert.deepEqual(external, []);
  } finally {
    rmSync(join(dir, 'node_modules/@endo'), { recursive: true });
  }
});

const refuses = (text, ...patterns) => {
  write({ 'bad.js': text });
  const { status, stderr } = keeve('bundle', 'bad.js');
  assert.equal(status, 1);
  for (const pattern of patterns) {
    assert.match(stderr, pattern);
  }
  assert.ok(!readdirSync(dir).some((name) => name.startsWith('bad.bundle')));
};

test('code that cannot live under lockdown is named, with the property', () => {
  npm('extends', '\n\nArray.prototype.last = function () { return this[this.length - 1]; };');
  refuses(root(`import 'extends';`, '1'), /node_modules\/extends\/main\.js does not load under lockdown/,
    /set last: not extensible/, /at: Array\.prototype\.last = function/, /are frozen in a vat/);
  npm('overrides', 'const cache = Object.create(Map.prototype); cache.get = () => 1; exports.cache = cache;');
  refuses(root(`import { cache } from 'overrides'; cache;`, '1'),
    /node_modules\/overrides\/main\.js does not load under lockdown: TypeError: set get: not writable/);
  npm('asks', 'exports.width = window.innerWidth;');
  refuses(root(`import { width } from 'asks'; width;`, '1'),
    /node_modules\/asks\/main\.js does not load under lockdown: ReferenceError: get window: undefined variable/);
});

test('other refusals', () => {
  refuses(`import 'nowhere'; export const buildRootObject = 1;`, /Could not resolve "nowhere"/);
  refuses(`const a = ;`, /bad\.js/);
  refuses(`export const root = 1;`, /expected an export buildRootObject, found none/);
  refuses(`for (;;); export const buildRootObject = 1;`, /ran out of computation/);
  assert.match(keeve('bundle', 'none.js').stderr, /none\.js/);
  assert.equal(keeve('bundle').status, 2);
});

test('without the bundler it says where it should be', () => {
  const other = join(dir, 'libexec');
  mkdirSync(other);
  copyFileSync(worker, join(other, 'keeve-vat'));
  const { status, stderr } = spawnSync(program, ['bundle', 'vats/v.js'], {
    ...options, env: { ...process.env, KEEVE_LIBEXEC: other },
  });
  assert.equal(status, 1);
  assert.match(stderr, /expected the bundler at .*libexec\/esbuild, found none; put esbuild's binary/);
});

test('--watch', async () => {
  const child = spawn(program, ['bundle', 'vats/v.js', '-o', 'watched.bundle', '--watch'], options);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => { stdout += text; });
  child.stderr.on('data', (text) => { stderr += text; });
  const until = async (ask) => {
    for (const end = Date.now() + 60_000; !ask(); ) {
      assert.ok(Date.now() < end, `waited in vain; it said: ${stdout} ${stderr}`);
      await new Promise((done) => setTimeout(done, 10));
    }
  };
  const lines = () => stdout.split('\n').length - 1;
  try {
    await until(() => lines() === 1);
    write({ 'vats/other.js': '' }); // no part of it
    write({ 'vats/word.js': `export const word = 'changed';` });
    await until(() => lines() === 2);
    assert.match(readFileSync(join(dir, 'watched.bundle'), 'utf8'), /changed/);
    write({ 'vats/word.js': 'export const word = ;' });
    await until(() => /word\.js/.test(stderr));
    assert.ok(existsSync(join(dir, 'watched.bundle'))); // the last good one
    write({ 'vats/word.js': `export const word = 'mended';` });
    await until(() => lines() === 3);
    assert.match(readFileSync(join(dir, 'watched.bundle'), 'utf8'), /mended/);
  } finally {
    child.kill();
  }
});
