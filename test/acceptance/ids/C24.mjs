// SPDX-License-Identifier: Apache-2.0
// A host that has nothing but the kernel finds the counter by its name: in the status, and through the
// registry, which is an object.
import { check, equal } from '../lib.mjs';
import { E, Far, owner, rejects } from '../host.mjs';
import { counter, keeper } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const launched = await home.launch({ counter, keeper });
  const { kernel } = await owner(t, home);
  const { roots, subclusters } = await E(kernel).getStatus();
  const { kref } = roots.find(({ name }) => name === 'counter');
  equal(kref, launched.root, 'the root in the status');
  equal(await E(await E(kernel).resolveKref(kref)).increment(), 1, 'by the status');
  equal(subclusters[0].vats, { counter: 'v1', keeper: 'v2' }, 'vats of the subcluster by name');

  const registry = await E(kernel).getRegistry();
  equal(await E(await E(registry).lookup('counter')).increment(), 2, 'by the registry');
  equal(await E(E(E(kernel).getRegistry()).lookup('counter')).increment(), 3, 'without waiting in between');
  equal(await E(await E(kernel).getRoot('counter')).increment(), 4, 'getRoot');
  check((await E(registry).list()).includes('counter'), 'the names');
  await rejects(E(registry).lookup('nobody'), /nothing is named "nobody"/, 'an unknown name');
  await rejects(E(registry).lookup(7), /TypeError: lookup\(name\): name: expected a string, found a number/, 'no name');

  // A second one of the name: which, is to be said.
  const second = await home.launch({ counter });
  await rejects(E(registry).lookup('counter'), /several roots named "counter".*s1\/counter/, 'an ambiguous name');
  check((await E(registry).lookup(`${second.subclusterId}/counter`)) === (await E(kernel).resolveKref(second.root)),
    'with its subcluster');

  // What a host registers is found by others, and by vats that ask for it.
  const clock = Far('clock', { now: () => 'noon' });
  await E(kernel).registerKernelServiceObject('clock', clock);
  const other = await owner(t, home);
  equal(await E(await E(E(other.kernel).getRegistry()).lookup('clock')).now(), 'noon', 'a service');
  check((await E(other.kernel).getStatus()).services.some(({ name }) => name === 'clock'), 'in the status');
  await home.restart();
  const later = await owner(t, home);
  equal(await E(await E(E(later.kernel).getRegistry()).lookup('s1/counter')).increment(), 5, 'after a restart');
  await home.audit();
};
