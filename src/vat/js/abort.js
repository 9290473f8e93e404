// SPDX-License-Identifier: Apache-2.0
// abort - AbortController and AbortSignal; an event is a frozen record of type and target.

const secret = {};

/** Errors of the names and numbers that DOMExceptions have. */
const makeError = (name, code, message) => {
  const error = Error(message);
  for (const [key, value] of Object.entries({ name, code })) {
    Object.defineProperty(error, key, { value, writable: true, configurable: true });
  }
  return error;
};
const abortError = () => makeError('AbortError', 20, 'This operation was aborted');
const timeoutError = () =>
  makeError('TimeoutError', 23, 'The operation was aborted due to timeout');

/** Both classes, made for one vat. timersOf gives its setTimeout. */
export const makeAbort = (timersOf) => {
  const states = new WeakMap();
  const stateOf = (signal) => {
    const state = states.get(signal);
    if (state === undefined) {
      throw TypeError('expected an AbortSignal');
    }
    return state;
  };

  const abort = (signal, given) => {
    const state = stateOf(signal);
    if (state.aborted) {
      return;
    }
    state.aborted = true;
    state.reason = given === undefined ? abortError() : given;
    const listeners = [...state.listeners];
    state.listeners = [];
    const event = harden({ type: 'abort', target: signal, currentTarget: signal });
    for (const { listener } of listeners) {
      // One that throws does not keep the others from hearing.
      try {
        if (typeof listener === 'function') {
          listener.call(signal, event);
        } else {
          listener.handleEvent(event);
        }
      } catch (error) {
        Promise.reject(error);
      }
    }
    for (const follower of state.followers) {
      abort(follower, state.reason);
    }
    state.followers = [];
  };

  class AbortSignal {
    constructor(key) {
      if (key !== secret) {
        throw TypeError('an AbortSignal comes from an AbortController');
      }
      states.set(this, { aborted: false, reason: undefined, listeners: [], followers: [] });
    }
    get aborted() {
      return stateOf(this).aborted;
    }
    get reason() {
      return stateOf(this).reason;
    }
    get onabort() {
      return stateOf(this).listeners.find(({ own }) => own)?.listener ?? null;
    }
    set onabort(listener) {
      const state = stateOf(this);
      state.listeners = state.listeners.filter(({ own }) => !own);
      if (typeof listener === 'function' && !state.aborted) {
        state.listeners.push({ listener, own: true });
      }
    }
    throwIfAborted() {
      const { aborted, reason } = stateOf(this);
      if (aborted) {
        throw reason;
      }
    }
    addEventListener(type, listener) {
      const state = stateOf(this);
      const known = state.listeners.some((entry) => !entry.own && entry.listener === listener);
      if (type === 'abort' && Object(listener) === listener && !known && !state.aborted) {
        state.listeners.push({ listener, own: false });
      }
    }
    removeEventListener(type, listener) {
      const state = stateOf(this);
      if (type === 'abort') {
        state.listeners = state.listeners.filter((entry) => entry.own || entry.listener !== listener);
      }
    }
    get [Symbol.toStringTag]() {
      return 'AbortSignal';
    }
    static abort(reason) {
      const signal = new AbortSignal(secret);
      abort(signal, reason);
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
      timersOf().setTimeout(() => abort(signal, timeoutError()), delay);
      return signal;
    }
    static any(signals) {
      const signal = new AbortSignal(secret);
      const all = [...signals];
      const done = all.find((one) => stateOf(one).aborted);
      if (done !== undefined) {
        abort(signal, stateOf(done).reason);
      } else {
        all.forEach((one) => stateOf(one).followers.push(signal));
      }
      return signal;
    }
  }

  class AbortController {
    #signal = new AbortSignal(secret);
    get signal() {
      return this.#signal;
    }
    abort(reason) {
      abort(this.#signal, reason);
    }
    get [Symbol.toStringTag]() {
      return 'AbortController';
    }
  }
  return harden({ AbortController, AbortSignal });
};
