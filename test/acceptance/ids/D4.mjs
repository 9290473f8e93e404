// SPDX-License-Identifier: Apache-2.0
// left hands right a reference to an object of third; right talks to third without left.
import { check, equal } from '../lib.mjs';

const left = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  let thing;
  let vats;
  return Far('root', {
    bootstrap: v => { vats = v; },
    introduce: async () => {
      thing = await E(vats.third).getThing();
      await E(vats.right).meet(thing);
      return thing;
    },
    isSame: other => other === thing,
  });
};`;
const right = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  let met;
  return Far('root', {
    meet: it => { met = it; },
    talk: word => E(met).hear(word),
    show: () => met,
  });
};`;
const third = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const heard = [];
  const thing = Far('thing', { hear: word => { heard.push(word); return heard.length; } });
  return Far('root', {
    getThing: () => thing,
    heard: () => harden([...heard]),
    isMine: it => it === thing,
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ left, right, third });
  const thing = await home.send(vats.left.root, 'introduce');
  const trace = await home.trace();
  equal(await home.send(vats.right.root, 'talk', 'hello'), 1, 'what the object answers');
  await home.settle();
  equal(await home.send(vats.third.root, 'heard'), ['hello'], 'what the object heard');

  // One and the same object in every vat.
  equal(await home.send(vats.right.root, 'show'), thing, 'the reference right holds');
  equal(await home.send(vats.third.root, 'isMine', thing), true, 'third knows its own');
  equal(await home.send(vats.left.root, 'isSame', thing), true, 'left sees the object it passed on');
  for (const name of ['left', 'right', 'third']) {
    const rows = (await home.rows('clist', vats[name].vat)).filter(row => row.kref === thing.kref);
    equal(rows.length, 1, `rows of ${thing.kref} in the table of ${name}`);
  }

  // Directly: the message went from right to third, and left got nothing.
  const toThing = trace.events.find(e => e.event === 'deliver' && e.target === thing.kref);
  check(toThing && toThing.vat === vats.third.vat, 'no delivery to the object was seen');
  check(
    trace.events.some(e => e.event === 'syscall' && e.name === 'send' && e.vat === vats.right.vat),
    'right was not seen sending',
  );
  const toLeft = trace.events.filter(e => e.event === 'deliver' && e.vat === vats.left.vat &&
    e.type === 'message' && e.method !== 'isSame');
  equal(toLeft, [], 'messages through left');
};
