// SPDX-License-Identifier: Apache-2.0
// lib - what scripts with a real daemon share: the programs of the command line, a home of their own,
// commands, expectations that are counted.
// usage of such a script: SCRIPT PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const [keeve, libexec] = [resolve(process.argv[2]), dirname(resolve(process.argv[3]))];
export const base = fs.mkdtempSync(join(tmpdir(), 'keeve-cli-'));
export const home = join(base, 'home');
export const env = { PATH: process.env.PATH, HOME: base, KEEVE_HOME: home, KEEVE_LIBEXEC: libexec };

let failures = 0;
export const failed = () => failures;

// expected: a value, a RegExp or a function.
export const check = (what, found, expected) => {
  const good =
    expected instanceof RegExp ? expected.test(found)
    : typeof expected === 'function' ? expected(found)
    : found === expected;
  if (!good) {
    failures += 1;
    console.log(`not as expected: ${what}\n  expected ${expected}\n  found    ${JSON.stringify(found)}`);
  }
};

export const sleep = ms => new Promise(done => setTimeout(done, ms));

export const run = (args, extra = {}) =>
  new Promise(done => {
    const child = spawn(keeve, args, { env: { ...env, ...extra } });
    let out = '';
    let err = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), 60000);
    child.stdout.on('data', data => (out += data));
    child.stderr.on('data', data => (err += data));
    child.on('close', code => {
      clearTimeout(timer);
      done({ code, out: out.trim(), err: err.trim() });
    });
  });

// The lines of JSON of a command that is expected to go well.
export const rows = async (...args) => {
  const { code, out, err } = await run([...args, '--json']);
  check(`${args.join(' ')}: status`, code, 0);
  check(`${args.join(' ')}: standard error`, err, '');
  return out.split('\n').filter(Boolean).map(line => JSON.parse(line));
};

// Removes the home and ends with the status.
export const finish = () => {
  fs.rmSync(base, { recursive: true, force: true });
  process.exit(failures === 0 ? 0 : 1);
};
