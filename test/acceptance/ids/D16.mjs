// SPDX-License-Identifier: Apache-2.0
// A send that asks for no result makes no promise: neither in the queue nor in the kernel's tables, and
// what the method gives goes nowhere.
import { check, equal, until } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const sender = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    oneWay: (it, n) => { for (let i = 0; i < n; i += 1) E.sendOnly(it).note(i); },
    asking: (it, n) => { for (let i = 0; i < n; i += 1) E(it).note(i); },
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ sender, recorder });
  const to = { kref: vats.recorder.root };
  // Messages to the recorder as they stand in the queue after the sender's crank, and the promises.
  const queued = async method => {
    await home.settle();
    await home.keeve(['pause']);
    const call = home.sendLater(vats.sender.root, method, to, 3);
    await until(async () => (await home.rows('queue')).length > 0, 'the call in the queue');
    const before = (await home.rows('promises')).length;
    await until(async () => {
      await home.keeve(['step']);
      return (await home.rows('queue')).some(row => row.target === vats.recorder.root);
    }, 'the messages in the queue');
    const items = (await home.rows('queue')).filter(row => row.target === vats.recorder.root);
    const promises = (await home.rows('promises')).length - before;
    await home.keeve(['run']);
    await call.done;
    await home.settle();
    return { items, promises };
  };
  const none = row => row.result === null || row.result === undefined || row.result === '-' || row.result === '';
  const oneWay = await queued('oneWay');
  equal(oneWay.items.length, 3, 'one-way messages');
  check(oneWay.items.every(none), `their results: ${JSON.stringify(oneWay.items.map(row => row.result))}`);
  const asking = await queued('asking');
  equal(asking.items.length, 3, 'messages that ask');
  check(asking.items.every(row => /^kp\d+$/.test(row.result)), 'each of them has a promise');
  equal(asking.promises - oneWay.promises, 3, 'promises made by those that ask');
  equal(await home.send(vats.recorder.root, 'notes'), [0, 1, 2, 0, 1, 2], 'all arrived');
  await home.audit();
};
