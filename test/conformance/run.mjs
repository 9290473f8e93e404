// SPDX-License-Identifier: Apache-2.0
// run - plays the suite under each flavour that the program offers; process is what others are compared with.
// usage: node test/conformance/run.mjs KEEVE KEEVE_VAT [FLAVOUR...]
import { dirname, resolve } from 'node:path';

const [keeve, keeveVat, ...wanted] = process.argv.slice(2);
process.env.KEEVE = resolve(keeve);
process.env.KEEVE_LIBEXEC = dirname(resolve(keeveVat));
const { makeTest } = await import('../acceptance/lib.mjs');
const { compare, conform } = await import('./suite.mjs');

const t = makeTest();
try {
  const expected = await conform(t, 'process');
  console.log('ok process');
  for (const flavour of wanted.length > 0 ? wanted : ['shared', 'inline']) {
    compare(await conform(t, flavour), expected, flavour);
    console.log(`ok ${flavour}`);
  }
} catch (error) {
  console.log(error.stack);
  process.exitCode = 1;
} finally {
  await t.end();
}
