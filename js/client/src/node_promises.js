// SPDX-License-Identifier: Apache-2.0
// node_promises - where async hooks are on (test runners, debuggers, AsyncLocalStorage), Node writes symbols
// into each promise, and a promise with properties of its own cannot be passed. So what Node writes is kept
// beside the promise instead. After lockdown() nothing can be changed: @endo/init does the like before.
import { createHook } from 'node:async_hooks';

const discover = () => {
  const hook = createHook({ init() {}, destroy() {} }).enable();
  const promise = Promise.resolve();
  hook.disable();
  return Reflect.ownKeys(promise).filter(key => typeof key === 'symbol');
};

const keepBeside = symbol => {
  const values = new WeakMap();
  Object.defineProperty(Promise.prototype, symbol, {
    configurable: true,
    get() {
      return values.get(this);
    },
    set(value) {
      values.set(this, value);
    },
  });
};

if (Object.isExtensible(Promise.prototype)) {
  discover().filter(symbol => !Object.hasOwn(Promise.prototype, symbol)).forEach(keepBeside);
}
