// SPDX-License-Identifier: Apache-2.0
// Results turn into krefs, arguments into targets: an object that a host was given and gives back is the
// same object to its vat, and to every other that has it.
import { check, equal } from '../../../acceptance/lib.mjs';
import { E } from '../npm.mjs';
import { openOwner, slotsHeard } from '../keeve.mjs';

const maker = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const made = [];
  return Far('root', {
    bootstrap: () => 'ready',
    make: () => { const it = Far('made', {}); made.push(it); return it; },
    which: it => made.indexOf(it),
    get: i => made[i],
  });
};`;
const holder = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  const held = [];
  return Far('root', {
    bootstrap: () => 'ready',
    put: it => held.push(it),
    which: it => held.indexOf(it),
    askMaker: (maker, i) => E(maker).which(held[i]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker, holder });
  const host = await openOwner(home);
  const [root, other] = [await host.resolve(vats.maker.root), await host.resolve(vats.holder.root)];
  const made = [];
  for (let i = 0; i < 3; i += 1) {
    made.push(await E(root).make());
    const [slot] = slotsHeard(host, 'CTP_RETURN');
    check(/^o\+ko\d+$/.test(slot), `the wire names a result ${slot}`);
    const row = (await home.rows('objects')).find(it => it.kref === slot.slice(2));
    equal(row.owner, vats.maker.vat, 'the owner of what the wire names');
  }
  for (const i of [2, 0, 1]) {
    equal(await E(root).which(made[i]), i, 'the vat finds its own object in an argument');
    check((await E(root).get(i)) === made[i], 'the host gets the same presence again');
    await E(other).put(made[i]);
  }
  equal(await E(other).which(made[2]), 0, 'another vat finds what the host gave it');
  equal(await E(other).askMaker(root, 1), 0, 'and the first vat finds it when that one names it');
};
