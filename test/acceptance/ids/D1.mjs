// SPDX-License-Identifier: Apache-2.0
// Nothing a vat can name reaches a socket, a file, a process or the daemon's own variables.
import { check, equal } from '../lib.mjs';

const probe = `
import { Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    names: () => harden(Object.getOwnPropertyNames(globalThis).sort()),
    typeOf: name => {
      try {
        return typeof new Function('return ' + name)();
      } catch (error) {
        return 'throws ' + error.name;
      }
    },
    thisOfFunction: () => typeof new Function('return this')()?.process,
    imports: name => import(name).then(() => 'loaded', error => 'refused'),
    changes: () => {
      try {
        Array.prototype.push = () => 'mine';
        return 'changed';
      } catch (error) {
        return error.name;
      }
    },
  });
`;

const forbidden = [
  'process', 'require', 'module', 'fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'Deno', 'Bun',
  'setTimeout', 'setInterval', 'setImmediate', 'std', 'os', 'print', 'issueCommand', 'performance',
  'navigator', 'localStorage', 'indexedDB', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry',
  'WeakRef', 'gc', 'currentMeterLimit', 'resetMeter', 'Host', 'trace',
];

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ probe });
  const names = await home.send(root, 'names');
  check(names.includes('console') && names.includes('harden'), `granted names are missing: ${names}`);
  for (const name of forbidden) {
    check(!names.includes(name), `${name} is a global of a vat`);
    const found = await home.send(root, 'typeOf', name);
    check(['undefined', 'throws ReferenceError'].includes(found), `${name} is ${found} in a vat`);
  }
  equal(await home.send(root, 'thisOfFunction'), 'undefined', 'process through new Function');
  for (const name of ['fs', 'node:net', './other.js', '/etc/passwd', 'http://127.0.0.1/']) {
    let outcome;
    try {
      outcome = await home.send(root, 'imports', name);
    } catch (error) {
      outcome = 'refused';
    }
    equal(outcome, 'refused', `import(${name})`);
  }
  equal(await home.send(root, 'changes'), 'TypeError', 'changing a shared prototype');
};
