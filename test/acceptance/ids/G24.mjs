// SPDX-License-Identifier: Apache-2.0
// A library registers a kind of its own: the reanimator is called with the base reference when a stored
// object is wanted again, the deleter when it has ended. The kind must be there at every start.
import { check, equal } from '../lib.mjs';

const source = registers => `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const { allocateNextID, registerKind, registerValue, registerEntry } = VatData;
  const attempt = f => {
    try { f(); return 'accepted'; } catch (error) { return error.message; }
  };
  if (!baggage.has('log')) {
    baggage.init('log', harden([]));
    baggage.init('kindID', String(allocateNextID('exportID')));
    baggage.init('next', 1n);
  }
  const log = text => baggage.set('log', harden([...baggage.get('log'), text]));
  const kindID = baggage.get('kindID');
  // E(x).name is the one name that @endo/eventual-send does not send.
  const object = baseRef => Far('token', { name: () => baseRef, label: () => baseRef });
  const revive = baseRef => {
    log('revive ' + baseRef);
    return object(baseRef);
  };
  const deleted = baseRef => {
    log('delete ' + baseRef);
    return false;
  };
  const define = () => registerKind(kindID, revive, deleted, true);
  if (${registers}) define();
  const make = register => {
    const n = baggage.get('next');
    baggage.set('next', n + 1n);
    const baseRef = 'o+d' + kindID + '/' + n;
    const value = object(baseRef);
    register(baseRef, value, false);
    return value;
  };
  return Far('root', {
    bootstrap: () => kindID,
    keep: name => baggage.init(name, make(name === 'b' ? registerEntry : registerValue)),
    give: () => make(registerValue),
    name: name => baggage.get(name).name(),
    call: name => E(baggage.get(name)).label(),
    same: name => baggage.get(name) === baggage.get(name),
    remove: name => baggage.delete(name),
    log: () => {
      const found = baggage.get('log');
      baggage.set('log', harden([]));
      return found;
    },
    refusals: () => harden([
      attempt(define),
      attempt(() => registerKind('999999', revive)),
      attempt(() => registerKind(String(allocateNextID('exportID')))),
      attempt(() => registerKind(baggage.get('kindID'), 'text')),
      attempt(() => registerValue('o+d999999/1', Far('x', {}))),
      attempt(() => registerValue('o+d6/1', Far('x', {}))),
      attempt(() => registerValue(baggage.get('a').name(), Far('x', {}))),
      attempt(() => registerValue('o+d' + kindID + '/900', harden({ data: 1 }))),
      attempt(() => registerValue('o+d' + kindID + '/901', baggage.get('a'))),
    ]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats, result } = await home.launch({ library: source(true) });
  const root = vats.library.root;
  const kindID = String(result).replace(/\D/g, '');
  const log = () => home.send(root, 'log');
  const base = n => `o+d${kindID}/${n}`;
  const reap = async () => {
    equal((await home.keeve(['reap'])).status, 0, 'reap');
    await home.settle();
  };

  await home.send(root, 'keep', 'a');
  await home.send(root, 'keep', 'b');
  equal([await home.send(root, 'name', 'a'), await home.send(root, 'name', 'b')], [base(1), base(2)],
    'two, when new');
  equal(await log(), [], 'calls when new');
  for (const again of [() => home.keeve(['restart-vat', vats.library.vat]), () => home.restart()]) {
    await again();
    equal(await home.send(root, 'name', 'b'), base(2), 'b, after a restart');
    equal(await home.send(root, 'call', 'b'), base(2), 'b, by an eventual send');
    equal(await log(), [`revive ${base(2)}`], 'one call of the reanimator');
    equal(await home.send(root, 'same', 'a'), true, 'a is one object');
    equal(await log(), [`revive ${base(1)}`], 'one call of the reanimator');
  }

  // A message from outside revives its target.
  const pinned = await home.send(root, 'give');
  const kref = JSON.stringify(pinned).match(/ko\d+/)[0];
  equal((await home.keeve(['pin', kref])).status, 0, 'pin');
  await home.restart();
  equal(await home.send(kref, 'label'), base(3), 'what only the kernel holds');
  equal(await log(), [`revive ${base(3)}`], 'one call of the reanimator');
  equal((await home.keeve(['unpin', kref])).status, 0, 'unpin');
  for (let i = 0; i < 3; i += 1) {
    await reap();
  }
  equal(await log(), [`delete ${base(3)}`], 'the deleter, when the kernel let go');

  await home.send(root, 'remove', 'b');
  await reap();
  await reap();
  equal(await log(), [`delete ${base(2)}`], 'the deleter, when stored data let go');
  const { stdout } = await home.keeve(['export']);
  check(!stdout.includes(base(2)) && stdout.includes(base(1)), 'rows of b are left, or a has none');

  const refusals = await home.send(root, 'refusals');
  for (const [i, wanted] of [
    /redefinition of kind/, /allocateNextID/, /a function that revives/, /a function that revives/,
    /registered kind/, /registered kind/, /another object in memory/, /must be a remotable/,
    /an object has one name/,
  ].entries()) {
    check(wanted.test(refusals[i]), `refusal ${i}: ${refusals[i]}`);
  }
  await home.audit();

  // A start that does not register the kind is refused, and says so.
  const conditional = source("!baggage.has('skip')").replace(
    "bootstrap: () => kindID", "bootstrap: () => kindID, skip: () => baggage.init('skip', true)");
  const other = await home.launch({ library: conditional });
  await home.send(other.vats.library.root, 'keep', 'a');
  await home.send(other.vats.library.root, 'skip');
  await home.keeve(['restart-vat', other.vats.library.vat]);
  const refused = JSON.stringify(await home.rejection(other.vats.library.root, 'name', 'a'));
  check(/cannot start/.test(refused) && /kind/.test(refused), `without the kind: ${refused}`);
};
