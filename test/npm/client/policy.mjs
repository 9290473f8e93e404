// SPDX-License-Identifier: Apache-2.0
// What may pass: refused before anything is sent, with the path to it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { E, Far, client, makeEnds } from './ends.mjs';

const { makeTagged, errorCode } = client;
const cycle = { down: {} };
cycle.down.up = cycle;

class Element {
  constructor() {
    this.tagName = 'DIV';
  }
}

const refused = [
  ['a function', { on: { click: () => 1 } }, /args\[0\]\.on\.click is a function/],
  ['what a page has', [1, { el: new Element() }], /args\[0\]\[1\]\.el is an instance of Element/],
  ['a map', { 'a b': new Map() }, /args\[0\]\["a b"\] is an instance of Map/],
  ['a cycle', cycle, /args\[0\]\.down\.up is a cycle/],
  ['a symbol of its own', [Symbol('x')], /args\[0\]\[0\] is a symbol/],
  ['an object with methods', { nested: { go() {} } }, /args\[0\]\.nested\.go is a function/],
];

for (const [what, value, message] of refused) {
  test(`${what} is refused with its path, and nothing is sent`, async () => {
    const { near, sent } = makeEnds({ bootstrap: Far('root', { make: () => Far('made', {}), take() {} }) });
    const root = await near.getBootstrap();
    const before = sent.length;
    for (const send of [() => E(root).take(value), () => E(near.getBootstrap()).take(value)]) {
      const error = await send().then(() => assert.fail('sent'), e => e);
      assert.match(error.message, message);
      assert.equal(errorCode(error), 'NOT_SENT');
    }
    assert.ok(sent.slice(before).every(m => m.type === 'CTP_BOOTSTRAP'));
    // On an answer that is not there yet as well: the call of make is all that goes.
    await assert.rejects(E(E(root).make()).take(value), message);
    assert.equal(sent.filter(m => m.type === 'CTP_CALL').length, 1);
  });
}

test('a link that refuses promises: at the sender, with the path', async () => {
  const { near, sent } = makeEnds({
    bootstrap: Far('root', { take: x => x, call: f => E(f)() }),
    options: { refuse: { send: ['promise'] } },
  });
  const root = await near.getBootstrap();
  const before = sent.length;
  await assert.rejects(
    E(root).take({ list: [1, Promise.resolve(2)] }),
    /args\[0\]\.list\[1\] is of the style promise, which this link refuses/,
  );
  assert.equal(sent.length, before);
  assert.deepEqual(await E(root).take({ list: [1, 2] }), { list: [1, 2] });
  // In an answer, too: the caller gets an error in its place.
  await assert.rejects(
    E(root).call(Far('f', () => ({ deep: [Promise.resolve(1)] }))),
    /result\.deep\[0\] is of the style promise/,
  );
});

test('a link that takes no promises', async () => {
  const { near } = makeEnds({
    bootstrap: Far('root', { give: () => [Promise.resolve(1)], call: f => E(f)([Promise.resolve(1)]), n: () => 1 }),
    options: { refuse: { receive: ['promise'] } },
  });
  const root = await near.getBootstrap();
  await assert.rejects(E(root).give(), /result\[0\] is of the style promise, which this link refuses to receive/);
  await assert.rejects(E(root).call(Far('f', () => 1)), /refuses to receive/);
  assert.equal(await E(root).n(), 1);
});

test('other styles can be refused', async () => {
  const { near } = makeEnds({
    bootstrap: Far('root', { take: x => x }),
    options: { refuse: { send: ['bigint', 'tagged', 'remotable'] } },
  });
  const root = await near.getBootstrap();
  await assert.rejects(E(root).take([{ n: 1n }]), /args\[0\]\[0\]\.n is of the style bigint/);
  await assert.rejects(E(root).take(makeTagged('t', 1)), /args\[0\] is of the style tagged/);
  await assert.rejects(E(root).take({ o: Far('o', {}) }), /args\[0\]\.o is of the style remotable/);
  assert.equal(await E(root).take('text'), 'text');
});

test('tagged values travel whole, known or not', async () => {
  const { near } = makeEnds({ bootstrap: Far('root', { same: x => x }) });
  const root = await near.getBootstrap();
  const mine = Far('mine', {});
  const back = await E(root).same(makeTagged('Vow', { vowV0: mine, note: [1n] }));
  assert.equal(client.passStyleOf(back), 'tagged');
  assert.equal(back[Symbol.toStringTag], 'Vow');
  assert.equal(back.payload.vowV0, mine);
  assert.deepEqual(back.payload.note, [1n]);
});
