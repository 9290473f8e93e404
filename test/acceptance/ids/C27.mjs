// SPDX-License-Identifier: Apache-2.0
// Presences at any depth, and cycles through them: a graph of ten thousand nodes is walked.
import { equal, check } from '../lib.mjs';
import { E, krefOf, session } from '../client.mjs';

const graph = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const nodes = [];
  const nested = (x, depth) => (depth === 0 ? x : { in: [nested(x, depth - 1)] });
  const make = i =>
    Far('node', {
      number: () => i,
      // Each node knows three others, back to itself in the end.
      others: () => [(2 * i + 1) % nodes.length, (2 * i + 2) % nodes.length, (i * 7) % nodes.length].map(j => nodes[j]),
    });
  return Far('graph', {
    bootstrap: () => 'ready',
    grow: count => {
      for (let i = 0; i < count; i += 1) nodes.push(make(nodes.length));
      return nodes.length;
    },
    node: i => nodes[i],
    slice: (from, to) => nodes.slice(from, to).map((node, i) => ({ node, next: nodes[(from + i + 1) % nodes.length] })),
    deep: (i, depth) => nested(nodes[i], depth),
  });
};
`;

export const test = async t => {
  const count = 10_000;
  const home = await t.started();
  const { vats } = await home.launch({ graph });
  const { resolveKref } = await session(t, home);
  const root = await resolveKref(vats.graph.root);
  equal(await E(root).grow(count), count, 'nodes');
  const nodes = [];
  for (let from = 0; from < count; from += 500) {
    const part = await E(root).slice(from, from + 500);
    part.forEach(({ node, next }, i) => nodes.push({ node, next, i: from + i }));
  }
  equal(new Set(nodes.map(({ node }) => krefOf(node))).size, count, 'different krefs');
  check(nodes.every(({ next, i }) => next === nodes[(i + 1) % count].node), 'an edge leads to another presence');
  // Along edges that answers give.
  let node = nodes[0].node;
  for (let step = 0; step < 30; step += 1) {
    const others = await E(node).others();
    node = others[step % 3];
  }
  equal(typeof (await E(node).number()), 'number', 'the end of the walk');
  let deep = await E(root).deep(5, 100);
  for (let depth = 0; depth < 100; depth += 1) {
    deep = deep.in[0];
  }
  check(deep === nodes[5].node, 'a presence a hundred levels down is another');
};
