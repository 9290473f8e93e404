// SPDX-License-Identifier: Apache-2.0
// What the type declarations name is what the modules export, and no more.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const root = new URL('../../../js/client/', import.meta.url);
const declared = name => {
  const text = readFileSync(new URL(name, root), 'utf8');
  const listed = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) => names.split(','));
  const single = [...text.matchAll(/^export declare (?:function|const) (\w+)/gm)].map(([, one]) => one);
  return [...listed, ...single].map(one => one.trim()).filter(Boolean).sort();
};
for (const [types, module] of [['index.d.ts', 'src/index.js'], ['kernel-marshal.d.ts', 'src/kernel_marshal_entry.js']]) {
  assert.deepEqual(declared(types), Object.keys(await import(new URL(module, root))).sort());
}
