// SPDX-License-Identifier: Apache-2.0
// The vat that makes the round trips of W1.
import { E, Far } from '@endo/far';

export const buildRootObject = () => {
  let server;
  return Far('caller', {
    meet: other => {
      server = other;
    },
    run: async n => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        sum += await E(server).ping(i);
      }
      return sum;
    },
  });
};
