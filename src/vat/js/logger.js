// SPDX-License-Identifier: Apache-2.0
// logger - vatPowers.logger and vatPowers.testLog: the console, under the names by which vats of other
// kernels ask for it. A logger has tags; its lines begin with them.

const levels = ['debug', 'info', 'log', 'warn', 'error'];

const tagsOf = (options) => {
  const { tags = [] } = typeof options === 'string' ? { tags: [options] } : options;
  return tags;
};

export const makeLogger = (console, tags = []) => {
  const head = tags.length === 0 ? [] : [`[${tags.join(', ')}]`];
  const methods = {};
  for (const level of levels) {
    methods[level] = (...args) => console[level](...head, ...args);
  }
  const subLogger = (options = {}) =>
    makeLogger(console, [...new Set([...tags, ...tagsOf(options)])]);
  return harden({ ...methods, subLogger });
};
