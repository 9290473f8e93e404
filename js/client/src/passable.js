// SPDX-License-Identifier: Apache-2.0
// passable - may this value go over a link? Decided before anything is sent, and said with the path to what
// may not: args[0].options.callback.
import harden from '@endo/harden';
import { passStyleOf, isPrimitive, getTag } from '@endo/pass-style';
import { isPromise } from '@endo/promise-kit';
import { notSent } from './failures.js';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const member = (path, key) => {
  if (typeof key === 'symbol') {
    return `${path}[${String(key)}]`;
  }
  return IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
};

const styleOf = value => {
  try {
    return passStyleOf(value);
  } catch {
    return undefined;
  }
};

/** Why a value that has no pass style has none, in words for who wrote it. */
const complaint = value => {
  if (typeof value === 'function') {
    return "a function; only functions made with Far('name', fn) can be sent";
  }
  if (typeof value === 'symbol') {
    return 'a symbol that is not registered; use Symbol.for()';
  }
  if (typeof value === 'object' && typeof value.then === 'function') {
    return 'a thenable that is no promise';
  }
  const maker = Object.getPrototypeOf(value)?.constructor?.name;
  return maker && maker !== 'Object' && maker !== 'Array'
    ? `an instance of ${maker}; send its data, or an object made with Far()`
    : 'neither data nor an object made with Far()';
};

/** Children of a container in the way that paths name them. */
const childrenOf = (value, path) => {
  if (Array.isArray(value)) {
    return Array.from(value, (child, i) => [child, `${path}[${i}]`]);
  }
  return Reflect.ownKeys(value).map(key => [value[key], member(path, key)]);
};

const isPlain = value =>
  Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** The innermost part that cannot be passed: [path, why], or undefined if all is well. */
const culprit = (value, path, above) => {
  if (isPrimitive(value)) {
    return styleOf(value) === undefined ? [path, complaint(value)] : undefined;
  }
  if (above.includes(value)) {
    return [path, 'a cycle; data is a tree'];
  }
  if (isPromise(value) || value instanceof Error || styleOf(value) !== undefined) {
    return undefined;
  }
  if (typeof value === 'function' || !isPlain(value)) {
    return [path, complaint(value)];
  }
  for (const [child, where] of childrenOf(value, path)) {
    const found = culprit(child, where, [...above, value]);
    if (found) {
      return found;
    }
  }
  return [path, complaint(value)];
};

/** The first part of a passable value whose style is refused: [path, style]. */
const refusedPart = (value, path, refused) => {
  const style = passStyleOf(value);
  if (refused.has(style)) {
    return [path, style];
  }
  const inside =
    style === 'copyArray' || style === 'copyRecord'
      ? childrenOf(value, path)
      : style === 'tagged'
        ? [[value.payload, `${path}.payload`]]
        : [];
  for (const [child, where] of inside) {
    const found = refusedPart(child, where, refused);
    if (found) {
      return found;
    }
  }
  return undefined;
};

/**
 * Throws, with the path, unless the value can be passed and holds nothing of a refused style.
 *
 * @param {unknown} value
 * @param {string} path what to call the value itself
 * @param {Set<string>} [refused]
 */
export const assertSendable = (value, path, refused = undefined) => {
  try {
    passStyleOf(harden(value));
  } catch (error) {
    const [where, why] = culprit(value, path, []) ?? [path, error.message];
    throw notSent(`${where} is ${why}; nothing was sent`);
  }
  const found = refused?.size ? refusedPart(value, path, refused) : undefined;
  if (found) {
    throw notSent(`${found[0]} is of the style ${found[1]}, which this link refuses; nothing was sent`);
  }
};

/**
 * Like assertSendable, of a value as it lies in a capdata body that came or goes: [path, style] of the
 * first part of a refused style. Slots tell objects from promises.
 *
 * @param {{ body: string, slots: string[] }} capdata
 * @param {string} path
 * @param {Set<string>} refused
 * @param {(capdata: any) => unknown} unserialize with stand-ins for references
 */
export const refusedInCapData = (capdata, path, refused, unserialize) =>
  refusedPart(harden(unserialize(capdata)), path, refused);

export { getTag };
