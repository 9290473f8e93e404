// SPDX-License-Identifier: Apache-2.0
// The globals a vat may ask for, compared with what node's are.
// usage: node powers.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { startOnce } from './frames.mjs';

const [program] = process.argv.slice(2);
const limits = { steps: 400_000_000, heap: 256 * 1024 * 1024 };
const vat = (lines) => `
  import { Far } from '@endo/far';
  export const buildRootObject = async () => { ${lines}; return Far('root', {}); };`;

const logsOf = async (lines, globals) => {
  const got = await startOnce(program, { ...limits, code: vat(lines), globals });
  assert.equal(got.done.error, '');
  return got.logs.map((line) => line.replace(/^log: /, ''));
};

/** The lines print JSON of values; they give the same in node. */
const asInNode = async (lines, globals) => {
  const said = [];
  const run = new Function('console', `return (async () => { ${lines} })();`);
  await run({ log: (text) => said.push(text) });
  assert.ok(said.length > 0);
  assert.deepEqual(await logsOf(lines, globals), said);
};

test('URL and URLSearchParams', () =>
  asInNode(
    `const show = (f) => { try { console.log(JSON.stringify(f())); } catch (e) { console.log(e.name); } };
     for (const [url, base] of [['../x?y=1&z=é#q', 'https://ünï.example:443/a/b/c'], ['http://EXAMPLE.com:8080/%7e/./..'],
       ['mailto:a@b'], ['//host/p', 'file:///x'], ['http://[::1]:80/'], ['http://1.2.3/'], ['no url'], ['http://a b/'],
       ['https://user:p%40ss@h/'], ['data:text/plain,x y'], ['http://faß.example/'], ['http://xn--/']]) {
       show(() => { const u = new URL(url, base);
         return [u.href, u.origin, u.host, u.pathname, u.search, u.hash, u.username, u.password, u.protocol]; });
     }
     show(() => { const u = new URL('https://h/?a=1&b=2&a=3'); u.searchParams.append('c', 'ü &'); u.searchParams.delete('b');
       u.hash = 'x'; u.port = '99'; u.pathname = '/ä/b'; return [String(u), [...u.searchParams], u.searchParams.getAll('a')]; });
     show(() => String(new URLSearchParams({ q: 'a b+c', r: '1' })));
     show(() => [...new URLSearchParams('?x=%zz&y=%C3%A9+')]);
     show(() => { const p = new URLSearchParams([['b', '2'], ['a', '1']]); p.sort(); return [String(p), p.size, p.has('a')]; });`,
    ['URL', 'URLSearchParams'],
  ));

test('atob and btoa', () =>
  asInNode(
    `const show = (f) => { try { console.log(JSON.stringify(f())); } catch (e) { console.log(e.name); } };
     for (const text of ['', 'f', 'fo', 'foo', 'foob', '\\0\\xff\\x80', 'ü', 7, null]) show(() => btoa(text));
     show(() => btoa('€'));
     for (const text of ['', 'Zg==', 'Zg', 'Zm8=', 'Zm9v', ' Z m\\n9v ', 'AP+A', 'Z', 'Zg=', 'Z===', '!', 'Zm9vZ', 'Zg==Zg==']) show(() => atob(text));`,
    ['atob', 'btoa'],
  ));

test('AbortController and AbortSignal', () =>
  asInNode(
    `const log = (...args) => console.log(JSON.stringify(args));
     const c = new AbortController();
     const { signal } = c;
     const f = (e) => log('f', e.type, e.target === signal, signal.aborted);
     signal.addEventListener('abort', f); signal.addEventListener('abort', f);
     signal.addEventListener('abort', { handleEvent: (e) => log('handler', e.type) });
     signal.addEventListener('other', () => log('never'));
     const gone = () => log('gone'); signal.addEventListener('abort', gone); signal.removeEventListener('abort', gone);
     signal.onabort = () => log('first'); signal.onabort = () => log('on');
     const any = AbortSignal.any([AbortSignal.any([signal]), new AbortController().signal]);
     any.addEventListener('abort', () => log('any', any.reason === signal.reason));
     log(signal.aborted, signal.reason === undefined, signal instanceof AbortSignal, String(signal), String(c));
     signal.throwIfAborted();
     c.abort(); c.abort('again');
     log(signal.aborted, signal.reason.name);
     try { signal.throwIfAborted(); } catch (e) { log(e.name, e === signal.reason); }
     log(AbortSignal.abort('why').reason, AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason);
     try { new AbortSignal(); } catch (e) { log(e.name); }`,
    ['AbortController', 'AbortSignal'],
  ));

test('crypto', async () => {
  const lines = `
    const a = crypto.getRandomValues(new Uint8Array(32));
    const b = crypto.getRandomValues(new Uint32Array(8).subarray(2, 6));
    console.log(JSON.stringify([...a]));
    console.log(JSON.stringify([...b, ...new Uint32Array(b.buffer).subarray(0, 2)]));
    console.log(crypto.randomUUID()); console.log(crypto.randomUUID());
    for (const wrong of [new Float64Array(1), [1], new Uint8Array(65537), undefined]) {
      try { crypto.getRandomValues(wrong); console.log('taken'); } catch (e) { console.log(e.name); }
    }
    console.log(crypto.getRandomValues(new Uint8Array(65536)).some((byte) => byte > 0), typeof crypto.subtle);`;
  const [a, b, one, two, ...rest] = await logsOf(lines, ['crypto']);
  assert.ok(new Set(JSON.parse(a)).size > 16);
  assert.ok(JSON.parse(b).slice(0, 4).every((n) => n > 255));
  assert.deepEqual(JSON.parse(b).slice(4), [0, 0]); // nothing outside the view
  for (const uuid of [one, two]) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.notEqual(one, two);
  assert.deepEqual(rest, ['TypeMismatchError', 'TypeError', 'QuotaExceededError', 'TypeError', 'true undefined']);
});

test('the time does not go back', async () => {
  const before = Date.now();
  const [text] = await logsOf(
    `const times = Array.from({ length: 500 }, () => Date.now());
     console.log(JSON.stringify(times));`,
    ['Date'],
  );
  const times = JSON.parse(text);
  assert.ok(times.every((time, i) => Number.isInteger(time) && (i === 0 || time >= times[i - 1])));
  assert.ok(times[0] >= before - 1 && times.at(-1) <= Date.now() + 1);
});

test('a class that looks for other than ASCII finds it', async () => {
  const lines = `for (const text of ['example', 'é', '\\0', '\\x7f\\x80'])
    console.log(JSON.stringify([/[^\\0-\\x7F]/.test(text), /[^\\x00-\\x7F]/u.test(text), /[^\\0]/.test(text), /[^\\0-a]/.exec(text)?.[0]]));`;
  await asInNode(lines, []);
});

test('what is not to be had, and why', async () => {
  for (const [name, why] of [['fetch', 'comes with network devices'], ['Headers', 'comes with network devices'], ['SubtleCrypto', 'getRandomValues'], ['Worker', 'available$']]) {
    const got = await startOnce(program, { code: vat(''), globals: [name] });
    assert.match(got.done.error, new RegExp(`global '${name}' is not available.*${why}|${why}`));
    assert.equal(got.done.status, 1);
  }
  for (const name of ['URL', 'crypto', 'atob', 'AbortSignal', 'setTimeout', 'TextEncoder', 'TextDecoder']) {
    assert.deepEqual(await logsOf(`console.log(typeof ${name})`, []), ['undefined']);
  }
});

test('vatPowers.logger and testLog write to the console', async () => {
  const code = `
    import { Far } from '@endo/far';
    export const buildRootObject = ({ logger, testLog }) => {
      const tagged = logger.subLogger({ tags: ['test', 'Alice'] });
      logger.log('plain', { a: 1 });
      tagged.warn('tagged', 2);
      tagged.subLogger('test').subLogger('more').error('once');
      logger.subLogger().debug('none');
      const { info } = logger;
      info('bound');
      testLog('and', 3n);
      console.log(Object.isFrozen(logger), Object.isFrozen(testLog));
      return Far('root', {});
    };`;
  const got = await startOnce(program, { ...limits, code });
  assert.equal(got.done.error, '');
  assert.deepEqual(got.logs, [
    'log: plain { a: 1 }', 'warn: [test, Alice] tagged 2', 'error: [test, Alice, more] once', 'debug: none',
    'info: bound', 'log: and 3n', 'log: true true',
  ]);
});
