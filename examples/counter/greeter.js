// SPDX-License-Identifier: Apache-2.0
// A vat that counts its greetings with a counter of another vat. It keeps the reference to that
// counter in its baggage, so it finds it again after any restart.
import { E, Far } from '@endo/far';

export const buildRootObject = (_vatPowers, _parameters, baggage) =>
  Far('greeter root', {
    bootstrap: async vats => {
      const counter = await E(vats.counter).getCounter();
      baggage.init('counter', counter);
      return { counter };
    },
    greet: async name => {
      const n = await E(baggage.get('counter')).increment();
      return `hello ${name}, you are number ${n}`;
    },
  });
