// SPDX-License-Identifier: Apache-2.0
// Each vat in its own process: a killed worker is reported and its vat starts again; the daemon and the
// other vats do not notice.
import { check, equal, kill9, until } from '../lib.mjs';
import { counter } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ one: counter, two: counter });
  for (const name of ['one', 'two']) {
    await home.send(vats[name].root, 'increment');
    equal(await home.send(vats[name].root, 'heap'), 1, `calls of the heap of ${name}`);
  }
  const [first, second] = [await home.workerOf(vats.one.vat), await home.workerOf(vats.two.vat)];
  check(first !== second && first !== home.pid, 'the vats share a process');

  const trace = await home.trace();
  await kill9(first);
  const report = await until(
    () => trace.events.find(e => e.event === 'vat-restart' && e.vat === vats.one.vat),
    'a report of the death in the trace',
  );
  check(/signal 9|SIGKILL|killed/i.test(report.why), `the report gives as reason: ${report.why}`);
  equal(await home.send(vats.one.root, 'read'), 1, 'durable state of the killed vat');
  equal(await home.send(vats.one.root, 'heap'), 1, 'its heap is new');
  equal(await home.send(vats.two.root, 'heap'), 2, 'the heap of the other vat is the old one');
  equal(await home.workerOf(vats.two.vat), second, 'the process of the other vat');
  equal((await home.status()).pid, home.pid, 'the daemon');
  await home.audit();
};
