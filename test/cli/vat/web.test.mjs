// SPDX-License-Identifier: Apache-2.0
// The globals a vat may ask for that other platforms have, too: the same expressions give the same here and
// in node, over many inputs. Inputs on which node's versions differ among themselves are left out; where
// node is not as the standard has it, the standard's answer is written down.
// usage: node web.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { startOnce } from './frames.mjs';

const [program] = process.argv.slice(2);
const limits = { steps: 4_000_000_000, heap: 512 * 1024 * 1024 };
const globals = [
  'AbortController', 'AbortSignal', 'Date', 'Math', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams',
  'atob', 'btoa', 'crypto', 'setTimeout', 'clearTimeout',
];

/** show(what, f) prints what with the value of f, or the name of what it throws. */
const prelude = `
  const plain = (key, value) =>
    value === undefined ? '<undefined>'
      : typeof value === 'bigint' ? value + 'n'
      : value instanceof Uint8Array ? ['bytes', ...value]
      : typeof value === 'number' && !Number.isFinite(value) ? '<' + value + '>'
      : value;
  const show = (what, f) => {
    let said;
    try { said = JSON.stringify(f(), plain); } catch (error) { said = 'throws ' + error.name; }
    console.log(JSON.stringify(what) + ' -> ' + said);
  };
  const codes = (text) => [...text].map((character) => character.codePointAt(0).toString(16));
`;

const inVat = async (lines) => {
  const code = `import { Far } from '@endo/far';
    export const buildRootObject = async () => { ${prelude} ${lines}; return Far('root', {}); };`;
  const got = await startOnce(program, { ...limits, globals, code });
  assert.equal(got.done.error, '');
  return got.logs.map((line) => line.replace(/^log: /, ''));
};

const asInNode = async (lines, least) => {
  const said = [];
  const run = new Function('console', `return (async () => { ${prelude} ${lines} })();`);
  await run({ log: (text) => said.push(text) });
  assert.ok(said.length >= least, `${said.length} cases`);
  const logs = await inVat(lines);
  const differ = said.flatMap((text, i) => (text === logs[i] ? [] : [`node ${text}\nvat  ${logs[i]}`]));
  assert.equal(differ.join('\n'), '');
  assert.equal(logs.length, said.length);
};

const urls = [
  'http://example.com', 'HTTP://EXAMPLE.com:80/', 'https://h:443', 'https://h:444', 'ftp://h:21/x',
  'ws://h:80', 'wss://h:443/a?b#c', 'http://user:pa ss@h/', 'http://u@h', 'http://:p@h/',
  'http://@h/', 'http://h:/', 'http://h:0/', 'http://h:65535/', 'http://h:65536/', 'http://h:8a/',
  'http://h: 80/', 'http://[::1]/', 'http://[2001:DB8:0:0:1::1]/', 'http://[::ffff:1.2.3.4]',
  'http://[::1', 'http://[:::1]', 'http://[1:2:3:4:5:6:7:8:9]', 'http://1.2.3.4/', 'http://1.2.3/',
  'http://0x7f.1/', 'http://0300.1', 'http://256.1.1.1', 'http://1.2.3.4.5', 'http://4294967295',
  'http://4294967296', 'http://1.2.3.4.', 'http://1.2.3.08/', 'http://foo.0x4',
  'http://h/a/../b/./c//d/..', 'http://h/%2e%2E/x', 'http://h/%2e/', 'http://h/a%20b c',
  'http://h/?"<>`{}|\\^\'', 'http://h/#"<>`{}|\\^\'', 'http://h/é?é#é', 'http://h/\u{1F600}',
  'http://h/\ud800x', 'http:\\\\h\\a\\b', 'http:/h/a', 'http:h/a', 'http:////h/a', 'file:///etc/x',
  'file:c:/x', 'file:///C|/x', 'file://host/C:/x', 'file:/../../x', 'file://localhost/x',
  'file:\\\\h\\x', 'file:', 'mailto:a@b?c#d', 'data:text/plain,hi there?x#y z', 'data:,  x  ',
  'javascript:alert(1) ', 'blob:https://h/uuid', 'blob:x', 'urn:isbn:1', 'foo:/a/../b',
  'foo://h/a/../b', 'foo://H:80/', 'foo://h:99999/', 'foo://[::1]/', 'foo://a b/', 'foo:///',
  'foo:', 'foo:a b', 'foo://u:p@h/', 'x-y+z.1://h', '1x://h', 'http//h', '//h/p', '/p', 'p', '?q',
  '#f', '', ' http://h/ ', 'ht\ttp://h\n/x', 'http://h/\tx\ny', 'http://ex%41mple.com',
  'http://a%b', 'http://%zz', 'http://a b', 'http://a<b', 'http://a^b', 'http://a|b',
  'http://a%00b', 'http://a\u00adb.com', 'http://faß.de', 'http://Bücher.example',
  'http://xn--bcher-kva.example', 'http://☃.net', 'http://日本語.jp', 'http://ＧＯ.com',
  'http://a\u3002b', 'http://a..b', 'http://.', 'http://..', 'http://a.',
  'http://' + 'a'.repeat(64) + '.com', 'http://' + 'a.'.repeat(130) + 'com', 'http://_x.com',
  'http://h?a=b&c', 'http://h#x#y', 'http://h?x?y', 'http://h/;p;q', 'http://h/:80', 'http://h/@x',
  'http://u@v@h/', 'http://u:p:q@h', 'http://u%3A@h', 'http://h/~user', 'http://h/%7Euser',
  'http://h/%GG', 'about:blank', 'about:blank/../x', 'view-source:http://h', 'ssh://git@h:22/x',
  'git+ssh://h/x', 'http://0x', 'http://0x.', 'http://09', 'http://1e3', 'http://[::1%25eth0]',
  'http://[v1.x]', 'http://h:00080/', 'http://h/..', 'http://h/.', 'http://h/a/..;x', 'w:\\x',
  'C:\\x', 'http://\ud83d\ude00.com', 'http://xn--ls8h.com', 'http://a.b.c.d.e.f',
  'https://h/path?query=1&x=[]{}#frag[]{}',
];
const bases = [
  undefined, 'http://b.example/p/q?r#s', 'file:///d/e', 'mailto:x', 'https://u:p@h:8443/a/b/', 'foo://h/x/y',
];
const parts =
  '[x.href, x.origin, x.username, x.password, x.host, x.hostname, x.port, x.pathname, x.search, x.hash]';

test('parsing URLs', () =>
  asInNode(
    `for (const base of ${JSON.stringify(bases)}) for (const url of ${JSON.stringify(urls)})
       show([url, base], () => { const x = base == null ? new URL(url) : new URL(url, base); return ${parts}; });`,
    700,
  ));

const setters = {
  protocol: ['https', 'https:', 'ftp:x', 'foo', 'file', 'mailto', '', '1', 'HTTPS'],
  host: ['h2', 'h2:81', 'h2:', 'h2/x', 'h2?x', '[::1]:5', '', 'a b', 'h:80', 'x@y'],
  hostname: ['h2', 'h2:81', '', '[::1]', '1.2', 'x:y'],
  port: ['1', '', '80', '443', '65536', '8x', 'x', '-1', ' 9', '0080'],
  pathname: ['x', '/x/../y', '', 'a b', '?x', '#x', '\\x', '%2e'],
  search: ['x', '?x', '', '?', 'a b', '#', 'é', "'"],
  hash: ['x', '#x', '', '#', 'a b', 'é'],
  username: ['u', '', 'a:b', 'é'],
  password: ['p', '', '@', 'a/b'],
  href: ['http://n/', 'bad', ''],
};

test('changing parts of URLs', () =>
  asInNode(
    `for (const url of ['http://u:p@h:8080/a/b?c=d#e', 'https://h/', 'file:///x/y', 'mailto:x', 'foo://h/p', 'foo:opaque', 'data:x?y#z'])
       for (const [name, values] of Object.entries(${JSON.stringify(setters)})) for (const value of values)
         show([url, name, value], () => { const x = new URL(url); x[name] = value; return x.href; });`,
    400,
  ));

test('other things of URLs', () =>
  asInNode(
    `for (const url of ['http://h', 'x', undefined, null, 7, {}, []]) {
       show(url, () => URL.canParse(url)); show(url, () => URL.canParse(url, 'http://b')); show(url, () => new URL(url, 'http://b/').href);
     }
     show('json', () => JSON.stringify({ u: new URL('http://h') }));
     show('text', () => [String(new URL('http://h')), Object.prototype.toString.call(new URL('http://h'))]);
     show('call', () => URL('http://h')); show('none', () => new URL());
     show('same', () => { const u = new URL('http://h?a=1'); const p = u.searchParams; u.search = '?b=2'; return [p === u.searchParams, [...p]]; });
     show('delete', () => { const u = new URL('http://h/?a=1#f'); u.searchParams.delete('a'); return u.href; });
     show('append', () => { const u = new URL('http://h/'); u.searchParams.append('a b', 'c&d=é+~*'); return u.href; });
     show('members', () => Object.keys(URL.prototype).sort());`,
    25,
  ));

test('URLSearchParams', () =>
  asInNode(
    `for (const s of ['', '?', 'a', 'a=', '=b', '=', '&&a=1&', 'a=1&a=2', 'a+b=c+d', 'a%20b=%26', '%zz=%', '%C3%A9=%FF', '%F0%9F%98%80', 'é=ü', '\\ud800=x', '?a=b', '??a', 'a=b=c', '#x=y', 'a[]=1&a[]=2', '%00=%0A', '\\u{1F600}=1']) show(s, () => { const p = new URLSearchParams(s); return [[...p], String(p), p.size]; });
     for (const init of [{ a: 1, b: null, c: undefined, d: [1, 2] }, [['a', 'b'], ['a', 'c']], new Map([['x', 'y']]), [['a']], [['a', 'b', 'c']], [1], 7, undefined, true, { get x() { return 'y'; } }, new URLSearchParams('q=1'), { [Symbol.iterator]: function* () { yield ['g', 'h']; } }]) show(String(init), () => { const p = new URLSearchParams(init); return [[...p], String(p)]; });
     show('ops', () => { const p = new URLSearchParams('a=1&b=2&a=3&c=4'); const out = [p.get('a'), p.get('z'), p.getAll('a'), p.has('a'), p.has('a', '3'), p.has('a', '9')]; p.set('a', 'x'); out.push(String(p)); p.delete('b', 'no'); out.push(String(p)); p.delete('b'); p.append('d', 5); out.push(String(p)); p.sort(); out.push(String(p), [...p.keys()], [...p.values()]); p.forEach(function (v, k, q) { out.push([v, k, q === p, this.t]); }, { t: 1 }); return out; });
     show('sort', () => { const p = new URLSearchParams('ﬃ&🌈&z=b&a=b&z=a&a=a&é&\\u0000'); p.sort(); return [...p]; });
     show('live', () => { const p = new URLSearchParams('a=1&b=2&c=3'); const out = []; for (const [k] of p) { out.push(k); if (k === 'a') p.delete('b'); } return out; });
     show('argc', () => new URLSearchParams().append('a')); show('argc2', () => new URLSearchParams().get());
     show('iter', () => Object.prototype.toString.call(new URLSearchParams().entries()));`,
    30,
  ));

test('base64', () =>
  asInNode(
    `for (const t of ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar', '\\0', '\\xff\\xfe', '\\x80', 'ÿ', 'Ā', '€', '😀', null, 12, true, {}, [1, 2], undefined, NaN]) show(t, () => btoa(t));
     for (const t of ['', ' ', 'Zg==', 'Zg=', 'Zg', 'Z', 'Zm8=', 'Zm8', 'Zm8==', 'Zm9v', 'Zm9v=', 'Zm9v==', 'Zm9v====', '=', '==', '===', '====', 'Z=g=', 'Zg=g', 'Zg===', ' Z g = = ', 'Zm 9v\\t\\n\\f\\r', 'Zm\\v9v', 'Zm\\xa09v', 'AP+A/w==', 'AP-A_w==', 'Zh==', 'Zm9=', 'é', '😀', 'A', 'AA', 'AAA', 'AAAA', 'AAAAA', 'AB', 'ABC', 'ab=c', null, undefined, 7, 1234, true, {}, [], NaN, 'AA\\0A']) show(t, () => atob(t));
     show('none', () => atob()); show('none', () => btoa());
     let s = ''; for (let i = 0; i < 3000; i++) s += String.fromCharCode((i * 37) & 255); show('long', () => [btoa(s).length, atob(btoa(s)) === s, btoa(s).slice(0, 60)]);
     for (let n = 0; n < 40; n++) { let t = ''; for (let i = 0; i < n; i++) t += String.fromCharCode((n * 31 + i * 101) & 255); show(n, () => [btoa(t), atob(btoa(t)) === t]); }
     try { btoa('€') } catch (e) { console.log([e.name, e.code, e instanceof Error].join()); }
     try { atob('!') } catch (e) { console.log([e.name, e.code, e instanceof Error].join()); }`,
    90,
  ));

const sequences = [
  [], [0x41], [0xc3, 0xa9], [0xc3], [0xa9], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80],
  [0xe0, 0xa0, 0x80], [0xe0, 0xa0], [0xe2, 0x82, 0xac], [0xe2, 0x82], [0xe2], [0xe2, 0x41],
  [0xe2, 0x82, 0x41], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xed, 0x9f, 0xbf],
  [0xee, 0x80, 0x80], [0xf0, 0x9f, 0x98, 0x80], [0xf0, 0x9f, 0x98], [0xf0, 0x9f], [0xf0],
  [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x90, 0x80, 0x80],
  [0xf4, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff], [0xff, 0xfe], [0xef, 0xbb, 0xbf],
  [0xef, 0xbb, 0xbf, 0x41], [0xef, 0xbb], [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf],
  [0x41, 0xef, 0xbb, 0xbf], [0x00, 0x41, 0x00], [0x80, 0x80], [0xf0, 0x9f, 0x41, 0x80],
  [0xe2, 0x82, 0xe2, 0x82, 0xac], [0xc3, 0xc3, 0xa9], [0xf0, 0x9f, 0x98, 0xf0, 0x9f, 0x98, 0x80],
  [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
];

test('decoding UTF-8, broken in all ways', () =>
  asInNode(
    `for (const bytes of ${JSON.stringify(sequences)}) for (const fatal of [false, true]) for (const ignoreBOM of [false, true])
       show([bytes, fatal, ignoreBOM], () => codes(new TextDecoder('utf-8', { fatal, ignoreBOM }).decode(Uint8Array.of(...bytes))));
     let seed = 1;
     const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
     const pool = [0x41, 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0xed, 0xa0, 0xe0, 0xf4, 0x90, 0xef, 0xbb, 0xbf, 0xff, 0xc0];
     for (let i = 0; i < 400; i += 1) {
       const bytes = Array.from({ length: random(9) }, () => pool[random(pool.length)]);
       const piecewise = (options) => {
         const decoder = new TextDecoder('utf-8', options);
         return bytes.map((byte) => decoder.decode(Uint8Array.of(byte), { stream: true })).join('') + decoder.decode();
       };
       show(bytes, () => codes(new TextDecoder().decode(Uint8Array.of(...bytes))));
       show(['fatal', bytes], () => new TextDecoder('utf8', { fatal: true }).decode(Uint8Array.of(...bytes)));
       show(['pieces', bytes], () => codes(piecewise({})));
       show(['fatal pieces', bytes], () => piecewise({ fatal: true }));
     }`,
    1700,
  ));

test('TextDecoder and TextEncoder', () =>
  asInNode(
    `for (const label of ['utf-8', 'UTF-8', 'utf8', ' utf-8 ', 'unicode-1-1-utf-8', 'x', '', 'utf8x', undefined]) show(label, () => new TextDecoder(label).encoding);
     show('props', () => { const d = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }); return [d.encoding, d.fatal, d.ignoreBOM, String(d)]; });
     show('defaults', () => { const d = new TextDecoder(); return [d.encoding, d.fatal, d.ignoreBOM]; });
     show('inputs', () => { const u = Uint8Array.of(0x41, 0xc3, 0xa9, 0x42); const d = new TextDecoder(); return [d.decode(u.buffer), d.decode(u.subarray(1, 3)), d.decode(new DataView(u.buffer, 1)), d.decode(new Uint16Array(u.buffer)), d.decode(), d.decode(undefined)]; });
     for (const v of [null, 'x', 7, {}, [0x41]]) show(String(v), () => new TextDecoder().decode(v));
     show('nonew', () => TextDecoder()); show('nonewE', () => TextEncoder());
     show('encoder', () => { const e = new TextEncoder(); return [e.encoding, String(e), e.encode('é😀\\ud800x\\udc00'), e.encode(), e.encode(undefined), e.encode(null), e.encode(7), e.encode('a\\0b'), e.encode('')]; });
     for (const [t, n] of [['abc', 2], ['é', 1], ['é', 2], ['😀', 3], ['😀', 4], ['a😀', 4], ['\\ud800', 3], ['\\ud800', 2], ['', 0], ['€€', 5], ['\\0a', 2]]) show([t, n], () => { const u = new Uint8Array(n); return [new TextEncoder().encodeInto(t, u), u]; });
     show('intobad', () => new TextEncoder().encodeInto('x', [])); show('intobad2', () => new TextEncoder().encodeInto('x', new Uint16Array(2))); show('intosub', () => { const u = new Uint8Array(5); new TextEncoder().encodeInto('abc', u.subarray(1, 3)); return u; });
     show('long', () => { let t = ''; for (let i = 0; i < 0x11000; i += 7) t += String.fromCodePoint(i); const b = new TextEncoder().encode(t); return [b.length, new TextDecoder().decode(b) === t.replace(/[\\ud800-\\udfff]/g, (c, i) => c)]; });
     show('reuse', () => { const d = new TextDecoder(); return [d.decode(Uint8Array.of(0xc3), { stream: true }), d.decode(Uint8Array.of(0xa9)), d.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), d.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x42))]; });
     show('bomstream', () => { const d = new TextDecoder(); return d.decode(Uint8Array.of(0xef), { stream: true }) + d.decode(Uint8Array.of(0xbb), { stream: true }) + d.decode(Uint8Array.of(0xbf, 0x41)); });
     show('fatalreuse', () => { const d = new TextDecoder('utf-8', { fatal: true }); try { d.decode(Uint8Array.of(0xff)); } catch (e) { return [e.name, e instanceof TypeError, d.decode(Uint8Array.of(0x41))]; } });`,
    30,
  ));

test('events of an AbortSignal', () =>
  asInNode(
    `show('ctor', () => AbortController()); show('sigctor', () => new AbortSignal());
     show('tags', () => [String(new AbortController()), String(new AbortController().signal)]);
     show('inst', () => [new AbortController().signal instanceof AbortSignal, AbortSignal.abort() instanceof AbortSignal]);
     show('reason', () => { const c = new AbortController(); c.abort(); const r = c.signal.reason; return [r.name, r.message, r.code, r instanceof Error, String(r)]; });
     for (const v of [null, 0, '', false, 'x', undefined]) show(['reason', v], () => { const c = new AbortController(); c.abort(v); return [c.signal.aborted, c.signal.reason === v || c.signal.reason?.name]; });
     show('same', () => { const c = new AbortController(); return c.signal === c.signal; });
     show('once', () => { const c = new AbortController(); const out = []; c.signal.addEventListener('abort', () => out.push(1), { once: true }); c.signal.addEventListener('abort', () => out.push(2)); c.abort(); c.abort(); return out; });
     show('event', () => { const c = new AbortController(); let e; c.signal.addEventListener('abort', x => (e = x)); c.abort(); return [e.type, e.target === c.signal, e.bubbles, e.cancelable, e.defaultPrevented, e.composed, typeof e.timeStamp, e.isTrusted, e.eventPhase]; });
     show('during', () => { const c = new AbortController(); let e = []; c.signal.addEventListener('abort', function (x) { e = [x.currentTarget === c.signal, x.srcElement === c.signal, this === c.signal, x.composedPath().length, x.eventPhase, c.signal.aborted]; }); c.abort(); return e; });
     show('stop', () => { const c = new AbortController(); const out = []; c.signal.addEventListener('abort', x => { out.push(1); x.stopImmediatePropagation(); }); c.signal.addEventListener('abort', () => out.push(2)); c.abort(); return out; });
     show('prevent', () => { const c = new AbortController(); let d; c.signal.addEventListener('abort', x => { x.preventDefault(); x.stopPropagation(); d = x.defaultPrevented; }); c.abort(); return d; });
     show('order', () => { const c = new AbortController(); const out = []; c.signal.onabort = () => out.push('on'); c.signal.addEventListener('abort', () => out.push('l1')); c.signal.onabort = () => out.push('on2'); c.abort(); return out; });
     show('orderafter', () => { const c = new AbortController(); const out = []; c.signal.addEventListener('abort', () => out.push('l1')); c.signal.onabort = () => out.push('on'); c.signal.addEventListener('abort', () => out.push('l2')); c.abort(); return out; });
     show('late', () => { const c = new AbortController(); c.abort(); const out = []; c.signal.addEventListener('abort', () => out.push(1)); c.signal.onabort = () => out.push(2); c.abort(); return [out, typeof c.signal.onabort]; });
     show('removeduring', () => { const c = new AbortController(); const out = []; const g = () => out.push('g'); c.signal.addEventListener('abort', () => { out.push('f'); c.signal.removeEventListener('abort', g); }); c.signal.addEventListener('abort', g); c.abort(); return out; });
     show('addduring', () => { const c = new AbortController(); const out = []; c.signal.addEventListener('abort', () => { c.signal.addEventListener('abort', () => out.push('late')); out.push('f'); }); c.abort(); return out; });
     show('signalopt', () => { const c = new AbortController(), d = new AbortController(); const out = []; c.signal.addEventListener('abort', () => out.push('x'), { signal: d.signal }); d.abort(); c.abort(); return out; });
     show('signalopt2', () => { const c = new AbortController(), d = new AbortController(); d.abort(); const out = []; c.signal.addEventListener('abort', () => out.push('x'), { signal: d.signal }); c.abort(); return out; });
     show('capture', () => { const c = new AbortController(); const out = []; const f = () => out.push('f'); c.signal.addEventListener('abort', f, true); c.signal.addEventListener('abort', f, false); c.signal.removeEventListener('abort', f); c.abort(); return out; });
     show('badlistener', () => new AbortController().signal.addEventListener('abort', 7)); show('nolistener', () => new AbortController().signal.addEventListener('abort'));
     show('handleEvent', () => { const c = new AbortController(); const out = []; const h = { handleEvent(e) { out.push(this === h, e.type); } }; c.signal.addEventListener('abort', h); c.abort(); return out; });
     show('throwIf', () => { AbortSignal.abort('r').throwIfAborted(); }); show('throwIf2', () => { try { AbortSignal.abort('r').throwIfAborted(); } catch (e) { return e; } });
     show('any', () => { const a = new AbortController(), b = new AbortController(); const s = AbortSignal.any([a.signal, b.signal]); const out = [s.aborted]; s.addEventListener('abort', () => out.push('any')); b.abort('b'); a.abort('a'); out.push(s.aborted, s.reason); return out; });
     show('anyempty', () => AbortSignal.any([]).aborted); show('anybad', () => AbortSignal.any([1])); show('anybad2', () => AbortSignal.any()); show('anydep', () => { const a = new AbortController(); const s = AbortSignal.any([AbortSignal.any([a.signal, a.signal])]); let n = 0; s.onabort = () => (n += 1); a.abort(); return [n, s.reason === a.signal.reason]; });
     show('statics', () => Object.getOwnPropertyNames(AbortSignal).sort());
     show('dispatch', () => { const c = new AbortController(); return typeof c.signal.dispatchEvent; });
     show('illegal', () => Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted').get.call({}));
     show('length', () => [AbortController.length, AbortSignal.abort.length, AbortSignal.any.length, AbortSignal.timeout.length]);`,
    35,
  ));

test('crypto, Date and Math', () =>
  asInNode(
    `show('tag', () => Object.prototype.toString.call(crypto));
     for (const T of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array]) show(T.name, () => { const a = new T(100); return [crypto.getRandomValues(a) === a, a.some(x => x != 0)]; });
     show('zero', () => crypto.getRandomValues(new Uint8Array(0)).length);
     show('uuid', () => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
     for (const wrong of [new Float32Array(1), new Float64Array(1), new Uint8Array(65537), new Uint32Array(16385)])
       try { crypto.getRandomValues(wrong); console.log('taken'); } catch (error) { console.log([error.name, error.code, error instanceof Error].join()); }
     show('d', () => [typeof Date(), Date.length, Date.name, new Date(0).toISOString(), new Date(2020, 1, 30).getTime(), Date.UTC(2000), Date.parse('2000-01-01'), new Date() instanceof Date, Number.isInteger(Date.now()), Number.isInteger(new Date().getTime())]);
     class D extends Date { x() { return 1; } } show('sub', () => [new D(5).getTime(), new D(5).x(), new D() instanceof D, new D() instanceof Date]);
     show('str', () => [Date(1, 2, 3).length > 10, isNaN(new Date('x'))]);
     show('math', () => { const r = Array.from({ length: 1000 }, () => Math.random()); return [r.every(x => x >= 0 && x < 1), new Set(r).size > 990, String(Math), Math.max(1, 2), Math.PI, Object.getOwnPropertyNames(Math).length > 40]; });`,
    18,
  ));

test('where the standard is the measure', async () => {
  assert.deepEqual(
    await inVat(`
      show('any', () => { const a = new AbortController(); const out = []; const s = AbortSignal.any([a.signal]);
        s.onabort = () => out.push(a.signal.aborted); a.signal.onabort = () => out.push(s.aborted); a.abort(); return out; });
      show('handler', () => { const s = new AbortController().signal; s.onabort = 7; return s.onabort; });
      show('view', () => crypto.getRandomValues([1]));
      show('path', () => new URL('http://h/^').pathname);
      show('timeStamp', () => { const a = new AbortController(); let e; a.signal.onabort = (it) => (e = it); a.abort(); return e.timeStamp; });
      show('label', () => new TextDecoder('latin1'));
    `),
    [
      '"any" -> [true,true]', '"handler" -> null', '"view" -> throws TypeError', '"path" -> "/%5E"',
      '"timeStamp" -> 0', '"label" -> throws RangeError',
    ],
  );
});
