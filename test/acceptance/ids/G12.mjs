// SPDX-License-Identifier: Apache-2.0
// onBeforeImportHook: the host supplies the presence of an incoming slot before one is made.
import { check, equal } from '../lib.mjs';
import { E, Far, hosted } from '../client.mjs';

export const test = async t => {
  const own = Far('own', { doSomething: () => 'by the host' });
  const asked = [];
  const { root } = await hosted(t, {
    onBeforeImportHook: (slot, iface) => {
      asked.push([slot, iface]);
      return iface === 'Alleged: node' ? own : undefined;
    },
  });
  const child = await E(root).make('child');
  check(child === own, 'the usual presence was made');
  equal(await E(child).doSomething(), 'by the host', 'a call of it');
  check(asked.every(([slot]) => /^[op]-k[op]\d+$/.test(slot)), `slots ${JSON.stringify(asked)}`);
  // For the vat it is the vat's.
  const [slot] = asked.find(([, iface]) => iface === 'Alleged: node');
  check(slot.startsWith('o-ko'), slot);
  await E(root).keep('child', child);
  equal(await E(root).callKept('child', 'doSomething'), 'child did it', 'what the vat knows it as');
};
