// SPDX-License-Identifier: Apache-2.0
// A presence has no methods: what is sent to it is queued and runs in a crank of its own, later.
import { equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

const holder = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    probe: it => {
      const names = new Set();
      for (let at = it; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
        for (const name of Reflect.ownKeys(at)) names.add(String(name));
      }
      const outcomes = ['read', 'increment', 'nonsense'].map(name => {
        try {
          it[name]();
          return 'called';
        } catch (error) {
          return error.name;
        }
      });
      return harden({
        types: [typeof it, typeof it.read, typeof it.increment],
        own: [...names].filter(name => !/^Symbol|toString|constructor/.test(name)),
        outcomes,
        frozen: Object.isFrozen(it),
      });
    },
    // Whatever is done with it, nothing has happened when this turn ends.
    order: async it => {
      const seen = [];
      const result = E(it).increment().then(n => seen.push('n is ' + n));
      seen.push('after the send');
      await null;
      seen.push('after a turn');
      await result;
      return harden(seen);
    },
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ holder, counter });
  const it = { kref: vats.counter.root };
  equal(await home.send(vats.holder.root, 'probe', it), {
    types: ['object', 'undefined', 'undefined'],
    own: [],
    outcomes: ['TypeError', 'TypeError', 'TypeError'],
    frozen: true,
  }, 'what a presence is');
  equal(await home.send(vats.counter.root, 'read'), 0, 'the count after direct calls');
  const trace = await home.trace();
  equal(await home.send(vats.holder.root, 'order', it),
    ['after the send', 'after a turn', 'n is 1'], 'the order');
  const deliveries = trace.events
    .filter(event => event.event === 'deliver' && event.body?.includes('increment'));
  equal(deliveries.length, 1, 'deliveries of increment');
  equal(deliveries[0].vat, vats.counter.vat, 'to the vat that has the object');
};
