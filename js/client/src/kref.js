// SPDX-License-Identifier: Apache-2.0
// kref - which values stand for which names of the kernel's. Presences and stand-ins are remembered weakly,
// for all connections; nothing else ties a value to a kref, and no string ever does by itself.

const KREF = /^k[op](0|[1-9]\d*)$/;

/** @param {unknown} text */
export const isKref = text => typeof text === 'string' && KREF.test(text);
/** @param {string} kref */
export const isPromiseKref = kref => kref.startsWith('kp');

/** @param {unknown} kref */
export const assertKref = kref => {
  if (!isKref(kref)) {
    throw TypeError(`not a kref: ${JSON.stringify(kref) ?? String(kref)}; krefs look like ko42 or kp7`);
  }
};

/** What can be called: presences, and promises of the kernel. @type {WeakMap<object, string>} */
const krefOfPresence = new WeakMap();
/** Mere names, made by kslot(). @type {WeakMap<object, string>} */
const krefOfStandin = new WeakMap();

const lookUp = (map, value) =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? map.get(value)
    : undefined;

export const recordPresence = (value, kref) => {
  krefOfPresence.set(value, kref);
};
export const recordStandin = (value, kref) => {
  krefOfStandin.set(value, kref);
};
/** @returns {string | undefined} */
export const krefOfStandIn = value => lookUp(krefOfStandin, value);

/**
 * The kref a presence, a promise of the kernel or a stand-in has; undefined for everything else.
 * @param {unknown} value
 * @returns {string | undefined}
 */
export const krefOf = value => lookUp(krefOfPresence, value) ?? krefOfStandIn(value);

/**
 * Is this an object (or promise) of a kernel that E() reaches? Stand-ins are not.
 * @param {unknown} value
 * @returns {boolean}
 */
export const isKrefPresence = value => lookUp(krefOfPresence, value) !== undefined;
