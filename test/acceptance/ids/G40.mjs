// SPDX-License-Identifier: Apache-2.0
// A child that only its parent's state reaches is durable with it, without a name or recipe of its own.
import { equal } from '../lib.mjs';

const family = `
import { Far } from '@endo/far';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const kind = name => provide(baggage, name + 'Kind', () => VatData.makeKindHandle(name));
  const makeChild = VatData.defineDurableKind(kind('child'), name => ({ name, age: 0 }), {
    birthday: ({ state }) => (state.age += 1),
    describe: ({ state }) => state.name + ' ' + state.age,
  });
  const makeParent = VatData.defineDurableKind(kind('parent'), name => ({ child: makeChild(name) }), {
    getChild: ({ state }) => state.child,
    replaceChild: ({ state }, name) => { state.child = makeChild(name); },
  });
  const parent = provide(baggage, 'parent', () => makeParent('Ada'));
  return Far('root', {
    bootstrap: () => 'ready',
    birthday: () => parent.getChild().birthday(),
    describe: () => parent.getChild().describe(),
    replace: name => parent.replaceChild(name),
    same: () => parent.getChild() === parent.getChild(),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ family });
  await home.send(root, 'birthday');
  await home.restart();
  equal(await home.send(root, 'describe'), 'Ada 1', 'the child after a restart');
  equal(await home.send(root, 'same'), true, 'the child has one identity');
  equal(await home.send(root, 'birthday'), 2, 'the child goes on');
  await home.send(root, 'replace', 'Grace');
  await home.restart();
  equal(await home.send(root, 'describe'), 'Grace 0', 'the new child after a restart');
};
