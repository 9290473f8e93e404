// SPDX-License-Identifier: Apache-2.0
// dropKref lets go of what a session was told: once, twice or in a batch; and one that crosses the same
// reference on its way to us takes nothing from that.
import { check, equal, until } from '../lib.mjs';
import { E, owner, rejects } from '../host.mjs';

// Its things are held by nobody but those who were given them.
const giver = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const things = [];
  return Far('root', {
    bootstrap: () => 'ready',
    make: () => {
      const n = things.length;
      things.push(Far('thing', { n: () => n }));
      return things[n];
    },
    give: n => things[n],
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ giver });
  const { kernel, socket } = await owner(t, home);
  const held = async kref =>
    (await home.rows('objects')).some(row => row.kref === kref && row.reachable > 0);
  const make = async () => (await E(kernel).queueMessage(root, 'make', [])).slots[0];

  const first = await make();
  check(await held(first), 'what an answer names is held');
  equal(await E(kernel).dropKref(first), undefined, 'dropKref');
  await until(async () => !(await held(first)), 'nobody holds it');
  equal(await E(kernel).dropKref(first), undefined, 'a second time');
  equal(await E(kernel).dropKref('ko999999'), undefined, 'what is not there');

  const batch = [await make(), await make(), await make()];
  await E(kernel).dropKref([batch[0], [batch[1], 1]]);
  await until(async () => !(await held(batch[0])) && !(await held(batch[1])), 'the batch is gone');
  check(await held(batch[2]), 'what was not in it stays');
  for (const bad of [undefined, 7, 'x', ['x'], [[batch[2], -1]], [[batch[2]]], [[batch[2], 'one']], [batch[2], 'x']]) {
    await rejects(E(kernel).dropKref(bad), /TypeError: dropKref\(krefs\)/, `dropKref of ${JSON.stringify(bad)}`);
  }
  check(await held(batch[2]), 'a batch with a mistake drops nothing');

  // The drop leaves us while the same reference is on its way to us: it takes nothing from that.
  const thing = await make();
  const n = Number((await E(kernel).queueMessage(thing, 'n', [])).body.slice(1));
  for (let round = 0; round < 5; round += 1) {
    socket.pause();
    const given = E(kernel).queueMessage(root, 'give', [n]);
    await new Promise(done => setTimeout(done, 50)); // our call is sent in a turn of its own
    await home.settle();
    const dropped = E(kernel).dropKref(thing);
    await home.settle();
    socket.resume();
    equal((await given).slots[0], thing, 'the same reference');
    await dropped;
    await home.rows('reap');
    await home.settle();
    equal((await E(kernel).queueMessage(thing, 'n', [])).body, `#${n}`, `usable after crossing ${round}`);
  }
  await E(kernel).dropKref(thing);
  await until(async () => !(await held(thing)), 'nobody holds it any more');
  // Another session's hold is its own.
  const other = await owner(t, home);
  const shared = await make();
  const theirs = await E(other.kernel).resolveKref(shared);
  await E(kernel).dropKref([[shared, 1000]]);
  await E(kernel).dropKref(shared);
  await home.rows('reap');
  await home.settle();
  check(typeof (await E(theirs).n()) === 'number', 'what another session holds');
  await home.audit();
};
