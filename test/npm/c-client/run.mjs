// SPDX-License-Identifier: Apache-2.0
// run - the client in C against an unmodified @endo/captp, over both framings; see README.md.
// usage: node --expose-gc run.mjs DRIVE
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { serve } from './server.mjs';

const [drive] = process.argv.slice(2);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-client-'));

try {
  for (const framing of ['lines', 'netstrings']) {
    const at = path.join(scratch, framing);
    const { server, complaints } = await serve(at, framing);
    const child = spawn(drive, [at, framing], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', chunk => { out += chunk; });
    const code = await new Promise(done => child.on('close', (status, signal) => done(signal ?? status)));
    assert.equal(code, 0, `${framing}: ${out}${complaints.join('\n')}`);
    assert.equal(out, 'drive: good\n');
    server.close();
  }
  process.stdout.write('client: good\n');
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
process.exit(0);
