// SPDX-License-Identifier: Apache-2.0
// A crank that fails leaves nothing: neither what it wrote nor what it sent.
import { equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const failing = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  baggage.has('n') || baggage.init('n', 0);
  return Far('root', {
    bootstrap: () => 'ready',
    // All promise jobs belong to the crank, also those that come before the end that fails.
    sendAndFail: it => {
      E(it).note('before the end');
      baggage.set('n', baggage.get('n') + 1);
      Promise.resolve().then(() => E(it).note('from a job')).then(() => { for (;;); });
      Promise.resolve().then(() => null).then(() => { for (;;); });
    },
    sendAndEnd: it => {
      baggage.set('n', baggage.get('n') + 1);
      E(it).note('kept');
    },
    read: () => baggage.get('n'),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ failing, recorder });
  const to = { kref: vats.recorder.root };
  await home.rejection(vats.failing.root, 'sendAndFail', to);
  await home.settle();
  equal(await home.send(vats.recorder.root, 'notes'), [], 'what left a failed crank');
  equal(await home.send(vats.failing.root, 'read'), 0, 'what a failed crank wrote');
  await home.send(vats.failing.root, 'sendAndEnd', to);
  await home.settle();
  equal(await home.send(vats.recorder.root, 'notes'), ['kept'], 'what left a crank that ended');
  equal(await home.send(vats.failing.root, 'read'), 1, 'what it wrote');
  await home.audit();
};
