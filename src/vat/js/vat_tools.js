// SPDX-License-Identifier: Apache-2.0
// vat_tools - the functions of npm's packages that durable state in C calls: guards and patterns are
// theirs, slots and rows are ours. Given once, while the boot image is made.
import { defendPrototype, defendPrototypeKit } from '@endo/exo/tools.js';
import { Far } from '@endo/far';
import { passStyleOf } from '@endo/pass-style';
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

const { keeveVatTools } = globalThis;
delete globalThis.keeveVatTools;

keeveVatTools(
  harden({
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
  }),
);
