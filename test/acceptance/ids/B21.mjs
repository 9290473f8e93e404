// SPDX-License-Identifier: Apache-2.0
// Opening reads what it needs: with a large store the start and the first answer read little more than
// with a small one.
import { check, equal, ioOf } from '../lib.mjs';

const filler = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    fill: (from, count, size) => {
      const text = 'x'.repeat(size);
      for (let i = from; i < from + count; i += 1) baggage.init('row' + i, text + i);
    },
    read: i => baggage.get('row' + i).length,
  });`;

const SIZE = 100_000;

const readOfStart = async (t, megabytes) => {
  const home = await t.started();
  const { root } = await home.launch({ filler });
  const rows = (megabytes * 1e6) / SIZE;
  for (let from = 0; from < rows; from += 100) {
    await home.send(root, 'fill', from, Math.min(100, rows - from), SIZE);
  }
  await home.stop();
  await home.start();
  equal(await home.send(root, 'read', 0), SIZE + 1, 'a row after the restart');
  const io = ioOf(home.pid);
  const { blocks } = await sizeOf(home.dir);
  await home.stop();
  return { read: io.rchar, size: blocks };
};

const sizeOf = async dir => {
  const { readdirSync, statSync } = await import('node:fs');
  return {
    blocks: readdirSync(dir, { recursive: true })
      .map(name => statSync(`${dir}/${name}`, { throwIfNoEntry: false }))
      .reduce((sum, stat) => sum + (stat && stat.isFile() ? stat.size : 0), 0),
  };
};

export const test = async t => {
  const small = await readOfStart(t, 1);
  const large = await readOfStart(t, t.full ? 1000 : 50);
  check(large.size > (t.full ? 900e6 : 45e6), `the large store has only ${large.size} bytes`);
  check(large.read < small.read + 1e6,
    `read at start: ${small.read} bytes of ${small.size}, ${large.read} bytes of ${large.size}`);
};
