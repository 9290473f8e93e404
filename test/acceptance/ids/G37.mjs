// SPDX-License-Identifier: Apache-2.0
// An object nobody in its vat refers to lives while another vat has it, and dies when that one lets go. A
// vat that merely knows it, as the key of a WeakMap, does not keep it.
import { check, equal } from '../lib.mjs';

// Asks for the object itself, so that nobody outside ever has it.
const keeper = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    fetch: async (from, method, text) => baggage.init('it', await E(from)[method](text)),
    call: () => E(baggage.get('it')).text(),
    remove: () => baggage.delete('it'),
  });`;

const maker = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('mark'));
  const makeMark = VatData.defineDurableKind(kind, text => ({ text }), {
    text: ({ state }) => state.text,
  });
  return Far('root', {
    bootstrap: () => 'ready',
    makeDurable: text => makeMark(text),
    makeHeap: text => Far('heap', { text: () => text }),
  });
};`;

const knower = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  const tags = new WeakMap();
  return Far('root', {
    bootstrap: () => 'ready',
    tag: (it, text) => { tags.set(it, text); },
    tagOf: it => (tags.has(it) ? tags.get(it) : 'none'),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, maker, knower });
  const reap = async () => {
    for (let i = 0; i < 3; i += 1) {
      equal((await home.keeve(['reap'])).status, 0, 'reap');
      await home.settle();
    }
  };
  const krefs = async vat => (await home.rows('clist', vat)).map(row => row.kref);
  const records = async text => {
    const { stdout } = await home.keeve(['export']);
    return stdout.split('\n').filter(line => line.includes(text)).length;
  };

  const before = await krefs(vats.maker.vat);
  for (const method of ['makeDurable', 'makeHeap']) {
    await home.send(vats.keeper.root, 'fetch', { kref: vats.maker.root }, method, `mark of ${method}`);
    const made = (await home.rows('clist', vats.maker.vat)).find(row => !before.includes(row.kref));
    await reap();
    equal(await home.send(vats.keeper.root, 'call'), `mark of ${method}`,
      'what only another vat holds');
    check((await krefs(vats.maker.vat)).includes(made.kref), `${made.kref} is in the c-list`);
    if (method === 'makeDurable') {
      check((await records('mark of makeDurable')) > 0, 'its record is in the store');
    }
    await home.send(vats.keeper.root, 'remove');
    await reap();
    check(!(await krefs(vats.maker.vat)).includes(made.kref),
      `${made.kref} is still in the c-list of its vat`);
    check(!(await krefs(vats.keeper.vat)).includes(made.kref),
      `${made.kref} is still in the c-list of its holder`);
    check(!(await home.rows('objects')).some(row => row.kref === made.kref),
      `${made.kref} is still an object of the kernel`);
    equal(await records(`mark of ${method}`), 0, 'records that are left');
  }
  equal(await krefs(vats.maker.vat), before, 'the c-list');

  // Known to one vat, held by another: the name outlives what stood for the object in the heap.
  const ownRows = await krefs(vats.knower.vat);
  const knows = async () => (await home.rows('clist', vats.knower.vat)).filter(row => !ownRows.includes(row.kref));
  const tagOf = kref => home.send(vats.knower.root, 'tagOf', { kref });
  const [here, there] = [vats.knower, vats.keeper];
  await home.send(there.root, 'fetch', { kref: vats.maker.root }, 'makeHeap', 'known');
  const known = (await krefs(vats.maker.vat)).find(kref => !before.includes(kref));
  for (const round of [1, 2]) {
    await home.send(here.root, 'tag', { kref: known }, `tag ${round}`);
    await reap();
    equal((await knows()).map(row => [row.kref, row.reachable]), [[known, 'no']], 'what is known, not held');
    equal(await tagOf(known), `tag ${round}`, 'its tag');
    equal(await tagOf(vats.maker.root), 'none', 'the tag of another object');
    await reap();
    equal(await tagOf(known), `tag ${round}`, 'its tag');
    if (round === 1) {
      equal((await home.keeve(['restart-vat', here.vat])).status, 0, 'restart-vat');
      await home.settle();
      equal(await knows(), [], 'what a new heap knows');
      equal(await tagOf(known), 'none', 'the tag in a new heap');
    }
  }
  await home.send(there.root, 'remove');
  await reap();
  equal(await knows(), [], 'what is known of an object that is no more');
  equal(await krefs(vats.maker.vat), before, 'the c-list, when nobody held it');
  await home.audit();
};
