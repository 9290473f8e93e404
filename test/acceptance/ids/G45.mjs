// SPDX-License-Identifier: Apache-2.0
// importHook and exportHook put others in the place of objects; of promises they only hear.
import { check, equal } from '../lib.mjs';
import { E, Far, host, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const swapped = Far('swapped', { label: () => 'swapped' });
  const heard = { imports: [], exports: [] };
  let swapping = false;
  const { session, sent } = await watched(t, home, {
    importHook: (_value, slot) => {
      heard.imports.push(slot);
      return swapping ? swapped : undefined;
    },
    exportHook: (_value, slot) => {
      heard.exports.push(slot);
      return slot[0] === 'o' ? 'o+special' : 'p+special';
    },
  });
  const root = await session.resolveKref(vats.host.root);
  swapping = true;
  const { child } = await E(root).getRelated();
  check(child === swapped, 'the object was not swapped');
  const { p } = await E(root).promise('p');
  check(p instanceof Promise && p !== swapped, 'the promise was swapped');
  await E(root).fulfil('p', 4);
  equal(await p, 4, 'the promise');
  const mine = Far('mine', { n: () => 6 });
  equal(await E(root).call(mine, 'n'), 6, 'an object under a slot of the hook');
  const back = await E(root).same({ q: Promise.resolve(8) });
  equal(await back.q, 8, 'a promise of ours');
  const slots = sent.flatMap(m => m.method?.slots ?? []);
  check(slots.includes('o+special') && slots.includes('p+1') && !slots.includes('p+special'), JSON.stringify(slots));
  check(heard.imports.some(slot => slot.startsWith('p-')) && heard.exports.includes('p+1'), 'promises were not heard of');
};
