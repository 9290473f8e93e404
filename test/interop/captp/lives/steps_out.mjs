// SPDX-License-Identifier: Apache-2.0
// From host to vat: presence, CapTP slot, kref, stored message, vref, object: each step is seen.
import { check, equal, slotsOf, until } from '../../../acceptance/lib.mjs';
import { E, Far } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ root: rootVat });
  const host = await openOwner(home);
  const it = await host.resolve(root);
  const child = await E(it).makeChild('argument');
  const kref = host.heard.at(-1).result.slots[0].slice(2);
  const trace = await home.trace();

  // 1 to 3: the host's call has a presence in it, and CapTP turns it into a slot, in capdata.
  const mine = Far('mine', {});
  const back = await E(it).echo(harden([child, mine, 7n]));
  check(back[0] === child && back[1] === mine, 'the call was answered');
  const call = host.said.find(m => m.type === 'CTP_CALL' && /"echo"/.test(m.method.body));
  equal([call.target, call.method.slots], [`o-${root}`, [`o-${kref}`, 'o+1']], 'names on the wire');
  check(/@qclass/.test(call.method.body) && !call.method.body.startsWith('#'), `the wire has capdata: ${call.method.body}`);

  // 4 and 5: the session says it to the kernel in krefs, in the kernel's own encoding.
  const say = await until(() => trace.events.find(e => e.event === 'say' && e.method === 'echo'), 'the session to say it');
  const [first, second] = slotsOf(say);
  equal([say.target, first], [root, kref], 'krefs');
  check(/^ko\d+$/.test(second), `the host's object is ${second}`);
  equal(JSON.parse(say.body.slice(1)), ['echo', [['$0.Alleged: Child', '$1.Alleged: mine', '+7']]], 'the body, in smallcaps');

  // 6: it is a message of the kernel, delivered to the vat by the vat's own names.
  const deliver = await until(
    () => trace.events.find(e => e.event === 'deliver' && e.vat === vats.root.vat && e.method === 'echo'),
    'the delivery',
  );
  equal(deliver.result && say.result && true, true, 'both have a promise for the result');
  const rows = await home.rows('clist', vats.root.vat);
  const named = slotsOf(deliver).map(slot => (/^k/.test(slot) ? slot : rows.find(row => row.vref === slot)?.kref));
  equal(named[0], kref, 'the object that the vat was given');
  equal((await home.rows('objects')).find(row => row.kref === second).owner, say.peer, 'the owner of the host\'s object');
};
