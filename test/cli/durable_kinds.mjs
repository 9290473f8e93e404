// SPDX-License-Identifier: Apache-2.0
// The examples of docs/durable-kinds.md, as they stand there: each is launched, used, restarted with its
// vat and used again.
// usage: node durable_kinds.mjs KEEVE KEEVE-VAT DOCUMENT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';

const [program, worker, document] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'keeve-kinds-'));
const keeve = (...args) => {
  const { status, stdout, stderr } = spawnSync(program, ['--home', join(dir, 'home'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, KEEVE_LIBEXEC: dirname(resolve(worker)) },
  });
  assert.equal(status, 0, `keeve ${args.join(' ')}: ${stderr}`);
  return stdout;
};

const examples = new Map(
  [...readFileSync(document, 'utf8').matchAll(/<!-- run: (\w+) -->\n```js\n([^]*?)```/g)].map(
    ([, name, source]) => [name, source],
  ),
);

const restart = Symbol('restart');
const reap = Symbol('reap');
// What is called, and what it gives; between, the vat is restarted or collects garbage.
const uses = {
  greeter: [['greet', 'hello, world'], restart, ['greet', 'hello, world']],
  counter: [['increment', 11], restart, ['increment', 12], ['remove'], reap, 'a counter ended at 12'],
  hooks: [
    ['type', 'one '], ['type', 'two'], restart, ['read', 'one two'], ['type', '!'], reap, ['read', 'one two!'],
  ],
  classes: [['makeOne'], ['move', 1, 1, [2, 3]], restart, ['move', 1, 1, [3, 4]]],
  functions: [['add', 2, 3, 5], ['echo', 'x', 'whatever(x)'], restart, ['add', 2, 3, 5], ['echo', 'y', 'whatever(y)']],
  library: [['name', 'o+d10/1'], restart, ['name', 'o+d10/1']],
};
const argumentsOf = { greet: 0, increment: 0, remove: 0, type: 1, read: 0, makeOne: 0, move: 2, add: 2, echo: 1, name: 0 };

test.before(() => {
  keeve('start');
});
test.after(() => {
  keeve('stop');
  rmSync(dir, { recursive: true, force: true });
});

test('every example is used here', () => {
  assert.deepEqual([...examples.keys()].sort(), Object.keys(uses).sort());
});

for (const [name, steps] of Object.entries(uses)) {
  test(name, () => {
    const app = join(dir, name);
    mkdirSync(app);
    writeFileSync(join(app, 'v.js'), examples.get(name));
    writeFileSync(join(app, 'cluster.json'),
      JSON.stringify({ bootstrap: 'v', vats: { v: { sourceSpec: 'v.js' } } }));
    const { rootKref, subclusterId } = JSON.parse(keeve('launch', join(app, 'cluster.json'), '--json'));
    const { vats } = JSON.parse(keeve('status', '--json')).subclusters.find(s => s.id === subclusterId);
    for (const step of steps) {
      if (step === restart) {
        keeve('restart-vat', vats.v.vat);
      } else if (step === reap) {
        keeve('reap', vats.v.vat);
        keeve('send', '--json', rootKref, '__getMethodNames__'); // comes after the collection
      } else if (typeof step === 'string') {
        assert.match(keeve('logs', vats.v.vat), new RegExp(step));
      } else {
        const [method, ...rest] = step;
        const args = rest.slice(0, argumentsOf[method]);
        const found = JSON.parse(
          keeve('send', '--json', rootKref, method, '--', ...args.map(arg => JSON.stringify(arg))));
        if (rest.length > args.length) {
          assert.deepEqual(found, rest.at(-1), `${method} of ${name}`);
        }
      }
    }
  });
}
