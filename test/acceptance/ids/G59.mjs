// SPDX-License-Identifier: Apache-2.0
// A vat may use time and chance when they are granted: nothing is replayed, so nothing has to be the
// same twice.
import { check, equal } from '../lib.mjs';

const source = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const first = Date.now();
  return Far('root', {
    bootstrap() {},
    look() {
      const seen = harden({ time: Date.now(), chance: Math.random(), built: first });
      console.log('looked');
      baggage.has('seen') ? baggage.set('seen', seen) : baggage.init('seen', seen);
      return seen;
    },
    seen: () => baggage.get('seen'),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const without = await home.tryLaunch({ clockless: source });
  check(without.status !== 0, 'a vat that was not granted the time got it');
  const { vats } = await home.launch({ clock: { source, globals: ['Date', 'Math'] } });
  const { root, id } = vats.clock;
  const before = Date.now();
  const seen = await home.send(root, 'look');
  check(seen.time >= before - 2 && seen.time <= Date.now() + 2, `the time was ${seen.time}`);
  check(seen.chance >= 0 && seen.chance < 1, `chance was ${seen.chance}`);
  check((await home.send(root, 'look')).chance !== seen.chance, 'chance came twice');
  const last = await home.send(root, 'seen');

  await home.stop();
  await home.start();
  equal(await home.send(root, 'seen'), last, 'what was seen before the restart');
  const { stdout } = await home.keeve(['logs', '--json']);
  check(!stdout.includes('looked'), 'a delivery ran again after the restart');
  const again = await home.send(root, 'look');
  check(again.built > last.built, 'the vat was not built anew');
  check(again.time >= last.time, 'the time went back');
};
