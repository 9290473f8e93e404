// SPDX-License-Identifier: Apache-2.0
// abort - AbortController and AbortSignal, as the DOM Standard has them.
import { makeDomError } from './dom_error.js';
import { makeEvents } from './event_target.js';
import { asWebClass } from './web_class.js';

const secret = {};

/** Both classes, made for one vat. timersOf gives its setTimeout. */
export const makeAbort = (timersOf) => {
  const states = new WeakMap();
  const stateOf = (signal) => {
    const state = Object(signal) === signal ? states.get(signal) : undefined;
    if (state === undefined) {
      throw TypeError('expected an AbortSignal');
    }
    return state;
  };

  const onAbort = (signal, step) => {
    const { aborted, steps } = stateOf(signal);
    if (!aborted) {
      steps.push(step);
    }
    return aborted;
  };
  const { EventTarget, attach, fire, getHandler, makeEvent, setHandler } = makeEvents(onAbort);

  /** A signal and what depends on it are aborted before the first of them hears of it. */
  const abort = (signal, reason) => {
    if (stateOf(signal).aborted) {
      return;
    }
    const all = new Set([signal]);
    for (const one of all) {
      const state = stateOf(one);
      state.aborted = true;
      state.reason = reason;
      [...state.dependents].filter((it) => !stateOf(it).aborted).forEach((it) => all.add(it));
      state.dependents.clear();
    }
    for (const one of all) {
      const { steps } = stateOf(one);
      steps.splice(0).forEach((step) => step());
      fire(one, makeEvent('abort'));
    }
  };
  const reasonOf = (args) =>
    args[0] === undefined ? makeDomError('AbortError', 'This operation was aborted') : args[0];

  class AbortSignal extends EventTarget {
    constructor(key) {
      if (key !== secret) {
        throw TypeError('an AbortSignal comes from an AbortController');
      }
      super();
      attach(this);
      states.set(this, {
        aborted: false, reason: undefined, steps: [], dependents: new Set(), sources: [this],
      });
    }
    get aborted() {
      return stateOf(this).aborted;
    }
    get reason() {
      return stateOf(this).reason;
    }
    get onabort() {
      return getHandler(this, 'abort');
    }
    set onabort(handler) {
      setHandler(this, 'abort', handler);
    }
    throwIfAborted() {
      const { aborted, reason } = stateOf(this);
      if (aborted) {
        throw reason;
      }
    }
    static abort(...args) {
      const signal = new AbortSignal(secret);
      abort(signal, reasonOf(args));
      return signal;
    }
    static timeout(delay) {
      if (typeof delay !== 'number') {
        throw TypeError(`AbortSignal.timeout: expected a number, found a value of type ${typeof delay}`);
      }
      if (!(Number.isSafeInteger(delay) && delay >= 0)) {
        throw RangeError(
          `AbortSignal.timeout: expected a whole number of milliseconds from 0, found ${delay}`,
        );
      }
      const signal = new AbortSignal(secret);
      const expire = () =>
        abort(signal, makeDomError('TimeoutError', 'The operation was aborted due to timeout'));
      timersOf().setTimeout(expire, delay);
      return signal;
    }
    static any(signals) {
      const all = [...signals];
      const signal = new AbortSignal(secret);
      const done = all.find((one) => stateOf(one).aborted);
      if (done !== undefined) {
        abort(signal, stateOf(done).reason);
        return signal;
      }
      // What depends on a dependent depends on what that one depends on.
      const sources = new Set(all.flatMap((one) => stateOf(one).sources));
      sources.forEach((one) => stateOf(one).dependents.add(signal));
      stateOf(signal).sources = [...sources];
      return signal;
    }
  }
  asWebClass(AbortSignal, 'AbortSignal');

  class AbortController {
    #signal = new AbortSignal(secret);
    get signal() {
      return this.#signal;
    }
    abort(...args) {
      abort(this.#signal, reasonOf(args));
    }
  }
  asWebClass(AbortController, 'AbortController');
  return harden({ AbortController, AbortSignal });
};
