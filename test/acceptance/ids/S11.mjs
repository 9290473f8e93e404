// SPDX-License-Identifier: Apache-2.0
// Names are never used twice and do not change: a dropped object's name stays free, also after the
// daemon was killed, and what lives keeps its own.
import { check, equal } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const number = ({ kref }) => Number(kref.slice(2));

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  const kept = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'kept', kept);
  const used = new Set([kept.kref]);
  let highest = number(kept);
  for (let round = 0; round < 6; round += 1) {
    const made = await home.send(vats.counter.root, 'make');
    check(!used.has(made.kref), `${made.kref} was given twice`);
    check(number(made) > highest, `${made.kref} came after ko${highest}`);
    used.add(made.kref);
    highest = number(made);
    await home.send(vats.keeper.root, 'put', 'passing', made);
    await home.send(vats.keeper.root, 'put', 'passing', 'nothing');
    await home.keeve(['reap']);
    await home.settle();
    if (round % 2 === 1) {
      await home.restart();
    }
  }
  equal(await home.send(vats.keeper.root, 'get', 'kept'), kept, 'the name of what was kept');
  equal(await home.send(kept.kref, 'increment'), 1, 'it still answers to that name');
};
