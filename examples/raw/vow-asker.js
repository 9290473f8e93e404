// SPDX-License-Identifier: Apache-2.0
// The same as a raw vat: the library makes the dispatch function out of an object with methods.
import { E, Vow, makeDeliver } from '@keeve/vow';

let right;

export default makeDeliver({
  meet(it) {
    right = it;
  },
  ask() {
    return E(right)
      .note('from vow-asker')
      .then(() => Vow.resolve(right).counts())
      .then((counts) => ['counts are', JSON.stringify(counts)]);
  },
});
