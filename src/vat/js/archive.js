// SPDX-License-Identifier: Apache-2.0
// archive - loads a bundle of format endoZipBase64: a zip of compartment-map.json and one file for each
// module. Every compartment of the map gets a compartment of its own, so that packages do not see each
// other's globals. Bytes, unpacking and hashes are C (engine/archive.c).
//
// The map is hostile until shown otherwise: names are looked up as own properties, and each error says
// what was expected and found.
import { makeCommonModule, makeModule, makeValueModule } from './link.js';

const { defineProperty, entries, hasOwn, setPrototypeOf } = Object;
const mapName = 'compartment-map.json';

const shown = (value) => {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
};
const kindOf = (value) =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;

const isRecord = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const expectRecord = (value, what) => {
  if (!isRecord(value)) {
    throw TypeError(`${what}: expected an object, found ${kindOf(value)}`);
  }
  return value;
};
const expectString = (value, what) => {
  if (typeof value !== 'string') {
    throw TypeError(`${what}: expected a string, found ${kindOf(value)}`);
  }
  return value;
};
const expectNames = (value, what) => {
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
    throw TypeError(`${what}: expected an array of strings, found ${kindOf(value)}`);
  }
  return value;
};

const parseJson = (text, what) => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw SyntaxError(`${what}: expected JSON: ${error.message}`);
  }
};

/** The files of a zip, by name. */
const openZip = (host, base64) => {
  const buffer = host.unbase64(base64);
  const list = host.zipList(buffer);
  const offsets = new Map();
  for (let i = 0; i < list.length; i += 2) {
    if (offsets.has(list[i])) {
      throw TypeError(`the zip archive has two files of the name ${shown(list[i])}`);
    }
    offsets.set(list[i], list[i + 1]);
  }
  const offsetOf = (name) => {
    if (!offsets.has(name)) {
      throw TypeError(`expected a file ${shown(name)} in the zip archive, found none`);
    }
    return offsets.get(name);
  };
  const within = (name, read) => {
    const offset = offsetOf(name);
    try {
      return read(buffer, offset);
    } catch (error) {
      throw TypeError(`${shown(name)} in the zip archive: ${error.message}`);
    }
  };
  return {
    text: (name) => within(name, host.zipText),
    bytes: (name) => within(name, host.zipBytes),
    check(name, expected) {
      const found = within(name, host.sha512);
      if (found !== expected) {
        throw TypeError(`${shown(name)}: expected SHA-512 ${shown(expected)}, found "${found}"`);
      }
    },
  };
};

/** ./b/../c.js as seen from ./a/x.js is ./a/c.js; what is no relative path stays. */
const resolve = (specifier, referrer) => {
  if (!/^\.\.?(?:\/|$)/.test(specifier)) {
    return specifier;
  }
  const path = referrer.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') {
      if (path.length === 0 || path.at(-1) === '.') {
        throw TypeError(`cannot import ${shown(specifier)}: it lies outside of its package`);
      }
      path.pop();
    } else if (part !== '.') {
      path.push(part);
    }
  }
  return path[0] === '.' ? path.join('/') : ['.', ...path].join('/');
};

/** Maps of export name to [local, ...] of a record. */
const expectMap = (value, what) => {
  for (const [name, local] of entries(expectRecord(value, what))) {
    if (!Array.isArray(local) || typeof local[0] !== 'string') {
      throw TypeError(`${what}: expected an array that begins with a name at ${shown(name)}`);
    }
  }
};

const readModuleRecord = (text, what) => {
  const record = expectRecord(parseJson(text, what), what);
  expectNames(record.imports, `${what}, imports`);
  expectNames(record.reexports ?? [], `${what}, reexports`);
  expectString(record.__syncModuleProgram__, `${what}, __syncModuleProgram__`);
  expectMap(record.__fixedExportMap__, `${what}, __fixedExportMap__`);
  expectMap(record.__liveExportMap__, `${what}, __liveExportMap__`);
  expectRecord(record.__reexportMap__ ?? {}, `${what}, __reexportMap__`);
  return { reexports: [], __reexportMap__: {}, ...record };
};

const readCommonRecord = (text, what) => {
  const record = expectRecord(parseJson(text, what), what);
  for (const name of ['imports', 'exports', 'reexports']) {
    expectNames(record[name] ?? [], `${what}, ${name}`);
  }
  expectString(record.source, `${what}, source`);
  return { imports: [], exports: [], reexports: [], ...record };
};

/** The compartment of a package, and evaluating text in it with accessors as further variables. */
const makePackage = (makeCompartment, label) => {
  const compartment = makeCompartment({});
  const evaluate = (text, lexicals, fileName) => {
    const named = `${text}\n//# sourceURL=${fileName.replace(/[^\w./-]/g, '_')}\n`;
    if (Reflect.ownKeys(lexicals).length === 0) {
      return compartment.evaluate(named);
    }
    // A global of their own for these variables; whatever else is looked up, or set on globalThis,
    // is the package's.
    const scope = makeCompartment({});
    const target = scope.globalThis;
    for (const name of Reflect.ownKeys(target)) {
      if (name !== 'eval' && name !== 'Function') {
        Reflect.deleteProperty(target, name); // but for Infinity and its like, which are the same anywhere
      }
    }
    for (const name of Reflect.ownKeys(lexicals)) {
      defineProperty(target, name, Object.getOwnPropertyDescriptor(lexicals, name));
    }
    setPrototypeOf(target, compartment.globalThis);
    return scope.evaluate(named);
  };
  return { evaluate, label };
};

export const loadArchive = (host, makeCompartment, packages, bundle) => {
  const zip = openZip(host, expectString(bundle.endoZipBase64, 'endoZipBase64'));
  if (bundle.endoZipBase64Sha512 !== undefined) {
    zip.check(mapName, expectString(bundle.endoZipBase64Sha512, 'endoZipBase64Sha512'));
  }
  const map = expectRecord(parseJson(zip.text(mapName), mapName), mapName);
  const compartments = expectRecord(map.compartments, `${mapName}, compartments`);
  const entry = expectRecord(map.entry, `${mapName}, entry`);
  const made = new Map();
  const instances = new Map();
  const unlinked = [];

  const packageOf = (name) => {
    if (!hasOwn(compartments, name)) {
      throw TypeError(`${mapName}: expected a compartment ${shown(name)}, found none`);
    }
    if (!made.has(name)) {
      const described = expectRecord(compartments[name], `${mapName}, ${shown(name)}`);
      made.set(name, {
        ...makePackage(makeCompartment, name),
        location: expectString(described.location, `${mapName}, ${shown(name)}, location`),
        modules: expectRecord(described.modules, `${mapName}, ${shown(name)}, modules`),
      });
    }
    return made.get(name);
  };

  const instantiate = (pack, specifier, module) => {
    const fileName = `${pack.location}/${expectString(module.location, shown(specifier))}`;
    if (module.sha512 !== undefined) {
      zip.check(fileName, module.sha512);
    }
    const compartmentName = pack.label;
    const find = (wanted, optional) =>
      instanceOf(compartmentName, resolve(wanted, specifier), fileName, optional);
    const evaluate = (text, lexicals) => pack.evaluate(text, lexicals, fileName);
    switch (module.parser) {
      case 'pre-mjs-json':
        return makeModule(readModuleRecord(zip.text(fileName), fileName), find, evaluate, fileName);
      case 'pre-cjs-json':
        return makeCommonModule(
          readCommonRecord(zip.text(fileName), fileName), find, evaluate, fileName,
        );
      case 'json':
        return makeValueModule(parseJson(zip.text(fileName), fileName));
      case 'text':
        return makeValueModule(zip.text(fileName));
      case 'bytes':
        return makeValueModule(zip.bytes(fileName));
      default:
        throw TypeError(
          `${fileName}: expected a parser pre-mjs-json, pre-cjs-json, json, text or bytes, found ${shown(module.parser)}`,
        );
    }
  };

  /** Follows links until there is a file; importer is for messages. */
  const instanceOf = (compartmentName, specifier, importer, optional = false) => {
    let [at, name] = [compartmentName, specifier];
    const seen = new Set();
    for (;;) {
      const pack = packageOf(at);
      const key = JSON.stringify([at, name]);
      if (instances.has(key)) {
        return instances.get(key);
      }
      if (seen.has(key)) {
        throw TypeError(`${mapName}: ${shown(specifier)} of ${importer} links to itself in a circle`);
      }
      seen.add(key);
      if (!hasOwn(pack.modules, name)) {
        if (hasOwn(packages, name)) {
          return makeBuiltIn(packages[name]);
        }
        if (optional) {
          return undefined;
        }
        throw TypeError(
          `${importer} imports ${shown(specifier)}: expected module ${shown(name)} in compartment ${shown(at)} of the archive, found none`,
        );
      }
      const module = expectRecord(pack.modules[name], `${mapName}, ${shown(name)} of ${shown(at)}`);
      if (module.compartment !== undefined) {
        at = expectString(module.compartment, `${mapName}, ${shown(name)}, compartment`);
        name = expectString(module.module, `${mapName}, ${shown(name)}, module`);
      } else if (module.exit !== undefined || module.deferredError !== undefined) {
        if (module.exit !== undefined && hasOwn(packages, module.exit)) {
          return makeBuiltIn(packages[module.exit]);
        }
        if (optional) {
          return undefined;
        }
        throw TypeError(
          `${importer} imports ${shown(specifier)}: ${module.deferredError ?? 'it is not in the archive'}`,
        );
      } else {
        const instance = instantiate(pack, name, module);
        instances.set(key, instance);
        unlinked.push(instance);
        return instance;
      }
    }
  };

  const root = instanceOf(
    expectString(entry.compartment, `${mapName}, entry.compartment`),
    expectString(entry.module, `${mapName}, entry.module`),
    mapName,
  );
  // All there is is found before any of it runs.
  while (unlinked.length > 0) {
    unlinked.pop().link();
  }
  root.execute();
  return root.namespace;
};

/** A module that is the vat's own copy of a built-in package. */
const makeBuiltIn = (namespace) => {
  const cells = { __proto__: null };
  for (const name of Object.keys(namespace)) {
    cells[name] = { ask: (update) => update(namespace[name]), get: () => namespace[name] };
  }
  cells['*'] = { ask: (update) => update(namespace), get: () => namespace };
  return { cells, namespace, link() {}, execute() {}, required: () => namespace };
};
