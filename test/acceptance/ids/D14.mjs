// SPDX-License-Identifier: Apache-2.0
// A raw vat's state is in variables of its module, for as long as its process lives; what is to live
// longer it puts into its rows. Its names of others, and theirs of it, outlive the process.
import { check, equal, kill9, until } from '../lib.mjs';
import { raw } from '../vats.mjs';

const counter = raw(`
let count = 0;
let others = [];
export default function deliver(syscall, facet, method, args, slots) {
  count += 1;
  const kept = Number(syscall.vatstoreGet('count') ?? 0) + 1;
  syscall.vatstoreSet('count', String(kept));
  if (method === 'meet') {
    syscall.vatstoreSet('friend', String(slots[0]));
  } else if (method === 'ask') {
    syscall.send(Number(syscall.vatstoreGet('friend')), 'note', '[]');
  } else if (method === 'nudge') {
    syscall.send(Number(syscall.vatstoreGet('friend')), 'note', args, [7]);
  }
  syscall.resolve(syscall.takeResult(), false, JSON.stringify([facet, count, kept]));
}`);
const friend = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => Far('root', {
  bootstrap: () => 'ready',
  note: (text, it) => baggage.init(text, it),
  call: text => E(baggage.get(text)).hello(),
});`;

const counters = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  for (const [name, make] of [['kind', () => VatData.makeKindHandle('c')], ['noted', () => 0]]) {
    if (!baggage.has(name)) baggage.init(name, make());
  }
  const make = VatData.defineDurableKind(baggage.get('kind'), () => ({}), {
    note: () => baggage.set('noted', baggage.get('noted') + 1),
  });
  return Far('root', { bootstrap: () => 'ready', make: () => make(), noted: () => baggage.get('noted') });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ counter, friend });
  const { root, vat } = vats.counter;
  equal(await home.send(root, 'meet', { kref: vats.friend.root }), [0, 2, 2], 'the second message');
  for (let i = 3; i < 30; i += 1) {
    equal(await home.send(root, 'count'), [0, i, i], `message ${i}`);
  }
  await kill9(await home.workerOf(vat));
  equal(await home.send(root, 'count'), [0, 1, 30], 'after the end of its process');
  // The name of the friend is still good, and a facet it sends now is good after the next end.
  await home.send(root, 'nudge', 'it', { '@undefined': true }).catch(() => {});
  await home.settle();
  await home.restart();
  equal(await home.send(root, 'nudge', 'again', { '@undefined': true }), [0, 1, 32], 'after the end of the daemon');
  await home.audit();
  check((await home.rows('clist', vat)).some(row => row.vref === 'o+7'), 'the facet is in the c-list');
  // What only such a name holds is no garbage, also while the vat has no process.
  const { vats: { holder, main } } = await home.launch({ main: counters, holder: counter });
  await home.send(holder.root, 'meet', await home.send(main.root, 'make'));
  await home.settle();
  await home.restart();
  const { status, stderr } = await home.keeve(['gc']);
  check(status === 0, `keeve gc: ${stderr}`);
  await home.settle();
  equal(await home.send(holder.root, 'ask'), [0, 1, 2], 'asked to ask');
  await home.settle();
  equal(await home.send(main.root, 'noted'), 1, 'what the object was told');
  await home.audit();
};
