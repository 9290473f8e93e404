// SPDX-License-Identifier: Apache-2.0
// Presences deep inside arguments become references to the same objects in the vat.
import { equal } from '../../../acceptance/lib.mjs';
import { E, Far } from '../npm.mjs';
import { openOwner, rootVat } from '../keeve.mjs';

const visitor = `
import { E, Far } from '@endo/far';
export const buildRootObject = () => Far('root', {
  bootstrap: () => 'ready',
  visit: ({ list, of: { the: [a, { deep }], same }, hosts }) =>
    Promise.all([E(list[2][0]).getName(), E(a).getName(), E(deep).getName(), E(hosts).getName()])
      .then(names => harden([...names, same === a, deep === a])),
});`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ visitor, root: rootVat });
  const host = await openOwner(home);
  const [to, from] = [await host.resolve(vats.visitor.root), await host.resolve(vats.root.root)];
  const children = await Promise.all(['one', 'two', 'three'].map(name => E(from).makeChild(name)));
  const mine = Far('mine', { getName: () => 'of the host' });
  const argument = harden({
    list: [null, 'text', [children[0]]],
    of: { the: [children[1], { deep: children[2] }], same: children[1] },
    hosts: mine,
  });
  equal(await E(to).visit(argument), ['one', 'two', 'three', 'of the host', true, false], 'what the vat reached');
  const said = host.said.filter(m => m.type === 'CTP_CALL').find(m => /visit/.test(m.method.body));
  equal(said.method.slots.length, 4, 'each object has one slot on the wire');
  equal(said.method.slots.filter(slot => /^o-ko/.test(slot)).length, 3, 'three of them krefs');
};
