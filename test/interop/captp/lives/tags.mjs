// SPDX-License-Identifier: Apache-2.0
// Data kinds of one's own ride as tagged records: a vow keeps its tag and the object in it, through vats and
// their durable state, and a tag that nobody knows stays as it is.
import { check, equal } from '../../../acceptance/lib.mjs';
import { E, getTag, makeTagged, passStyleOf } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

const vows = `
import { E, Far } from '@endo/far';
import { getTag, makeTagged, passStyleOf } from '@endo/pass-style';
const isVow = it => passStyleOf(it) === 'tagged' && getTag(it) === 'Vow';
export const buildRootObject = () => Far('root', {
  bootstrap: () => 'ready',
  make: value => makeTagged('Vow', harden({ vowV0: Far('VowInternals', { shorten: () => value }) })),
  // The vat's own reading of the tag: a vow stands for what it shortens to.
  when: it => (isVow(it) ? E(it.payload.vowV0).shorten() : it),
  tagOf: it => (passStyleOf(it) === 'tagged' ? getTag(it) : passStyleOf(it)),
});`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ vows, root: rootVat });
  const host = await openOwner(home);
  const [it, root] = [await host.resolve(vats.vows.root), await host.resolve(vats.root.root)];
  const vow = await E(it).make(7);
  equal([passStyleOf(vow), getTag(vow), Object.keys(vow.payload)], ['tagged', 'Vow', ['vowV0']], 'a vow at the host');
  equal(await E(vow.payload.vowV0).shorten(), 7, 'the object in it');
  equal(await E(it).when(vow), 7, 'the vat that made it knows it');
  const back = await E(root).echo(harden({ in: [vow] }));
  check(back.in[0].payload.vowV0 === vow.payload.vowV0, 'another vat gives back the same one');

  const unknown = makeTagged('no such kind/1.0 ☃', harden([1n, { deep: makeTagged('', undefined) }, vow]));
  equal(await E(it).tagOf(unknown), 'no such kind/1.0 ☃', 'the tag at the vat');
  equal(await E(it).when(5), 5, 'what is no vow');
  await E(root).keep('unknown', unknown);
  equal((await home.keeve(['restart-vat', vats.root.vat])).status, 0, 'the vat is restarted');
  const kept = await E(root).kept('unknown');
  equal([getTag(kept), String(kept.payload[0]), getTag(kept.payload[1].deep)], ['no such kind/1.0 ☃', '1', ''], 'an unknown tag, stored and back');
  check(kept.payload[1].deep.payload === undefined, 'its payload');
  equal(await E(it).when(kept.payload[2]), 7, 'the vow in it');
};
