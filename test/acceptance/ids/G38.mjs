// SPDX-License-Identifier: Apache-2.0
// Durable objects that are functions, and durable objects that answer whatever they are asked, at home
// and from other vats, before and after restarts; what stands behind them is loaded when it is wanted.
import { check, equal } from '../lib.mjs';

const exporter = `
import { E, Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { exoFunction, exoFunctionClass, exoProxy, exoProxyClass } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const zone = makeDurableZone(baggage);
  let loaded = 0;
  const backend = () => {
    loaded += 1;
    return Far('backend', { hello: who => 'hello ' + who, sum: (...ns) => ns.reduce((a, b) => a + b, 0) });
  };
  const add = exoFunction(zone, 'add', (a, b) => {
    if (typeof a !== 'number') throw TypeError('add: a number is wanted');
    return a + b;
  });
  const makeAdder = exoFunctionClass(zone, 'adder', (state, by) => { state.by = by; }, (state, n) => {
    state.by += 1;
    return state.by + n;
  });
  const any = exoProxy(zone, 'any', (method, args) =>
    method === undefined ? harden(['called', ...args]) : harden([method, ...args]));
  const makeLazy = exoProxyClass(zone, 'lazy', (state, name) => { state.name = name; }, (state, method, args) =>
    method === 'getName' ? state.name : E(backend())[method](...args));
  return Far('root', {
    bootstrap: () => { baggage.init('adder', makeAdder(10)); baggage.init('lazy', makeLazy('kept')); },
    functions: () => harden({ add, any, adder: baggage.get('adder'), lazy: baggage.get('lazy') }),
    local: () => harden([add(1, 2), baggage.get('adder')(100)]),
    eventual: async () => harden([
      await E(add)(3, 4), await E(any).some('arg'), await E(any)('x'), await E(baggage.get('lazy')).hello('me'),
    ]),
    keep: () => { baggage.init('all', harden([add, any])); },
    same: () => {
      const [a, b] = baggage.get('all');
      return harden([a === add, b === any]);
    },
    loaded: () => loaded,
  });
};`;

const user = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    fetch: async from => {
      for (const [name, it] of Object.entries(await E(from).functions())) baggage.init(name, it);
    },
    call: (name, ...args) => E(baggage.get(name))(...args),
    send: (name, method, ...args) => E(baggage.get(name))[method](...args),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ exporter, user });
  const [root, userRoot] = [vats.exporter.root, vats.user.root];
  const call = (...args) => home.send(userRoot, 'call', ...args);
  const send = (...args) => home.send(userRoot, 'send', ...args);

  await home.send(userRoot, 'fetch', { kref: root });
  await home.send(root, 'keep');
  let by = 10;
  for (const again of [
    () => {},
    () => home.keeve(['restart-vat', vats.exporter.vat]),
    () => home.keeve(['restart-vat', vats.user.vat]),
    () => home.restart(),
    async () => { await home.keeve(['reap']); await home.settle(); },
  ]) {
    await again();
    equal(await call('add', 2, 3), 5, 'a function');
    check(/a number is wanted/.test(JSON.stringify(await home.rejection(userRoot, 'call', 'add', 'x', 1))),
      'what a function throws');
    equal(await call('adder', 100), (by += 1) + 100, 'a function with state');
    equal(await send('any', 'whatever', 1, 'two'), ['whatever', 1, 'two'], 'a catch-all');
    equal(await send('any', 'toString'), ['toString'], 'a catch-all, asked for a name all objects have');
    equal(await call('any', 'x'), ['called', 'x'], 'a catch-all, called');
    equal(await send('lazy', 'getName'), 'kept', 'a catch-all with state');
    equal(await send('lazy', 'hello', 'you'), 'hello you', 'what stands behind it');
    equal(await send('lazy', 'sum', 1, 2, 3), 6, 'what stands behind it');
    const missing = JSON.stringify(await home.rejection(userRoot, 'send', 'lazy', 'nothing'));
    check(/nothing/.test(missing), `what stands behind it lacks: ${missing}`);
    equal(await home.send(root, 'local'), [3, (by += 1) + 100], 'functions at home');
    equal(await home.send(root, 'eventual'), [7, ['some', 'arg'], ['called', 'x'], 'hello me'],
      'both, by eventual sends at home');
    equal(await home.send(root, 'same'), [true, true], 'identity');
  }
  await home.restart();
  await send('lazy', 'getName');
  equal(await home.send(root, 'loaded'), 0, 'loads, when nothing behind was asked');
  await home.audit();
};
