// SPDX-License-Identifier: Apache-2.0
// References that others hold are rows: neither the vat that exports them, nor the one that holds
// them, nor the daemon grows with their number, and any one of them is found at once.
import { check, equal, ioOf, readFileSync, until } from '../lib.mjs';

const mint = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('purse'));
  const makePurse = VatData.defineDurableKind(kind, balance => ({ balance }), {
    balance: ({ state }) => state.balance,
  });
  return Far('root', {
    bootstrap: () => 'ready',
    make: (from, count) => harden(Array.from({ length: count }, (_, i) => makePurse(from + i))),
  });
};`;
const holder = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('purses')) {
    baggage.init('purses', VatData.makeScalarBigMapStore('purses', { durable: true }));
  }
  const purses = () => baggage.get('purses');
  return Far('root', {
    bootstrap: () => 'ready',
    fill: async (from, mint, count) => {
      const made = await E(mint).make(from, count);
      made.forEach((purse, i) => purses().init(from + i, purse));
    },
    balance: i => E(purses().get(i)).balance(),
  });
};`;

const residentKb = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

export const test = async t => {
  const total = t.full ? 1_000_000 : 80_000;
  const batch = 500;
  const home = await t.started();
  const { vats } = await home.launch({ holder, mint });
  const measure = async () => ({
    daemon: residentKb(home.pid),
    mint: residentKb(await home.workerOf(vats.mint.vat)),
    holder: residentKb(await home.workerOf(vats.holder.vat)),
  });
  let early;
  for (let from = 0; from < total; from += batch) {
    await home.send(vats.holder.root, 'fill', from, { kref: vats.mint.root }, batch);
    if (from === total / 2) {
      await home.keeve(['reap']);
      await home.settle();
      early = await measure();
    }
  }
  const slack = { daemon: 16, mint: 6, holder: 6 };
  let late;
  await until(async () => {
    await home.keeve(['reap']);
    late = await measure();
    return Object.keys(slack).every(name => late[name] < early[name] + slack[name] * 1024);
  }, 'memory to be what it was with half of the purses', 30_000).catch(error => {
    error.message += `: ${JSON.stringify(early)} kB, then ${JSON.stringify(late)}`;
    throw error;
  });
  // How much is read to find one does not depend on how many there are. A checkpoint of the write-ahead
  // log may read for itself at any moment, so that the least of three neighbours counts.
  await home.restart();
  equal(await home.send(vats.holder.root, 'balance', 1), 1, 'the first, which wakes the vats');
  const readToFind = async i => {
    const before = ioOf(home.pid).rchar;
    equal(await home.send(vats.holder.root, 'balance', i), i, `purse ${i}`);
    return ioOf(home.pid).rchar - before;
  };
  for (const i of [0, Math.floor(total / 3), total - 600]) {
    const reads = [];
    for (const neighbour of [i, i + 250, i + 500]) {
      reads.push(await readToFind(neighbour));
    }
    check(Math.min(...reads) < 512 * 1024, `${reads} bytes were read to find purse ${i} and two more`);
  }
  await home.audit();
};
