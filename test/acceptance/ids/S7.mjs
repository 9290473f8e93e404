// SPDX-License-Identifier: Apache-2.0
// From host to vat, step by step: krefs as text, stand-ins, slots of the link, the stored message with
// krefs, what the vat hears.
import { check, equal, slotsOf, until } from '../lib.mjs';
import { E, client, host, krefOf, watched } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, sent } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  const node = await E(root).make('a');
  const trace = await home.trace();
  await home.keeve(['pause']);

  // 1 a message with krefs as text; 2 stand-ins for them; 3 slots of the link.
  const call = { target: vats.host.root, args: [{ ref: krefOf(node), n: 7n }] };
  const { target, args } = client.convertKrefsToStandins(call);
  equal([krefOf(target), krefOf(args[0].ref)], [vats.host.root, krefOf(node)], 'stand-ins');
  const answer = E(session.kernel).queueMessage(target, 'same', args);
  const message = await until(() => sent.find(m => m.method?.body.startsWith('["queueMessage"')), 'the message');
  equal(message.method.slots, [`o-${vats.host.root}`, `o-${krefOf(node)}`], 'slots on the wire');
  check(!message.method.body.startsWith('#'), 'the link speaks capdata');

  // 4 and 5 the kernel's own notation; 6 kept for the vat.
  const [item] = await until(async () => {
    const rows = (await home.rows('queue')).filter(row => row.body?.includes('same'));
    return rows.length > 0 && rows;
  }, 'the message in the queue');
  const [name, [argument]] = JSON.parse(item.body.slice(1));
  equal([name, argument.n], ['same', '+7'], 'the stored body');
  check(item.body.startsWith('#') && argument.ref.startsWith('$0'), item.body);
  equal(slotsOf(item), [krefOf(node)], 'the stored slots');
  await home.keeve(['run']);
  const { ref, n } = client.kunser(await answer);
  check(krefOf(ref) === krefOf(node) && n === 7n, 'the answer');
  check(
    trace.events.some(e => e.event === 'deliver' && e.vat === vats.host.vat && String(e.body).includes('same')),
    'the trace does not show the delivery',
  );
};
