// SPDX-License-Identifier: Apache-2.0
// link - makes modules of the records in an archive work together.
//
// A record of parser pre-mjs-json holds the text of a functor. It is called with cells: onceVar and
// liveVar take the values of its own variables, imports hands over those of others. A cell keeps its
// value and tells whoever asked for it (an updater is a function that stores the value in the
// importer's variable). Dependencies run inside the call of imports; a functor has by then given its
// hoisted functions, which is what makes circles of modules work.
//
// An instance: { cells, namespace, execute(), required() }. cells: export name to cell.

const { create, defineProperty, entries, freeze, hasOwn, isExtensible, keys } = Object;

const makeCell = (name) => {
  let value;
  let set = false;
  let updaters = [];
  const tell = (given) => {
    value = given;
    set = true;
    for (const update of updaters) {
      update(given);
    }
    return given;
  };
  return {
    get() {
      if (!set) {
        throw ReferenceError(`binding "${name}" not yet initialized`);
      }
      return value;
    },
    /** For a variable that is given once. */
    once: (given) => {
      tell(given);
      updaters = undefined;
      return given;
    },
    tell,
    ask(update) {
      if (set) {
        update(value);
      }
      updaters?.push(update);
    },
  };
};

const makeNamespace = () =>
  create(null, { [Symbol.toStringTag]: { value: 'Module' } });

const expose = (namespace, name, get) =>
  defineProperty(namespace, name, { get, set: undefined, enumerable: true, configurable: false });

/**
 * A module of the language. find(specifier) gives the instance of an import; evaluate(text, lexicals)
 * the functor, with accessors as further variables in its scope.
 */
export const makeModule = (record, find, evaluate, label) => {
  const cells = create(null);
  const locals = create(null);
  const namespace = makeNamespace();
  const [onceVar, liveVar, lexicals] = [create(null), create(null), create(null)];
  const instances = new Map();

  cells['*'] = { ask: (update) => update(namespace), get: () => namespace };
  const addExport = (name, cell) => {
    cells[name] = cell;
    expose(namespace, name, cell.get);
  };
  for (const [name, [local]] of entries(record.__fixedExportMap__)) {
    if (locals[local] === undefined) {
      locals[local] = makeCell(local);
      onceVar[local] = locals[local].once;
    }
    addExport(name, locals[local]);
  }
  for (const [name, [local, assigned]] of entries(record.__liveExportMap__)) {
    const cell = locals[local] ?? makeCell(local);
    if (locals[local] === undefined) {
      locals[local] = cell;
      liveVar[local] = cell.tell;
      if (assigned) {
        // The functor's own text assigns to the exported name.
        const set = (given) => {
          cell.get();
          cell.tell(given);
        };
        defineProperty(lexicals, local, { get: cell.get, set, enumerable: true });
      }
    }
    addExport(name, cell);
  }

  const takeImports = (wanted) => {
    const candidates = create(null);
    for (const [specifier, names] of wanted) {
      const instance = instances.get(specifier);
      instance.execute();
      for (const [name, updaters] of names) {
        const cell = instance.cells[name];
        if (cell === undefined) {
          throw SyntaxError(
            `${label}: the requested module "${specifier}" does not provide an export named "${name}"`,
          );
        }
        updaters.forEach((update) => cell.ask(update));
      }
      if (record.reexports.includes(specifier)) {
        for (const name of keys(instance.cells)) {
          if (name !== '*' && name !== 'default') {
            // Two different sources of one name: neither is exported.
            candidates[name] =
              name in candidates && candidates[name] !== instance.cells[name]
                ? undefined
                : instance.cells[name];
          }
        }
      }
      if (hasOwn(record.__reexportMap__, specifier)) {
        for (const [name, exported] of record.__reexportMap__[specifier]) {
          if (instance.cells[name] === undefined) {
            throw SyntaxError(
              `${label}: the requested module "${specifier}" does not provide an export named "${name}"`,
            );
          }
          candidates[exported] = instance.cells[name];
        }
      }
    }
    for (const [name, cell] of entries(candidates)) {
      if (cells[name] === undefined && cell !== undefined) {
        addExport(name, cell);
      }
    }
  };

  let functor = () => {
    const run = evaluate(record.__syncModuleProgram__, lexicals);
    run({
      imports: takeImports,
      onceVar,
      liveVar,
      import: async (specifier) => {
        const instance = find(specifier);
        instance.execute();
        return instance.namespace;
      },
      importMeta: create(null),
    });
    freeze(namespace);
  };
  let thrown;
  return {
    cells,
    namespace,
    link() {
      for (const specifier of record.imports) {
        instances.set(specifier, find(specifier));
      }
    },
    execute() {
      if (thrown) {
        throw thrown.error;
      }
      const run = functor;
      functor = undefined;
      try {
        run?.();
      } catch (error) {
        thrown = { error };
        throw error;
      }
    },
    required: () => namespace,
  };
};

/** A module whose default export is a value: JSON, text, bytes. */
export const makeValueModule = (value) => {
  const namespace = makeNamespace();
  const cell = makeCell('default');
  cell.once(value);
  expose(namespace, 'default', cell.get);
  const cells = { __proto__: null, default: cell };
  cells['*'] = { ask: (update) => update(freeze(namespace)), get: () => namespace };
  return { cells, namespace, link() {}, execute() {}, required: () => value };
};

/** A CommonJS module. Its exports are those found in its text, and those it has when it has run. */
export const makeCommonModule = (record, find, evaluate, label) => {
  const namespace = makeNamespace();
  const cells = create(null);
  const module = { exports: {} };
  const exportsOf = () => module.exports;
  const instances = new Map();
  const addCell = (name) => {
    if (cells[name] === undefined) {
      cells[name] = makeCell(name);
      expose(namespace, name, cells[name].get);
    }
    return cells[name];
  };
  cells['*'] = { ask: (update) => update(namespace), get: () => namespace };
  ['default', ...record.exports].forEach(addCell);

  const require = (specifier) => {
    const instance = instances.get(specifier);
    if (instance === undefined) {
      throw Error(`${label}: cannot require "${specifier}": it is not in the archive`);
    }
    instance.execute();
    return instance.required();
  };
  let functor = () => {
    const run = evaluate(record.source, {});
    const given = module.exports;
    run.call(given, require, given, module, null, null);
    const exported = exportsOf();
    const isObject = Object(exported) === exported;
    for (const name of isObject ? keys(exported) : []) {
      if (name !== 'default' && isExtensible(namespace)) {
        addCell(name).tell(exported[name]);
      }
    }
    addCell('default').tell(
      isObject && exported.__esModule && 'default' in exported ? exported.default : exported,
    );
    for (const name of record.exports) {
      if (!(isObject && hasOwn(exported, name)) && name !== 'default') {
        cells[name].tell(isObject ? exported[name] : undefined);
      }
    }
    freeze(namespace);
  };
  let thrown;
  return {
    cells,
    namespace,
    link() {
      for (const specifier of [...record.imports, ...record.reexports]) {
        // What is only required when it is there may be missing.
        const instance = find(specifier, true);
        if (instance !== undefined) {
          instances.set(specifier, instance);
        }
      }
      for (const specifier of record.reexports) {
        for (const name of keys(instances.get(specifier)?.cells ?? {})) {
          if (name !== '*') {
            addCell(name);
          }
        }
      }
    },
    execute() {
      if (thrown) {
        throw thrown.error;
      }
      const run = functor;
      functor = undefined;
      try {
        run?.();
      } catch (error) {
        thrown = { error };
        throw error;
      }
    },
    required: exportsOf,
  };
};
