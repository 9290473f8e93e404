// SPDX-License-Identifier: Apache-2.0
// The vat that is called: without a durable effect (ping) and with one (bump).
import { Far } from '@endo/far';

export const buildRootObject = (_vatPowers, _parameters, baggage) => {
  if (!baggage.has('bumps')) {
    baggage.init('bumps', 0);
  }
  return Far('server', {
    ping: i => i,
    bump: () => {
      const n = baggage.get('bumps') + 1;
      baggage.set('bumps', n);
      return n;
    },
  });
};
