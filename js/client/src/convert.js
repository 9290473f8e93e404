// SPDX-License-Identifier: Apache-2.0
// convert - values whose references are written otherwise: by name as text, or as presences, to stand-ins.
// Data is copied as far as something in it changes, so what changes nothing comes back as it was.
import harden from '@endo/harden';
import { isPrimitive, makeTagged } from '@endo/pass-style';
import { isPromise } from '@endo/promise-kit';
import { isKref, isKrefPresence, krefOf } from './kref.js';
import { kslot } from './kernel_marshal.js';

const PASS_STYLE = Symbol.for('passStyle');

const isData = value =>
  Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));

const convertInside = (value, convert, path, above) => {
  if (above.includes(value)) {
    throw TypeError(`${path} is a cycle; data is a tree`);
  }
  const inner = [...above, value];
  if (Array.isArray(value)) {
    const items = value.map((item, i) => walk(item, convert, `${path}[${i}]`, inner));
    return items.some((item, i) => item !== value[i]) ? harden(items) : value;
  }
  const entries = Object.entries(value)
    .map(([key, item]) => [key, walk(item, convert, `${path}.${key}`, inner)]);
  return entries.some(([key, item]) => item !== value[key])
    ? harden(Object.fromEntries(entries))
    : value;
};

const walk = (value, convert, path, above) => {
  const other = convert(value);
  if (other !== undefined) {
    return other;
  }
  if (isPrimitive(value) || typeof value === 'function' || isPromise(value)) {
    return value;
  }
  const style = value[PASS_STYLE];
  if (style === 'tagged') {
    const payload = walk(value.payload, convert, `${path}.payload`, [...above, value]);
    return payload === value.payload ? value : makeTagged(value[Symbol.toStringTag], payload);
  }
  return style === undefined && isData(value) ? convertInside(value, convert, path, above) : value;
};

/**
 * Puts others in the place of some values, at any depth of the data.
 * @param {unknown} value
 * @param {(item: unknown) => unknown} convert gives undefined for what stays
 */
export const convertValues = (value, convert) => walk(value, convert, 'value', []);

/**
 * Every string that is a kref and nothing else becomes a stand-in for what it names. Nothing in this
 * package does so unless it is called: do not give it text of others.
 * @param {unknown} value
 */
export const convertKrefsToStandins = value =>
  convertValues(value, item => (isKref(item) ? kslot(item) : undefined));

/**
 * Every presence, and every promise of a kernel, becomes a stand-in; strings stay strings.
 * @param {unknown} value
 */
export const convertPresencesToStandins = value =>
  convertValues(value, item => (isKrefPresence(item) ? kslot(krefOf(item)) : undefined));
