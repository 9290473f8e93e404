// SPDX-License-Identifier: Apache-2.0
// exo_like - durable objects that are functions, and durable objects that answer any method. Both let
// the exporting side stay lazy: what a call is about can be found when it comes.
import { Far } from '@endo/far';
import { asZone, makeCustomDurableKindWithStoreObj } from './custom_kind.js';

const done = () => {};

const needFunction = (name, value) => {
  if (typeof value !== 'function') {
    throw TypeError(`${name} - a function is required`);
  }
};

/** One object of a class, made when it is first wanted. */
const provideOne = (zone, make) => {
  const single = zone.mapStore('single');
  if (!single.has('it')) {
    single.init('it', make());
  }
  return single.get('it');
};

/** Gives a maker of durable functions; call(state, ...args) is what they do. */
export const exoFunctionClass = (given, tag, init, call) => {
  needFunction('exoFunctionClass', call);
  const makeFunction = (state) => Far(tag, (...args) => call(state, ...args));
  return makeCustomDurableKindWithStoreObj(asZone(given).subZone(`functions ${tag}`), {
    tag,
    make: (state, ...args) => {
      (init ?? done)(state, ...args);
      return makeFunction(state);
    },
    reanimate: makeFunction,
  });
};

/** The durable function of that name: E(it)(...args) gives what call(...args) does. */
export const exoFunction = (given, tag, call) => {
  needFunction('exoFunction', call);
  const zone = asZone(given).subZone(`function ${tag}`);
  return provideOne(zone, exoFunctionClass(zone, tag, done, (_state, ...args) => call(...args)));
};

/**
 * Gives a maker of durable objects that answer every method: answer(state, method, args). A call as a
 * function comes with undefined for the method. They have no methods of their own: E() reaches them.
 */
export const exoProxyClass = (given, tag, init, answer) => {
  needFunction('exoProxyClass', answer);
  const makeProxy = (state) => {
    let presence;
    // eslint-disable-next-line no-new
    new HandledPromise((_resolve, _reject, resolveWithPresence) => {
      presence = resolveWithPresence({
        applyFunction: (_target, args) => answer(state, undefined, args),
        applyMethod: (_target, method, args) => answer(state, method, args),
      });
    });
    return Far(tag, presence);
  };
  return makeCustomDurableKindWithStoreObj(asZone(given).subZone(`proxies ${tag}`), {
    tag,
    make: (state, ...args) => {
      (init ?? done)(state, ...args);
      return makeProxy(state);
    },
    reanimate: makeProxy,
  });
};

/** The durable object of that name that answers every method: answer(method, args). */
export const exoProxy = (given, tag, answer) => {
  needFunction('exoProxy', answer);
  const zone = asZone(given).subZone(`proxy ${tag}`);
  return provideOne(
    zone,
    exoProxyClass(zone, tag, done, (_state, method, args) => answer(method, args)),
  );
};
