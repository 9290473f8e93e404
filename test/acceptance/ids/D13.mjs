// SPDX-License-Identifier: Apache-2.0
// The default export of the vat's module is its dispatch function. It is called once for each message, and
// gets the syscall object each time.
import { connect } from 'node:net';
import { check, equal, join } from '../lib.mjs';
import { raw } from '../vats.mjs';

const vat = raw(`
const calls = [];
export default function deliver(...all) {
  const [syscall, facet, method, args, slots] = all;
  calls.push([all.length, typeof syscall.send, typeof facet, typeof method, typeof args, Array.isArray(slots)]);
  if (method === 'calls') syscall.resolve(syscall.takeResult(), false, JSON.stringify(calls));
}`);
const arrow = raw(`
const text = value => JSON.stringify(value);
export default (syscall, facet, method, args) =>
  syscall.resolve(syscall.takeResult(), false, text([facet, method, JSON.parse(args)]));`);

const failing = raw(`
export default function deliver(syscall, facet, method) {
  if (method === 'taken') syscall.takeResult();
  if (method === 'settled') syscall.resolve(syscall.takeResult(), false, '"settled"');
  throw RangeError('as asked');
}`);

// One request of the control protocol.
const request = (home, method, params) => new Promise((done, fail) => {
  const socket = connect(join(home.dir, 'control.sock'));
  let text = '';
  socket.on('error', fail);
  socket.on('data', data => {
    text += data;
    if (text.endsWith('\n')) {
      socket.destroy();
      done(JSON.parse(text));
    }
  });
  socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
});

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ vat, arrow, failing }, { bootstrap: 'vat' });
  await home.send(vats.vat.root, 'one', 1);
  await home.send(vats.vat.root, 'two', { x: [] });
  equal(await home.send(vats.vat.root, 'calls'),
    Array(4).fill([5, 'function', 'number', 'string', 'string', true]), 'what each call was given');
  equal(await home.send(vats.arrow.root, 'say', 'x'), [0, 'say', ['x']], 'an arrow function');
  // A facet is a number of the vat's choosing, also one that only others have named yet.
  const { result } = await request(home, 'facet', { vat: vats.arrow.vat, facet: 7 });
  equal(await home.send(result.kref, 'say', 'y'), [7, 'say', ['y']], 'a message for facet 7');
  const { error } = await request(home, 'facet', { vat: vats.arrow.vat, facet: -1 });
  check(error, 'a facet below 0');
  // What it throws, whoever waits for a result hears of.
  for (const method of ['plain', 'taken']) {
    equal(await home.rejection(vats.failing.root, method), { '@error': 'as asked', name: 'RangeError' }, method);
  }
  equal(await home.send(vats.failing.root, 'settled'), 'settled', 'settled before it threw');
  for (const source of ['export const deliver = () => {};', 'export default { deliver() {} };', 'export default 7;']) {
    const { status, stderr } = await home.tryLaunch({ vat: raw(source) });
    check(status !== 0 && /default export/.test(stderr), `${source}: ${status} ${stderr}`);
  }
  // A vat that does not say that it is raw is told how to.
  const { status, stderr } = await home.tryLaunch({ vat: 'export default () => {};' });
  check(status !== 0 && /buildRootObject/.test(stderr) && /"raw": true/.test(stderr), `not said: ${stderr}`);
  await home.audit();
};
