// SPDX-License-Identifier: Apache-2.0
// Two vats are inside cranks at once: both processes get processor time while neither has answered.
// Counted over many looks, so that one crank after the other cannot pass for it, and nothing is timed.
import { check, equal, sleep, ticksOf, until } from '../lib.mjs';
import { spinner } from '../vats.mjs';

const TURNS = 6_000_000;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ one: spinner, two: spinner });
  const roots = [vats.one.root, vats.two.root];
  const alone = [await home.send(roots[0], 'spin', TURNS), await home.send(roots[1], 'spin', TURNS)];
  const workers = [await home.workerOf(vats.one.vat), await home.workerOf(vats.two.vat)];

  let together = 0;
  const calls = roots.map(root => home.sendLater(root, 'spin', TURNS));
  let before = workers.map(ticksOf);
  await until(async () => {
    await sleep(100);
    const now = workers.map(ticksOf);
    if (calls.some(call => call.settled)) {
      return true;
    }
    together += now.every((ticks, i) => ticks > before[i]);
    before = now;
    return false;
  }, 'an answer');
  await Promise.all(calls.map(call => call.done));
  check(together >= 2, `both vats were at work in only ${together} looks`);
  equal(calls.map(call => call.value), alone, 'results at once and one after the other');
};
