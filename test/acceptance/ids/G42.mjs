// SPDX-License-Identifier: Apache-2.0
// A kind may be defined without an interface: by VatData and by the packages above it. Every method can
// be called with whatever can be passed, also after a restart.
import { equal } from '../lib.mjs';

const bare = `
import { Far } from '@endo/far';
import { prepareExoClass, prepareExoClassKit } from '@agoric/vat-data';
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const handle = provide(baggage, 'handle', () => VatData.makeKindHandle('kind'));
  const makeKind = VatData.defineDurableKind(handle, () => ({ n: 0 }), {
    a: ({ state }, ...args) => harden([state.n += 1, args.length, ...args]),
    b: (_context, it = 'default') => it,
  }, { interfaceGuard: undefined });
  const makeClass = prepareExoClass(baggage, 'class', undefined, () => ({ n: 0 }), {
    a(...args) { return harden([this.state.n += 1, args.length, ...args]); },
    b(it = 'default') { return it; },
  });
  const makeKit = prepareExoClassKit(baggage, 'kit', undefined, () => ({ n: 0 }), {
    one: {
      a(...args) { return harden([this.state.n += 1, args.length, ...args]); },
      b(it = 'default') { return it; },
    },
    two: { read() { return this.state.n; } },
  });
  const makeVirtual = VatData.defineKind('virtual', () => ({ n: 0 }), {
    a: ({ state }, ...args) => harden([state.n += 1, args.length, ...args]),
    b: (_context, it = 'default') => it,
  });
  provide(baggage, 'things', () => harden([makeKind(), makeClass(), makeKit().one]));
  const virtual = makeVirtual();
  return Far('root', {
    bootstrap: () => 'ready',
    all: (method, ...args) =>
      harden([...baggage.get('things'), virtual].map(it => it[method](...args))),
    things: () => harden([...baggage.get('things'), virtual]),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ bare });
  for (const [round, args] of [[1, []], [2, [1, 'two', { three: [null] }]]]) {
    const outcome = [round, args.length, ...args];
    equal(await home.send(root, 'all', 'a', ...args), [outcome, outcome, outcome, outcome], 'a');
  }
  equal(await home.send(root, 'all', 'b'), ['default', 'default', 'default', 'default'], 'b');
  for (const [i, { kref }] of (await home.send(root, 'things')).entries()) {
    equal(await home.send(kref, 'a', { any: 'thing' }), [3, 1, { any: 'thing' }], `thing ${i} from afar`);
  }
  await home.restart();
  equal(await home.send(root, 'all', 'a', 'x'),
    [[4, 1, 'x'], [4, 1, 'x'], [4, 1, 'x'], [1, 1, 'x']], 'a after a restart');
};
