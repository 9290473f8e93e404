// SPDX-License-Identifier: Apache-2.0
// sample - makes a small tree in a temporary directory, runs a lint tool over it, and compares what
// the tool says with what the test expects. A sample expects one offence, by a piece of its text, or
// none (null).
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

exports.run = (samples, common = {}) => {
  const tool = process.argv[2];
  let bad = 0;
  for (const [name, { files, expect }] of Object.entries(samples)) {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-lint-'));
    try {
      for (const [file, text] of Object.entries({ ...common, ...files })) {
        fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
        fs.writeFileSync(path.join(root, file), text);
      }
      const r = spawnSync(process.execPath, [tool, root], { encoding: 'utf8' });
      const lines = r.stdout.trim().split('\n').filter(Boolean);
      const good = expect === null
        ? r.status === 0 && lines.length === 0
        : r.status === 1 && lines.length === 2 && lines[0].includes(expect);
      console.log(`${good ? 'ok' : 'not ok'} - ${name}`);
      if (!good) {
        bad += 1;
        console.log(`  expected ${expect}, found status ${r.status}:\n${r.stdout}${r.stderr}`);
      }
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  }
  process.exitCode = bad > 0 ? 1 : 0;
};
