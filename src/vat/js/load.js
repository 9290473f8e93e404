// SPDX-License-Identifier: Apache-2.0
// load - evaluates the code of a vat in a compartment of its own and gives its exports.
import { passStyleOf } from '@endo/pass-style';
import { loadArchive } from './archive.js';
import { makeCompartmentClass } from './compartment.js';

const NativeModuleSource = ModuleSource;
const { hasOwn } = Object;

/** The stack of an error names the file and line of code that ends so. */
const named = (text, name) => `${text}\n//# sourceURL=${name.replace(/[^\w./-]/g, '_')}\n`;

/** By this name a vat's own copy of @endo/pass-style finds the one function all are to use. */
const PassStyleOf = Symbol.for('@endo passStyleOf');

/** Globals that every compartment has, nested ones too. Raw vats have nothing that stands on liveslots. */
const universals = harden({ HandledPromise, harden, [PassStyleOf]: passStyleOf });
const rawUniversals = harden({ harden });

export const makeVatCompartment = (globals, raw) => {
  const VatCompartment = makeCompartmentClass(raw ? rawUniversals : universals);
  return (options) => new VatCompartment({ globals, ...options });
};

const importable = (packages, name) => {
  if (packages[name] === undefined) {
    const names = Object.keys(packages).sort().join(', ');
    throw TypeError(`cannot import "${name}": it is not built in; bundle the vat. A plain vat may import only ${names}`);
  }
  return { namespace: packages[name] };
};

/** Files of a vat have names that begin so in its compartment; all others are packages. */
const filePrefix = './';

/** What a specifier in a file means: ../lib/x.js in ./vats/a.js is ./lib/x.js. */
const resolve = (specifier, referrer) => {
  if (!/^\.\.?\//.test(specifier) || !referrer.startsWith(filePrefix)) {
    return specifier;
  }
  const path = referrer.split('/').slice(1, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') {
      if (path.length === 0) {
        throw TypeError(
          `${referrer.slice(2)} cannot import "${specifier}": it lies outside of the directory of the vat`,
        );
      }
      path.pop();
    } else if (part !== '.' && part !== '') {
      path.push(part);
    }
  }
  return `${filePrefix}${path.join('/')}`;
};

/** A file of JSON is a module whose default export is its value. */
const sourceOf = (text, name) => {
  if (!name.endsWith('.json')) {
    return new NativeModuleSource(named(text, name));
  }
  try {
    JSON.parse(text);
  } catch (error) {
    throw SyntaxError(`${name}: expected JSON: ${error.message}`);
  }
  return new NativeModuleSource(named(`export default JSON.parse(${JSON.stringify(text)});`, name));
};

const loadFiles = (makeCompartment, { entry, modules, missing }, fileName, packages) => {
  const find = (name) => {
    if (!name.startsWith(filePrefix)) {
      return importable(packages, name);
    }
    const path = name.slice(filePrefix.length);
    if (!hasOwn(modules, path)) {
      const reason = hasOwn(missing, path) ? missing[path] : 'there is no such file with the vat';
      throw TypeError(`cannot import "${name}": ${reason}`);
    }
    const text = modules[path];
    delete modules[path]; // it is asked for once
    return { source: sourceOf(text, path === entry ? fileName : path) };
  };
  const compartment = makeCompartment({
    modules: {},
    resolveHook: resolve,
    loadNowHook: find,
    loadHook: async (name) => find(name),
  });
  return compartment.importNow(`${filePrefix}${entry}`);
};

const loadModule = (makeCompartment, source, fileName, packages) =>
  loadFiles(makeCompartment, { entry: 'vat', modules: { vat: source }, missing: {} }, fileName, packages);

const isTexts = (value) =>
  Object(value) === value && Object.values(value).every((text) => typeof text === 'string');

const loadModules = (makeCompartment, bundle, fileName, packages) => {
  const { entry, modules, missing = {} } = bundle;
  if (!isTexts(modules) || !isTexts(missing) || typeof entry !== 'string' || !hasOwn(modules, entry)) {
    throw TypeError(
      'a keeveModules bundle has texts by name in "modules", and the name of one of them in "entry"',
    );
  }
  return loadFiles(makeCompartment, { entry, modules, missing }, fileName, packages);
};

const loadScript = (makeCompartment, bundle, fileName, packages) => {
  if (typeof bundle.code !== 'string') {
    throw TypeError(`an iife bundle has its program in "code", here ${typeof bundle.code}`);
  }
  const compartment = makeCompartment({});
  const own = compartment.globalThis;
  own.exports = {};
  own.global = own;
  // What the bundler left outside asks for it so.
  const external = Array.isArray(bundle.external) ? bundle.external : [];
  if (external.length > 0) {
    own.require = (name) => {
      if (!external.includes(name)) {
        throw TypeError(`cannot require "${name}": it is not in "external" of the bundle`);
      }
      return importable(packages, name).namespace;
    };
  }
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
  keeveModules: loadModules,
  nestedEvaluate: loadFunctor,
  getExport: loadFunctor,
  endoScript: (makeCompartment, bundle, fileName) =>
    makeCompartment({}).evaluate(named(bundle.source, fileName)),
  endoZipBase64: (makeCompartment, bundle, _fileName, packages, host) =>
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

/** packages: what may be imported by a bare name. */
export const loadCode = (makeCompartment, text, fileName, packages, host) => {
  const bundle = parseBundle(text);
  if (bundle === undefined) {
    return loadModule(makeCompartment, text, fileName, packages);
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
  const namespace = loader(makeCompartment, bundle, fileName, packages, host);
  if (Object(namespace) !== namespace) {
    throw TypeError(
      `a bundle of format ${moduleFormat} gives its exports as an object, here ${typeof namespace}`,
    );
  }
  return namespace;
};
