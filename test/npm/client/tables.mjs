// SPDX-License-Identifier: Apache-2.0
// Tables: those of npm's option, ours, and those that speak in krefs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { E, Far, client, makeEnds, makeKernelTables, makePeer, turn, untilCollected } from './ends.mjs';

const { krefOf, isKrefPresence, kslot, makeBackgroundCapTP, makeKrefImportExportTables } = client;

/** A kernel in this process, and the client's end of a link to it. */
const makeKernelEnds = bootstrap => {
  const tables = makeKernelTables();
  const ends = makeEnds({
    bootstrap,
    peerOptions: { makeCapTPImportExportTables: tables.factory },
    make: (name, send, ours, options) => {
      const background = makeBackgroundCapTP({ ...options, send, bootstrap: ours });
      return { ...background, getBootstrap: background.getKernel };
    },
  });
  return { ...ends, exported: tables.exported };
};

test('a table object of the host is used for all slots', async () => {
  const used = [];
  const { near } = makeEnds({
    bootstrap: Far('root', { same: x => x }),
    options: {
      makeCapTPImportExportTables: kit => {
        const tables = makeKernelTables().factory(kit);
        return Object.fromEntries(Object.entries(tables).map(([name, fn]) => [
          name,
          (...args) => {
            used.push(name);
            return fn(...args);
          },
        ]));
      },
    },
  });
  const root = await near.getBootstrap();
  const mine = Far('mine', {});
  assert.equal(await E(root).same(mine), mine);
  for (const name of ['makeSlotForValue', 'makeValueForSlot', 'hasImport', 'getImport', 'markAsImported',
    'hasExport', 'getExport', 'markAsExported']) {
    assert.ok(used.includes(name), name);
  }
});

test('our tables serve an unmodified end of npm', async () => {
  let far;
  const near = makePeer('near', m => setImmediate(() => far.dispatch(m)), undefined, {
    makeCapTPImportExportTables: makeKrefImportExportTables,
  });
  far = makePeer('far', m => setImmediate(() => near.dispatch(m)), Far('root', { n: () => 3 }), {
    makeCapTPImportExportTables: makeKernelTables().factory,
  });
  const root = await near.getBootstrap();
  assert.equal(await E(root).n(), 3);
  assert.equal(krefOf(root), 'ko1');
});

test('results are presences with krefs, at any depth; kp is a promise', async () => {
  const { near } = makeKernelEnds(
    Far('facade', {
      graph: () => ({ a: [{ b: Far('b', { n: () => 1 }) }], p: new Promise(() => {}), kept: Promise.resolve(4) }),
    }),
  );
  const kernel = await near.getKernel();
  assert.equal(krefOf(kernel), 'ko1');
  const { a: [{ b }], p, kept } = await E(kernel).graph();
  assert.equal(krefOf(b), 'ko2');
  assert.equal(await E(b).n(), 1);
  assert.ok(p instanceof Promise && isKrefPresence(p));
  assert.match(krefOf(p), /^kp/);
  assert.equal(await kept, 4);
});

test('presences and stand-ins go back as what they name; strings stay strings', async () => {
  const { near, sent } = makeKernelEnds(
    Far('facade', { make: () => Far('made', {}), same: x => x, isText: x => typeof x === 'string' }),
  );
  const kernel = await near.getKernel();
  const made = await E(kernel).make();
  const [again, standin, text] = await E(kernel).same([made, kslot('ko2'), 'ko2']);
  assert.equal(again, made);
  assert.equal(standin, made);
  assert.equal(text, 'ko2');
  assert.ok(await E(kernel).isText('ko2'));
  assert.deepEqual(sent.at(-2).method.slots, ['o-ko2', 'o-ko2']);
});

test('exportSlot and importSlot pair krefs and presences', () => {
  const asked = [];
  const tables = makeKrefImportExportTables({ sendToKernel: (...args) => asked.push(args) });
  const presence = tables.importSlot('ko42');
  assert.equal(tables.importSlot('ko42'), presence);
  assert.equal(tables.exportSlot(presence), 'ko42');
  assert.ok(tables.importSlot('kp7') instanceof Promise);
  for (const foreign of [Far('mine', {}), {}, 'ko42', undefined, 7, Promise.resolve()]) {
    assert.equal(tables.exportSlot(foreign), undefined);
  }
  for (const bad of ['ko', 'o+4', 'ko42 ', 'v1', 7, undefined]) {
    assert.throws(() => tables.importSlot(bad), /not a kref/);
  }
});

test('a host object travels, is called back, and is let go of', async () => {
  const { near } = makeKernelEnds(Far('facade', { call: (o, x) => E(o).twice(x) }));
  const kernel = await near.getKernel();
  assert.equal(await E(kernel).call(Far('mine', { twice: x => 2 * x }), 21), 42);
});

test('many dropped presences go in few messages, with all that was counted', async () => {
  const { near, sent, exported } = makeKernelEnds(
    Far('facade', { many: n => Array.from({ length: n }, (_, i) => Far('one', { i: () => i })) }),
  );
  const kernel = await near.getKernel();
  await (async () => {
    const all = await E(kernel).many(1000);
    assert.equal(await E(all[999]).i(), 999);
    assert.equal(exported.size, 1001);
  })();
  const dropped = () =>
    sent.filter(m => m.type === 'CTP_DROP').flatMap(m => [m, ...(m.more ?? [])]).map(({ slotID, decRefs }) => [slotID, decRefs])
      .filter(([slot]) => slot[0] === 'o');
  await untilCollected(() => dropped().length >= 1000, 'the drops');
  assert.equal(new Set(dropped().map(([slot]) => slot)).size, 1000);
  assert.ok(dropped().every(([, count]) => count === 1));
  const messages = sent.filter(m => m.type === 'CTP_DROP').length;
  assert.ok(messages < 100, `${messages} messages for 1000 drops`);
});

test('a drop that crosses a mention: what was mentioned again is not let go of', async () => {
  const one = Far('one', { n: () => 1 });
  const { near, sent } = makeKernelEnds(Far('facade', { get: () => one }));
  const kernel = await near.getKernel();
  await E(kernel).get();
  // Let go of by hand, and mentioned again before the message about it has left.
  near.dropKref('ko2');
  const again = await (async () => E(kernel).get())();
  assert.equal(krefOf(again), 'ko2');
  assert.equal(await E(again).n(), 1);
  await turn();
  await turn();
  const drops = sent.filter(m => m.type === 'CTP_DROP')
    .flatMap(m => [m, ...(m.more ?? [])]).map(({ slotID, decRefs }) => [slotID, decRefs]).filter(([slot]) => slot === 'o-ko2');
  // Either nothing was sent yet, or no more than was counted before the new mention.
  assert.ok(drops.length === 0 || drops[0][1] === 1, JSON.stringify(drops));
});

test('one presence for each kref while it lives, a new one after', async () => {
  const one = Far('one', { n: () => 1 });
  const { near, sent } = makeKernelEnds(Far('facade', { get: () => one }));
  const kernel = await near.getKernel();
  await (async () => {
    const [a, b] = await Promise.all([E(kernel).get(), E(kernel).get()]);
    assert.equal(a, b);
  })();
  await untilCollected(
    () => sent.some(m => m.type === 'CTP_DROP' && JSON.stringify(m).includes('"o-ko2"')),
    'the drop',
  );
  assert.equal(krefOf(await E(kernel).get()), 'ko2');
});
