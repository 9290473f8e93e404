// SPDX-License-Identifier: Apache-2.0
// Presences that a host drops leave the tables: 10,000 of them, and the rows are as many as before.
import { check, until } from '../../../acceptance/lib.mjs';
import { E, gc } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

const PRESENCES = 10_000;

export const test = async t => {
  const home = await t.started('--durability', 'normal');
  const { root, vats } = await home.launch({ root: rootVat });
  const host = await openOwner(home);
  host.log = false;
  host.said = host.heard = [];
  const it = await host.resolve(root);
  await E(it).echo(1);
  const rows = async () => (await home.rows('sessions'))[0].rows;
  const objects = async () => (await home.rows('stats', vats.root.vat))[0].exports;
  const base = [await rows(), await objects()];
  await (async () => {
    const all = await E(it).makeChildren(PRESENCES);
    check(all.length === PRESENCES, 'they arrived');
  })();
  check((await rows()) >= base[0] + PRESENCES, `only ${await rows()} rows while they are held`);
  check((await objects()) >= base[1] + PRESENCES, 'the vat exports them');
  await until(async () => {
    await gc();
    return (await rows()) <= base[0] + 1; /* the answer to the last call may still be held */
  }, 'the rows of the session to go');
  await until(async () => {
    await home.keeve(['gc']);
    return (await objects()) <= base[1];
  }, 'the vat\'s exports to go');
  await home.audit();
};
