// SPDX-License-Identifier: Apache-2.0
// E(x).foo() and Vow.resolve(x).foo() both send foo to x, whatever x is: a reference to another vat, a
// promise or vow for one, an object of the vat itself; and what both give can be sent to in turn.
import { equal, until } from '../lib.mjs';
import { raw } from '../vats.mjs';

const methods = `
  bootstrap: () => 'ready',
  foo: (...args) => harden(['foo', ...args]),
  'any name': x => harden(['any', x]),
  self: () => root,
  both: async to => {
    const mine = Far('mine', { foo: x => harden(['mine', x]) });
    const vow = E(to).self();
    return harden([
      await E(to).foo(1), await Vow.resolve(to).foo(1),
      await E(vow).foo(2), await Vow.resolve(vow).foo(2),
      await E(to).self().foo(3), await Vow.resolve(to).self().foo(3),
      await E(Promise.resolve(to)).foo(4), await Vow.resolve(Promise.resolve(to)).foo(4),
      await E(mine).foo(5), await Vow.resolve(mine).foo(5),
      await E(to)['any name'](6), await Vow.resolve(to)['any name'](6),
      await E(to).self().self().self().foo(7), await Vow.resolve(to).self().self().self().foo(7),
    ]);
  },
  missing: to => Vow.all([E(to).nothing(), Vow.resolve(to).nothing()].map(
    vow => vow.then(() => 'answered', error => error.message))),
`;
const rawVat = raw(`
import { E, Far, Vow, makeDeliver } from '@keeve/vow';
const root = Far('root', { ${methods} });
export default makeDeliver(root);`);
const plainVat = `
import { E, Far, Vow } from '@keeve/vow';
export const buildRootObject = () => {
  const root = Far('root', { ${methods} });
  return root;
};`;
const twice = it => [it, it];

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ raw1: rawVat, raw2: rawVat, plain1: plainVat, plain2: plainVat });
  for (const [from, to] of [['raw1', 'raw2'], ['raw1', 'plain1'], ['plain1', 'raw1'], ['plain1', 'plain2']]) {
    const trace = await home.trace();
    equal(await home.send(vats[from].root, 'both', { kref: vats[to].root }), [
      ...twice(['foo', 1]), ...twice(['foo', 2]), ...twice(['foo', 3]), ...twice(['foo', 4]),
      ...twice(['mine', 5]), ...twice(['any', 6]), ...twice(['foo', 7]),
    ], `both spellings from ${from} to ${to}`);
    // Sent, not called: each is a message that the other vat was delivered.
    const delivered = () => trace.events.filter(({ event, vat, method, from: sender }) =>
      event === 'deliver' && vat === vats[to].vat && method === 'foo' && sender === vats[from].vat).length;
    await until(() => delivered() >= 10, `ten messages from ${from} to ${to}`);
    equal(delivered(), 10, `messages from ${from} to ${to}`);
    trace.close();
    for (const text of await home.send(vats[from].root, 'missing', { kref: vats[to].root })) {
      equal(text.includes('no method "nothing"'), true, text);
    }
  }
  await home.audit();
};
