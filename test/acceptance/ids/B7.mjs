// SPDX-License-Identifier: Apache-2.0
// A check that fails before any effect leaves none: neither in its own vat nor in others, and the
// failure is the caller's alone.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const bank = `
import { E, Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = provide(baggage, 'kind', () => VatData.makeKindHandle('purse'));
  const makePurse = VatData.defineDurableKind(kind, balance => ({ balance }), {
    balance: ({ state }) => state.balance,
    move: ({ state }, to, amount, auditor) => {
      if (!(amount >= 0)) throw RangeError('amount ' + amount + ' is not to be moved');
      if (amount > state.balance) throw Error('only ' + state.balance + ' here');
      state.balance -= amount;
      to.add(amount);
      return E(auditor).note('moved ' + amount);
    },
    add: ({ state }, amount) => { state.balance += amount; },
  });
  const a = provide(baggage, 'a', () => makePurse(10));
  const b = provide(baggage, 'b', () => makePurse(0));
  return Far('root', {
    bootstrap: () => 'ready',
    move: (amount, auditor) => a.move(b, amount, auditor),
    balances: () => harden([a.balance(), b.balance()]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ bank, recorder });
  const auditor = { kref: vats.recorder.root };
  const before = await home.workerOf(vats.bank.vat);
  const rows = async () => {
    const { stdout } = await home.keeve(['export']);
    return stdout.split('\n')
      .filter(line => line.startsWith(`${vats.bank.vat}.s.`) || line.startsWith(`${vats.recorder.vat}.s.`));
  };
  const stored = await rows();
  check(stored.length > 5, `only ${stored.length} rows of the two vats`);
  const first = await home.rejection(vats.bank.root, 'move', 100, auditor);
  equal(first['@error'], 'only 10 here', 'the first refusal');
  const second = await home.rejection(vats.bank.root, 'move', -1, auditor);
  equal([second['@error'], second.name], ['amount -1 is not to be moved', 'RangeError'], 'the second');
  await home.settle();
  equal(await rows(), stored, 'rows of both vats');
  equal(await home.send(vats.bank.root, 'balances'), [10, 0], 'balances after refusals');
  equal(await home.send(vats.recorder.root, 'notes'), [], 'what the other vat heard');
  equal(await home.workerOf(vats.bank.vat), before, 'the process of the vat');
  await home.send(vats.bank.root, 'move', 4, auditor);
  equal(await home.send(vats.bank.root, 'balances'), [6, 4], 'balances after a move');
  equal(await home.send(vats.recorder.root, 'notes'), ['moved 4'], 'what the other vat heard then');
};
