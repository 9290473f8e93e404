// SPDX-License-Identifier: Apache-2.0
// The vat that is called: without a durable effect (ping) and with one (bump). It holds what it is given.
import { Far } from '@endo/far';

export const buildRootObject = (_vatPowers, _parameters, baggage) => {
  if (!baggage.has('bumps')) {
    baggage.init('bumps', 0);
  }
  let held = [];
  const root = Far('server', {
    bootstrap: vats => vats,
    ping: i => i,
    bump: () => {
      const n = baggage.get('bumps') + 1;
      baggage.set('bumps', n);
      return n;
    },
    a: () => root,
    hold: things => {
      held.push(...things);
      return held.length;
    },
    drop: () => {
      held = [];
    },
  });
  return root;
};
