// SPDX-License-Identifier: Apache-2.0
// host - an unmodified npm CapTP peer at the owner's door of a home.
import { connect } from '../cli/captp.mjs';
import { Failure, check, join } from './lib.mjs';

export { E, Far } from '../cli/captp.mjs';

// {kernel, ...}: kernel is what the session bootstraps to. Ends with the test.
export const owner = async (t, home, options = {}) => {
  const session = await connect(join(home.dir, 'captp.sock'), options);
  t.cleanups.push(() => session.close());
  return { ...session, kernel: session.bootstrap };
};

// What it rejects with, which has to look like that.
export const rejects = async (promise, like, text) => {
  const value = await promise.then(
    found => {
      throw new Failure(`${text}: expected a rejection, found ${String(found)}`);
    },
    error => error,
  );
  check(like.test(`${value?.name}: ${value?.message}`), `${text}: expected ${like}, found ${value?.name}: ${value?.message}`);
  return value;
};
