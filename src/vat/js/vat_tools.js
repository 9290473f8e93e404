// SPDX-License-Identifier: Apache-2.0
// vat_tools - the functions of npm's packages that durable state in C calls: guards and patterns are
// theirs, slots and rows are ours. Given once, while the boot image is made.
import { defendPrototype, defendPrototypeKit } from '@endo/exo/tools.js';
import { Far } from '@endo/far';
import { toThrowable } from '@endo/pass-style';
import {
  assertPattern,
  getCopyMapEntries,
  getCopySetKeys,
  makeCopyMap,
  makeCopySet,
  matches,
  mustMatch,
} from '@endo/patterns';

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
    makeCopyMap,
    makeCopySet,
    matches,
    mustMatch,
    toThrowable,
  }),
);
