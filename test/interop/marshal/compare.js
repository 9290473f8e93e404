// SPDX-License-Identifier: Apache-2.0
// compare - what bodies.c made of each body, against npm's two: the same bytes but for keys that are whole
// numbers, which JavaScript's objects put first and whose order means nothing.
// usage: node compare.js BODIES.in BODIES.out
'use strict';
const { readFileSync } = require('node:fs');

const lines = (path) => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const [ins, outs] = process.argv.slice(2).map(lines);
const plain = (line) => {
  const [, mark, json, slots] = line.match(/^(#?)(.*)\t(.*)$/s);
  return `${mark}${JSON.stringify(JSON.parse(json))}\t${slots}`;
};
let differ = Number(outs.length !== 2 * ins.length);
for (let i = 0; i < ins.length && i * 2 + 1 < outs.length; i += 1) {
  const pair = [ins[i & ~1], ins[i | 1]]; // smallcaps and capdata of one value
  for (const which of [0, 1]) {
    if (plain(outs[i * 2 + which]) !== pair[which]) {
      console.log(`from ${ins[i]}\n  ours ${outs[i * 2 + which]}\n  npm  ${pair[which]}`);
      differ += 1;
    }
  }
}
if (differ > 0 || ins.length === 0) {
  console.log(`${differ} of ${ins.length} bodies differ`);
  process.exitCode = 1;
}
