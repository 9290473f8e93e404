// SPDX-License-Identifier: Apache-2.0
// The clean-up of a kind runs once, when the last of heap, stored data and other vats has let go of an
// object, in the crank that deletes its rows: through crashes, collections and its own errors.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

// Asks for the object itself, so that nobody outside ever has it.
const keeper = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    fetch: async (from, method, ...args) => baggage.init('it', await E(from)[method](...args)),
    call: () => E(baggage.get('it')).text(),
    remove: () => baggage.delete('it'),
  });`;

const maker = `
import { E, Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeCustomDurableKindWithStoreObj } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const zone = makeDurableZone(baggage);
  const log = text => baggage.set('log', harden([...baggage.get('log'), text]));
  if (!baggage.has('log')) baggage.init('log', harden([]));
  const note = obj => Far('note', { text: () => obj.text });
  const makeNote = makeCustomDurableKindWithStoreObj(zone.subZone('notes'), {
    tag: 'note',
    make: (obj, text, more = {}) => {
      Object.assign(obj, { text, inner: undefined, witness: undefined, throws: false }, more);
      return note(obj);
    },
    reanimate: note,
    cleanup: (obj, baseRef) => {
      log('clean ' + obj.text);
      if (obj.witness) E(obj.witness).note('heard ' + /^o.d/.test(baseRef));
      if (obj.throws) throw Error('no clean end');
      return obj.inner !== undefined;
    },
  });
  // The same hook on a kind of liveslots' own.
  if (!baggage.has('kind')) baggage.init('kind', VatData.makeKindHandle('plain'));
  const makePlain = VatData.defineDurableKind(baggage.get('kind'), text => ({ text }), {
    text: ({ state }) => state.text,
  }, { cleanup: ({ state }) => log('clean ' + state.text) });
  let held;
  return Far('root', {
    bootstrap: () => 'ready',
    keep: (name, text, more) => baggage.init(name, makeNote(text, more)),
    keepPlain: (name, text) => baggage.init(name, makePlain(text)),
    give: text => makeNote(text),
    hold: name => { held = baggage.get(name); },
    letGo: () => { held = undefined; },
    chain: (name, length) => {
      let it;
      for (let i = length; i > 0; i -= 1) it = makeNote('link of ' + name, { inner: it });
      baggage.init(name, it);
    },
    lose: text => { makeNote(text); },
    remove: name => baggage.delete(name),
    log: () => baggage.get('log'),
    count: () => baggage.get('log').length,
    clear: () => baggage.set('log', harden([])),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker, keeper, recorder });
  const root = vats.maker.root;
  const reap = async () => {
    for (let i = 0; i < 2; i += 1) {
      equal((await home.keeve(['reap'])).status, 0, 'reap');
      await home.settle();
    }
  };
  const log = async () => {
    const found = await home.send(root, 'log');
    await home.send(root, 'clear');
    return found;
  };
  const records = async text => {
    const { stdout } = await home.keeve(['export']);
    return stdout.split('\n').filter(line => line.includes(text)).length;
  };

  // Stored data lets go: nothing is told before a collection, then once.
  const witness = { kref: vats.recorder.root };
  await home.send(root, 'keep', 'one', 'the first', { witness });
  await reap();
  equal(await log(), [], 'what is still held');
  check(await records('the first') > 0, 'a row of the first');
  await home.send(root, 'remove', 'one');
  await reap();
  equal(await log(), ['clean the first'], 'what stored data let go of');
  equal(await home.send(vats.recorder.root, 'notes'), ['heard true'], 'what the hook sent');
  await home.send(vats.recorder.root, 'note', 'x');
  await reap();
  equal(await log(), [], 'a second collection');

  // The heap holds on.
  await home.send(root, 'keep', 'two', 'the second');
  await home.send(root, 'hold', 'two');
  await home.send(root, 'remove', 'two');
  await reap();
  equal(await log(), [], 'what the heap holds');
  await home.send(root, 'letGo');
  await reap();
  equal(await log(), ['clean the second'], 'what the heap let go of');

  // Another vat holds on, over a restart of the owner.
  await home.send(vats.keeper.root, 'fetch', { kref: root }, 'give', 'the third');
  await reap();
  equal((await home.keeve(['restart-vat', vats.maker.vat])).status, 0, 'restart-vat');
  await home.send(root, 'count');
  await reap();
  equal(await log(), [], 'what another vat holds');
  equal(await home.send(vats.keeper.root, 'call'), 'the third', 'what another vat holds');
  await home.send(vats.keeper.root, 'remove');
  await reap();
  equal(await log(), ['clean the third'], 'what another vat let go of');

  // A crash after the last reference went and before a collection; and one of an object that only the
  // heap ever had.
  await home.send(root, 'keep', 'four', 'the fourth');
  await home.send(root, 'remove', 'four');
  await home.send(root, 'lose', 'the fifth');
  await home.restart();
  equal(await home.send(root, 'count'), 0, 'before a collection');
  await reap();
  equal((await log()).sort(), ['clean the fifth', 'clean the fourth'], 'after crash and collection');
  await home.restart();
  await home.send(root, 'count');
  await reap();
  equal(await log(), [], 'after another crash and collection');

  // A hook that throws; one of a kind of liveslots; a long chain, each link freeing the next.
  await home.send(root, 'keep', 'six', 'the sixth', { throws: true });
  await home.send(root, 'keepPlain', 'seven', 'the seventh');
  await home.send(root, 'remove', 'six');
  await home.send(root, 'remove', 'seven');
  await reap();
  equal((await log()).sort(), ['clean the seventh', 'clean the sixth'], 'two kinds');
  equal(await records('the sixth'), 0, 'rows of what had a hook that threw');
  check((await home.keeve(['logs', vats.maker.vat])).stdout.includes('no clean end'),
    'the log does not show what the hook threw');
  await home.send(root, 'chain', 'chain', 50);
  await home.send(root, 'remove', 'chain');
  await reap();
  equal((await log()).length, 50, 'links of a chain');

  for (const text of ['the first', 'the second', 'the third', 'the fourth', 'the fifth', 'the seventh',
    'link of chain', 'vom.loose.']) {
    equal(await records(text), 0, `rows that are left of ${text}`);
  }
  await home.audit();
};
