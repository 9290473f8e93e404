// SPDX-License-Identifier: Apache-2.0
// Every form of data, there and back.
import { E, Far, makeTagged, passStyleOf } from '../npm.mjs';
import { check, dataOf, rejected } from '../sessions.mjs';
import { same } from '../same.mjs';

const MB = 1 << 20;
const own = (name, value) => Object.fromEntries([[name, value]]);

const forms = {
  'strings': ['', 'plain', 'ünï☃\u{1f980}', '"\\\n\r\t\0\u2028', '#NaN', '+7', '!x', '$0', '&0', '%a', '-', '@qclass', 'ko1', 'o+1'],
  'halves of surrogate pairs': ['\ud800', 'a\udfffb', '\udc00\ud800', own('\ud834', 1)],
  'numbers': [0, 1, -1, 1.5, 2 ** 53, 2 ** 64, 1e300, 5e-324, 0.1, -1e-7, NaN, Infinity, -Infinity],
  'bigints': [0n, 7n, -7n, 2n ** 64n, -(2n ** 63n), 10n ** 400n],
  'other constants': [undefined, null, true, false],
  'symbols': ['foo', '', 'a b', '@@x', '@@iterator'].map(name => Symbol.for(name))
    .concat([Symbol.asyncIterator, Symbol.iterator, Symbol.hasInstance]),
  'arrays': [[], [[]], [undefined, [null, [NaN]]], Array(2000).fill(1)],
  'records': [{}, { a: 1, b: { c: [] } }, own('', 1), { 'a b': 1, '!': 2, '#x': 3, '$': 4 }],
  'records with names that mean something elsewhere': ['__proto__', 'constructor', 'toString', 'length', 'then', 'body', 'slots'].map(name => own(name, 1)),
  'records with @qclass': [
    { '@qclass': 'slot', index: 0 }, { '@qclass': 1 }, { '@qclass': undefined, rest: {} },
    { '@qclass': { '@qclass': 'hilbert' }, original: 1 }, own('@qclass', 'no such'),
  ],
  'tagged': [makeTagged('t', 1), makeTagged('', undefined), makeTagged('copySet', [1n, 'x']), makeTagged('a', makeTagged('b', { c: [] }))],
  'errors': ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'].map(
    name => globalThis[name](`a ${name}`)).concat([Error(''), Error('\ud800'), AggregateError([], 'many')]),
};

const limits = async (c, level) => {
  const { root } = await c.peer();
  let it = [];
  for (let i = 0; i < level; i += 1) it = [it];
  same(await E(root).echo(harden(it)), it, `${level} levels of arrays`);
};

export const checks = {
  ...Object.fromEntries(
    Object.entries(forms).map(([name, values]) => [
      name,
      async c => {
        const { root } = await c.peer();
        const found = await Promise.all(values.map(value => E(root).echo(harden(value))));
        values.forEach((value, i) => same(found[i], value, `${name} ${i}`));
        same(await E(root).echo(harden([values])), [values], `${name} in an array`);
      },
    ]),
  ),
  'the vat sees what was sent': async c => {
    const { root } = await c.peer();
    same(await E(root).kindOf(7n), 'bigint 7', 'a bigint');
    same(await E(root).kindOf(undefined), 'undefined undefined', 'undefined');
    same(await E(root).kindOf(NaN), 'number NaN', 'NaN');
    same(await E(root).kindOf(Symbol.for('a')), 'symbol Symbol(a)', 'a registered symbol');
    same(await E(root).kindOf(Symbol.asyncIterator), 'symbol Symbol(Symbol.asyncIterator)', 'a well-known one');
    same(await E(root).codes('a\ud800'), [97, 0xd800], 'half of a pair');
    same(await E(root).keysOf(harden(own('__proto__', 1))), ['__proto__'], 'a property __proto__');
    same(await E(root).describe(harden(URIError('u'))), [true, 'URIError', 'u'], 'an error');
    same(await E(root).tagged('t', 1), makeTagged('t', 1), 'what it tags');
    same(await E(root).symbols(), [Symbol.for('foo'), Symbol.asyncIterator, Symbol.for('@@bar')], 'its symbols');
  },
  'errors of every class': async c => {
    const { root } = await c.peer();
    for (const name of ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'AggregateError']) {
      const reason = await rejected(E(root).fail(name, `of ${name}`));
      same([reason.name, reason.message], [name, `of ${name}`], 'the reason');
      check(reason instanceof globalThis[name], `${name} is of its class`);
    }
  },
  'reasons that are no errors': async c => {
    const { root } = await c.peer();
    for (const it of [undefined, null, 7, 'text', 7n, { a: 1 }, ['x'], makeTagged('t', 1)]) {
      same(await rejected(E(root).failWith(harden(it))), it, 'the reason');
    }
    const mine = Far('mine', {});
    check((await rejected(E(root).failWith(mine))) === mine, 'an object of ours as a reason');
  },
  'a string of 1 MB': async c => {
    const { root } = await c.peer();
    const text = 'x'.repeat(MB - 1) + 'y';
    check((await E(root).echo(text)) === text, 'it comes back');
    same(await E(root).lengthOf('é☃'.repeat(MB / 2)), MB, 'its length, not in ASCII');
    check((await E(root).repeat('ab', MB / 2)) === 'ab'.repeat(MB / 2), 'one of the vat’s');
  },
  '50 levels': c => limits(c, 50),
  'zeroes': async c => {
    const { root } = await c.peer();
    check(Object.is(await E(root).echo(-0), 0), 'the sign of zero does not travel');
    const raw = await c.raw();
    same(dataOf(await raw.call(raw.root, '["echo",[-0]]')), 0, 'a zero with its sign, by hand');
  },
  'smallcaps, by hand': async c => {
    const raw = await c.raw();
    const table = [
      ['"#undefined"', { '@qclass': 'undefined' }], ['"#NaN"', { '@qclass': 'NaN' }], ['"#Infinity"', { '@qclass': 'Infinity' }],
      ['"#-Infinity"', { '@qclass': '-Infinity' }], ['"+7"', { '@qclass': 'bigint', digits: '7' }],
      ['"-7"', { '@qclass': 'bigint', digits: '-7' }], ['"%foo"', { '@qclass': 'symbol', name: 'foo' }],
      ['"!#x"', '#x'], ['"!!"', '!'], ['"plain"', 'plain'], ['{"!#a":1}', { '#a': 1 }],
      ['{"#tag":"t","payload":[1]}', { '@qclass': 'tagged', payload: [1], tag: 't' }], ['[1,{"a":null}]', [1, { a: null }]],
    ];
    for (const [body, expected] of table) {
      same(dataOf(await raw.call(raw.root, `#["echo",[${body}]]`)), expected, `smallcaps ${body}`);
    }
    const object = await raw.call(raw.root, '#["echo",["$0.Alleged: mine"]]', ['o+7']);
    same(object.result.slots, ['o-7'], 'an object');
    const nested = await raw.call(raw.root, '#["echo",[["&0","$1.Alleged: mine","$1"]]]', ['p+7', 'o+7']);
    same(nested.result.slots, ['p-7', 'o-7'], 'a promise, and an object twice');
    const named = await raw.call(raw.root, '#["%@@asyncIterator",[]]');
    check(named.exception, 'a symbol as the name of a method');
    same(dataOf(await raw.call(raw.root, '#["echo",["&0"]]'.replace('"&0"', '"a"'))), 'a', 'the name of a method');
  },
  'capdata, as it is written': async c => {
    const raw = await c.raw();
    const answer = async body => (await raw.call(raw.root, `["echo",[${body}]]`)).result.body;
    for (const body of [
      '{"@qclass":"undefined"}', '{"@qclass":"bigint","digits":"-12"}', '{"@qclass":"symbol","name":"@@iterator"}',
      '{"@qclass":"tagged","payload":{"@qclass":"NaN"},"tag":"t"}', '{"@qclass":"hilbert","original":"x"}',
      '{"@qclass":"hilbert","original":"x","rest":{"a":1}}', '{"a":1,"b":[]}',
    ]) {
      same(JSON.parse(await answer(body)), JSON.parse(body), `capdata ${body}`);
    }
    const error = JSON.parse(await answer('{"@qclass":"error","message":"m","name":"RangeError"}'));
    same([error['@qclass'], error.name, error.message, typeof error.errorId], ['error', 'RangeError', 'm', 'string'], 'an error');
    same(JSON.parse(await answer('{"@qclass":"error","errorId":"e#1","message":"m","name":"NoSuchError"}')).message, 'm', 'one of a class unknown');
    same(await answer('{"b":1,"a":2}'), '{"a":2,"b":1}', 'properties are sorted');
  },
  'first mentions carry the interface': async c => {
    const raw = await c.raw();
    const answer = await raw.call(raw.root, ['twoTimes', []]);
    const [first, { again }] = dataOf(answer);
    same([first.iface, first.index, again.index, 'iface' in again], ['Alleged: Child', 0, 0, false], 'one object, two mentions');
    same(answer.result.slots.length, 1, 'one slot');
  },
  'deep and wide data': async c => {
    const { root } = await c.peer();
    const wide = Object.fromEntries([...Array(1000).keys()].map(i => [`key ${i}`, [i, `${i}`, BigInt(i)]]));
    same(await E(root).echo(harden(wide)), wide, 'a record of 1,000');
  },
  'styles are kept': async c => {
    const { root } = await c.peer();
    const styles = await E(root).echo(harden([{}, [], makeTagged('t', 1), Error('e'), root, Far('f', () => {})]));
    same(styles.map(passStyleOf), ['copyRecord', 'copyArray', 'tagged', 'error', 'remotable', 'remotable'], 'the styles');
  },
};
