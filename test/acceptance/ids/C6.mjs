// SPDX-License-Identifier: Apache-2.0
// One presence for each kref while it lives; after a drop and a collection there is a new one, which works.
import { check, equal } from '../lib.mjs';
import { E, krefOf, untilCollected, watched, host } from '../client.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const { session, drops } = await watched(t, home);
  const root = await session.resolveKref(vats.host.root);
  check((await session.resolveKref(vats.host.root)) === root, 'resolveKref twice gave two');
  check((await E(session.kernel).resolveKref(vats.host.root)) === root, 'by the facade another');
  // A node of the vat's that is pinned, so that it stays when we let it go.
  const kref = await (async () => {
    const node = await E(root).make('node');
    await E(root).keep('node', node);
    check((await E(root).kept('node')) === node, 'what came back is another');
    await home.keeve(['pin', krefOf(node)]);
    return krefOf(node);
  })();
  await untilCollected(
    () => drops.some(m => JSON.stringify(m).includes(`"o-${kref}"`)),
    'the drop',
  );
  const again = await session.resolveKref(kref);
  equal(krefOf(again), kref, 'the kref of the new presence');
  equal(await E(again).label(), 'node', 'its answer');
  check(await E(root).isKept('node', again), 'for the vat it is another object');
};
