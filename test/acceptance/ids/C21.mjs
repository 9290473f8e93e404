// SPDX-License-Identifier: Apache-2.0
// A host lets go of the last reference: the vat that owns the object hears dropExports, and its object ends.
import { check, equal, until } from '../lib.mjs';
import { E, krefOf, session, untilCollected } from '../client.mjs';

const owner = `
import { Far } from '@endo/far';
import { makeScalarBigMapStore } from '@agoric/vat-data';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const make = VatData.defineDurableKind(VatData.makeKindHandle('thing'), () => ({}), { n: () => 1 });
  return Far('owner', { bootstrap: () => 'ready', make: () => make() });
};
`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ owner });
  const mine = await session(t, home);
  const root = await mine.resolveKref(vats.owner.root);
  const objects = async () => (await home.rows('stats', vats.owner.vat))[0].objects;
  const before = await objects();
  const kref = await (async () => {
    const thing = await E(root).make();
    equal(await E(thing).n(), 1, 'the object works');
    return krefOf(thing);
  })();
  equal(await objects(), before + 1, 'objects while it is held');
  const trace = await home.trace();
  const told = () => trace.events.some(
    event => event.event === 'deliver' && event.vat === vats.owner.vat && event.type === 'dropExports',
  );
  await untilCollected(async () => told(), 'dropExports');
  await home.rows('gc');
  await until(async () => (await objects()) === before, 'the object to end');
  const { status } = await home.keeve(['send', kref, 'n']);
  check(status !== 0, 'an object that ended answers');
  await home.audit();
};
