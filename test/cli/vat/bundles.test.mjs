// SPDX-License-Identifier: Apache-2.0
// Bundles as npm's @endo/bundle-source makes them, and as nobody should make them.
// usage: node bundles.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { crc32, makeZip } from './zip.mjs';
import { startOnce } from './frames.mjs';

const [program] = process.argv.slice(2);
const here = new URL('.', import.meta.url).pathname;
const npm = join(here, '../../npm/node_modules');
const deps = join(here, '../../../deps/node_modules');

const limits = { steps: 400_000_000, heap: 256 * 1024 * 1024 };
const run = (code, options = {}) =>
  startOnce(program, {
    ...limits,
    code: typeof code === 'string' ? code : JSON.stringify(code),
    ...options,
  });
const loads = async (code, logs) => {
  const got = await run(code);
  assert.equal(got.done.error, '');
  assert.deepEqual(got.logs, logs);
};
const refuses = async (code, error) => {
  const got = await run(code);
  assert.equal(got.done.status, 1);
  assert.match(got.done.error, error);
  assert.equal(got.status, 2); // it ended in order, not by a signal
};

/** What npm makes of files, the entry being vat.js. packages: directories below from. */
const bundles = (files, formats, packages = [], from = npm) => {
  const dir = mkdtempSync(join(tmpdir(), 'keeve-bundle-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), typeof text === 'string' ? text : JSON.stringify(text));
    }
    for (const name of packages) {
      cpSync(join(from, name), join(dir, 'node_modules', name), { recursive: true });
    }
    const args = [join(here, 'make_bundles.mjs'), join(dir, 'vat.js'), ...formats];
    return JSON.parse(execFileSync('node', args, { maxBuffer: 64 << 20 }));
  } finally {
    rmSync(dir, { recursive: true });
  }
};

const root = `harden({ __proto__: Object.create(Object.prototype, {
  [Symbol.for('passStyle')]: { value: 'remotable' }, [Symbol.toStringTag]: { value: 'Alleged: root' } }) })`;

const formats = ['nestedEvaluate', 'getExport', 'endoScript', 'endoZipBase64'];

test('every format of bundle-source', async (t) => {
  const made = bundles(
    {
      'package.json': { name: 'app', version: '1.0.0', type: 'module', dependencies: { dep: '1.0.0' } },
      'vat.js': `
        import { twice, odd } from './lib/a.js';
        import * as dep from 'dep';
        import what from './lib/default.js';
        export const buildRootObject = (powers, parameters, baggage) => {
          console.log(twice(21), odd(7), dep.name, what, typeof baggage.init, 'ünï 😀', '😀'.length);
          return ${root};
        };`,
      'lib/a.js': `import { even } from './b.js';
        export const twice = n => 2 * n; export function odd(n) { return n === 0 ? false : even(n - 1); }`,
      'lib/b.js': `import { odd } from './a.js';
        export function even(n) { return n === 0 ? true : odd(n - 1); }`,
      'lib/default.js': `export default 'the default';`,
      'node_modules/dep/package.json': { name: 'dep', version: '1.0.0', type: 'module', exports: './i.js' },
      'node_modules/dep/i.js': `export * from './name.js';`,
      'node_modules/dep/name.js': `export const name = 'dep';`,
    },
    formats,
  );
  for (const format of formats) {
    await t.test(format, () =>
      loads(made[format], ['log: 42 true dep the default function ünï 😀 2']),
    );
  }
  await t.test('endoZipBase64, deflated', () => {
    const files = makeZip.read(Buffer.from(made.endoZipBase64.endoZipBase64, 'base64'));
    const zip = makeZip(files, { deflate: true });
    return loads({ ...made.endoZipBase64, endoZipBase64: zip.toString('base64') }, [
      'log: 42 true dep the default function ünï 😀 2',
    ]);
  });
});

const walls = {
  'package.json': { name: 'app', version: '1.0.0', type: 'module', dependencies: { dep: '1.0.0' } },
  'vat.js': `
    import { n, bump } from './live.js';
    import * as dep from 'dep';
    import cjs, { two } from 'dep/common.cjs';
    import data from './data.json';
    globalThis.mine = 'app';
    export let counter = 1;
    export const up = () => { counter += 1; return counter; };
    import * as self from './vat.js';
    export const buildRootObject = () => {
      console.log(n, bump(), n, self.counter, up(), counter, self.counter);
      console.log(dep.see(), dep.put(), typeof theirs, cjs.one, two, data, self[Symbol.toStringTag]);
      try { self.counter = 3; } catch (e) { console.log(e.name); }
      return ${root};
    };`,
  'live.js': `export let n = 1; export const bump = () => { n += 1; return globalThis.mine + n; };`,
  'data.json': { k: [1] },
  'node_modules/dep/package.json': {
    name: 'dep', version: '1.0.0', type: 'module', main: 'i.js',
    exports: { '.': './i.js', './common.cjs': './common.cjs' },
  },
  'node_modules/dep/i.js': `export const see = () => typeof mine;
    export const put = () => { globalThis.theirs = 1; return theirs; };`,
  'node_modules/dep/common.cjs': `exports.one = 1; exports.two = require('./more.cjs');`,
  'node_modules/dep/more.cjs': `module.exports = 2;`,
};

test('live bindings, CommonJS, JSON; a package does not see the globals of another', async () => {
  const made = bundles(walls, ['endoZipBase64']);
  await loads(made.endoZipBase64, [
    'log: 1 app2 2 1 2 2 2',
    'log: undefined 1 undefined 1 2 { k: [1] } Module',
    'log: TypeError',
  ]);
});

test("npm's own packages inside an archive", async () => {
  const made = bundles(
    {
      'package.json': {
        name: 'app', version: '1.0.0', type: 'module',
        dependencies: { '@endo/eventual-send': '*', '@endo/promise-kit': '*', '@endo/errors': '*' },
      },
      'vat.js': `
        import { E } from '@endo/eventual-send';
        import { makePromiseKit } from '@endo/promise-kit';
        import { Fail, q } from '@endo/errors';
        export const buildRootObject = async () => {
          const { promise, resolve } = makePromiseKit();
          resolve({ f: (x) => x + 1 });
          console.log(await E(promise).f(1));
          try { Fail\`no \${q('way')}\`; } catch (e) { console.log(e.message); }
          return ${root};
        };`,
    },
    ['endoZipBase64', 'nestedEvaluate'],
    ['@endo/eventual-send', '@endo/promise-kit', '@endo/errors', '@endo/harden', '@endo/env-options', 'ses',
      '@endo/cache-map', '@endo/immutable-arraybuffer'],
  );
  for (const format of ['endoZipBase64', 'nestedEvaluate']) {
    await loads(made[format], ['log: 2', 'log: no "way"']);
  }
});

test('durable exos of zone and patterns, bundled instead of built in', async (t) => {
  const packages = readdirSync(join(deps, '@agoric')).filter((name) => name !== 'xsnap');
  const made = bundles(
    {
      'package.json': {
        name: 'app', version: '1.0.0', type: 'module',
        dependencies: { '@agoric/zone': '*', '@endo/patterns': '*', '@endo/far': '*' },
      },
      'vat.js': `
        import { makeDurableZone } from '@agoric/zone/durable.js';
        import { M } from '@endo/patterns';
        import { Far } from '@endo/far';
        export const buildRootObject = (_powers, _parameters, baggage) => {
          const guard = M.interface('Counter', { add: M.call(M.number()).returns(M.number()) });
          const make = makeDurableZone(baggage).exoClass('Counter', guard, () => ({ n: 0 }), {
            add(n) { this.state.n += n; return this.state.n; },
          });
          const counter = make();
          console.log(counter.add(1), counter.add(2));
          try { counter.add('3'); } catch (e) { console.log(e.message); }
          return Far('root', {});
        };`,
    },
    formats,
    [...packages.map((name) => `@agoric/${name}`), '@endo', 'ses'],
    deps,
  );
  for (const format of formats) {
    await t.test(format, () =>
      loads(made[format], [
        'log: 1 3',
        'log: In "add" method of (Counter): arg 0: string "3" - Must be a number',
      ]),
    );
  }
});

test('what is no bundle', async () => {
  await refuses({ moduleFormat: 'odd' }, /Unknown bundle format: odd/);
  await refuses({ moduleFormat: 'toString' }, /Unknown bundle format: toString/);
  await refuses({ moduleFormat: ['iife'] }, /Unknown bundle format: iife/);
  for (const moduleFormat of ['nestedEvaluate', 'getExport', 'endoScript']) {
    await refuses({ moduleFormat }, /has its program in "source", here undefined/);
    await refuses({ moduleFormat, source: '(' }, /SyntaxError/);
  }
  await refuses({ moduleFormat: 'getExport', source: '7' }, /is the text of a function, here of type number/);
  await refuses({ moduleFormat: 'endoScript', source: '7' }, /gives its exports as an object, here number/);
  await refuses({ moduleFormat: 'getExport', source: '() => ({})' }, /buildRootObject/);
});

// ---- hostile archives ----

const mjs = (program, more = {}) =>
  JSON.stringify({
    imports: [], exports: [], reexports: [], __syncModuleProgram__: program,
    __liveExportMap__: {}, __reexportMap__: {}, __fixedExportMap__: {}, ...more,
  });
const fine = mjs(
  `({ onceVar }) => { onceVar.buildRootObject(() => { console.log('fine'); return ${root}; }); }`,
  { exports: ['buildRootObject'], __fixedExportMap__: { buildRootObject: ['buildRootObject'] } },
);
const map = (modules, more = {}) =>
  JSON.stringify({
    tags: [],
    entry: { compartment: 'a', module: './vat.js' },
    compartments: { a: { name: 'a', label: 'a', location: 'a', modules } },
    ...more,
  });
const vatOnly = { './vat.js': { location: 'vat.js', parser: 'pre-mjs-json' } };
const zipBundle = (zip, more = {}) => ({
  moduleFormat: 'endoZipBase64', endoZipBase64: zip.toString('base64'), ...more,
});
const archive = (modules, files, more) =>
  zipBundle(
    makeZip([['compartment-map.json', map(modules, more)], ...Object.entries(files)].map(
      ([name, data]) => ({ name, data: Buffer.from(data) }),
    )),
  );

test('a small archive by hand', () => loads(archive(vatOnly, { 'a/vat.js': fine }), ['log: fine']));

test('hashes are checked', async () => {
  const sha512 = (text) => createHash('sha512').update(text).digest('hex');
  const text = map(vatOnly);
  const bundle = archive(vatOnly, { 'a/vat.js': fine });
  await loads({ ...bundle, endoZipBase64Sha512: sha512(text) }, ['log: fine']);
  await refuses(
    { ...bundle, endoZipBase64Sha512: sha512('other') },
    /"compartment-map.json": expected SHA-512 "[0-9a-f]{100,}.*found "[0-9a-f]{128}"/,
  );
  await refuses({ ...bundle, endoZipBase64Sha512: 7 }, /endoZipBase64Sha512: expected a string/);
  const modules = { './vat.js': { ...vatOnly['./vat.js'], sha512: sha512(fine) } };
  await loads(archive(modules, { 'a/vat.js': fine }), ['log: fine']);
  await refuses(archive(modules, { 'a/vat.js': `${fine} ` }), /"a\/vat.js": expected SHA-512/);
});

test('archives that are none', async () => {
  await refuses({ moduleFormat: 'endoZipBase64' }, /endoZipBase64: expected a string, found a value of type undefined/);
  await refuses(zipBundle(Buffer.from('')), /expected a zip archive, found 0 bytes/);
  await refuses({ moduleFormat: 'endoZipBase64', endoZipBase64: 'AA*A' }, /expected base64, found something else at character 2 of 4/);
  const whole = makeZip([{ name: 'compartment-map.json', data: Buffer.from('{}') }]);
  for (let size = 0; size < whole.length; size++) {
    if (size % 9 === 0) {
      await refuses(zipBundle(whole.subarray(0, size)), /expected a zip archive/);
    }
  }
});

test('no map, or a map of something else', async () => {
  const zip = (text) => zipBundle(makeZip([{ name: 'compartment-map.json', data: Buffer.from(text) }]));
  await refuses(zipBundle(makeZip([])), /expected a file "compartment-map.json" in the zip archive, found none/);
  await refuses(zip('{'), /compartment-map.json: expected JSON/);
  await refuses(zip('[]'), /compartment-map.json: expected an object, found an array/);
  await refuses(zip('{}'), /compartments: expected an object, found a value of type undefined/);
  await refuses(zip(map({}, { entry: { compartment: 'b', module: 'x' } })), /expected a compartment "b", found none/);
  await refuses(zip(map({}, { entry: { compartment: '__proto__', module: 'x' } })), /expected a compartment "__proto__", found none/);
});

test('modules that are missing, or link in a circle', async () => {
  await refuses(archive({}, {}), /imports "\.\/vat.js": expected module "\.\/vat.js" in compartment "a" of the archive, found none/);
  await refuses(archive(vatOnly, {}), /expected a file "a\/vat.js" in the zip archive, found none/);
  const imports = mjs('({ imports }) => imports([])', { imports: ['./gone.js'] });
  await refuses(archive(vatOnly, { 'a/vat.js': imports }), /a\/vat.js imports "\.\/gone.js": expected module/);
  const outside = mjs('() => {}', { imports: ['../../gone.js'] });
  await refuses(archive(vatOnly, { 'a/vat.js': outside }), /lies outside of its package/);
  await refuses(
    archive(
      { './vat.js': { compartment: 'a', module: 'x' }, x: { compartment: 'a', module: './vat.js' } }, {},
    ),
    /links to itself in a circle/,
  );
  await refuses(archive({ './vat.js': { exit: 'fs' } }, {}), /it is not in the archive/);
  await refuses(
    archive({ './vat.js': { location: 'vat.js', parser: 'mjs' } }, { 'a/vat.js': fine }),
    /expected a parser pre-mjs-json, .* found "mjs"/,
  );
});

test('records that are wrong', async () => {
  await refuses(archive(vatOnly, { 'a/vat.js': '{' }), /a\/vat.js: expected JSON/);
  await refuses(archive(vatOnly, { 'a/vat.js': '{}' }), /imports: expected an array of strings, found a value of type undefined/);
  await refuses(archive(vatOnly, { 'a/vat.js': mjs('() => {', {}) }), /SyntaxError/);
  await refuses(
    archive(vatOnly, { 'a/vat.js': mjs('() => {}', { __fixedExportMap__: { x: 'x' } }) }),
    /__fixedExportMap__: expected an array that begins with a name at "x"/,
  );
  const asks = mjs(`({ imports }) => imports([['./vat.js', [['nope', [() => {}]]]]])`, { imports: ['./vat.js'] });
  await refuses(archive(vatOnly, { 'a/vat.js': asks }), /does not provide an export named "nope"/);
});

test('zip archives that lie', async () => {
  const files = (more) => [
    { name: 'compartment-map.json', data: Buffer.from(map(vatOnly)) },
    { name: 'a/vat.js', data: Buffer.from(fine), ...more },
  ];
  const zip = (more, options) => zipBundle(makeZip(files(more), options));
  await refuses(zip({ crc: 1 }), /the checksum of a file/);
  await refuses(zip({ method: 12 }), /expected a file stored or deflated, found method 12/);
  await refuses(zip({ flags: 1 }), /encrypted/);
  await refuses(zip({ size: 5 }), /is said to have 5/);
  await refuses(zip({ size: 5 }, { deflate: true }), /expected 5 bytes of deflated data in \d+, found it damaged or longer/);
  await refuses(zip({ size: 50_000 }, { deflate: true }), /expected 50000 bytes of deflated data/);
  await refuses(zip({ offset: 0xfffffff0 }), /expected a file of the zip archive at byte/);
  await refuses(zip({ name: 'compartment-map.json' }), /two files of the name "compartment-map.json"/);
  await refuses(zip({ name: '' }), /expected a file name of 1 to/);
  await refuses(zip({}, { count: 60_000 }), /expected at most \d+ files in a zip archive, found 60000/);
  await refuses(zip({}, { count: 3 }), /expected an entry of the zip directory/);
});

test('a bomb does not go off', async () => {
  // 200 MB of blanks in some 200 KB; and one that lies about it.
  const data = Buffer.alloc(200 << 20, ' ');
  const bomb = { name: 'a/vat.js', data };
  const head = { name: 'compartment-map.json', data: Buffer.from(map(vatOnly)) };
  const zip = makeZip([head, bomb], { deflate: true });
  assert.ok(zip.length < 1 << 20);
  await refuses(zipBundle(zip), /expected at most \d+ bytes unpacked in a zip archive, found more/);
  const lying = makeZip([head, { ...bomb, size: 1000 }], { deflate: true });
  await refuses(zipBundle(lying), /expected 1000 bytes of deflated data/);
  // Within the bound of the archive, past the heap of the vat.
  const large = makeZip([head, { name: 'a/vat.js', data: data.subarray(0, 100 << 20) }], { deflate: true });
  const got = await run(zipBundle(large), { heap: 32 << 20 });
  assert.equal(got.done.status, 1);
  assert.match(got.done.error, /ran out of memory/);
});

test('the zip of the tests is a zip', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
});
