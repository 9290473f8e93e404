// SPDX-License-Identifier: Apache-2.0
// vow - vows: promises to which one can send. What all vats see of the module @keeve/vow is made here,
// over the one function by which a vat sends.
//
//   Vow.resolve(x).foo(1)   E(x).foo(1)     both send foo(1) to what x is or will be, and give a vow
//
// A vow has the methods then, catch and finally of a promise, and those of every object; any other name is
// a method of what the vow stands for, and E(vow) takes every name. Because it is no promise, it is exchanged for one wherever it is about to leave the vat.

const { freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
const { ownKeys } = Reflect;

/** Values nested deeper are left to be refused by who turns them into text. */
const depthMax = 256;

/**
 * eventual: {
 *   toPromise(x)               a promise for x
 *   send(x, method, args)      a promise for the answer; method undefined calls x itself
 *   sendOnly(x, method, args)  sends without asking for an answer
 * }
 * Gives { E, Vow, withoutVows }.
 */
export const makeVows = ({ toPromise, send, sendOnly }) => {
  /** What each vow stands for, and its promise once it was asked for. */
  const standsFor = new WeakMap();
  const promises = new WeakMap();

  const targetOf = (x) => (standsFor.has(x) ? standsFor.get(x) : x);
  const promiseOf = (vow) => {
    if (!promises.has(vow)) {
      promises.set(vow, toPromise(standsFor.get(vow)));
    }
    return promises.get(vow);
  };

  /** The value with a promise in the place of each vow in it, in arrays and records at any depth. */
  const replace = (value, depth) => {
    if (Object(value) !== value) {
      return value;
    }
    if (standsFor.has(value)) {
      return promiseOf(value);
    }
    if (depth > depthMax) {
      return value;
    }
    if (Array.isArray(value)) {
      const items = value.map((item) => replace(item, depth + 1));
      return items.some((item, i) => !Object.is(item, value[i])) ? items : value;
    }
    if (getPrototypeOf(value) !== Object.prototype || typeof value === 'function') {
      return value;
    }
    const names = ownKeys(value);
    const isRecord = names.every(
      (name) => typeof name === 'string' && hasOwn(getOwnPropertyDescriptor(value, name), 'value'),
    );
    const members = isRecord ? names.map((name) => [name, replace(value[name], depth + 1)]) : [];
    return members.some(([name, member]) => !Object.is(member, value[name]))
      ? Object.fromEntries(members)
      : value;
  };
  const withoutVows = (value) => replace(value, 0);

  const makeVow = (x) => {
    const vow = new Proxy(freeze(Object.create(Vow.prototype)), handler);
    standsFor.set(vow, x);
    return vow;
  };
  const outgoing = (args) => harden(withoutVows(args));

  class Vow {
    constructor(executor) {
      return makeVow(new Promise(executor));
    }

    static resolve(x) {
      return standsFor.has(x) ? x : makeVow(x);
    }

    static reject(reason) {
      return makeVow(Promise.reject(reason));
    }

    static all(list) {
      return makeVow(Promise.all([...list].map((x) => toPromise(withoutVows(x)))));
    }

    then(onFulfilled, onRejected) {
      return makeVow(promiseOf(this).then(onFulfilled, onRejected));
    }

    catch(onRejected) {
      return makeVow(promiseOf(this).catch(onRejected));
    }

    finally(onSettled) {
      return makeVow(promiseOf(this).finally(onSettled));
    }
  }
  Object.defineProperty(Vow.prototype, Symbol.toStringTag, { value: 'Vow' });

  const handler = harden({
    get: (target, name, vow) => {
      if (typeof name === 'symbol' || name in Vow.prototype) {
        return Vow.prototype[name];
      }
      return freeze((...args) => makeVow(send(standsFor.get(vow), name, outgoing(args))));
    },
    has: () => true,
  });

  /** E(x) and the like: calling it calls x, a property of it is a method of x. */
  const makeSender = (sendTo) => (x) => {
    const target = targetOf(x);
    return new Proxy(
      freeze(() => {}),
      harden({
        get: (_function, name) => freeze((...args) => sendTo(target, name, outgoing(args))),
        apply: (_function, _this, args) => sendTo(target, undefined, outgoing(args)),
        has: () => true,
      }),
    );
  };

  const E = makeSender((target, name, args) => makeVow(send(target, name, args)));
  E.sendOnly = makeSender((target, name, args) => {
    sendOnly(target, name, args);
  });
  E.resolve = (x) => Vow.resolve(x);
  E.when = (x, onFulfilled, onRejected) => Vow.resolve(x).then(onFulfilled, onRejected);

  return harden({ E, Vow, withoutVows });
};
