// SPDX-License-Identifier: Apache-2.0
// The plan's tests are there, registered, and hold: the presence factory, the tables, a round trip from a
// host through the kernel to a vat, nested krefs, promises, collection.
import { check, run, buildPath } from '../lib.mjs';

export const test = async () => {
  const { stdout } = run('meson', ['test', '-C', buildPath('.'), '--list']);
  for (const name of ['client krefs', 'client tables', 'client hooks', 'client policy', 'client connect', 'captp']) {
    check(stdout.split('\n').some(line => line.endsWith(` / ${name}`)), `no test ${name}`);
  }
  const { status, stdout: said } = run('meson', [
    'test', '-C', buildPath('.'), '--no-rebuild', '--suite', 'npm',
  ]);
  check(status === 0, `tests of the client failed: ${said.slice(-2000)}`);
};
