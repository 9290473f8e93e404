// SPDX-License-Identifier: Apache-2.0
// Two senders and a receiver: each message once, in order for each pair, however the pairs mix.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const sender = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, { name }) => {
  let to;
  return Far('root', {
    meet: it => { to = it; },
    go: async count => {
      for (let i = 0; i < count; i += 1) {
        E(to).note(name + i);
        if (i % 10 === 0) await null;
      }
      return 'sent';
    },
  });
};`;
const start = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: ({ one, two, receiver }) =>
      Promise.all([E(one).meet(receiver), E(two).meet(receiver)]).then(() => 'met'),
  });`;

const COUNT = 60;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({
    start,
    one: { source: sender, parameters: { name: 'a' } },
    two: { source: sender, parameters: { name: 'b' } },
    receiver: recorder,
  });
  await Promise.all([
    home.send(vats.one.root, 'go', COUNT),
    home.send(vats.two.root, 'go', COUNT),
  ]);
  await home.settle();
  const notes = await home.send(vats.receiver.root, 'notes');
  equal(notes.length, 2 * COUNT, 'messages that came');
  for (const name of ['a', 'b']) {
    const expected = Array.from({ length: COUNT }, (_, i) => `${name}${i}`);
    equal(notes.filter(note => note.startsWith(name)), expected, `messages of ${name} in order`);
  }
  check(notes.length === new Set(notes).size, 'a message came twice');
};
