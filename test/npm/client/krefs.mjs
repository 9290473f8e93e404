// SPDX-License-Identifier: Apache-2.0
// Krefs, stand-ins, presences, and what turns one into another.
import assert from 'node:assert/strict';
import test from 'node:test';
import { E, Far, client, untilCollected } from './ends.mjs';

const bridge = await import('../../../js/client/src/kernel_marshal_entry.js');
const {
  kslot, kser, kunser, krefOf, isKrefPresence, makeKrefPresence, makePresenceManager, makeTagged,
  convertKrefsToStandins, convertPresencesToStandins,
} = client;

test('kslot and krefOf: ko and kp round trip; the bridge throws for the rest', () => {
  for (const kref of ['ko42', 'kp7', 'ko0']) {
    const standin = kslot(kref);
    assert.equal(bridge.krefOf(standin), kref);
    assert.equal(krefOf(standin), kref);
    assert.deepEqual(kser(standin).slots, [kref]);
    assert.equal(krefOf(kunser(kser([standin]))[0]), kref);
  }
  assert.ok(kslot('kp7') instanceof Promise);
  for (const plain of [{}, [], 'ko42', Far('x', {}), undefined, null, 7, Promise.resolve(1)]) {
    assert.throws(() => bridge.krefOf(plain), /no kref/);
    assert.equal(krefOf(plain), undefined);
  }
  for (const bad of ['', 'ko', 'ko01', 'kd3', 'ko4 ', 'o+ko4', 42]) {
    assert.throws(() => kslot(bad), /not a kref/);
  }
});

test('kser writes smallcaps with krefs; kunser reads both forms', () => {
  const value = { text: '+7', big: 7n, ref: kslot('ko3', 'Counter'), again: kslot('ko3'), none: undefined };
  const { body, slots } = kser(value);
  assert.equal(body[0], '#');
  assert.deepEqual(slots, ['ko3', 'ko3'].slice(0, slots.length));
  const back = kunser({ body, slots });
  assert.equal(back.text, '+7');
  assert.equal(back.big, 7n);
  assert.equal(krefOf(back.ref), 'ko3');
  assert.equal(krefOf(kunser({ body: '{"@qclass":"slot","index":0}', slots: ['ko42'] })), 'ko42');
  assert.throws(() => kser(Far('mine', {})), /has no kref/);
  assert.throws(() => kunser({ body: '#"$0"', slots: ['o-3'] }), /not a kref/);
});

test('isKrefPresence is true of presences only', async () => {
  const presence = makeKrefPresence('ko42', () => 1);
  const promise = makeKrefPresence('kp4', () => 1);
  for (const [value, expected] of [
    [presence, true], [promise, true], [kslot('ko42'), false], [Far('x', {}), false], [{}, false],
    ['ko42', false], [undefined, false], [null, false], [Promise.resolve(presence), false], [() => 1, false],
  ]) {
    assert.equal(isKrefPresence(value), expected);
  }
  assert.equal(krefOf(presence), 'ko42');
});

test('makeKrefPresence: call, function, get and send only reach the function; one for each kref', async () => {
  const asked = [];
  const send = (operation, message) => {
    asked.push([operation, message]);
    return operation === 'subscribePromise' ? 'settled' : asked.length;
  };
  const presence = makeKrefPresence('ko42', send);
  assert.equal(makeKrefPresence('ko42', send), presence);
  assert.equal(await E(presence).add(1, [2]), 1);
  assert.equal(await E(presence)('a'), 2);
  assert.equal(await E.get(presence).size, 3);
  assert.equal(E.sendOnly(presence).note('x'), undefined);
  await E(presence).last();
  assert.deepEqual(asked, [
    ['queueMessage', { target: 'ko42', method: 'add', args: [1, [2]] }],
    ['queueMessage', { target: 'ko42', method: undefined, args: ['a'] }],
    ['getProperty', { target: 'ko42', property: 'size' }],
    ['queueMessage', { target: 'ko42', method: 'note', args: ['x'] }],
    ['queueMessage', { target: 'ko42', method: 'last', args: [] }],
  ]);
  const promise = makeKrefPresence('kp7', send);
  assert.ok(promise instanceof Promise);
  assert.equal(await promise, 'settled');
});

test('convertKrefsToStandins: strings that are krefs and nothing else, at any depth', () => {
  const mine = Far('mine', {});
  const converted = convertKrefsToStandins({
    target: 'ko42', data: { ref: 'ko43', list: ['kp1', 'plain'] }, tagged: makeTagged('t', ['ko1']), mine,
  });
  assert.equal(krefOf(converted.target), 'ko42');
  assert.equal(krefOf(converted.data.ref), 'ko43');
  assert.equal(krefOf(converted.data.list[0]), 'kp1');
  assert.equal(converted.data.list[1], 'plain');
  assert.equal(krefOf(converted.tagged.payload[0]), 'ko1');
  assert.equal(converted.mine, mine);
  for (const text of ['ko42 ', ' ko42', '!ko42', '\\ko42', '"ko42"', 'ko42,ko43', 'see ko42', 'KO42', 'ko', 'kd1', 'v1', '$0.ko42']) {
    assert.equal(convertKrefsToStandins(text), text);
  }
  const loop = {};
  loop.loop = loop;
  assert.throws(() => convertKrefsToStandins(loop), /value\.loop is a cycle/);
});

test('convertPresencesToStandins: presences at any depth, strings stay', () => {
  const send = () => 1;
  const a = makeKrefPresence('ko1', send);
  const p = makeKrefPresence('kp2', send);
  const mine = Far('mine', {});
  const out = convertPresencesToStandins({ a, list: [{ deep: a }, p, 'ko9'], mine, tagged: makeTagged('t', a) });
  assert.equal(krefOf(out.a), 'ko1');
  assert.equal(isKrefPresence(out.a), false);
  assert.equal(krefOf(out.list[0].deep), 'ko1');
  assert.equal(krefOf(out.list[1]), 'kp2');
  assert.equal(out.list[2], 'ko9');
  assert.equal(out.mine, mine);
  assert.equal(krefOf(out.tagged.payload), 'ko1');
});

/** A kernel with counters, as an object in this process: answers are capdata with krefs. */
const makeLocalKernel = () => {
  const objects = new Map([['ko1', { n: 10 }], ['ko2', { n: 20 }]]);
  const log = [];
  const facade = Far('kernel', {
    queueMessage: (kref, method, args) => {
      const stored = kser([method, args]);
      log.push([kref, stored.body, ...stored.slots]);
      const object = objects.get(kref);
      switch (method) {
        case 'increment':
          object.n += 1;
          return kser(object.n);
        case 'getRelated':
          return kser({ child: kslot('ko2'), later: kslot('kp1') });
        case 'fail':
          throw RangeError('no');
        default:
          return kser(args);
      }
    },
    resolveKref: kref => ({ ...objects.get(kref) }),
    subscribePromise: async kref => `${kref} settled`,
    dropKref: drops => void log.push(['drop', JSON.stringify(drops)]),
  });
  return { facade, log };
};

test('a presence manager over an object of this process', async () => {
  const { facade, log } = makeLocalKernel();
  const manager = makePresenceManager({ kernelFacade: facade });
  const counter = manager.resolveKref('ko1');
  assert.equal(manager.resolveKref('ko1'), counter);
  assert.equal(manager.krefOf(counter), 'ko1');
  assert.equal(await E(counter).increment(), 11);
  const related = await E(counter).getRelated();
  assert.equal(await E(related.child).increment(), 21);
  assert.equal(await related.later, 'kp1 settled');
  assert.equal(await E.get(counter).n, 11);
  await assert.rejects(E(counter).fail(), RangeError);
  // Arguments go as references, strings as strings.
  const [same, text] = await E(counter).echo(related.child, 'ko2');
  assert.equal(same, related.child);
  assert.equal(text, 'ko2');
  assert.deepEqual(log.at(-1).slice(2), ['ko2']);
  // Pipelined.
  assert.equal(await E(E.get(E(counter).getRelated()).child).increment(), 22);
});

test('fromCapData: capdata and smallcaps bodies', () => {
  const manager = makePresenceManager({ kernelFacade: makeLocalKernel().facade });
  const slots = ['ko42'];
  const old = manager.fromCapData({ body: '{"@qclass":"slot","index":0}', slots });
  assert.equal(manager.krefOf(old), 'ko42');
  assert.ok(manager.isKrefPresence(old));
  assert.equal(manager.fromCapData({ body: '#{"ref":"$0.Alleged: Counter"}', slots }).ref, old);
  assert.ok(manager.fromCapData({ body: '#"&0"', slots: ['kp3'] }) instanceof Promise);
  assert.throws(() => manager.fromCapData({ body: '#"$0"', slots: ['v1'] }), /not a kref/);
});

test('collected presences are let go of together, with their counts', async () => {
  const { facade, log } = makeLocalKernel();
  const manager = makePresenceManager({ kernelFacade: facade });
  (() => {
    for (let i = 100; i < 400; i++) {
      manager.fromCapData({ body: '#["$0"]', slots: [`ko${i}`] });
      manager.fromCapData({ body: '#["$0"]', slots: [`ko${i}`] });
    }
  })();
  const kept = manager.fromCapData({ body: '#["$0"]', slots: ['ko100'] });
  const drops = () => log.filter(([kind]) => kind === 'drop').flatMap(([, text]) => JSON.parse(text));
  await untilCollected(() => drops().length >= 299, 'the drops');
  assert.equal(drops().length, 299);
  assert.ok(drops().every(([kref, count]) => kref !== 'ko100' && count === 2));
  assert.ok(log.filter(([kind]) => kind === 'drop').length < 30);
  assert.equal(manager.krefOf(kept[0]), 'ko100');
});
