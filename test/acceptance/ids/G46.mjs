// SPDX-License-Identifier: Apache-2.0
// Names on a connection: those of durable things are the same ones after restarts and never mean anything
// else; and a host may choose its own, at random and unguessable, from tables it brings along.
import { randomBytes } from 'node:crypto';

import { check, equal } from '../lib.mjs';
import { E, Far, owner } from '../host.mjs';
import { counter, keeper } from '../vats.mjs';

// A table of names, filled before the session begins.
const tables = known => () => {
  const exported = new Map(known);
  const imported = new Map();
  return {
    makeSlotForValue: value => {
      const mine = [...exported].find(([, other]) => other === value);
      return mine ? mine[0] : `${value instanceof Promise ? 'p' : 'o'}+${randomBytes(16).toString('hex')}`;
    },
    makeValueForSlot: undefined,
    hasImport: slot => imported.has(slot),
    getImport: slot => imported.get(slot),
    markAsImported: (slot, value) => imported.set(slot, value),
    hasExport: slot => exported.has(slot),
    getExport: slot => exported.get(slot),
    markAsExported: (slot, value) => exported.set(slot, value),
    deleteExport: slot => exported.delete(slot),
    didDisconnect: () => {},
  };
};

export const test = async t => {
  const home = await t.started();
  const { result, root, vats } = await home.launch({ counter, keeper });
  await home.send(vats.keeper.root, 'put', 'main', result); // so that it is known to somebody
  const seen = new Map(); // name -> what it was
  const ask = async (mark, kref) => {
    const names = new Map();
    const { kernel, close } = await owner(t, home, { importHook: (value, slot) => names.set(value, slot) });
    const found = {
      kernel: names.get(await kernel),
      main: names.get(await E(await E(kernel).resolveKref(root)).getMain()),
      root: names.get(await E(kernel).resolveKref(root)),
      fresh: names.get(await E(await E(kernel).resolveKref(root)).make()),
    };
    for (const [what, name] of Object.entries(found)) {
      const is = what === 'fresh' ? `fresh ${mark}` : what;
      check(name !== undefined, `${what} has a name`);
      check(!seen.has(name) || seen.get(name) === is, `${name} was ${seen.get(name)} and is ${is}`);
      seen.set(name, is);
    }
    check(kref === undefined || found.main.endsWith(kref), `its name tells its kref: ${found.main}`);
    close();
    return [found.kernel, found.main, found.root].join();
  };
  const first = await ask(1, result.kref);
  await home.restart();
  equal(await ask(2, result.kref), first, 'the names after a restart');
  await home.restart();
  equal(await ask(3, result.kref), first, 'the names after a second one');

  // A host with a name of its own choosing, set before anything was said, and random ones for the rest.
  const secret = `o+${randomBytes(16).toString('hex')}`;
  let calls = 0;
  const gate = Far('gate', { open: () => (calls += 1) });
  const slots = [];
  const host = async () => {
    const base = tables([[secret, gate]]);
    return owner(t, home, {
      exportHook: (_value, slot) => slots.push(slot),
      makeCapTPImportExportTables: ({ makeRemoteKit }) => ({
        ...base(),
        makeValueForSlot: (slot, iface) => {
          const { promise, settler } = makeRemoteKit(slot);
          const value = slot.startsWith('o') ? Far(iface ?? 'remote', settler.resolveWithPresence()) : promise;
          return { val: value, settler };
        },
      }),
    });
  };
  let { kernel, close } = await host();
  const keep = await E(kernel).resolveKref(vats.keeper.root);
  await E(keep).put('gate', gate);
  check(slots.includes(secret), 'it is told under the name that was set');
  equal(await E(keep).call('gate', 'open'), 1, 'a vat calls it');
  check((await E(keep).get('gate')) === gate, 'it comes back as itself');
  const others = Array.from({ length: 20 }, (_, i) => Far(`thing ${i}`, { n: () => i }));
  await E(keep).put('things', others);
  const given = await E(keep).get('things');
  check(given.every((it, i) => it === others[i]), 'things under random names come back as themselves');
  equal(new Set(slots).size, slots.length, 'no name was used twice');
  await E(kernel).registerKernelServiceObject('gate', gate);
  const { kref } = (await E(kernel).getStatus()).services.find(({ name }) => name === 'gate');
  close();
  await home.restart();
  ({ kernel, close } = await host());
  equal(await E(kernel).registerKernelServiceObject('gate', gate), kref, 'the same kref after a restart');
  equal(await E(await E(kernel).resolveKref(vats.keeper.root)).call('gate', 'open'), 2, 'and for who held it');
  await home.audit();
};
