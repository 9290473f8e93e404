// SPDX-License-Identifier: Apache-2.0
// While paused, the queue shows messages as data: the kernel name of the target, and slots of kernel
// names. Running again, the kernel brings them to the vat that has the target.
import { check, equal, slotsOf, until } from '../lib.mjs';
import { keeper, recorder } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, recorder });
  equal((await home.keeve(['pause'])).status, 0, 'pause');
  const call = home.sendLater(vats.recorder.root, 'note', [{ kref: vats.keeper.root }, 'text']);
  const [item] = await until(async () => {
    const rows = await home.rows('queue');
    return rows.length > 0 && rows;
  }, 'the message in the queue');
  equal(item.target, vats.recorder.root, 'its target');
  check(/^kp\d+$/.test(item.result), `its result is ${item.result}`);
  equal(slotsOf(item), [vats.keeper.root], 'its slots');
  equal(JSON.parse(item.body.replace(/^#/, '')), ['note', [['$0', 'text']]], 'its body');
  equal(call.settled, false, 'the call while paused');
  await home.keeve(['run']);
  await call.done;
  equal(await home.send(vats.recorder.root, 'notes'), [[{ kref: vats.keeper.root }, 'text']],
    'what the vat got');
};
