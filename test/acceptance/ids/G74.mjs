// SPDX-License-Identifier: Apache-2.0
// Packages have walls between them: two packages of a bundle do not see each other's globals.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, equal } from '../lib.mjs';

const files = {
  'package.json': JSON.stringify({
    name: 'app', version: '1.0.0', type: 'module', dependencies: { one: '1.0.0', two: '1.0.0' },
  }),
  'vat.js': `
    import * as one from 'one';
    import * as two from 'two';
    globalThis.secret = 'of the app';
    export const buildRootObject = () => harden({
      __proto__: Object.create(Object.prototype, {
        [Symbol.for('passStyle')]: { value: 'remotable' },
        [Symbol.toStringTag]: { value: 'Alleged: root' },
      }),
      bootstrap() {},
      put() { one.put('of one'); },
      see: () => harden([secret, one.see(), two.see()]),
    });`,
};
for (const name of ['one', 'two']) {
  files[`node_modules/${name}/package.json`] = JSON.stringify({
    name, version: '1.0.0', type: 'module', exports: './index.js',
  });
  files[`node_modules/${name}/index.js`] = `
    export const put = value => { globalThis.secret = value; };
    export const see = () => (typeof secret === 'undefined' ? 'nothing' : secret);`;
}

export const test = async t => {
  const dir = join(t.dir, 'app');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  const maker = join(ROOT, 'test/cli/vat/make_bundles.mjs');
  const made = JSON.parse(execFileSync('node', [maker, join(dir, 'vat.js'), 'endoZipBase64']));
  const home = await t.started();
  const { vats } = await home.launch({ app: JSON.stringify(made.endoZipBase64) });
  equal(await home.send(vats.app.root, 'see'), ['of the app', 'nothing', 'nothing'], 'before');
  await home.send(vats.app.root, 'put');
  equal(await home.send(vats.app.root, 'see'), ['of the app', 'of one', 'nothing'],
    'what each package sees once one has set its global');
};
