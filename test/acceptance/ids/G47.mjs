// SPDX-License-Identifier: Apache-2.0
// Each vat in its own process: a killed worker is reported and its vat starts again; the daemon and the
// other vats do not notice.
import { check, equal, kill9, until } from '../lib.mjs';
import { counter, spinner } from '../vats.mjs';

// Kills the worker while it is inside a crank.
const killInCrank = async (home, vat) => {
  const { pid } = await until(
    async () => (await home.rows('vats')).find(row => row.vat === vat && row.in_crank && row.pid > 0),
    `${vat} to be inside a crank`,
  );
  await kill9(pid);
  return pid;
};

// The message of a crank that dies with its worker is tried once more, then rejected by name.
const deathInCrank = async t => {
  const home = await t.started();
  const { vats, root } = await home.launch({ spinner });
  const expected = await home.send(root, 'spin', 4_000_000);
  const once = home.sendLater(root, 'spin', 4_000_000);
  const first = await killInCrank(home, vats.spinner.vat);
  await once.done;
  equal(once.value, expected, 'the result after one death');

  const twice = home.sendLater(root, 'spin', 4_000_000);
  const second = await killInCrank(home, vats.spinner.vat);
  await until(async () => (await home.workerOf(vats.spinner.vat).catch(() => second)) !== second,
    'another worker');
  await killInCrank(home, vats.spinner.vat);
  await twice.done;
  check(first !== second && twice.error, `the result after two deaths is ${twice.value}`);
  check(/DELIVERY_FAILED/.test(twice.error.message), `it was rejected with ${twice.error.message}`);
  equal(await home.send(root, 'ping', 1), 1, 'the vat afterwards');
  await home.audit();
};

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
  await deathInCrank(t);
};
