// SPDX-License-Identifier: Apache-2.0
// vat_tools - functions of the field's packages that the C of kinds and stores calls, given to it once.
import { defendPrototype, defendPrototypeKit } from '@endo/exo/tools.js';
import { Far, passStyleOf } from '@endo/pass-style';
import {
  assertPattern,
  getCopyMapEntries,
  getCopySetKeys,
  makeCopyMap,
  makeCopySet,
  matches,
  mustMatch,
} from '@endo/patterns';

const { ownKeys } = Reflect;

const sameShape = (a, b) => {
  if (Object.is(a, b)) {
    return true;
  }
  const style = passStyleOf(a);
  if (style !== passStyleOf(b) || !['copyArray', 'copyRecord', 'tagged'].includes(style)) {
    return false;
  }
  const keys = ownKeys(a);
  return (
    keys.length === ownKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameShape(a[key], b[key]))
  );
};

/** A new incarnation keeps every field of the old shape as it was; what it adds must be optional. */
const insistCompatibleShape = (old, now) => {
  for (const name of ownKeys(old)) {
    if (!Object.hasOwn(now, name)) {
      throw TypeError(`the new stateShape has lost the field "${name}"`);
    }
    if (!sameShape(old[name], now[name])) {
      throw TypeError(`the new stateShape has another pattern for the field "${name}"`);
    }
  }
  for (const name of ownKeys(now)) {
    if (!Object.hasOwn(old, name) && !matches(undefined, now[name])) {
      throw TypeError(`the new stateShape adds the field "${name}", which old objects lack`);
    }
  }
};

export const vatTools = harden({
  Far,
  assertPattern,
  defendPrototype,
  defendPrototypeKit,
  getCopyMapEntries,
  getCopySetKeys,
  insistCompatibleShape,
  makeCopyMap,
  makeCopySet,
  matches,
  mustMatch,
});
