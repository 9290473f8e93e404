// SPDX-License-Identifier: Apache-2.0
// A class hands out another class, and its objects: the inner one is defined by the outer's source, or
// registered while the vat runs. Both are used after a restart.
import { equal } from '../lib.mjs';

const factory = `
import { E, Far } from '@endo/far';
import { makeGems } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const { registerClass, lookupClass, defineClass, store } = makeGems(baggage);
  const makeShop = defineClass('Shop', {
    initFn: name => ({ name }),
    methods: {
      getWidgetMaker() { return makeWidget; },
      sell(text) { return makeWidget(this.state.name + ' sells ' + text); },
    },
  });
  const makeWidget = defineClass('Widget', {
    initFn: text => ({ text }),
    methods: { text() { return this.state.text; } },
  });
  const source = \`({ M, name, defineClass: define }) => {
    const makeInner = define('Inner of ' + name, {
      initFn: n => ({ n }),
      methods: { up() { return (this.state.n += 1); } },
    });
    return {
      interfaceGuards: M.interface(name, {
        getMaker: M.call().returns(M.remotable('maker')),
        make: M.call(M.number()).returns(M.remotable('Inner')),
      }),
      initFn: () => ({}),
      methods: {
        getMaker() { return makeInner; },
        make(n) { return makeInner(n); },
      },
    };
  }\`;
  return Far('root', {
    bootstrap: () => 'ready',
    openShop: name => store.init('shop', makeShop(name)),
    keep: text => {
      store.init('maker', store.get('shop').getWidgetMaker());
      store.init('widget', store.get('shop').sell(text));
    },
    widget: () => store.get('widget').text(),
    another: text => store.get('maker')(text).text(),
    register: name => store.init('outer', registerClass(name, source)()),
    keepInner: () => {
      store.init('makeInner', store.get('outer').getMaker());
      store.init('inner', store.get('outer').make(10));
    },
    up: () => store.get('inner').up(),
    anotherInner: n => store.get('makeInner')(n).up(),
    eventually: async n => E(E(E(store.get('outer')).getMaker())(n)).up(),
    same: () => store.get('outer').getMaker() === store.get('makeInner'),
    outerAgain: n => lookupClass('Outer')().make(n).up(),
    shop: () => store.get('shop'),
  });
};`;

const user = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    buy: async (from, text) => E(E(E(E(from).shop()).getWidgetMaker())(text)).text(),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ factory, user });
  const root = vats.factory.root;

  await home.send(root, 'openShop', 'the shop');
  await home.send(root, 'keep', 'a widget');
  await home.send(root, 'register', 'Outer');
  await home.send(root, 'keepInner');
  let ups = 10;
  for (const again of [
    () => {},
    () => home.keeve(['restart-vat', vats.factory.vat]),
    () => home.restart(),
  ]) {
    await again();
    equal(await home.send(root, 'widget'), 'the shop sells a widget', 'an object of the inner class');
    equal(await home.send(root, 'another', 'more'), 'more', 'a new one, by the maker that was kept');
    equal(await home.send(vats.user.root, 'buy', { kref: root }, 'remote'), 'remote',
      'a new one, by another vat, through a method that gives the maker');
    equal(await home.send(root, 'up'), (ups += 1), 'an object of a class inside a registered one');
    equal(await home.send(root, 'anotherInner', 5), 6, 'a new one of it');
    equal(await home.send(root, 'eventually', 7), 8, 'a new one, by eventual sends');
    equal(await home.send(root, 'same'), true, 'the inner maker is one function');
    equal(await home.send(root, 'outerAgain', 1), 2, 'the registered class by its name');
  }
  await home.audit();
};
