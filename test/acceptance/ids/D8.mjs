// SPDX-License-Identifier: Apache-2.0
// Calling at once works inside a vat; on a far object it throws an error with a name.
import { check, equal } from '../lib.mjs';

const caller = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => {
  const near = Far('near', { double: n => 2 * n });
  return Far('root', {
    bootstrap: () => 'ready',
    near: n => near.double(n),
    far: (it, n) => {
      try {
        return it.double(n);
      } catch (error) {
        return { name: error.name, message: error.message };
      }
    },
    methods: it => harden([typeof it.double, ...Object.keys(it)]),
    eventually: (it, n) => E(it).double(n),
  });
};`;
const other = `
import { Far } from '@endo/far';
export const buildRootObject = () => Far('root', { double: n => 2 * n });`;

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ caller, other });
  const far = { kref: vats.other.root };
  equal(await home.send(root, 'near', 4), 8, 'a near call');
  const refused = await home.send(root, 'far', far, 4);
  equal(refused.name, 'TypeError', 'what a direct call on a far object throws');
  check(/not a function|no function/.test(refused.message), `its message: ${refused.message}`);
  equal(await home.send(root, 'methods', far), ['undefined'], 'what a far object shows');
  equal(await home.send(root, 'eventually', far, 4), 8, 'the same call, sent');
};
