// SPDX-License-Identifier: Apache-2.0
// run - plays the suite under each flavour; process is what others are compared with.
// usage: node test/conformance/run.mjs KEEVE KEEVE_VAT HOST [FLAVOUR...]
import { dirname, resolve } from 'node:path';

const [keeve, keeveVat, host, ...wanted] = process.argv.slice(2);
process.env.KEEVE = resolve(keeve);
process.env.KEEVE_LIBEXEC = dirname(resolve(keeveVat));
const { makeTest } = await import('../acceptance/lib.mjs');
const { runaway } = await import('./runaway.mjs');
const { compare, compareNative, conform } = await import('./suite.mjs');

const t = makeTest();
try {
  const expected = await conform(t, 'process', { host: resolve(host) });
  console.log('ok process');
  for (const flavour of wanted.length > 0 ? wanted : ['shared', 'inline', 'native']) {
    const found = await conform(t, flavour, { host: resolve(host) });
    (flavour === 'native' ? compareNative : compare)(found, expected, flavour);
    console.log(`ok ${flavour}`);
  }
  if (wanted.length === 0) {
    await runaway(t, resolve(host));
    console.log('ok a runaway among others');
  }
} catch (error) {
  console.log(error.stack);
  process.exitCode = 1;
} finally {
  await t.end();
}
