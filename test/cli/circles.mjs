#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// circles - promises that settle to data naming each other, in one crank, in two, in two vats: everybody is told
// how they settled, and then nothing more happens.
// usage: KEEVE=... KEEVE_VAT=... circles.mjs
import { equal, runScript } from '../acceptance/lib.mjs';

const owner = `
import { Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';
export const buildRootObject = () => {
  const kits = new Map();
  return Far('root', {
    bootstrap: () => 'ready',
    make: name => {
      kits.set(name, makePromiseKit());
      return kits.get(name).promise;
    },
    settle: outcomes => {
      for (const [name, outcome] of outcomes) {
        kits.get(name).resolve(outcome);
      }
    },
  });
};`;

const caller = `
import { E, Far } from '@endo/far';
import { isPromise } from '@endo/promise-kit';
export const buildRootObject = () => {
  let vats;
  // Each outcome is a list of one promise, which settles to such a list, and so on: back at the first?
  const walk = async (first, steps) => {
    let list = await first;
    for (let i = 0; i < steps; i += 1) {
      if (list.length !== 1 || !isPromise(list[0])) return 'no promise at ' + i;
      list = await list[0];
    }
    return 'went round';
  };
  return Far('root', {
    bootstrap: given => { vats = given; return 'ready'; },
    // names: of promises, each of the vat of its name; settled each to a list of the one that follows.
    circle: async (names, together) => {
      const promises = names.map(([vat, name]) => E(vats[vat]).make(name));
      const outcomes = names.map(([vat, name], i) =>
        [vat, [name, harden([promises[(i + 1) % names.length]])]]);
      if (together) {
        await E(vats[names[0][0]]).settle(outcomes.map(([, outcome]) => outcome));
      } else {
        for (const [vat, outcome] of outcomes) await E(vats[vat]).settle([outcome]);
      }
      return walk(promises[0], 3 * names.length);
    },
  });
};`;

const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ caller, left: owner, right: owner });
  const cranks = async () => (await home.rows('status'))[0].cranks;
  const circle = async (what, names, together) => {
    equal(await home.send(vats.caller.root, 'circle', names, together), 'went round', what);
    await home.settle();
    const before = await cranks();
    await new Promise(done => setTimeout(done, 300));
    equal(await cranks(), before, `${what}: cranks when all is told`);
  };

  await circle('one that names itself', [['left', 'a']], true);
  await circle('two in one crank', [['left', 'b'], ['left', 'c']], true);
  await circle('two in two cranks', [['left', 'd'], ['left', 'e']], false);
  await circle('five in one crank', ['f', 'g', 'h', 'i', 'j'].map(name => ['right', name]), true);
  await circle('two of two vats', [['left', 'k'], ['right', 'l']], false);
  await circle('four of two vats', [['left', 'm'], ['right', 'n'], ['left', 'o'], ['right', 'p']], false);
  for (const { vat, incarnation } of await home.rows('vats')) {
    equal(incarnation, 0, `${vat}: incarnation`);
  }
  await home.audit();
};

await runScript(test);
