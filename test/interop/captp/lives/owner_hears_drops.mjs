// SPDX-License-Identifier: Apache-2.0
// A presence that a host drops is dropped at its owner: the vat hears it, and cleans up after its object.
import { check, equal, until } from '../../../acceptance/lib.mjs';
import { E, gc } from '../npm.mjs';
import { openOwner, slotsHeard } from '../keeve.mjs';

const owner = `
import { Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeDefineDurableFactory } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('ended')) baggage.init('ended', 0);
  const define = makeDefineDurableFactory(makeDurableZone(baggage).subZone('things'));
  const makeThing = define('thing', {
    init: (state, name) => { state.name = name; },
    make: state => Far('thing', { label: () => state.name }),
    cleanup: () => baggage.set('ended', baggage.get('ended') + 1),
  });
  return Far('root', { bootstrap: () => 'ready', make: name => makeThing(name), ended: () => baggage.get('ended') });
};`;

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ owner });
  const host = await openOwner(home);
  const it = await host.resolve(root);
  const trace = await home.trace();
  const drops = () => trace.events.filter(e => e.event === 'deliver' && e.vat === vats.owner.vat && e.type === 'dropExports');
  const kept = await E(it).make('kept');
  const [gone] = await (async () => {
    await E(E(it).make('gone')).label();
    return slotsHeard(host, 'CTP_RETURN');
  })().then(() => host.heard.filter(m => m.result && /thing/.test(m.result.body)).at(-1).result.slots);
  await home.send(root, 'ended');
  equal(drops().length, 0, 'drops while the host holds both');

  await until(async () => {
    await gc();
    return drops().length > 0;
  }, 'the owner to be told of a drop');
  const { status } = await home.keeve(['reap', vats.owner.vat]);
  equal(status, 0, 'the vat reports');
  await until(async () => (await home.send(root, 'ended')) > 0, 'the cleanup of the vat');
  equal(await home.send(root, 'ended'), 1, 'objects that ended');
  check(!(await home.rows('objects')).some(row => row.kref === gone.slice(2)), `${gone} is forgotten`);
  equal(await E(kept).label(), 'kept', 'the other is as it was');
};
