// SPDX-License-Identifier: Apache-2.0
// A body may be smallcaps or capdata: a vat reads either, and so does the daemon. The vat is fed raw
// bodies, from a caller that writes what it likes, and answers what it understood.
import { connect } from 'node:net';
import { join } from 'node:path';
import { check, equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

const reader = `
import { E, Far } from '@endo/far';
import { passStyleOf } from '@endo/pass-style';
const show = it => {
  switch (passStyleOf(it)) {
    case 'copyArray': return '[' + it.map(show).join(' ') + ']';
    case 'copyRecord':
      return '{' + Object.keys(it).sort().map(k => k + ' ' + show(it[k])).join(', ') + '}';
    case 'tagged': return 'tagged ' + it[Symbol.toStringTag] + ' ' + show(it.payload);
    case 'error': return it.name + ' ' + it.message;
    case 'remotable': case 'promise': return passStyleOf(it);
    case 'bigint': return it + 'n';
    case 'string': return JSON.stringify(it);
    default: return String(it);
  }
};
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    show: it => show(it),
    read: it => E(it).increment(),
  });`;

// What a caller that makes its own bodies hears.
const call = (path, target, methargs) =>
  new Promise((done, fail) => {
    const socket = connect(path);
    let text = '';
    socket.on('error', fail);
    socket.on('data', data => {
      text += data;
      if (text.includes('\n')) {
        socket.destroy();
        done(JSON.parse(text.slice(0, text.indexOf('\n'))));
      }
    });
    socket.write(`${JSON.stringify({ id: 1, method: 'send', params: { target, methargs } })}\n`);
  });

// The same values in smallcaps and in capdata, and what the vat says it read.
const table = [
  ['"text"', '"text"', '"text"'],
  ['"!!odd"', '"!odd"', '"!odd"'],
  ['"!+7"', '"+7"', '"+7"'],
  ['"!#undefined"', '"#undefined"', '"#undefined"'],
  ['1.5', '1.5', '1.5'],
  ['true', 'true', 'true'],
  ['null', 'null', 'null'],
  ['"#undefined"', '{"@qclass":"undefined"}', 'undefined'],
  ['"#NaN"', '{"@qclass":"NaN"}', 'NaN'],
  ['"#Infinity"', '{"@qclass":"Infinity"}', 'Infinity'],
  ['"#-Infinity"', '{"@qclass":"-Infinity"}', '-Infinity'],
  ['"+120000000000000000000"', '{"@qclass":"bigint","digits":"120000000000000000000"}',
    '120000000000000000000n'],
  ['"-7"', '{"@qclass":"bigint","digits":"-7"}', '-7n'],
  ['"%@@asyncIterator"', '{"@qclass":"symbol","name":"@@asyncIterator"}',
    'Symbol(Symbol.asyncIterator)'],
  ['[1,[2,"+3"]]', '[1,[2,{"@qclass":"bigint","digits":"3"}]]', '[1 [2 3n]]'],
  ['{"a":"#undefined","b":{}}', '{"a":{"@qclass":"undefined"},"b":{}}', '{a undefined, b {}}'],
  ['{"#error":"bad","name":"TypeError"}', '{"@qclass":"error","name":"TypeError","message":"bad"}',
    'TypeError bad'],
  ['{"#tag":"t","payload":[1]}', '{"@qclass":"tagged","tag":"t","payload":[1]}', 'tagged t [1]'],
  ['"$0.Alleged: counter"', '{"@qclass":"slot","iface":"Alleged: counter","index":0}', 'remotable'],
  ['["$0.Alleged: counter","$0"]',
    '[{"@qclass":"slot","iface":"Alleged: counter","index":0},{"@qclass":"slot","index":0}]',
    '[remotable remotable]'],
];

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ reader, counter });
  const path = join(home.dir, 'control.sock');
  const made = (await home.send(vats.counter.root, 'make')).kref;
  const ask = async (method, smallcaps, arg) => {
    const body = smallcaps ? `#["${method}",[${arg}]]` : `["${method}",[${arg}]]`;
    const slots = arg.includes('$0') || arg.includes('"slot"') ? [made] : [];
    const { result, error } = await call(path, vats.reader.root, { body, slots });
    check(result, `${body} was refused: ${JSON.stringify(error)}`);
    equal(result.status, 'fulfilled', `${body} gave ${JSON.stringify(result)}`);
    return JSON.parse(result.value.body.replace(/^#/, ''));
  };
  const plain = text => (/^[!-]/.test(text) && text[0] === '!' ? text.slice(1) : text);
  for (const [smallcaps, capdata, shown] of table) {
    equal(plain(await ask('show', true, smallcaps)), shown, `smallcaps ${smallcaps}`);
    equal(plain(await ask('show', false, capdata)), shown, `capdata ${capdata}`);
  }
  equal(await ask('read', true, '"$0.Alleged: counter"'), 1, 'a reference in smallcaps is usable');
  equal(await ask('read', false, '{"@qclass":"slot","index":0}'), 2, 'one in capdata is');
  // What is neither is refused in the vat, and the vat goes on.
  for (const body of ['#["show",["#nonsense"]]', '["show",[{"@qclass":"nonsense"}]]',
    '["show",[{"@qclass":"slot","index":3}]]', '#["show",["$3"]]']) {
    const { result, error } = await call(path, vats.reader.root, { body, slots: [] });
    check(error || result.status === 'rejected', `${body} was accepted`);
  }
  equal(await home.send(vats.reader.root, 'show', 1), '1', 'the vat afterwards');
};
