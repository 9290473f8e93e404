// SPDX-License-Identifier: Apache-2.0
// A vat with one durable counter. What is assigned to `state` is on disk when the crank commits; the
// variable `callsOfThisHeap` is not, and starts again with every restart.
import { Far } from '@endo/far';

const { defineDurableKind, makeKindHandle } = VatData;

const provide = (baggage, name, make) => {
  if (!baggage.has(name)) {
    baggage.init(name, make());
  }
  return baggage.get(name);
};

export const buildRootObject = (_vatPowers, parameters, baggage) => {
  let callsOfThisHeap = 0;

  const handle = provide(baggage, 'counterKind', () => makeKindHandle('counter'));
  const makeCounter = defineDurableKind(handle, first => ({ count: first }), {
    increment: ({ state }) => {
      callsOfThisHeap += 1;
      state.count += 1;
      return state.count;
    },
    read: ({ state }) => state.count,
  });
  const counter = provide(baggage, 'counter', () => makeCounter(parameters.first));

  return Far('counter root', {
    getCounter: () => counter,
    increment: () => counter.increment(),
    read: () => counter.read(),
    callsOfThisHeap: () => callsOfThisHeap,
  });
};
