// SPDX-License-Identifier: Apache-2.0
// Record, state and representative are apart: objects used in one crank take memory for that crank,
// and give it back, while the records stay; the next use reads them again.
import { check, equal, readFileSync, until } from '../lib.mjs';

const library = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('book'));
  const makeBook = VatData.defineDurableKind(kind, n => ({ n, text: ('book ' + n + ' ').repeat(400) }), {
    size: ({ state }) => state.text.length,
    text: ({ state }) => state.text.slice(0, 12),
  });
  const books = provide(baggage, 'books', () => VatData.makeScalarBigMapStore('books', { durable: true }));
  let held = [];
  return Far('root', {
    bootstrap: () => 'ready',
    make: (from, count) => {
      for (let n = from; n < from + count; n += 1) books.init(n, makeBook(n));
    },
    hold: count => {
      let sum = 0;
      for (let n = 0; n < count; n += 1) {
        const book = books.get(n);
        sum += book.size();
        held.push(book);
      }
      return sum;
    },
    letGo: () => { held = []; },
    text: n => books.get(n).text(),
    same: n => books.get(n) === held[n],
  });
};`;

const residentKb = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

export const test = async t => {
  const count = t.full ? 100_000 : 10_000;
  const home = await t.started();
  const { vats: { library: { root, vat } } } = await home.launch({ library });
  const memory = async () => residentKb(await home.workerOf(vat));
  for (let from = 0; from < count; from += 500) {
    await home.send(root, 'make', from, 500);
  }
  await home.keeve(['reap']);
  await home.settle();
  const before = await memory();
  const bytes = await home.send(root, 'hold', count);
  check(bytes > count * 1000, `the records have ${bytes} bytes of text`);
  // The states go, though the representatives are held: what these take is less than what was read.
  const evicted = text => until(async () => {
    await home.keeve(['reap']);
    return ((await memory()) - before) * 1024 < (bytes * 3) / 4;
  }, `memory to fall ${text}; it was ${before} kB before ${bytes} bytes were read`);
  await evicted('with the representatives held');
  equal(await home.send(root, 'same', 7), true, 'a representative that is held is the one');
  await home.send(root, 'letGo');
  // Without them there is room for others, as often as one likes.
  for (let round = 0; round < 3; round += 1) {
    equal(await home.send(root, 'hold', count), bytes, 'the bytes of all records again');
    await home.send(root, 'letGo');
    await evicted('again');
  }
  equal(await home.send(root, 'text', 7), 'book 7 book ', 'data at the next use');
  await home.restart();
  equal(await home.send(root, 'text', count - 1), `book ${count - 1} book `.slice(0, 12), 'and after a restart');
};
