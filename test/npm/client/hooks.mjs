// SPDX-License-Identifier: Apache-2.0
// The hooks and methods that makeCapTP adds to @endo/captp, against an end of @endo/captp itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import { E, Far, client, makeEnds, turn, until, untilCollected } from './ends.mjs';

const { makeDelegatePresence } = client;
const echo = () => Far('echo', { same: x => x, call: (o, method, ...args) => E(o)[method](...args) });
const slotsOf = (messages, type) =>
  messages.filter(m => m.type === type).flatMap(m => (m.method ?? m.result ?? m.res).slots);

test('gcHook: once, with the slot, when the peer needs an export no longer', async () => {
  const dropped = [];
  const held = [];
  const keeper = Far('keeper', { keep: x => void held.push(x), drop: () => void held.pop() });
  const { near } = makeEnds({
    bootstrap: keeper,
    options: { gcHook: (slot, value) => dropped.push([slot, value]) },
    peerOptions: { gcImports: true },
  });
  const peer = await near.getBootstrap();
  const thing = Far('thing', {});
  await E(peer).keep(thing);
  await E(peer).keep(Far('other', {}));
  await E(peer).drop();
  await untilCollected(() => dropped.length > 0, 'gcHook');
  assert.deepEqual(dropped.map(([slot]) => slot), ['o+2']);
  await E(peer).drop();
  await untilCollected(() => dropped.length > 1, 'gcHook');
  assert.deepEqual(dropped.map(([slot]) => slot), ['o+2', 'o+1']);
  assert.equal(dropped[1][1], thing);
});

test('an export that was dropped can be sent again, and called', async () => {
  const held = [];
  const { near } = makeEnds({
    bootstrap: Far('keeper', { keep: x => void held.push(x), drop: () => void held.pop(), call: () => E(held[0]).n() }),
    peerOptions: { gcImports: true },
  });
  const peer = await near.getBootstrap();
  const thing = Far('thing', { n: () => 7 });
  await E(peer).keep(thing);
  await E(peer).drop();
  await untilCollected(() => near.getTableSizes().exports === 0, 'the drop');
  await E(peer).keep(thing);
  assert.equal(await E(peer).call(), 7);
});

test('onBeforeImportHook supplies the presence', async () => {
  const own = Far('own', { who: () => 'own' });
  const asked = [];
  const { near } = makeEnds({
    bootstrap: Far('root', { make: () => Far('made', {}) }),
    options: {
      onBeforeImportHook: (slot, iface) => {
        asked.push([slot, iface]);
        return iface === 'Alleged: made' ? own : undefined;
      },
    },
  });
  const root = await near.getBootstrap();
  assert.equal(await E(root).make(), own);
  assert.deepEqual(asked, [['o-1', 'Alleged: root'], ['o-2', 'Alleged: made']]);
});

test('onBeforeExportHook chooses the slot; the answer comes back to the value', async () => {
  const mine = Far('mine', {});
  const { near, sent } = makeEnds({
    bootstrap: echo(),
    options: { onBeforeExportHook: value => (value === mine ? 'o+777' : undefined) },
  });
  const peer = await near.getBootstrap();
  assert.equal(await E(peer).same(mine), mine);
  assert.deepEqual(slotsOf(sent, 'CTP_CALL'), ['o+777']);
});

test('a slot of the hook that stands for something else is refused, and nothing is sent', async () => {
  const { near, sent } = makeEnds({
    bootstrap: echo(),
    options: { onBeforeExportHook: () => 'o+5' },
  });
  const peer = await near.getBootstrap();
  await E(peer).same(Far('a', {}));
  const before = sent.length;
  await assert.rejects(E(peer).same(Far('b', {})), /o\+5 stands for something else/);
  assert.equal(sent.length, before);
});

test('missingExportHook fills in what is not in the table', async () => {
  const stored = Far('stored', { hello: () => 'from the store' });
  const loads = [];
  const ends = makeEnds({
    ours: Far('ours', {}),
    options: {
      missingExportHook: slot => {
        loads.push(slot);
        return slot === 'o+stored' ? stored : undefined;
      },
    },
  });
  const reach = slot => {
    const { settler } = ends.far.makeRemoteKit(slot);
    return settler.resolveWithPresence();
  };
  assert.equal(await E(reach('o-stored')).hello(), 'from the store');
  assert.equal(await E(reach('o-stored')).hello(), 'from the store');
  assert.deepEqual(loads, ['o+stored']);
  await assert.rejects(E(reach('o-9')).hello(), /Unknown export o\+9/);
  // What waits for an answer that can never come gets the same error.
  await assert.rejects(E(E(reach('o-9')).hello()).more(), /Unknown export o\+9/);
});

test('without missingExportHook: a clear error for who calls', async () => {
  const { far } = makeEnds({ ours: Far('ours', {}) });
  const presence = far.makeRemoteKit('o-12').settler.resolveWithPresence();
  await assert.rejects(E(presence).hello(), /Unknown export o\+12/);
});

test('missingExportHook may export by exportValue, too', async () => {
  let ends;
  ends = makeEnds({
    options: { missingExportHook: slot => void ends.near.exportValue(Far('late', { n: () => 1 }), slot) },
  });
  assert.equal(await E(ends.far.makeRemoteKit('o-late').settler.resolveWithPresence()).n(), 1);
});

test('importSlot: the presence that was registered is what comes', async () => {
  const { near } = makeEnds({ bootstrap: Far('root', { make: () => Far('made', {}), same: x => x }) });
  const mine = Far('mine', {});
  near.importSlot('o-2', mine);
  const root = await near.getBootstrap();
  assert.equal(await E(root).make(), mine);
  // It goes back as the peer's own.
  assert.equal(await E(root).same(mine), mine);
});

test('importSlot without a presence makes one that reaches the peer', async () => {
  const { near } = makeEnds({
    bootstrap: Far('root', { make: () => Far('made', { n: () => 5 }) }),
  });
  const early = near.importSlot('o-2');
  const root = await near.getBootstrap();
  assert.equal(await E(root).make(), early);
  assert.equal(await E(early).n(), 5);
});

test('exportValue: the peer calls a slot that was never sent', async () => {
  const { near, far, sent } = makeEnds({ bootstrap: echo() });
  const value = Far('value', { n: () => 9 });
  near.exportValue(value, 'o+chosen');
  assert.equal(await E(far.makeRemoteKit('o-chosen').settler.resolveWithPresence()).n(), 9);
  const peer = await near.getBootstrap();
  assert.equal(await E(peer).same(value), value);
  assert.deepEqual(slotsOf(sent, 'CTP_CALL'), ['o+chosen']);
  assert.throws(() => near.exportValue(Far('other', {}), 'o+chosen'), /something else/);
  assert.throws(() => near.exportValue(value, 'x-1'), /bad slot/);
});

test('makeRemoteKit: a presence that no table knows', async () => {
  const { near } = makeEnds({ bootstrap: Far('root', { n: x => x + 1 }) });
  await near.getBootstrap();
  const before = near.getTableSizes();
  const presence = near.makeRemoteKit('o-1').settler.resolveWithPresence();
  assert.equal(await E(presence).n(1), 2);
  assert.equal(near.getTableSizes().imports, before.imports);
});

test('an export hook that throws leaves nothing, and the next try gets the same slot', async () => {
  let angry = true;
  const { near, sent } = makeEnds({
    bootstrap: echo(),
    options: {
      exportHook: () => {
        if (angry) {
          throw Error('not now');
        }
      },
    },
  });
  const peer = await near.getBootstrap();
  const mine = Far('mine', {});
  const before = sent.length;
  await assert.rejects(E(peer).same(mine), /not now/);
  assert.equal(near.getTableSizes().exports, 0);
  assert.equal(sent.length, before);
  angry = false;
  assert.equal(await E(peer).same(mine), mine);
  assert.equal(near.getTableSizes().exports, 1);
  assert.deepEqual(slotsOf(sent, 'CTP_CALL'), ['o+1']);
});

test('importHook and exportHook put others in the place of objects, not of promises', async () => {
  const swapped = Far('swapped', { who: () => 'swapped' });
  const seen = { imports: [], exports: [] };
  const { near, sent } = makeEnds({
    bootstrap: Far('root', {
      both: () => [Far('object', {}), new Promise(done => setTimeout(done, 5, 'settled'))],
      same: x => x,
    }),
    options: {
      importHook: (value, slot) => {
        seen.imports.push(slot);
        return slot === 'o-2' || slot[0] === 'p' ? swapped : undefined;
      },
      exportHook: (value, slot) => {
        seen.exports.push(slot);
        return slot === 'o+1' ? 'o+99' : 'o+98';
      },
    },
  });
  const root = await near.getBootstrap();
  const [object, promise] = await E(root).both();
  assert.equal(object, swapped);
  assert.ok(promise instanceof Promise);
  assert.equal(await promise, 'settled');
  await E(root).same([Far('mine', {}), Promise.resolve(1)]);
  assert.deepEqual(slotsOf(sent, 'CTP_CALL'), ['o+99', 'p+1']);
  assert.deepEqual(seen, { imports: ['o-1', 'o-2', 'p-1'], exports: ['o+1', 'p+1'] });
});

test('a delegate takes messages before there is a value; each arrives once, in order', async () => {
  const heard = [];
  const ends = makeEnds({
    bootstrap: Far('root', { make: () => Far('made', { say: x => heard.push(x) }) }),
  });
  const root = await ends.near.getBootstrap();
  const { presence, provide } = makeDelegatePresence('future');
  ends.near.importSlot('o-2', presence);
  const said = [E(presence).say(1), E(presence).say(2)];
  await turn();
  assert.deepEqual(heard, []);
  const made = await E(root).make();
  assert.equal(made, presence);
  provide(ends.near.makeRemoteKit('o-2').promise);
  said.push(E(presence).say(3));
  await Promise.all(said);
  assert.deepEqual(heard, [1, 2, 3]);
});

test('a delegate on the exporting side: what was called before it was there is delivered once', async () => {
  const delegates = new Map();
  const ends = makeEnds({
    options: {
      missingExportHook: slot => {
        delegates.set(slot, makeDelegatePresence(slot));
        return delegates.get(slot).presence;
      },
    },
  });
  const heard = [];
  const remote = ends.far.makeRemoteKit('o-future').settler.resolveWithPresence();
  const said = E(remote).say('hello');
  await until(() => delegates.has('o+future'), 'the call');
  delegates.get('o+future').provide(Far('value', { say: x => heard.push(x) }));
  await said;
  assert.deepEqual(heard, ['hello']);
});
