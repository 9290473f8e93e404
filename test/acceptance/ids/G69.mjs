// SPDX-License-Identifier: Apache-2.0
// Tagged records travel with their tag and payload, whoever knows the tag; and a mapping can be overridden.
import { check, equal } from '../lib.mjs';
import { E, Far, client, hosted } from '../client.mjs';

const { makeTagged, passStyleOf } = client;

export const test = async t => {
  const swap = Far('swap', {});
  const { root } = await hosted(t, {
    onBeforeImportHook: (_slot, iface) => (iface === 'Alleged: node' ? swap : undefined),
  });
  const mine = Far('mine', { n: () => 1 });
  for (const [tag, payload] of [
    ['Vow', { vowV0: mine }],
    ['unknown to all', ['text', { n: 7n, none: undefined }]],
    ['copySet', ['b', 'a']],
    ['nested', makeTagged('inner', [mine])],
  ]) {
    const back = await E(root).same([makeTagged(tag, payload)]);
    equal([passStyleOf(back[0]), back[0][Symbol.toStringTag]], ['tagged', tag], 'style and tag');
    const inside = back[0].payload;
    if (tag === 'Vow') {
      check(inside.vowV0 === mine, 'an object in a payload is another');
    } else if (tag === 'nested') {
      equal(inside[Symbol.toStringTag], 'inner', 'the tag inside');
      check(inside.payload[0] === mine, 'an object in a nested payload is another');
    } else if (tag === 'unknown to all') {
      check(inside[1].n === 7n && 'none' in inside[1], 'the payload');
    } else {
      equal(inside, payload, 'the payload');
    }
  }
  await E(root).keep('vow', makeTagged('Vow', { vowV0: mine }));
  const kept = await E(root).kept('vow');
  check(kept.payload.vowV0 === mine, 'a tagged value that a vat kept');
  // A mapping of the host's own.
  check((await E(root).make('x')) === swap, 'the mapping was not overridden');
};
