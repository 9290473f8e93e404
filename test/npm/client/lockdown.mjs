// SPDX-License-Identifier: Apache-2.0
// The client in a program that has run lockdown() before it loads the client: promises, errors, hooks.
import 'ses';
import assert from 'node:assert/strict';

lockdown({ errorTaming: 'unsafe', consoleTaming: 'unsafe' });
await import('@endo/eventual-send/shim.js');
const hadAssert = globalThis.assert;
const hadHandledPromise = globalThis.HandledPromise;

const { E, Far, makeCapTP, makeKrefPresence, errorCode } = await import('../../../js/client/src/index.js');
const { makeCapTP: makePeer } = await import('@endo/captp');

assert.equal(globalThis.assert, hadAssert, 'the assert of lockdown stays');
assert.equal(globalThis.HandledPromise, hadHandledPromise);
assert.ok(Object.isFrozen(Array.prototype));

let far;
const near = makeCapTP('near', m => setImmediate(() => far.dispatch(JSON.parse(JSON.stringify(m)))), undefined, {
  gcImports: true,
  onReject: () => {},
});
far = makePeer('far', m => setImmediate(() => near.dispatch(JSON.parse(JSON.stringify(m)))), Far('root', {
  same: x => x,
  call: (f, x) => E(f)(x),
  fail: () => {
    throw RangeError('no');
  },
}));

const root = await near.getBootstrap();
const mine = Far('mine', {});
const value = { a: [1n, undefined, NaN, mine], p: Promise.resolve(4), s: Symbol.for('s') };
const back = await E(root).same(value);
assert.equal(back.a[0], 1n);
assert.equal(back.a[3], mine);
assert.equal(await back.p, 4);
assert.equal(await E(root).call(Far('f', x => x + 1), 41), 42);
await assert.rejects(E(root).fail(), RangeError);
await assert.rejects(E(root).same(() => 1), error => errorCode(error) === 'NOT_SENT');
assert.equal(await E(makeKrefPresence('ko1', (_, { method }) => method)).hello(), 'hello');
near.abort();
await assert.rejects(E(root).same(1), error => errorCode(error) === 'CONNECTION_LOST');
