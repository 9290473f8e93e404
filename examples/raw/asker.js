// SPDX-License-Identifier: Apache-2.0
// An ordinary vat with vows: E(x).m() and Vow.resolve(x).m() both send.
import { E, Far, Vow } from '@keeve/vow';

export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('asker', {
    meet(right) {
      baggage.init('right', right);
    },
    ask() {
      const right = baggage.get('right');
      return E(right)
        .note('from asker')
        .then(() => Vow.resolve(right).counts())
        .then((counts) => harden(['counts are', JSON.stringify(counts)]));
    },
  });
