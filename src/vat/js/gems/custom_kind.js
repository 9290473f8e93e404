// SPDX-License-Identifier: Apache-2.0
// custom_kind - durable kinds whose objects the vat's own code makes and revives.
//
// Names, counts and rows are C's (kinds_foreign.c). What stands here: which shape an object's stored
// fields have for its author: a frozen context, a zone, a map store, or an object that keeps what is
// assigned to it.
import { makeDurableZone } from '@agoric/zone/durable.js';
import { Far } from '@endo/far';

const { keeveKinds } = globalThis;
delete globalThis.keeveKinds;

const { newInstance, discard, getField, setField, hasField, deleteField, fieldNames, setMaker } =
  keeveKinds;
const { makeKindHandle, makeScalarBigMapStore, registerKind, registerValue } = VatData;

const isFunction = (value) => typeof value === 'function';

/** A zone as it is, or one over a durable map store such as the baggage. */
export const asZone = (given) => {
  if (isFunction(given?.mapStore) && isFunction(given.subZone)) {
    return given;
  }
  if (isFunction(given?.init) && isFunction(given.get)) {
    return makeDurableZone(given);
  }
  throw TypeError('a durable zone or the baggage is wanted');
};

/** (zone, ...) or (vomKit, zone, ...): a kit handed along as elsewhere in the field is not needed. */
export const withoutKit = (args) => (Object(args[0]?.vrm) === args[0]?.vrm ? args.slice(1) : args);

/** The kind's handle, kept in the zone. */
export const provideHandle = (zone, tag) => {
  const controller = zone.mapStore('controller');
  if (!controller.has('kind')) {
    controller.init('kind', makeKindHandle(tag));
  }
  return controller.get('kind');
};

/** Marks make as the maker of the kind: a function that can be stored and sent. */
export const durableMaker = (handle, tag, make) => {
  const maker = Far(`make ${tag}`, (...args) => make(...args));
  setMaker(handle, maker);
  return maker;
};

/** A bare record of methods becomes a remotable. */
const asRemotable = (tag, value) => {
  const isBare =
    Object(value) === value &&
    !isFunction(value) &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Reflect.ownKeys(value).every((key) => isFunction(value[key]));
  return isBare ? Far(tag, value) : value;
};

const checkParts = (name, { make, reanimate, cleanup, willSleep }) => {
  for (const [part, given, needed] of [
    ['make', make, true],
    ['reanimate', reanimate, true],
    ['cleanup', cleanup, false],
    ['willSleep', willSleep, false],
  ]) {
    if (given === undefined && needed) {
      throw Error(`${name} - "${part}" function is required`);
    }
    if (given !== undefined && !isFunction(given)) {
      throw TypeError(`${name} - "${part}" must be a function`);
    }
  }
};

/**
 * What all sorts share. begin(baseRef) gives the subject of a new object, which goes to make as its
 * first argument; commit(baseRef, subject) stores it when make is done; recall(baseRef) gives it again.
 * One subject serves an object for as long as that is in memory.
 */
const defineKind = (name, zone, tag, parts, { begin, commit, recall }) => {
  checkParts(name, parts);
  const { make, reanimate, cleanup, willSleep } = parts;
  const handle = provideHandle(zone, tag);
  const awake = new Map();

  const subjectOf = (baseRef) => awake.get(baseRef) ?? recall(baseRef);
  const keepAwake = (baseRef, subject) => {
    if (willSleep !== undefined) {
      awake.set(baseRef, subject);
    }
    return subject;
  };
  const toSleep = (baseRef) => {
    const subject = subjectOf(baseRef);
    awake.delete(baseRef);
    willSleep(subject, baseRef);
  };
  const revive = (baseRef) => {
    const subject = recall(baseRef);
    const value = asRemotable(tag, reanimate(subject, baseRef));
    keepAwake(baseRef, subject);
    return value;
  };
  const deleted = (baseRef) => {
    const subject = subjectOf(baseRef);
    awake.delete(baseRef);
    return cleanup?.(subject, baseRef) === true;
  };
  registerKind(handle, revive, deleted, true, willSleep && toSleep);

  return durableMaker(handle, tag, (...args) => {
    const baseRef = newInstance(handle);
    try {
      const subject = begin(baseRef);
      const value = asRemotable(tag, make(subject, ...args));
      commit(baseRef, subject);
      registerValue(baseRef, value);
      keepAwake(baseRef, subject);
      return value;
    } catch (error) {
      discard(baseRef);
      throw error;
    }
  });
};

const done = () => {};
const tagOf = ({ tag = 'custom kind' }) => tag;

/** make and reanimate get a small record; what make has put on it is stored, and frozen. */
export const makeCustomDurableKindWithContext = (...args) => {
  const [given, parts = {}] = withoutKit(args);
  return defineKind('makeCustomDurableKindWithContext', asZone(given), tagOf(parts), parts, {
    begin: () => ({}),
    commit: (baseRef, context) => setField(baseRef, 'context', harden(context)),
    recall: (baseRef) => getField(baseRef, 'context'),
  });
};

const newStore = (baseRef) => {
  const store = makeScalarBigMapStore(`of ${baseRef}`, { durable: true });
  setField(baseRef, 'store', store);
  return store;
};

/** They get a durable zone of the object's own. It goes with the object. */
export const makeCustomDurableKindWithZone = (...args) => {
  const [given, parts = {}] = withoutKit(args);
  return defineKind('makeCustomDurableKindWithZone', asZone(given), tagOf(parts), parts, {
    begin: (baseRef) => makeDurableZone(newStore(baseRef)),
    commit: done,
    recall: (baseRef) => makeDurableZone(getField(baseRef, 'store')),
  });
};

/** They get a durable map store of the object's own. It goes with the object. */
export const makeCustomDurableKindWithMapStore = (...args) => {
  const [given, parts = {}] = withoutKit(args);
  return defineKind('makeCustomDurableKindWithMapStore', asZone(given), tagOf(parts), parts, {
    begin: newStore,
    commit: done,
    recall: (baseRef) => getField(baseRef, 'store'),
  });
};

const insistName = (name) => {
  if (typeof name !== 'string') {
    throw TypeError('the fields of a stored object have names that are strings');
  }
};

/** An object that looks plain; what is assigned to it is in the store when the crank is committed. */
export const makeStoreObj = (baseRef) =>
  new Proxy(Object.create(null), {
    get: (_target, name) => (typeof name === 'string' ? getField(baseRef, name) : undefined),
    set: (_target, name, value) => {
      insistName(name);
      setField(baseRef, name, value);
      return true;
    },
    has: (_target, name) => typeof name === 'string' && hasField(baseRef, name),
    deleteProperty: (_target, name) => {
      insistName(name);
      deleteField(baseRef, name);
      return true;
    },
    ownKeys: () => fieldNames(baseRef),
    getOwnPropertyDescriptor: (_target, name) =>
      typeof name === 'string' && hasField(baseRef, name)
        ? { value: getField(baseRef, name), writable: true, enumerable: true, configurable: true }
        : undefined,
    defineProperty: (_target, name, descriptor) => {
      insistName(name);
      if (!('value' in descriptor)) {
        throw TypeError('the fields of a stored object are values, not accessors');
      }
      setField(baseRef, name, descriptor.value);
      return true;
    },
    preventExtensions: () => {
      throw TypeError('a stored object stays open to assignment: it cannot be frozen or hardened');
    },
    setPrototypeOf: () => false,
  });

const storeObjShape = {
  begin: makeStoreObj,
  commit: done,
  recall: makeStoreObj,
};

/** They get an object whose assignments persist. */
export const makeCustomDurableKindWithStoreObj = (...args) => {
  const [given, parts = {}] = withoutKit(args);
  const zone = asZone(given);
  return defineKind('makeCustomDurableKindWithStoreObj', zone, tagOf(parts), parts, storeObjShape);
};

/**
 * Gives defineDurableFactory({ init, make, cleanup, willSleep }), or with a tag before: init(state,
 * ...args) once for each object, then make(state), and make(state) again whenever the object revives.
 * A zone has one factory without tag, and any number with tags of their own.
 */
export const makeDefineDurableFactory = (...args) => {
  const zone = asZone(withoutKit(args)[0]);
  let hasUntagged = false;
  return (...given) => {
    const tag = typeof given[0] === 'string' ? given[0] : undefined;
    const { init = done, make, cleanup, willSleep } = given[tag === undefined ? 0 : 1] ?? {};
    if (make === undefined) {
      throw Error('makeDurableFactory - "make" function is required');
    }
    if (tag === undefined && hasUntagged) {
      throw Error(
        'this zone has a factory without tag: defineDurableFactory(tag, { init, make, cleanup })',
      );
    }
    hasUntagged ||= tag === undefined;
    const parts = {
      make: (state, ...rest) => {
        init(state, ...rest);
        return make(state);
      },
      reanimate: (state) => make(state),
      cleanup: cleanup && ((state) => cleanup(state)),
      willSleep: willSleep && ((state) => willSleep(state)),
    };
    const own = tag === undefined ? zone : zone.subZone(`factory ${tag}`);
    return defineKind('defineDurableFactory', own, tag ?? 'factory', parts, storeObjShape);
  };
};
