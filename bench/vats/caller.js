// SPDX-License-Identifier: Apache-2.0
// The vat that makes the round trips of W1.
import { E, Far } from '@endo/far';

export const buildRootObject = (_vatPowers, _parameters, baggage) =>
  Far('caller', {
    bootstrap: vats => {
      baggage.init('server', vats.server);
      return vats;
    },
    // n round trips to the other vat, one after another.
    run: async n => {
      const server = baggage.get('server');
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        sum += await E(server).ping(i);
      }
      return sum;
    },
  });
