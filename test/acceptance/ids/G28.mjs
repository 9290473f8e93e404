// SPDX-License-Identifier: Apache-2.0
// state.n += 1 needs no save: after the answer and signal 9, n is there.
import { equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ counter });
  for (let n = 1; n <= 5; n += 1) {
    equal(await home.send(root, 'increment'), n, 'the answer');
    await home.killDaemon();
    await home.start();
    equal(await home.send(root, 'read'), n, 'the count after signal 9');
  }
};
