// SPDX-License-Identifier: Apache-2.0
// runaway - a vat that shares its process with others and does not end its crank: the meter is set too high
// to speak first, so that the deadline does. The process is killed, all its vats restart, and the culprit's
// message alone counts as failed.
import { check, equal } from '../acceptance/lib.mjs';
import { hosted } from './suite.mjs';

const counter = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  let heap = 0;
  return Far('root', {
    bootstrap: () => 'ready',
    heap: () => (heap += 1),
    count: () => {
      const n = (baggage.has('n') ? baggage.get('n') : 0) + 1;
      if (n === 1) baggage.init('n', n); else baggage.set('n', n);
      return n;
    },
    spin: () => { baggage.init('spun', true); for (;;) heap += 1; },
    spun: () => baggage.has('spun'),
  });
};`;

const DEADLINE_MS = 2000;

export const runaway = async (t, host) => {
  const home = await hosted(t, host, 'shared', DEADLINE_MS, 10 ** 15);
  const { vats } = await home.launch({ one: counter, two: counter, culprit: counter });
  const names = ['one', 'two', 'culprit'];
  const rows = async () => {
    const all = await home.rows('vats');
    return names.map(name => all.find(row => row.name === name));
  };
  for (const name of names) {
    equal(await home.send(vats[name].root, 'heap'), 1, `the heap of ${name}`);
  }
  const before = await rows();
  check(before.every(row => row.pid > 0 && row.pid === before[0].pid), 'they share a process');
  const spins = home.sendLater(vats.culprit.root, 'spin');
  const others = ['one', 'two'].map(name => home.sendLater(vats[name].root, 'count'));
  await Promise.all([spins.done, ...others.map(other => other.done)]);
  check(/DELIVERY_FAILED.*deadline/.test(spins.error?.message), `the culprit's message: ${spins.error?.message}`);
  equal(others.map(other => other.value), [1, 1], 'the messages of the others, each done once');
  equal(await home.send(vats.culprit.root, 'spun'), false, 'what the culprit wrote');
  for (const name of names) {
    equal(await home.send(vats[name].root, 'heap'), 1, `the heap of ${name} is new`);
  }
  const after = await rows();
  check(after.every((row, i) => row.incarnation > before[i].incarnation && row.pid !== before[0].pid),
    'all have restarted, in another process');
  await home.audit();
  await home.stop();
};
