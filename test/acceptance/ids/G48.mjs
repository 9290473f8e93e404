// SPDX-License-Identifier: Apache-2.0
// Tables of references: each name of a vat stands for one kernel name and back, each import has an
// exporter, and the audit, which checks the stored rows in both directions, agrees.
import { check, equal } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const look = async (home, vats) => {
  const owners = new Map();
  const imports = [];
  for (const { vat } of vats) {
    const rows = await home.rows('clist', vat);
    check(rows.length > 0, `the table of ${vat} is empty`);
    for (const name of ['kref', 'vref']) {
      equal(new Set(rows.map(row => row[name])).size, rows.length, `different ${name}s of ${vat}`);
    }
    for (const row of rows.filter(r => r.kref.startsWith('ko'))) {
      check(/^o[+-]/.test(row.vref), `${vat} has ${row.vref} for an object`);
      if (row.vref.startsWith('o+')) {
        check(!owners.has(row.kref), `${row.kref} is exported by ${owners.get(row.kref)} and ${vat}`);
        owners.set(row.kref, vat);
      } else {
        imports.push({ vat, ...row });
      }
    }
  }
  for (const row of imports) {
    check(owners.has(row.kref), `${row.vat} imports ${row.kref}, which nobody exports`);
  }
  for (const object of await home.rows('objects')) {
    if (owners.has(object.kref)) {
      equal(object.owner, owners.get(object.kref), `the owner of ${object.kref}`);
    }
  }
  await home.audit();
  return imports.length;
};

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  for (const name of ['a', 'b', 'c']) {
    await home.send(vats.keeper.root, 'put', name, await home.send(vats.counter.root, 'make'));
  }
  await home.settle();
  check(await look(home, [vats.keeper, vats.counter]) >= 3, 'the imports are not in the table');
  await home.restart();
  check(await look(home, [vats.keeper, vats.counter]) >= 3, 'the imports are gone after a restart');
};
