// SPDX-License-Identifier: Apache-2.0
// What a vat cannot reach, what it cannot change for others, and where it is stopped.
// usage: node confine.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { bringOutYourDead, frame, message, openWorker, row, start, startOnce } from './frames.mjs';

const [program] = process.argv.slice(2);

const vat = (lines) => `
  import { Far } from '@endo/far';
  export const buildRootObject = () => { ${lines}; return Far('root', {}); };
`;

const logsOf = async (lines, options = {}) => {
  const got = await startOnce(program, { code: vat(lines), ...options });
  assert.equal(got.done.error, '');
  return got.logs.map((line) => line.replace(/^log: /, ''));
};

const withheld = ['trace', 'WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'lockdown',
  'keeveHost', 'keeveLoad', 'setTimeout', 'process', 'require', 'fetch', 'global', 'gc'];

test('what is withheld is absent, in nested compartments too', async () => {
  const probe = JSON.stringify(`[${withheld.map((n) => `typeof ${n}`).join()}].join()`);
  const expected = withheld.map(() => 'undefined').join();
  assert.deepEqual(
    await logsOf(`const probe = ${probe};
      console.log(Compartment.prototype.evaluate.call(new Compartment(), probe));
      console.log(new Compartment({ globals: {} }).evaluate(probe));
      console.log(new Compartment({}, {}, {}).evaluate(probe));
      console.log(new Compartment().evaluate('new Compartment().evaluate(' + JSON.stringify(probe) + ')'));
      console.log((0, eval)(probe));
      console.log(Function('return ' + probe)())`),
    [expected, expected, expected, expected, expected, expected],
  );
});

test('constructors of functions stay in their compartment', async () => {
  assert.deepEqual(
    await logsOf(`
      const tries = [() => (function () {}).constructor('return 1')(), () => (async () => {}).constructor('1'),
        () => (function* () {}).constructor('1'), () => new Compartment().constructor({})];
      for (const attempt of tries) { try { attempt(); console.log('got it'); } catch (e) { console.log(e.name); } }
      console.log(new Compartment({ globals: { x: 1 } }).evaluate('Function("return typeof console + x")()'))`),
    ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'undefined1'],
  );
});

test('shared objects cannot be changed', async () => {
  assert.deepEqual(
    await logsOf(`
      const tries = [() => { Array.prototype.map = 1; }, () => { Object.prototype.x = 1; }, () => { Math.x = 1; },
        () => { console.log = 1; }, () => { Far.x = 1; }, () => { Promise.prototype.then = 1; },
        () => { Object.prototype.toString = 1; }, () => { assert.Fail = 1; }, () => { HandledPromise.x = 1; }];
      for (const attempt of tries) { try { attempt(); console.log('did it'); } catch (e) { console.log(e.name); } }`),
    Array(9).fill('TypeError'),
  );
});

test('assignment over a frozen inheritance works', async () => {
  assert.deepEqual(
    await logsOf(`
      const o = {}; o.toString = () => 'mine';
      const e = Error('m'); e.name = 'Odd'; e.message = 'other';
      function Old() {} Old.prototype = Object.create(Array.prototype); Old.prototype.constructor = Old;
      class Custom extends TypeError {} Custom.prototype.name = 'Custom';
      const f = () => 0; f.toString = () => 'f'; f.call = 1;
      console.log(String(o), String(e), new Old().constructor === Old, new Custom('x').name, String(f), f.call);
      console.log(Object.keys(o).join(), ({}).toString(), [1, 2].toString(), Error('q').name)`),
    ['mine Odd: other true Custom f 1', 'toString [object Object] 1,2 Error'],
  );
});

test('both forms of Compartment', async () => {
  assert.deepEqual(
    await logsOf(`
      console.log(new Compartment({ globals: { x: 1 } }).evaluate('x'), new Compartment({ x: 2 }).evaluate('x'),
        new Compartment({ x: 3 }, {}, { transforms: [(s) => s + ' + 1'] }).evaluate('x'),
        new Compartment({ x: 1 }).evaluate('typeof harden + typeof HandledPromise + typeof console'));
      console.log(new Compartment() instanceof Compartment, new Compartment().evaluate('Array') === Array)`),
    ['1 2 4 functionfunctionundefined', 'true true'],
  );
});

const outcomes = [
  ['for (;;) ;', /^vat\.js: ran out of computation \(limit 2000000 steps\)$/],
  ['(function f() { try { f(); } catch (e) { f(); } })()', /^vat\.js: stack overflow$/],
  ['const a = []; for (;;) a.push(new Uint8Array(1e6))', /^vat\.js: ran out of memory \(limit 24 MB\)$/],
  ['new ArrayBuffer(2 ** 30)', /^vat\.js: ran out of memory \(limit 24 MB\)$/],
];

for (const [line, error] of outcomes) {
  test(`stopped by name: ${line}`, async () => {
    const got = await startOnce(program, { code: vat(line), steps: 2_000_000, heap: 24 * 1024 * 1024 });
    assert.equal(got.done.status, 1);
    assert.match(got.done.error, error);
    assert.equal(got.status, 2);
    assert.equal(got.signal, null);
    assert.ok(got.done.steps <= 2_001_000);
  });
}

test('stopped by name: a crank larger than a frame', async () => {
  const code = `import { E, Far } from '@endo/far';
    export const buildRootObject = () => Far('root', {
      flood(to, n) { for (let i = 0; i < n; i += 1) { E(to).take('x'.repeat(7e6)); } } });`;
  const flood = (seq, n) => message(seq, 'o+0', { body: `#["flood",["$0",${n}]]`, slots: ['o-1'] });
  const worker = openWorker(program);
  worker.write(start({ code, heap: 0, steps: 0 }), flood(1, 2), flood(2, 10), flood(3, 1));
  const done = [];
  for (;;) {
    const item = await worker.take();
    if (item.type === 'GET' || item.type === 'NEXT') {
      worker.write(row(''));
    } else if (item.type === 'DONE') {
      done.push([item.seq, item.status, item.error]);
    } else if (item.type === 'END') {
      break;
    }
  }
  assert.deepEqual(done.slice(0, 2), [[0, 0, ''], [1, 0, '']]);
  assert.deepEqual(done.slice(2), [[2, 1, 'the crank sent and stored 66 MB (limit 64 MB)']]);
  assert.equal((await worker.exit()).status, 2);
});

test('a rejection that nobody handles is on the console', async () => {
  const got = await startOnce(program, { code: vat(`Promise.reject(Error('lost'))`) });
  assert.deepEqual(got.logs, ['error: unhandled rejection: Error: lost']);
});

for (const what of ['open', 'connect', 'fork', 'exec']) {
  test(`probe ${what}`, () => {
    const jailed = spawnSync(program, ['--probe', what], { encoding: 'utf8' });
    assert.equal(jailed.stdout, `probe ${what}: denied (killed by SIGSYS)\n`);
    assert.equal(jailed.status, 0);
    const free = spawnSync(program, ['--probe', what, '--unjailed'], { encoding: 'utf8' });
    assert.equal(free.stdout, `probe ${what}: ALLOWED\n`);
    assert.equal(free.status, 1);
  });
}

test('the jail leaves the language whole', async () => {
  assert.deepEqual(
    await logsOf(
      `const many = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5003);
      many.sort((a, b) => a - b); new Float64Array(many).sort(); new BigInt64Array(5000).sort();
      const day = new Date(86400000); day.setHours(1);
      const wide = Object.fromEntries(many.map((n) => ['k' + n, n]));
      const text = [day.toString(), day.toLocaleString(), new Date('2020-02-30T00:00').getTime(), day.getTimezoneOffset(),
        'e\u0301'.normalize().length, 'a'.localeCompare('b'), (12345.678).toLocaleString(), (0.1).toFixed(20),
        (2n ** 200n).toString(36), /(?<y>\\p{Lu})/u.exec('aÄ').groups.y, JSON.stringify(wide).length,
        Object.keys(wide).length, encodeURIComponent('ü'), new TextDecoder().decode(new TextEncoder().encode('ü')),
        new Function('a', 'return a + 1')(1), Reflect.ownKeys(new Proxy(wide, {})).length, parseFloat('1e300'),
        new Date(NaN).getTime(), Date.parse('Tue, 01 Jan 2019 00:00:00 GMT'), Math.max(Math.sin(1), Math.cbrt(8))];
      console.log(text.length)`,
      { globals: ['Date', 'Math', 'TextDecoder', 'TextEncoder'] },
    ),
    ['20'],
  );
});

/** A worker whose vat runs; next() gives its frames, questions answered with "no such row". */
const openVat = async (...ahead) => {
  const worker = openWorker(program);
  worker.write(start({ code: vat('') }), ...ahead);
  const next = async () => {
    for (;;) {
      const item = await worker.take();
      if (item.type !== 'GET' && item.type !== 'NEXT') {
        return item;
      }
      worker.write(row(''));
    }
  };
  assert.equal((await next()).status, 0);
  return { ...worker, next };
};

test('a worker ends when the kernel is gone, and at nonsense', async () => {
  const cases = [
    [[], 0, ''],
    [[frame('ROW')], 1, 'keeve-vat: the first frame is not a START\n'],
    [[Buffer.from([0, 0, 0, 0, 1])], 1, 'keeve-vat: the kernel sent a malformed frame\n'],
  ];
  for (const [frames, status, stderr] of cases) {
    const worker = openWorker(program);
    worker.write(...frames, Buffer.alloc(0));
    worker.end();
    assert.deepEqual(await worker.exit(), { status, signal: null, stderr });
  }
  const later = [
    [[], 0, ''],
    [[frame('ROW')], 1, 'keeve-vat: expected a DELIVER frame\n'],
    [[frame('DELIVER')], 1, 'keeve-vat: the kernel sent a malformed delivery\n'],
  ];
  for (const [frames, status, stderr] of later) {
    const worker = await openVat();
    worker.write(...frames, Buffer.alloc(0));
    worker.end();
    assert.deepEqual(await worker.exit(), { status, signal: null, stderr });
  }
});

test('deliveries sent ahead are answered in order', async () => {
  const worker = await openVat(...[1, 2, 3, 4].map(bringOutYourDead));
  for (const seq of [1, 2, 3, 4]) {
    let item = await worker.next();
    while (item.type === 'LOG') {
      item = await worker.next();
    }
    assert.deepEqual([item.seq, item.status, item.error], [seq, 0, '']);
  }
  worker.end();
  await worker.exit();
});
