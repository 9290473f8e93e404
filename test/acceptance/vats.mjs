// SPDX-License-Identifier: Apache-2.0
// vats - sources that several tests launch.

const provide = `
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
`;

// Durable counters: "main" is there from the start, more can be made; heap() counts calls of this heap.
export const counter = `
import { Far } from '@endo/far';
${provide}
export const buildRootObject = (_powers, _parameters, baggage) => {
  let heap = 0;
  const makeCounter = VatData.defineDurableKind(
    provide(baggage, 'kind', () => VatData.makeKindHandle('counter')),
    () => ({ n: 0 }),
    {
      increment: ({ state }) => (state.n += 1),
      read: ({ state }) => state.n,
    },
  );
  const main = provide(baggage, 'main', () => makeCounter());
  return Far('root', {
    bootstrap: () => main,
    getMain: () => main,
    make: () => makeCounter(),
    increment: () => main.increment(),
    read: () => main.read(),
    heap: () => (heap += 1),
  });
};
`;

// Keeps references in its baggage under names, and calls them.
export const keeper = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    put: (name, it) => (baggage.has(name) ? baggage.set(name, it) : baggage.init(name, it)),
    get: name => baggage.get(name),
    remove: name => baggage.delete(name),
    call: (name, method, ...args) => E(baggage.get(name))[method](...args),
  });
`;

// Remembers, durably and in order, what it is told.
export const recorder = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('notes')) baggage.init('notes', harden([]));
  return Far('root', {
    bootstrap: () => 'ready',
    note: it => baggage.set('notes', harden([...baggage.get('notes'), it])),
    notes: () => baggage.get('notes'),
    ping: it => it,
  });
};
`;

// Runs for as many turns of a loop as it is told, or for ever.
export const spinner = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: () => 'ready',
    spin: turns => {
      let x = 1;
      for (let i = 0; i < turns; i += 1) x = (x * 48271) % 2147483647;
      return x;
    },
    forever: () => {
      for (;;);
    },
    ping: it => it,
  });
`;


// Says in the configuration that a vat is raw.
export const raw = source => ({ source, creationOptions: { raw: true } });
