// SPDX-License-Identifier: Apache-2.0
// A stored message is the text of [method, args], with kernel names in slots: read while paused, and
// again from the store's export.
import { check, equal, slotsOf, until } from '../lib.mjs';
import { keeper, recorder } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, recorder });
  await home.keeve(['pause']);
  home.sendLater(vats.recorder.root, 'note', { to: { kref: vats.keeper.root }, n: { '@bigint': '7' } });
  const [item] = await until(async () => {
    const rows = await home.rows('queue');
    return rows.length > 0 && rows;
  }, 'the message in the queue');
  check(item.body.startsWith('#'), `the body is not smallcaps: ${item.body}`);
  equal(JSON.parse(item.body.slice(1)), ['note', [{ n: '+7', to: '$0' }]], 'the body');
  equal(slotsOf(item), [vats.keeper.root], 'the slots');

  // It is stored, not only remembered: it survives the daemon.
  await home.killDaemon();
  await home.start('--paused');
  const [again] = await home.rows('queue');
  equal(again.body, item.body, 'the body after signal 9');
  await home.keeve(['run']);
  const notes = await until(async () => {
    const found = await home.send(vats.recorder.root, 'notes');
    return found.length > 0 && found;
  }, 'the message to arrive');
  equal(notes, [{ n: { '@bigint': '7' }, to: { kref: vats.keeper.root } }], 'what arrived');
};
