// SPDX-License-Identifier: Apache-2.0
// From vat to host: the vat's result, the kernel's promise, CapTP's slots, presences: each step is seen.
import { check, equal, slotsOf, until } from '../../../acceptance/lib.mjs';
import { E } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ root: rootVat });
  const host = await openOwner(home);
  const it = await host.resolve(root);
  const trace = await home.trace();
  const record = await E(it).makeRecord();

  const find = (what, fits) => until(() => trace.events.find(fits), what);
  // 1: the vat resolves the result.
  const deliver = await find('the delivery', e => e.event === 'deliver' && e.vat === vats.root.vat && e.method === 'makeRecord');
  const resolve = await find('the result', e => e.event === 'syscall' && e.vat === vats.root.vat && e.name === 'resolve');
  // 2: the kernel settles the promise that stands for the call.
  const say = await find('the call', e => e.event === 'say' && e.method === 'makeRecord');
  const hear = await find('the session to hear', e => e.event === 'hear' && e.type === 'fulfilled' && e.promise === say.result);
  const [kref] = slotsOf(hear);
  check(/^ko\d+$/.test(kref), `the kernel's result names ${kref}`);
  equal(JSON.parse(hear.body.slice(1)).child, '$0.Alleged: Child', 'smallcaps within the kernel');
  equal(JSON.parse(resolve.body.slice(1)), JSON.parse(hear.body.slice(1)), 'the body that the vat gave');
  const at = event => trace.events.indexOf(event);
  check(at(say) < at(deliver) && at(deliver) < at(resolve) && at(resolve) <= at(hear), 'the order of the steps');
  // 3 and 4: CapTP's answer, capdata and slots.
  const answer = host.heard.find(m => m.type === 'CTP_RETURN' && m.result && /of a record|Child/.test(m.result.body));
  equal(answer.result.slots, [`o+${kref}`], 'slots on the wire');
  equal(JSON.parse(answer.result.body).child, { '@qclass': 'slot', iface: 'Alleged: Child', index: 0 }, 'capdata on the wire');
  // 5 and 6: what the host has can be sent to.
  equal(await E(record.child).getName(), 'of a record', 'a call of the presence');
  equal([record.a, record.deep], [1, { b: [true] }], 'the data around it');
};
