// SPDX-License-Identifier: Apache-2.0
// A restart depends on durable state alone. After a long history the daemon reads no more and delivers
// no more than after a short one, and what was in closures is gone.
import { check, equal, ioOf } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const driver = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    drive: async (it, count) => {
      let last;
      for (let i = 0; i < count; i += 1) last = await E(it).increment();
      return last;
    },
  });`;

// What one start and one answer cost after a given number of deliveries.
const costAfter = async (t, deliveries) => {
  const home = await t.started();
  const { vats } = await home.launch({ driver, counter, keeper });
  equal(await home.send(vats.counter.root, 'heap'), 1, 'the first call of this heap');
  equal(await home.send(vats.counter.root, 'heap'), 2, 'the second call of this heap');
  let left = deliveries;
  while (left > 0) {
    const batch = Math.min(left, 500);
    await home.send(vats.driver.root, 'drive', { kref: vats.counter.root }, batch);
    left -= batch;
  }
  await home.settle();
  const history = (await home.status()).cranks;
  await home.stop();
  await home.start('--paused');
  const trace = await home.trace();
  const cranks = (await home.status()).cranks;
  await home.keeve(['run']);
  equal(await home.send(vats.counter.root, 'heap'), 1, 'the first call of the new heap');
  equal(await home.send(vats.counter.root, 'read'), deliveries, 'the durable count');
  return {
    history,
    cranks: (await home.status()).cranks - cranks,
    delivered: trace.events.filter(event => event.event === 'deliver').length,
    read: ioOf(home.pid).rchar,
  };
};

export const test = async t => {
  const short = await costAfter(t, 10);
  const long = await costAfter(t, t.full ? 100_000 : 2_000);
  check(long.history > short.history, 'the histories do not differ');
  equal(long.delivered, short.delivered, 'deliveries until the second answer');
  equal(long.cranks, short.cranks, 'cranks until the second answer');
  // A replay of 2,000 deliveries would read far more than this.
  check(long.read < short.read + 64 * 1024,
    `bytes read: ${short.read} after a short history, ${long.read} after a long one`);
};
