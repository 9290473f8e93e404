// SPDX-License-Identifier: Apache-2.0
// Shows that NOTICE names every npm package whose code is in the boot image, and none besides.
// usage: node notice.js NOTICE BOOT_SCRIPT
'use strict';
const fs = require('fs');

const [notice, boot] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8'));
// The bundler heads each module with its path.
const inside = new Set([...boot.matchAll(/^\s*\/\/ .*node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)].map((m) => m[1]));
const section = notice.slice(notice.indexOf('put into the boot image'), notice.indexOf('Installed beside'));
const named = new Set(section.split(/[\s,]+/).filter((word) => word === 'ses' || /^@\w+\/[\w-]+$/.test(word)));

let bad = inside.size === 0;
for (const name of inside) {
  if (!named.has(name)) {
    console.log(`NOTICE does not name ${name}`);
    bad = true;
  }
}
for (const name of named) {
  if (!inside.has(name)) {
    console.log(`NOTICE names ${name}, which is not in the boot image`);
    bad = true;
  }
}
console.log(`${inside.size} packages`);
process.exitCode = bad ? 1 : 0;
