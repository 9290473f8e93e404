// SPDX-License-Identifier: Apache-2.0
// An object that looks plain and keeps what is assigned to it; what cannot be kept is refused where it
// is assigned, naming the place inside the value.
import { check, equal } from '../lib.mjs';

const maker = `
import { Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeCustomDurableKindWithStoreObj } from '@endo/gems';
const attempt = f => {
  try { f(); return 'accepted'; } catch (error) { return error.message; }
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const box = obj => Far('box', {
    set: (name, value) => { obj[name] = value; },
    get: name => obj[name],
    has: name => name in obj,
    remove: name => delete obj[name],
    keys: () => harden(Object.keys(obj)),
    spread: () => harden({ ...obj }),
    inc: () => { obj.n += 1; return obj.n; },
    bad: () => {
      const heap = Far('heap', {});
      return harden([
        attempt(() => { obj.x = heap; }),
        attempt(() => { obj.x = { list: ['a', { deep: heap }] }; }),
        attempt(() => { obj.x = { p: Promise.resolve() }; }),
        attempt(() => { obj.x = { f() {} }; }),
        attempt(() => { obj.list.push(3); }),
        attempt(() => harden(obj)),
        attempt(() => { obj[Symbol.for('s')] = 1; }),
        obj.x,
      ]);
    },
  });
  const makeBox = makeCustomDurableKindWithStoreObj(makeDurableZone(baggage).subZone('boxes'), {
    tag: 'box',
    make: (obj, x) => {
      obj.x = x;
      obj.n = 0;
      return box(obj);
    },
    reanimate: obj => box(obj),
  });
  return Far('root', {
    bootstrap: () => { baggage.init('box', makeBox(1)); },
    call: (method, ...args) => baggage.get('box')[method](...args),
    late: () => {
      const it = baggage.get('box');
      it.set('before', 'kept?');
      throw Error('after the assignment');
    },
    lost: () => {
      baggage.get('box').set('x', 'never');
      for (;;);
    },
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker });
  const root = vats.maker.root;
  const call = (method, ...args) => home.send(root, 'call', method, ...args);

  equal(await call('get', 'x'), 1, 'x, when new');
  await call('set', 'x', 2);
  await call('set', 'list', [1, 2]);
  await call('inc');
  await home.keeve(['restart-vat', vats.maker.vat]);
  equal(await call('get', 'x'), 2, 'x, after restart-vat');
  equal(await call('inc'), 2, 'a counter, after restart-vat');
  await home.restart();
  equal(await call('spread'), { x: 2, n: 2, list: [1, 2] }, 'all of it, after kill -9');
  equal(await call('keys'), ['x', 'n', 'list'], 'its keys');
  equal(await call('get', 'toString'), { '@undefined': true }, 'what was never assigned');

  equal([await call('has', 'list'), await call('remove', 'list'), await call('has', 'list')],
    [true, true, false], 'a property that is deleted');
  await home.restart();
  equal(await call('keys'), ['x', 'n'], 'its keys, after a deletion and kill -9');
  await call('set', 'list', [1]);

  const found = await call('bad');
  for (const [i, wanted] of [
    /not durable: x is an object of the heap/,
    /not durable: x\.list\[1\]\.deep is an object of the heap/,
    /not durable: x\.p is a promise/,
    /./, /./,
    /cannot be frozen or hardened/,
    /names that are strings/,
  ].entries()) {
    check(found[i] !== 'accepted' && wanted.test(found[i]), `refusal ${i}: ${found[i]}`);
  }
  equal(found[7], 2, 'x, after refusals');

  // An assignment belongs to its crank: with it, or not at all.
  check(/after the assignment/.test(JSON.stringify(await home.rejection(root, 'late'))), 'late');
  equal(await call('get', 'before'), 'kept?', 'what was assigned before a method threw');
  await home.rejection(root, 'lost');
  equal(await call('get', 'x'), 2, 'what was assigned in a crank that was undone');
  await home.audit();
};
