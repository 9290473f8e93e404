// SPDX-License-Identifier: Apache-2.0
// lives - what needs a daemon of its own: its end and its new start, its tables, its trace, hosts that are
// killed. Each file of lives/ exports test(t), as the acceptance tests do.
// usage: lives.mjs [NAME...]
import { readdirSync } from 'node:fs';
import { makeTest } from '../../acceptance/lib.mjs';
import { within } from './sessions.mjs';

const TEST_MS_MAX = 180_000;
const asked = process.argv.slice(2);
const names = readdirSync(new URL('./lives', import.meta.url)).map(file => file.replace('.mjs', '')).sort();

let failed = 0;
for (const name of names.filter(it => asked.length === 0 || asked.includes(it))) {
  const { test } = await import(`./lives/${name}.mjs`);
  const t = makeTest();
  let why = '';
  try {
    await within(test(t), 'the end', TEST_MS_MAX);
  } catch (error) {
    why = error.stack || String(error);
  }
  why += await t.end();
  failed += why === '' ? 0 : 1;
  console.log(`${name}: ${why === '' ? 'holds' : `fails\n${why}`}`);
}
process.exit(failed === 0 ? 0 : 1);
