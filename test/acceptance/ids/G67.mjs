// SPDX-License-Identifier: Apache-2.0
// Heap, virtual and durable objects: within a life all three work; a restart ends the first two, which
// then reject by name, and only the durable one goes on.
import { check, equal } from '../lib.mjs';

const three = `
import { Far } from '@endo/far';
import { makeExo } from '@endo/exo';
import { defineVirtualExoClass, prepareExoClass } from '@agoric/vat-data';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const init = () => ({ n: 0 });
  const methods = { increment() { return (this.state.n += 1); } };
  const makeDurable = prepareExoClass(baggage, 'durable', undefined, init, methods);
  const makeVirtual = defineVirtualExoClass('virtual', undefined, init, methods);
  let n = 0;
  const makeHeap = () => makeExo('heap', undefined, { increment: () => (n += 1) });
  return Far('root', {
    bootstrap: () => 'ready',
    make: () => harden([makeHeap(), makeVirtual(), makeDurable()]),
    durable: () => baggage.has('it') ? baggage.get('it') : null,
    keep: it => baggage.init('it', it),
  });
};`;
const holder = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    put: them => { baggage.init('them', them); },
    call: i => E(baggage.get('them')[i]).increment(),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ three, holder });
  const made = await home.send(vats.three.root, 'make');
  await home.send(vats.holder.root, 'put', made);
  await home.send(vats.three.root, 'keep', made[2]);
  for (let n = 1; n <= 2; n += 1) {
    for (let i = 0; i < 3; i += 1) {
      equal(await home.send(vats.holder.root, 'call', i), n, `object ${i} in its life`);
    }
    // Taken out of memory: a virtual object comes back with its state.
    await home.keeve(['reap']);
    await home.settle();
  }
  const names = (await home.rows('clist', vats.three.vat))
    .filter(row => made.some(it => it.kref === row.kref)).map(row => row.vref);
  for (const form of [/^o\+\d+$/, /^o\+v\d+\/\d+$/, /^o\+d\d+\/\d+$/]) {
    check(names.some(name => form.test(name)), `${names} has nothing like ${form}`);
  }

  await home.restart();
  for (const i of [0, 1]) {
    const error = await home.rejection(vats.holder.root, 'call', i);
    check(/^\[KERNEL:[A-Z_]+\]/.test(error['@error']), `object ${i}: ${JSON.stringify(error)}`);
  }
  equal(await home.send(vats.holder.root, 'call', 2), 3, 'the durable one after the restart');
  equal(await home.send(vats.three.root, 'durable'), made[2], 'it has the name it had');
  await home.audit();
};
