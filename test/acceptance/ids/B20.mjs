// SPDX-License-Identifier: Apache-2.0
// A large map is on disk with its keys in order: a range is read without the rest, memory does not
// hold the map, and after a restart it is all there.
import { check, equal, ioOf, readFileSync } from '../lib.mjs';

const ledger = `
import { Far } from '@endo/far';
import { M } from '@endo/patterns';
const { makeScalarBigMapStore } = VatData;
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('map')) baggage.init('map', makeScalarBigMapStore('ledger', { durable: true }));
  const map = () => baggage.get('map');
  const take = (iterable, count) => {
    const found = [];
    for (const it of iterable) {
      found.push(it);
      if (found.length === count) break;
    }
    return harden(found);
  };
  // A permutation of the numbers below total, so that keys do not come in order.
  return Far('root', {
    bootstrap: () => 'ready',
    fill: (from, count, total) => {
      const store = map();
      for (let i = from; i < from + count; i += 1) {
        store.init((i * 7919) % total, 'value of ' + ((i * 7919) % total));
      }
    },
    size: () => map().getSize(),
    get: key => map().get(key),
    has: key => map().has(key),
    range: (from, to, count) => take(map().keys(M.and(M.gte(from), M.lt(to))), count),
    entries: (from, count) => take(map().entries(M.gte(from)), count),
    first: count => take(map().keys(), count),
    values: (pattern, count) => take(map().values(undefined, pattern), count),
    drop: (from, to) => {
      for (let key = from; key < to; key += 1) map().delete(key);
    },
    clear: (from, to) => map().clear(M.and(M.gte(from), M.lt(to))),
  });
};`;

const residentKb = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

export const test = async t => {
  const total = t.full ? 1_000_000 : 20_000;
  const batch = 2_000;
  const home = await t.started();
  const { vats: { ledger: { root, vat } } } = await home.launch({ ledger });
  let early;
  for (let from = 0; from < total; from += batch) {
    await home.send(root, 'fill', from, batch, total);
    if (from === 4 * batch) {
      early = residentKb(await home.workerOf(vat));
    }
  }
  const grown = residentKb(await home.workerOf(vat)) - early;
  check(grown < 8 * 1024, `the worker grew by ${grown} kB while the map grew ${total / batch / 5}-fold`);
  equal(await home.send(root, 'size'), total, 'its size');

  const verify = async () => {
    const middle = Math.floor(total / 2);
    equal(await home.send(root, 'first', 5), [0, 1, 2, 3, 4], 'the first keys');
    equal(await home.send(root, 'range', middle, middle + 50, 1000), numbers(middle, middle + 50), 'a range');
    equal(await home.send(root, 'range', total - 3, total + 10, 1000), numbers(total - 3, total), 'the end');
    equal(await home.send(root, 'entries', middle, 2),
      [[middle, `value of ${middle}`], [middle + 1, `value of ${middle + 1}`]], 'entries');
    equal(await home.send(root, 'get', 123), 'value of 123', 'one value');
    equal(await home.send(root, 'has', total), false, 'a key that is not there');
  };
  await verify();
  // Reading near the start costs no more than a little of the map.
  await home.restart();
  const before = ioOf(home.pid).rchar;
  equal(await home.send(root, 'first', 5), [0, 1, 2, 3, 4], 'the first keys after a restart');
  const read = ioOf(home.pid).rchar - before;
  check(read < 256 * 1024, `${read} bytes were read for five keys`);
  await verify();
  await home.send(root, 'drop', 10, 20);
  await home.send(root, 'clear', 20, 30);
  equal(await home.send(root, 'range', 5, 35, 1000), [5, 6, 7, 8, 9, 30, 31, 32, 33, 34], 'after deleting');
  equal(await home.send(root, 'size'), total - 20, 'the size after deleting');
};
