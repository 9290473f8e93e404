// SPDX-License-Identifier: Apache-2.0
// What code a vat may have, what it finds, and what is said when it cannot be loaded.
// usage: node load.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { startOnce } from './frames.mjs';

const [program] = process.argv.slice(2);

/** A vat module that runs the lines when it is started. */
const vat = (lines, head = '') => `
  import { Far } from '@endo/far';
  ${head}
  export const buildRootObject = () => { ${lines}; return Far('root', {}); };
`;

const run = (code, options = {}) => startOnce(program, { code, ...options });

const loads = async (code, logs, options) => {
  const got = await run(code, options);
  assert.equal(got.done.error, '');
  assert.equal(got.done.status, 0);
  assert.deepEqual(got.logs, logs);
};

const refuses = async (code, error, options) => {
  const got = await run(code, options);
  assert.equal(got.done.status, 1);
  assert.match(got.done.error, error);
  assert.equal(got.status, 2);
};

test('a plain module', () => loads(vat(`console.log('here')`), ['log: here']));

test('levels and values on the console', () =>
  loads(
    vat(`console.debug('d', 1, -0, 2n, 'x', undefined, null);
      console.info({ a: [1, 'two'], 'odd key': Symbol('s') }, 'ünï 😀');
      console.warn(() => 0, function named() {}, Promise.resolve(1));
      const ring = []; ring.push(ring); console.error(ring, Far('thing', {}), [[[[[1]]]]]);
      console.log(new Proxy({}, { getOwnPropertyDescriptor() { throw 1; }, ownKeys() { throw 1; } }))`),
    [
      'debug: d 1 -0 2n x undefined null',
      'info: { a: [1, "two"], "odd key": Symbol(s) } ünï 😀',
      'warn: [function anonymous] [function named] [Promise]',
      'error: [[circular]] [Alleged: thing] { __getMethodNames__: [function __getMethodNames__] } [[[[[...]]]]]',
      'log: [unreadable]',
    ],
  ));

test('every built-in package can be imported', async () => {
  const names = [
    '@agoric/store', '@agoric/vat-data', '@agoric/zone', '@agoric/zone/durable.js',
    '@endo/errors', '@endo/eventual-send', '@endo/exo', '@endo/far', '@endo/marshal',
    '@endo/pass-style', '@endo/patterns', '@endo/promise-kit', '@metamask/kernel-utils/exo',
  ];
  const head = names.map((name, i) => `import * as m${i} from '${name}';`).join('\n');
  const tests = names.map((_, i) => `Object.keys(m${i}).length > 0`).join(', ');
  await loads(vat(`console.log(${tests})`, head), [`log: ${names.map(() => 'true').join(' ')}`]);
});

test('exos of kernel-utils', () =>
  loads(
    vat(
      `const exo = makeDefaultExo('e', { add: (a, b) => a + b });
       const told = makeDiscoverableExo('d', { f() {} }, { f: { description: 'does f' } });
       console.log(exo.add(1, 2), told.__getDescription__(), told.__getDescription__('f'))`,
      `import { makeDefaultExo, makeDiscoverableExo } from '@metamask/kernel-utils/exo';`,
    ),
    ['log: 3 { f: { description: "does f" } } { f: { description: "does f" } }'],
  ));

test('an import that is not built in is named', async () => {
  await refuses(`import './util.js';`, /^vat\.js: TypeError: cannot import "\.\/util\.js": there is no such file with the vat/);
  await refuses(`import x from 'lodash';`, /cannot import "lodash": it is not built in; bundle the vat. A plain vat may import only .*@endo\/far/);
});

test('a missing export is named', () =>
  refuses(`import { nothing } from '@endo/far'; nothing();`, /SyntaxError.*nothing/));

test('a syntax error has its line', () =>
  refuses('\n\nconst a = ;', /^vat\.js: SyntaxError: .*\(line 3\)$/));

test('the stack of an error has file and line', () =>
  loads(
    vat(`
      const inner = () => { throw Error('deep'); };
      try { inner(); } catch (e) { console.log(e); }`),
    ['log: Error: deep\n at inner (a_vat.js:5)\n at buildRootObject (a_vat.js:6)'],
    { name: 'a vat.js' },
  ));

test('an error while loading', () =>
  refuses(`throw new RangeError('too early');`, /^vat\.js: RangeError: too early$/));

test('code that is not text', async () => {
  await refuses(Buffer.from([0x61, 0x3b, 0xff]), /SyntaxError: not UTF-8 text at byte 2/);
  await refuses('a;\0b', /SyntaxError: not UTF-8 text at byte 2/);
});

const bundle = (code, more = {}) =>
  JSON.stringify({ moduleFormat: 'iife', code, exports: ['buildRootObject'], external: [], ...more });

test('a vat of several files', async () => {
  const modules = (entry, files, missing) =>
    JSON.stringify({ moduleFormat: 'keeveModules', entry, modules: files, missing });
  const files = {
    'a/v.js': vat(`console.log(x, even(4))`, `import { x } from '../x.js'; import { even } from './even.js';`),
    'a/even.js': `import { odd } from './odd.js'; export const even = n => n === 0 || odd(n - 1);`,
    'a/odd.js': `import { even } from './even.js'; export const odd = n => n !== 0 && even(n - 1);`,
    'x.js': `export { default as x } from './__proto__.json';`,
    ['__proto__.json']: '{"a":1}',
  };
  await loads(modules('a/v.js', files, {}), ['log: { a: 1 } true']);
  await refuses(modules('a/v.js', { ...files, 'x.js': 'bad bad' }, {}), /SyntaxError/);
  await refuses(modules('a/v.js', { ...files, '__proto__.json': '{' }), /__proto__\.json: expected JSON/);
  const { 'x.js': gone, ...rest } = files;
  await refuses(modules('a/v.js', rest, { 'x.js': 'x.js: forbidden' }), /cannot import "\.\/x\.js": x\.js: forbidden/);
  await refuses(modules('a/v.js', rest, {}), /cannot import "\.\/x\.js": there is no such file with the vat/);
  await refuses(modules('b.js', files, {}), /and the name of one of them in "entry"/);
  await refuses(modules('toString', files, {}), /and the name of one of them in "entry"/);
  await refuses(modules('a', { a: 7 }, {}), /has texts by name in "modules"/);
});

test('an iife bundle', () =>
  loads(
    bundle(`var __vatExports__ = (function (exports) {
      console.log(typeof exports, global === globalThis, typeof harden, typeof VatData);
      const root = Object.create(Object.create(Object.prototype, {
        [Symbol.for('passStyle')]: { value: 'remotable' },
        [Symbol.toStringTag]: { value: 'Alleged: root' } }));
      exports.buildRootObject = () => harden(root);
      return exports;
    })({});`),
    ['log: object true function object'],
  ));

test('bundles that cannot be used', async () => {
  await refuses(bundle('1'), /the iife bundle does not define __vatExports__/);
  await refuses(JSON.stringify({ moduleFormat: 'iife' }), /an iife bundle has its program in "code"/);
  await refuses(JSON.stringify({ moduleFormat: 'odd' }), /Unknown bundle format: odd/);
});

test('Date and Math answer only when asked for', async () => {
  const code = vat(`
    for (const f of [() => Date.now() > 1e12, () => Math.random() < 1, () => Math.max(1, 2),
      () => new Date(0).toISOString(), () => new Date() instanceof Date]) {
      try { console.log(f()); } catch (e) { console.log(e.message); }
    }`);
  await loads(code, [
    'log: secure mode', 'log: secure mode', 'log: 2', 'log: 1970-01-01T00:00:00.000Z', 'log: secure mode',
  ]);
  await loads(code, ['log: true', 'log: true', 'log: 2', 'log: 1970-01-01T00:00:00.000Z', 'log: true'], {
    globals: ['Date', 'Math'],
  });
});

test('the same seed gives the same chance', async () => {
  const code = vat(`console.log(Math.random(), Math.random())`);
  const [a, b] = [await run(code, { globals: ['Math'] }), await run(code, { globals: ['Math'] })];
  assert.deepEqual(a.logs, b.logs);
  assert.notEqual(...a.logs[0].slice(5).split(' '));
});

test('a global that is not to be had refuses the vat', () =>
  refuses(vat(''), /global 'fetch' is not available/, { globals: ['fetch'] }));

test('an image of another build is refused', () => {
  const dir = mkdtempSync(join(tmpdir(), 'keeve-image-'));
  const image = join(dir, 'image');
  const real = readFileSync(join(dirname(program), 'keeve-vat.image'));
  const worker = () => {
    const got = spawnSync(program, ['--worker', '3', '--image', image], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    assert.equal(got.status, 1);
    return got.stderr;
  };
  try {
    assert.match(worker(), /cannot read .*image: No such file/);
    writeFileSync(image, 'something else');
    assert.match(worker(), /is not a boot image; expected one of keeve /);
    const other = Buffer.from(real);
    other.write('keeve 9', 16);
    writeFileSync(image, other);
    assert.match(worker(), /was made by keeve 9.*; expected keeve /);
    writeFileSync(image, real);
    truncateSync(image, real.length >> 1);
    assert.match(worker(), /is damaged/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
