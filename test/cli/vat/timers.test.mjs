// SPDX-License-Identifier: Apache-2.0
// The timers of a vat, driven by frames: what runs in a crank for timers, in what order, and what the
// worker asks of the kernel. The time is real; nothing here depends on how fast it goes.
// usage: node timers.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { message, openWorker, row, start, timer } from './frames.mjs';

const [program] = process.argv.slice(2);
const all = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'AbortSignal'];
const vat = (lines) => `
  import { Far } from '@endo/far';
  const log = (...args) => console.log(args.join(' '));
  export const buildRootObject = () => Far('root', { run() { ${lines} }, nothing() {} });`;

/** The WAKE at the end of a DONE's tail: the last syscall of the crank, if it is one. */
const wakeOf = (done) => {
  const { tail } = done;
  const count = tail.readUInt32LE(0);
  if (count === 0 || tail[4] !== 9) {
    return undefined; // here a crank makes no other syscall before it
  }
  return { wait: tail.readBigUInt64LE(5), timers: tail.readUInt32LE(13) };
};

const open = async (lines, options = {}) => {
  const worker = openWorker(program);
  const logs = [];
  let seq = 0;
  const crank = async (...frames) => {
    worker.write(...frames);
    for (;;) {
      const item = await worker.take();
      if (item.type === 'LOG') {
        logs.push(item.level === 'log' ? item.text : `${item.level}: ${item.text}`);
      } else if (item.type === 'GET' || item.type === 'NEXT') {
        worker.write(row(''));
      } else {
        return item;
      }
    }
  };
  const begun = await crank(start({ code: vat(lines), globals: all, ...options }));
  assert.equal(begun.error, '');
  const self = {
    logs,
    begun,
    call: (method) => crank(message((seq += 1), 'o+0', { body: `#["${method}",[]]` })),
    fire: () => crank(timer((seq += 1))),
    /** Cranks for timers, as the kernel would make them, until none is set any more. */
    async drain(done, most = 50) {
      let cranks = 0;
      for (let wake = wakeOf(done); wake !== undefined && wake.timers > 0; cranks += 1) {
        assert.ok(cranks < most, `more than ${most} cranks`);
        await sleep(Number(wake.wait));
        wake = wakeOf(await self.fire());
        assert.notEqual(wake, undefined, 'each crank for timers says what is left');
      }
      return cranks;
    },
    end: () => worker.end(),
  };
  return self;
};

/** What the lines log when all their timers have run. */
const logsOf = async (lines) => {
  const worker = await open(lines);
  await worker.drain(await worker.call('run'));
  worker.end();
  return worker.logs;
};

test('arguments, order, promise jobs between callbacks', async () => {
  assert.deepEqual(
    await logsOf(`
      setTimeout((...args) => { log('a', ...args); Promise.resolve().then(() => log('job of a')); }, 1000, 1, 'two');
      setTimeout(() => log('b'), 1000); setTimeout(() => log('c'), 1000);
      setTimeout(function () { log('first', this === undefined, arguments.length); });
      Promise.resolve().then(() => log('the crank')); `),
    ['the crank', 'first true 0', 'a 1 two', 'job of a', 'b', 'c'],
  );
});

test('at least 10 ms, whatever is asked for', async () => {
  for (const delay of ['0', '-5', 'NaN', "'2'", 'undefined', 'null', '{}', '9.9', '-Infinity', '3n']) {
    const worker = await open(`setTimeout(() => log('ran'), ${delay});`);
    const { wait, timers } = wakeOf(await worker.call('run'));
    assert.equal(timers, 1);
    assert.ok(wait <= 11n, `setTimeout of ${delay} waits ${wait} ms`);
    await worker.fire();
    worker.end();
  }
  // Asked when it was called, and by the clock: not before 10 ms.
  const worker = await open(`const t = Date.now(); setTimeout(() => log(Date.now() - t >= 9), 0);`, {
    globals: [...all, 'Date'],
  });
  await worker.drain(await worker.call('run'));
  assert.deepEqual(worker.logs, ['true']);
  worker.end();
});

test('what is not due does not run', async () => {
  const worker = await open(`setTimeout(() => log('too early'), 3600000);`);
  await worker.call('run');
  const wake = wakeOf(await worker.fire());
  assert.equal(wake.timers, 1);
  assert.ok(wake.wait > 3000000n && wake.wait <= 3600001n);
  assert.deepEqual(worker.logs, []);
  worker.end();
});

test('huge delays are honoured', async () => {
  for (const [delay, least, most] of [
    ['2 ** 31', 2n ** 31n - 60000n, 2n ** 31n + 1n],
    ['2 ** 40', 2n ** 40n - 60000n, 2n ** 40n + 1n],
    ['1e300', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['Infinity', 2n ** 64n - 1n, 2n ** 64n - 1n],
  ]) {
    const worker = await open(`setTimeout(() => log('ran'), ${delay}); setInterval(() => log('ran'), ${delay});`);
    const { wait, timers } = wakeOf(await worker.call('run'));
    assert.equal(timers, 2);
    assert.ok(wait >= least && wait <= most, `${delay}: ${wait}`);
    worker.end();
  }
});

test('clearing', async () => {
  const logs = await logsOf(`
      const never = () => log('never');
      const a = setTimeout(never, 10); clearTimeout(a); clearTimeout(a);
      clearInterval(setTimeout(never, 10)); clearTimeout(setInterval(never, 10));
      for (const other of [undefined, null, 0, 1, 2, 3, 'x', {}, [], Symbol('s'), () => {}, Object.create(a)]) {
        clearTimeout(other); clearInterval(other);
      }
      setTimeout(() => { log('clears the next'); clearTimeout(b); }, 20);
      const b = setTimeout(never, 20);
      const c = setTimeout(() => { clearTimeout(c); log('clears itself'); }, 20);
      let n = 0;
      const i = setInterval(() => { n += 1; log('interval', n); if (n === 3) clearInterval(i); }, 10); `);
  assert.deepEqual(
    logs.sort(),
    ['clears itself', 'clears the next', 'interval 1', 'interval 2', 'interval 3'],
  );
});

test('a handle tells nothing and cannot be changed', async () => {
  assert.deepEqual(
    await logsOf(`
      const a = setTimeout(() => {}, 10); const b = setTimeout(() => {}, 10);
      log(typeof a, a !== b, Object.isFrozen(a), String(a), Reflect.ownKeys(a).length);
      clearTimeout(a); clearTimeout(b); `),
    ['object true true [object Timer] 0'],
  );
});

test('a callback that throws is logged, and harmless', async () => {
  const logs = await logsOf(`
    let n = 0;
    const i = setInterval(() => { n += 1; if (n === 3) clearInterval(i); log('interval', n); throw Error('thrown ' + n); }, 10);
    setTimeout(() => { throw 'a string'; }, 40); setTimeout(async () => { throw Error('rejected'); }, 40);
    setTimeout(() => log('the last'), 200);`);
  const plain = logs.map((text) => text.split('\n')[0]);
  assert.deepEqual(plain.filter((text) => !text.startsWith('error')).sort(), ['interval 1', 'interval 2', 'interval 3', 'the last']);
  for (const text of ['Error: thrown 1', 'Error: thrown 3', 'a string']) {
    assert.ok(plain.includes(`error: uncaught error in a timer: ${text}`), text);
  }
  assert.ok(plain.some((text) => /unhandled rejection: .*rejected/.test(text)));
});

test('what is no function is refused', async () => {
  assert.deepEqual(
    await logsOf(`
      for (const f of ['code', undefined, null, {}, 7]) for (const set of [setTimeout, setInterval])
        try { set(f, 10); log('taken'); } catch (e) { log(e.name, e.message); }`),
    ['a value of type string', 'a value of type undefined', 'null', 'a value of type object', 'a value of type number'].flatMap(
      (found) => ['setTimeout', 'setInterval'].map((name) => `TypeError ${name}: expected a function, found ${found}`),
    ),
  );
});

test('nested timers come in cranks of their own', async () => {
  const worker = await open(`
    const down = (n) => { log(n); if (n > 0) setTimeout(down, 0, n - 1); };
    setTimeout(down, 0, 3);`);
  assert.equal(await worker.drain(await worker.call('run')), 4);
  assert.deepEqual(worker.logs, ['3', '2', '1', '0']);
  worker.end();
});

test('many that are due come in cranks of 256', async () => {
  const worker = await open(`
    let n = 0;
    for (let i = 0; i < 600; i += 1) setTimeout(() => { n += 1; if (n % 100 === 0) log(n); }, 10);`);
  assert.equal(wakeOf(await worker.call('run')).timers, 600);
  await sleep(50);
  const left = [];
  for (;;) {
    const { wait, timers } = wakeOf(await worker.fire());
    left.push(timers);
    if (timers === 0) break;
    assert.equal(wait, 0n);
  }
  assert.deepEqual(left, [344, 88, 0]);
  assert.deepEqual(worker.logs, ['100', '200', '300', '400', '500', '600']);
  worker.end();
});

test('a crank without a change asks nothing; one that clears all says so', async () => {
  const worker = await open(`
    if (globalThis.mine) { clearTimeout(globalThis.mine); } else { globalThis.mine = setTimeout(() => log('never'), 1000); }`);
  assert.equal(wakeOf(worker.begun), undefined);
  assert.equal(wakeOf(await worker.call('run')).timers, 1);
  assert.equal(wakeOf(await worker.call('nothing')), undefined);
  assert.deepEqual(wakeOf(await worker.call('run')), { wait: 0n, timers: 0 });
  worker.end();
});

test('a vat without timers is not disturbed by a crank for them', async () => {
  const worker = await open(`log(typeof setTimeout);`, { globals: [] });
  const done = await worker.fire();
  assert.equal(done.error, '');
  assert.equal(wakeOf(done), undefined);
  await worker.call('run');
  assert.deepEqual(worker.logs, ['undefined']);
  worker.end();
});

test('a callback over its limit ends the crank', async () => {
  const worker = await open(`setTimeout(() => { for (;;); }, 10);`, { steps: 1_000_000 });
  await worker.call('run');
  await sleep(30);
  const done = await worker.fire();
  assert.equal(done.status, 1);
  assert.match(done.error, /out of computation/);
  worker.end();
});

test('AbortSignal.timeout', async () => {
  assert.deepEqual(
    await logsOf(`
      const signal = AbortSignal.timeout(20);
      log(signal.aborted);
      signal.addEventListener('abort', (event) => log(event.type, signal.aborted, signal.reason.name, signal.reason.message, signal.reason.code));
      const any = AbortSignal.any([signal]); any.onabort = () => log('any', any.reason === signal.reason);
      for (const delay of [-1, 1.5, NaN, '5', undefined]) try { AbortSignal.timeout(delay); } catch (e) { log(e.name); }`),
    ['false', 'RangeError', 'RangeError', 'RangeError', 'TypeError', 'TypeError',
     'abort true TimeoutError The operation was aborted due to timeout 23', 'any true'],
  );
});
