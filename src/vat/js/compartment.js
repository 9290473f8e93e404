// SPDX-License-Identifier: Apache-2.0
// compartment - what a vat, and code inside it, sees as Compartment.
//
// The engine puts its own extras on the global of every compartment, nested ones too, and takes an
// options bag only. Here every new global is cut down to the names below, given the globals every
// compartment has, and both forms of the constructor are taken:
//   new Compartment({ globals, modules, ... })
//   new Compartment(endowments, moduleMap, { transforms, ... })

const NativeCompartment = Compartment;
const { defineProperty, getOwnPropertyDescriptor } = Object;
const { ownKeys } = Reflect;

/** Own names of a compartment's global that stay. All else the engine may put there goes. */
const kept = new Set([
  'AggregateError', 'Array', 'ArrayBuffer', 'BigInt', 'BigInt64Array', 'BigUint64Array', 'Boolean',
  'Compartment', 'DataView', 'Date', 'Error', 'EvalError', 'Float32Array', 'Float64Array', 'Function',
  'Infinity', 'Int16Array', 'Int32Array', 'Int8Array', 'JSON', 'Map', 'Math', 'ModuleSource', 'NaN',
  'Number', 'Object', 'Promise', 'Proxy', 'RangeError', 'ReferenceError', 'Reflect', 'RegExp', 'Set',
  'String', 'Symbol', 'SyntaxError', 'TypeError', 'URIError', 'Uint16Array', 'Uint32Array',
  'Uint8Array', 'Uint8ClampedArray', 'WeakMap', 'WeakSet', 'decodeURI', 'decodeURIComponent',
  'encodeURI', 'encodeURIComponent', 'escape', 'eval', 'globalThis', 'isFinite', 'isNaN',
  'parseFloat', 'parseInt', 'undefined', 'unescape',
]);

const bagNames = ['globals', 'modules', 'globalLexicals', 'resolveHook', 'loadHook', 'loadNowHook'];

const isBag = (args) =>
  args.length <= 1 &&
  (args[0] === undefined || bagNames.some((name) => getOwnPropertyDescriptor(args[0], name)));

const define = (target, name, value) =>
  defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });

/** universals: a record of what every compartment made by the result has. */
export const makeCompartmentClass = (universals) => {
  const prepare = (compartment, endowments) => {
    const target = compartment.globalThis;
    for (const name of ownKeys(target)) {
      if (!kept.has(name)) {
        delete target[name];
      }
    }
    for (const name of ownKeys(universals)) {
      define(target, name, universals[name]);
    }
    define(target, 'Compartment', VatCompartment);
    for (const name of Object.keys(endowments)) {
      define(target, name, endowments[name]);
    }
    return compartment;
  };

  function VatCompartment(...args) {
    if (new.target === undefined) {
      throw TypeError("Compartment must be called with 'new'");
    }
    const [endowments = {}, modules = {}, { transforms = [], ...options } = {}] = isBag(args)
      ? [args[0]?.globals, args[0]?.modules, args[0]]
      : args;
    const { globals, resolveHook, loadHook, loadNowHook, globalLexicals } = options;
    const bag = { modules };
    for (const [name, value] of Object.entries({
      resolveHook,
      loadHook,
      loadNowHook,
      globalLexicals,
    })) {
      if (value !== undefined) {
        bag[name] = value;
      }
    }
    const compartment = prepare(new NativeCompartment(bag), endowments);
    if (transforms.length > 0) {
      const { evaluate } = compartment;
      define(compartment, 'evaluate', (source) =>
        evaluate.call(
          compartment,
          transforms.reduce((text, transform) => transform(text), source),
        ),
      );
    }
    return compartment;
  }
  define(VatCompartment, 'name', 'Compartment');
  VatCompartment.prototype = NativeCompartment.prototype;
  return harden(VatCompartment);
};
