// SPDX-License-Identifier: Apache-2.0
// class syntax defines a durable exo: init gives the first state, methods have this.state and this.self,
// a static implements guards them; objects and the maker outlive restarts.
import { check, equal } from '../lib.mjs';

const source = `
import { E, Far } from '@endo/far';
import { M } from '@endo/patterns';
import { makeGems } from '@endo/gems';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const { defineJsClass, store } = makeGems(baggage);
  const attempt = f => {
    try { return f(); } catch (error) { return 'throws: ' + error.message; }
  };
  const makeCounter = defineJsClass(class Counter {
    static implements = M.interface('Counter', {
      up: M.call(M.number()).returns(M.number()),
      me: M.call().returns(M.any()),
    });
    init(n = 0) { return { n }; }
    up(by) { this.state.n += by; return this.state.n; }
    me() { return this.self; }
  });
  class Animal {
    init(name) { return { name, fed: 0 }; }
    speak() { return this.state.name + ' says ' + this.self.sound(); }
    sound() { return 'nothing'; }
    feed() { return (this.state.fed += 1); }
  }
  class Dog extends Animal {
    sound() { return 'woof'; }
    feed() { return 'ate ' + super.feed.call(this); }
  }
  const makeDog = defineJsClass(Dog);
  // A guard as a field, as the field's own examples have it.
  const makePingPong = defineJsClass(class PingPong {
    implements = M.interface('PingPong', { ping: M.call().returns(M.string()) });
    init() { return harden({}); }
    ping() { return 'pong'; }
  });
  const makeForwarder = defineJsClass(class Forwarder {
    forward(target, selector) { return E(target)[selector](); }
  });
  return Far('root', {
    bootstrap: () => {
      store.init('counter', makeCounter(5));
      store.init('dog', makeDog('rex'));
      store.init('forwarder', makeForwarder());
      store.init('makePingPong', makePingPong);
      store.init('makeCounter', makeCounter);
    },
    call: (name, method, ...args) => store.get(name)[method](...args),
    get: name => store.get(name),
    self: () => store.get('counter').me() === store.get('counter'),
    ping: () => store.get('makePingPong')().ping(),
    pingArgs: () => attempt(() => makePingPong().ping('unwanted')),
    make: n => store.get('makeCounter')(n).up(1),
    forward: () => E(store.get('forwarder')).forward(makePingPong(), 'ping'),
    hidden: () => harden(['init', 'implements', 'constructor'].map(name => {
      const found = store.get('counter')[name];
      return typeof found === 'function' && found !== Object ? 'seen' : 'hidden';
    })),
    refusals: () => harden([
      attempt(() => defineJsClass({})),
      attempt(() => defineJsClass(() => {})),
      attempt(() => defineJsClass(class Accessor { get x() { return 1; } })),
    ]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ source });
  const root = vats.source.root;
  const call = (...args) => home.send(root, 'call', ...args);

  let [n, fed] = [5, 0];
  for (const again of [() => {}, () => home.keeve(['restart-vat', vats.source.vat]), () => home.restart()]) {
    await again();
    equal(await call('counter', 'up', 2), (n += 2), 'a method that changes the state');
    const refused = JSON.stringify(await home.rejection(root, 'call', 'counter', 'up', 'two'));
    check(/number/.test(refused), `an argument that the guard refuses: ${refused}`);
    equal(await home.send(root, 'self'), true, 'this.self');
    equal(await call('dog', 'speak'), 'rex says woof', 'a method of a base class');
    equal(await call('dog', 'feed'), `ate ${(fed += 1)}`, 'a method that calls super');
    equal(await home.send(root, 'ping'), 'pong', 'a class whose guard is a field');
    check(/ping/.test(await home.send(root, 'pingArgs')), 'a guard that is a field does not guard');
    equal(await home.send(root, 'make', 1), 2, 'the maker');
    equal(await home.send(root, 'forward'), 'pong', 'a class without init');
    equal(await home.send(root, 'hidden'), ['hidden', 'hidden', 'hidden'], 'what is no method');
  }
  const refusals = await home.send(root, 'refusals');
  for (const [i, wanted] of [/a class is required/, /a class is required/, /accessor/].entries()) {
    check(wanted.test(refusals[i]), `refusal ${i}: ${refusals[i]}`);
  }
  await home.audit();
};
