// SPDX-License-Identifier: Apache-2.0
// Any method name can be sent to a presence, also one nobody declared: the name arrives at the vat that
// has the object, which alone says whether there is such a method.
import { check, equal, until } from '../lib.mjs';

const target = `
import { Far } from '@endo/far';
const names = ['plain', 'with space', 'üñí', 'a.b', '', 'constructor2', 'then2', '#private', '$0', '!x'];
export const buildRootObject = () => {
  const methods = Object.fromEntries(names.map(name => [name, (...args) => harden([name, ...args])]));
  const it = Far('target', methods);
  return Far('root', { bootstrap: () => 'ready', it: () => it, names: () => harden(names) });
};`;
const sender = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    all: async (root, names) => {
      const it = E(root).it();
      const presence = await it;
      return Promise.all(names.flatMap(name => [E(it)[name](1), E(presence)[name](2)]));
    },
    undeclared: async (root, name) => {
      const presence = await E(root).it();
      return E(presence)[name]('x').then(() => 'answered', error => error.message);
    },
    only: async (root, name) => typeof E.sendOnly(await E(root).it())[name](1),
    symbol: async root => E(await E(root).it())[Symbol.asyncIterator]()
      .then(() => 'answered', error => error.name),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ sender, target });
  const root = { kref: vats.target.root };
  const names = await home.send(vats.target.root, 'names');
  equal(await home.send(vats.sender.root, 'all', root, names),
    names.flatMap(name => [[name, 1], [name, 2]]), 'what came back');
  for (const name of ['nonsense', '0', 'anyName', 'nobody declared this', 'ключ']) {
    const trace = await home.trace();
    const text = await home.send(vats.sender.root, 'undeclared', root, name);
    check(text.includes(name) || /no method/.test(text), `the refusal of ${name}: ${text}`);
    await until(() => trace.events.some(event => event.event === 'deliver' &&
      event.vat === vats.target.vat && event.body?.includes(`["${name}",`)), `a delivery of ${name}`);
    trace.close();
  }
  equal(await home.send(vats.sender.root, 'only', root, 'plain'), 'undefined', 'a send without a result');
  equal(await home.send(vats.sender.root, 'symbol', root), 'TypeError', 'a symbol nobody declared');
};
