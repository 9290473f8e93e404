// SPDX-License-Identifier: Apache-2.0
// repair - lets ordinary code assign to a property whose inherited namesake is frozen.
//
// Once the shared prototypes are frozen, `error.name = 'X'` or `Foo.prototype.toString = f` throws,
// since assignment respects a read-only property it only inherits. Such properties become accessors:
// reading gives the original, writing on an heir defines an own property. Runs before lockdown.
//
// Only names that real code is known to assign are listed, and none that the engine or user code
// reads in every turn (then, push, next): each listed read costs a call.

const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;

const repair = (owner, key) => {
  const descriptor = getOwnPropertyDescriptor(owner, key);
  if (!descriptor || !('value' in descriptor) || !descriptor.configurable) {
    return;
  }
  const { value, enumerable } = descriptor;
  const shown = typeof key === 'symbol' ? key.description : key;
  const accessor = {
    get() {
      return value;
    },
    set(given) {
      if (this === owner) {
        throw TypeError(`cannot assign to shared property "${shown}"`);
      }
      if (hasOwn(this, key)) {
        this[key] = given;
      } else {
        defineProperty(this, key, {
          value: given,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
    },
  };
  defineProperty(owner, key, {
    get: accessor.get,
    set: accessor.set,
    enumerable,
    configurable: true,
  });
};

const errorNames = ['constructor', 'message', 'name', 'toString'];
const generator = getPrototypeOf(function* empty() {}).prototype;
const asyncGenerator = getPrototypeOf(async function* empty() {}).prototype;
const iterator = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));
const typedArray = getPrototypeOf(Uint8Array).prototype;

const table = [
  [Object.prototype, ['constructor', 'hasOwnProperty', 'toLocaleString', 'toString', 'valueOf']],
  [Function.prototype, ['apply', 'bind', 'call', 'constructor', 'toString']],
  [Array.prototype, ['concat', 'constructor', 'join', 'toLocaleString', 'toString']],
  [typedArray, ['constructor', 'toString']],
  [iterator, [Symbol.toStringTag]],
  [generator, ['constructor', Symbol.toStringTag]],
  [asyncGenerator, ['constructor', Symbol.toStringTag]],
  [Date.prototype, ['constructor', 'toString', 'toJSON', 'valueOf']],
  [Map.prototype, ['constructor', Symbol.toStringTag]],
  [Set.prototype, ['constructor', Symbol.toStringTag]],
  [RegExp.prototype, ['constructor', 'toString']],
  [Promise.prototype, [Symbol.toStringTag]],
  ...[
    Error,
    AggregateError,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  ].map((constructor) => [constructor.prototype, errorNames]),
];

for (const [owner, keys] of table) {
  for (const key of keys) {
    repair(owner, key);
  }
}
