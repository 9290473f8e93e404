// SPDX-License-Identifier: Apache-2.0
// load - evaluates the code of a vat in a compartment of its own and gives its exports.
import { loadArchive } from './archive.js';
import { makeCompartmentClass } from './compartment.js';
import { packages } from './packages.js';

const NativeModuleSource = ModuleSource;
const names = Object.keys(packages).sort();
const entry = 'vat';

/** The stack of an error names the file and line of code that ends so. */
const named = (text, name) => `${text}\n//# sourceURL=${name.replace(/[^\w./-]/g, '_')}\n`;

/** Universal globals: those every compartment has, nested ones too. */
export const makeVatCompartment = (globals) => {
  const VatCompartment = makeCompartmentClass({ HandledPromise, harden });
  return (options) => new VatCompartment({ globals, ...options });
};

const importable = (name) => {
  if (packages[name] === undefined) {
    throw TypeError(
      `cannot import "${name}": a plain vat may import only ${names.join(', ')}; bundle the rest`,
    );
  }
  return { namespace: packages[name] };
};

const loadModule = (makeCompartment, source, fileName) => {
  let code = { source: new NativeModuleSource(named(source, fileName)) };
  const find = (name) => {
    if (name === entry && code !== undefined) {
      const found = code;
      code = undefined;
      return found;
    }
    return importable(name);
  };
  const compartment = makeCompartment({
    modules: {},
    resolveHook: (name) => name,
    loadNowHook: find,
    loadHook: async (name) => find(name),
  });
  return compartment.importNow(entry);
};

const loadScript = (makeCompartment, bundle, fileName) => {
  if (typeof bundle.code !== 'string') {
    throw TypeError(`an iife bundle has its program in "code", here ${typeof bundle.code}`);
  }
  const compartment = makeCompartment({});
  const own = compartment.globalThis;
  own.exports = {};
  own.global = own;
  compartment.evaluate(named(bundle.code, fileName));
  const exported = compartment.evaluate(
    "typeof __vatExports__ === 'undefined' ? undefined : __vatExports__",
  );
  if (exported === undefined) {
    throw TypeError('the iife bundle does not define __vatExports__');
  }
  return exported;
};

/** Text whose value is a function that gives the exports. */
const loadFunctor = (makeCompartment, bundle, fileName) => {
  const compartment = makeCompartment({});
  if (bundle.moduleFormat === 'nestedEvaluate') {
    compartment.globalThis.nestedEvaluate = (source) => compartment.evaluate(source);
  }
  const functor = compartment.evaluate(named(`(${bundle.source}\n)`, fileName));
  if (typeof functor !== 'function') {
    throw TypeError(
      `a ${bundle.moduleFormat} bundle is the text of a function, here of type ${typeof functor}`,
    );
  }
  return functor(fileName);
};

const formats = {
  __proto__: null,
  iife: loadScript,
  nestedEvaluate: loadFunctor,
  getExport: loadFunctor,
  endoScript: (makeCompartment, bundle, fileName) =>
    makeCompartment({}).evaluate(named(bundle.source, fileName)),
  endoZipBase64: (makeCompartment, bundle, _fileName, host) =>
    loadArchive(host, makeCompartment, packages, bundle),
};

/** Formats that are one text, and the property that has it. */
const textOf = { __proto__: null, nestedEvaluate: 'source', getExport: 'source', endoScript: 'source' };

/** A bundle is JSON text of an object with a moduleFormat; all other text is module source. */
const parseBundle = (text) => {
  if (!/^\s*\{/.test(text)) {
    return undefined;
  }
  try {
    const value = JSON.parse(text);
    return value.moduleFormat === undefined ? undefined : value;
  } catch {
    return undefined;
  }
};

export const loadCode = (makeCompartment, text, fileName, host) => {
  const bundle = parseBundle(text);
  if (bundle === undefined) {
    return loadModule(makeCompartment, text, fileName);
  }
  const { moduleFormat } = bundle;
  const loader = typeof moduleFormat === 'string' ? formats[moduleFormat] : undefined;
  if (loader === undefined) {
    throw TypeError(`Unknown bundle format: ${String(moduleFormat)}`);
  }
  const key = textOf[moduleFormat];
  if (key !== undefined && typeof bundle[key] !== 'string') {
    throw TypeError(
      `a bundle of format ${moduleFormat} has its program in "${key}", here ${typeof bundle[key]}`,
    );
  }
  const namespace = loader(makeCompartment, bundle, fileName, host);
  if (Object(namespace) !== namespace) {
    throw TypeError(
      `a bundle of format ${moduleFormat} gives its exports as an object, here ${typeof namespace}`,
    );
  }
  return namespace;
};
