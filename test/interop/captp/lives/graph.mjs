// SPDX-License-Identifier: Apache-2.0
// Results hold references of any depth and number, cycles through them included: a graph of 10,000 objects.
import { check, equal } from '../../../acceptance/lib.mjs';
import { E } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

const NODES = 10_000;

export const test = async t => {
  const home = await t.started('--durability', 'normal');
  const { root } = await home.launch({ root: rootVat });
  const host = await openOwner(home);
  host.log = false;
  const it = await host.resolve(root);
  const top = await E(it).graph(NODES);
  const seen = new Set([top]);
  for (let level = [top]; level.length > 0; ) {
    const next = (await Promise.all(level.map(node => E(node).children()))).flat();
    next.forEach(node => check(!seen.has(node), 'a node came twice'));
    next.forEach(node => seen.add(node));
    level = next;
  }
  equal(seen.size, NODES, 'the objects reached');
  const nodes = [...seen];
  equal(await E(nodes[NODES - 1]).id(), NODES - 1, 'the last one knows its number');
  check((await E(nodes[NODES - 1]).top()) === top, 'and the way back to the first');
  equal((await E(it).echo(harden([[nodes]])))[0][0].every((node, i) => node === nodes[i]), true,
    'all of them in one message, and back');
  host.carrier.close();
  await home.audit();
};
