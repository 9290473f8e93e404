// SPDX-License-Identifier: Apache-2.0
// ava - as much of the test runner's interface as the published test files use. Tests run one after
// another; each prints a line.
const same = (a, b) => {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
};
const show = (value) => {
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    return typeof value;
  }
};
const matches = (error, expected = {}) => {
  const { message, instanceOf } = expected;
  if (instanceOf && !(error instanceof instanceOf)) return false;
  if (message === undefined) return true;
  return message instanceof RegExp ? message.test(error.message) : error.message === message;
};

const makeT = (failures) => {
  const check = (good, text) => good || failures.push(text);
  const t = {
    is: (a, b, m) => check(Object.is(a, b), `${m ?? ''}: ${show(a)} is not ${show(b)}`),
    not: (a, b, m) => check(!Object.is(a, b), `${m ?? ''}: both are ${show(a)}`),
    true: (a, m) => check(a === true, `${m ?? ''}: ${show(a)} is not true`),
    assert: (a, m) => check(a, `${m ?? ''}: ${show(a)} is false`),
    deepEqual: (a, b, m) => check(same(a, b), `${m ?? ''}: ${show(a)} differs from ${show(b)}`),
    fail: (m) => check(false, m),
    pass: () => {},
    log: () => {},
    throws: (run, expected, m) => {
      try {
        run();
      } catch (error) {
        check(matches(error, expected), `${m ?? ''}: threw ${error.name}: ${error.message}`);
        return error;
      }
      return check(false, `${m ?? ''}: did not throw`);
    },
    throwsAsync: async (from, expected, m) => {
      try {
        await (typeof from === 'function' ? from() : from);
      } catch (error) {
        check(matches(error, expected), `${m ?? ''}: threw ${error.name}: ${error.message}`);
        return error;
      }
      return check(false, `${m ?? ''}: did not throw`);
    },
  };
  t.truthy = t.assert;
  return t;
};

globalThis.setTimeout ??= (run) => {
  let turns = Promise.resolve();
  for (let i = 0; i < 100; i += 1) turns = turns.then(() => {});
  turns.then(() => run());
};

let last = Promise.resolve();
const test = (name, run, ...args) => {
  last = last.then(async () => {
    const failures = [];
    try {
      await run(makeT(failures), ...args);
    } catch (error) {
      failures.push(`${error.name}: ${error.message}`);
    }
    print(failures.length === 0 ? `ok ${name}` : `not ok ${name}: ${failures.join(' | ')}`);
  });
};
test.skip = () => {};
test.failing = test.skip;
export default test;
