// SPDX-License-Identifier: Apache-2.0
// Making objects for ever needs memory for what is in use and disk for what is alive: neither the
// daemon nor the worker grows with what was made and dropped, nor do the rows of the store.
import { check, equal, readFileSync, until } from '../lib.mjs';

const game = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('piece'));
  const makePiece = VatData.defineDurableKind(kind, n => ({ n, text: 'piece '.repeat(20) + n }), {
    n: ({ state }) => state.n,
  });
  const pieces = provide(baggage, 'pieces', () =>
    VatData.makeScalarBigMapStore('pieces', { durable: true }));
  return Far('root', {
    bootstrap: () => 'ready',
    // Keeps the newest ones and lets the others go.
    play: (from, count, kept) => {
      for (let n = from; n < from + count; n += 1) {
        const slot = n % kept;
        if (pieces.has(slot)) pieces.set(slot, makePiece(n));
        else pieces.init(slot, makePiece(n));
      }
    },
    alive: kept => {
      let sum = 0;
      for (let slot = 0; slot < kept; slot += 1) sum += pieces.get(slot).n();
      return sum;
    },
  });
};`;

const residentKb = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

export const test = async t => {
  const total = t.full ? 1_000_000 : 80_000;
  const batch = 1_000;
  const kept = 500;
  const home = await t.started();
  const { vats: { game: { root, vat } } } = await home.launch({ game });
  const rows = async () => (await home.keeve(['export'])).stdout.split('\n').length;
  const measure = async () => ({
    daemon: residentKb(home.pid), worker: residentKb(await home.workerOf(vat)) });
  // Nobody asks for a collection: the kernel finds the time for it. Between two the heap goes up and down,
  // so that peaks are compared, after a first quarter in which both processes find their size.
  const peaks = [{ daemon: 0, worker: 0 }, { daemon: 0, worker: 0 }];
  for (let from = 0; from < total; from += batch) {
    await home.send(root, 'play', from, batch, kept);
    if (from >= total / 4) {
      const now = await measure();
      const peak = peaks[from < (total * 5) / 8 ? 0 : 1];
      for (const name of Object.keys(peak)) peak[name] = Math.max(peak[name], now[name]);
    }
  }
  const [early, late] = peaks;
  check(late.worker < early.worker + 6 * 1024, `the worker grew from ${early.worker} to ${late.worker} kB`);
  check(late.daemon < early.daemon + 6 * 1024, `the daemon grew from ${early.daemon} to ${late.daemon} kB`);
  await home.keeve(['reap']);
  await until(async () => (await rows()) < kept * 3 + 100, 'rows of what was dropped to go');
  check((await rows()) > kept * 2, 'rows of what is alive');
  const sum = Array.from({ length: kept }, (_, i) => total - kept + i).reduce((a, b) => a + b, 0);
  equal(await home.send(root, 'alive', kept), sum, 'what is alive');
  await home.audit();
};
