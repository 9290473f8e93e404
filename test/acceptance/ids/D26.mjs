// SPDX-License-Identifier: Apache-2.0
// Vows stand for results that are elsewhere: "then" gives the result when it is there, or the rejection,
// in raw vats, where they are made in userspace over the syscall object, and in ordinary ones.
import { check, equal } from '../lib.mjs';
import { raw } from '../vats.mjs';

const methods = `
  add: (a, b) => a + b,
  fail: text => { throw RangeError(text); },
  echo: it => it,
  self: () => root,
  later: text => new Vow(resolve => Promise.resolve().then(() => resolve(text))),
  callBack: (it, x) => E(it).ping(x),
`;
const asking = `
  then: undefined,
  results: to => E(to).add(1, 2).then(three => E(to).add(three, 4)).then(seven => harden(['sum', seven])),
  rejected: to => E(to).fail('no').then(() => 'answered', error => error.name + ' ' + error.message),
  caught: to => E(to).fail('no').catch(error => error.message).then(text => text + '!'),
  awaited: async to => harden([await E(to).echo('x'), await E(to).later('y'), typeof E(to).add(1, 1).then]),
  many: to => Vow.all([E(to).add(1, 1), 5, E(to).add(2, 2)]),
  unheard: to => { E(to).add(1, 1); return 'sent'; },
  order: async to => {
    const seen = [];
    const all = [1, 2, 3, 4, 5].map(n => E(to).echo(n).then(got => seen.push(got)));
    await Vow.all(all);
    return harden(seen);
  },
  inside: async to => {
    const [{ sum }] = await E(to).echo(harden([{ sum: E(to).add(3, 4) }]));
    return sum;
  },
  reference: async to => {
    const me = Far('me', { ping: x => harden(['ping', x]) });
    const back = await E(to).echo(me);
    return harden([back === me, await E(to).callBack(me, 'x')]);
  },
`.replace('then: undefined,', '');
const rawVat = raw(`
import { E, Far, Vow, makeDeliver } from '@keeve/vow';
const root = Far('root', { bootstrap: () => 'ready', ${methods} ${asking} });
export default makeDeliver(root);`);
const plainVat = `
import { E, Far, Vow } from '@keeve/vow';
export const buildRootObject = () => {
  const root = Far('root', { bootstrap: () => 'ready', ${methods} ${asking} });
  return root;
};`;
const expected = {
  results: ['sum', 7],
  rejected: 'RangeError no',
  caught: 'no!',
  awaited: ['x', 'y', 'function'],
  many: [2, 5, 4],
  unheard: 'sent',
  order: [1, 2, 3, 4, 5],
  inside: 7,
  reference: [true, ['ping', 'x']],
};

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ raw1: rawVat, raw2: rawVat, plain1: plainVat, plain2: plainVat });
  const pairs = [['raw1', 'raw2'], ['raw1', 'plain1'], ['plain1', 'raw1'], ['plain1', 'plain2']];
  for (const [from, to] of pairs) {
    for (const [method, value] of Object.entries(expected)) {
      equal(await home.send(vats[from].root, method, { kref: vats[to].root }), value, `${method} from ${from} to ${to}`);
    }
  }
  // An object that a raw vat made in an earlier life is gone, and is not taken for one made later.
  await home.restart();
  for (const [from, to] of pairs) {
    equal(await home.send(vats[from].root, 'reference', { kref: vats[to].root }), expected.reference, `again from ${from}`);
  }
  await home.settle();
  await home.audit();
  check((await home.rows('promises')).length === 0, 'promises left');
};
