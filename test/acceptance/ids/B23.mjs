// SPDX-License-Identifier: Apache-2.0
// The worker's jail: opening, connecting, forking and executing are refused inside it, and reported.
import { check, equal, KEEVE_VAT, run } from '../lib.mjs';
import { readFileSync } from 'node:fs';
import { spinner } from '../vats.mjs';

export const test = async t => {
  for (const what of ['open', 'connect', 'fork', 'exec']) {
    const { status, signal, stdout, stderr } = run(KEEVE_VAT, ['--probe', what]);
    const text = `${stdout}${stderr}`;
    check(status === 0, `--probe ${what} gave status ${status} signal ${signal}: ${text}`);
    check(/denied|refused/i.test(text) && text.includes(what), `--probe ${what} said: ${text}`);
  }
  equal(run(KEEVE_VAT, ['--probe', 'nonsense']).status === 0, false, 'an unknown probe succeeds');

  // The same of a worker that serves a vat, as the system tells it.
  const home = await t.started();
  const { vats } = await home.launch({ spinner });
  equal((await home.status()).jail, true, 'status shows the jail');
  const pid = await home.workerOf(vats.spinner.vat);
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  equal(/^Seccomp:\s+(\d)/m.exec(status)[1], '2', 'the seccomp mode of the worker');
  equal(/^NoNewPrivs:\s+(\d)/m.exec(status)[1], '1', 'no_new_privs of the worker');
  const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  equal(/^Max file size\s+(\d+)/m.exec(limits)[1], '0', 'the limit of file size');
  equal(/^Max core file size\s+(\d+)/m.exec(limits)[1], '0', 'the limit of core files');
};
