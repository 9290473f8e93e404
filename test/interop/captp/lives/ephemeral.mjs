// SPDX-License-Identifier: Apache-2.0
// Iterators and other objects of a heap cross the link, are known as such, and fail by name when the heap
// is gone: the vat's after its restart, the host's after its end.
import { check, equal } from '../../../acceptance/lib.mjs';
import { E, Far } from '../npm.mjs';
import { rejected } from '../sessions.mjs';
import { openOwner, slotsHeard } from '../keeve.mjs';

const source = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const makeThing = VatData.defineDurableKind(
    baggage.has('kind') ? baggage.get('kind') : (baggage.init('kind', VatData.makeKindHandle('thing')), baggage.get('kind')),
    () => ({}), { hello: () => 'hello' });
  return Far('root', {
    bootstrap: () => 'ready',
    count: () => {
      const steps = (function* () { for (let i = 1; ; i += 1) yield i; })();
      return Far('iterator', { next: () => harden({ ...steps.next() }) });
    },
    durable: () => makeThing(),
    keep: it => (baggage.has('it') ? baggage.set('it', it) : baggage.init('it', it)),
    step: () => E(baggage.get('it')).next(),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ source });
  const host = await openOwner(home);
  const it = await host.resolve(root);
  const iterator = await E(it).count();
  const [ephemeral] = slotsHeard(host, 'CTP_RETURN').map(slot => slot.slice(2));
  const thing = await E(it).durable();
  const [durable] = slotsHeard(host, 'CTP_RETURN').map(slot => slot.slice(2));
  const vref = async kref => (await home.rows('clist', vats.source.vat)).find(row => row.kref === kref).vref;
  check(/^o\+d/.test(await vref(durable)), 'a durable object is marked as such');
  check(/^o\+\d/.test(await vref(ephemeral)), 'an ephemeral one is not');
  equal([await E(iterator).next(), await E(iterator).next()], [{ value: 1, done: false }, { value: 2, done: false }], 'two steps');

  equal((await home.keeve(['restart-vat', vats.source.vat])).status, 0, 'the vat is restarted in the middle');
  const reason = await rejected(E(iterator).next(), 'the next step');
  check(/\[KERNEL:OBJECT_DELETED\]/.test(reason.message), `the reason has a name: ${reason.message}`);
  equal(await E(thing).hello(), 'hello', 'what is durable goes on');
  equal(await E(E(it).count()).next(), { value: 1, done: false }, 'a new iterator');

  // The other way: an iterator of the host's, kept by the vat.
  let n = 0;
  const mine = Far('mine', { next: () => (n += 1) });
  await E(it).keep(mine);
  equal([await E(it).step(), await E(it).step()], [1, 2], 'two steps of the host');
  host.carrier.cut();
  await host.carrier.over;
  const other = await openOwner(home);
  const gone = await rejected(E(await other.resolve(root)).step(), 'a step of a host that is gone');
  check(/\[KERNEL:PEER_GONE\]/.test(gone.message), `the reason has a name: ${gone.message}`);
};
