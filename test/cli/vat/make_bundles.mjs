// SPDX-License-Identifier: Apache-2.0
// make_bundles - npm's @endo/bundle-source over one file, in every format, as JSON on standard output.
// A process of its own, since @endo/init locks down.
// usage: node make_bundles.mjs ENTRY.js FORMAT...
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const npm = createRequire(`${dirname(fileURLToPath(import.meta.url))}/../../npm/package.json`);
const load = (name) => import(pathToFileURL(npm.resolve(name)).href);

await load('@endo/init');
const { default: bundleSource } = await load('@endo/bundle-source');
const [entry, ...formats] = process.argv.slice(2);
const made = {};
for (const format of formats) {
  made[format] = await bundleSource(entry, { format });
}
process.stdout.write(JSON.stringify(made));
