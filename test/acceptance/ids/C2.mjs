// SPDX-License-Identifier: Apache-2.0
// Tables that a host brings are used for every slot of the session.
import { check, equal } from '../lib.mjs';
import { E, Far, client, hosted } from '../client.mjs';

export const test = async t => {
  const used = { made: [], named: [], marked: [] };
  const { root } = await hosted(t, {
    makeCapTPImportExportTables: kit => {
      const tables = client.makeKrefImportExportTables(kit);
      return {
        ...tables,
        makeValueForSlot: (slot, iface) => {
          used.made.push(slot);
          return tables.makeValueForSlot(slot, iface);
        },
        makeSlotForValue: value => {
          const slot = tables.makeSlotForValue(value).replace(/\d+$/, n => `mine${n}`);
          used.named.push(slot);
          return slot;
        },
        markAsExported: (slot, value) => {
          used.marked.push(slot);
          tables.markAsExported(slot, value);
        },
      };
    },
  });
  const mine = Far('mine', { n: () => 5 });
  equal(await E(root).call(mine, 'n'), 5, 'an object of the host, called back under its name');
  check((await E(root).same(mine)) === mine, 'an object that came back is another');
  const { child } = await E(root).getRelated();
  equal(await E(child).label(), 'child', 'a presence of these tables');
  equal(used.named, ['o+mine1'], 'slots that were asked for');
  equal(used.marked, ['o+mine1'], 'exports that were marked');
  equal(used.made.every(slot => /^o-ko\d+$/.test(slot)), true, `imports ${used.made}`);
  equal(used.made.length, 4, 'imports');
};
