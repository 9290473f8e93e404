// SPDX-License-Identifier: Apache-2.0
// Durable counters in a durable map store (W4).
import { Far } from '@endo/far';

const { defineDurableKind, makeKindHandle, makeScalarBigMapStore } = VatData;

export const buildRootObject = (_vatPowers, _parameters, baggage) => {
  if (!baggage.has('handle')) {
    baggage.init('handle', makeKindHandle('Counter'));
    baggage.init('counters', makeScalarBigMapStore('counters', { durable: true }));
  }
  const counters = baggage.get('counters');
  const makeCounter = defineDurableKind(baggage.get('handle'), () => ({ count: 0 }), {
    inc: ({ state }) => {
      state.count += 1;
      return state.count;
    },
    read: ({ state }) => state.count,
  });
  return Far('durable', {
    bootstrap: vats => vats,
    create: (from, n) => {
      for (let i = from; i < from + n; i += 1) counters.init(`c${i}`, makeCounter());
      return n;
    },
    inc: i => counters.get(`c${i % 10000}`).inc(),
    incMany: (from, n) => {
      let sum = 0;
      for (let i = from; i < from + n; i += 1) sum += counters.get(`c${i}`).inc();
      return sum;
    },
    read: i => counters.get(`c${i}`).read(),
  });
};
