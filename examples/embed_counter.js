// SPDX-License-Identifier: Apache-2.0
// The JavaScript side of embed.c: counts what it is told, durably, and has each count booked by the ledger,
// a vat written in C.
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';

export const buildRootObject = (_vatPowers, _parameters, baggage) => {
  if (!baggage.has('count')) {
    baggage.init('count', 0);
    baggage.init('ledger', null);
  }
  return Far('counter', {
    setLedger: ledger => baggage.set('ledger', ledger),
    increment: what => {
      const count = baggage.get('count') + 1;
      baggage.set('count', count);
      return E(baggage.get('ledger')).book(`${count} ${what}`);
    },
    read: () => baggage.get('count'),
  });
};
