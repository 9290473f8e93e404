// SPDX-License-Identifier: Apache-2.0
// A crank ends when no promise job is left: a chain of ten thousand steps is one crank, and its result
// is resolved in that crank.
import { check, equal } from '../lib.mjs';

const chain = `
import { Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    chain: async steps => {
      let n = 0;
      for (let i = 0; i < steps; i += 1) n = await Promise.resolve(n + 1);
      return n;
    },
  });`;

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ chain });
  await home.send(root, 'chain', 1);
  const trace = await home.trace();
  equal(await home.send(root, 'chain', 10_000), 10_000, 'the end of the chain');
  await home.settle();
  const deliveries = trace.events.filter(e => e.event === 'deliver' && e.vat === vats.chain.vat &&
    e.type !== 'bringOutYourDead');
  equal(deliveries.map(e => e.method), ['chain'], 'deliveries to the vat');
  const resolved = trace.events.find(e => e.event === 'syscall' && e.name === 'resolve' &&
    e.vat === vats.chain.vat);
  check(resolved, 'the result was not seen being resolved');
  const [first, last] = [deliveries[0], resolved].map(event => trace.events.indexOf(event));
  const ends = trace.events.slice(first, last).filter(e => e.event === 'commit' && e.vat === vats.chain.vat);
  equal(ends, [], 'ends of cranks between the delivery and the resolution');
  const commits = trace.events.filter(e => e.event === 'commit' && e.vat === vats.chain.vat &&
    e.delivery === deliveries[0].delivery);
  equal(commits.length, 1, 'commits of that crank');
};
