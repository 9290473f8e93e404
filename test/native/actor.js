// SPDX-License-Identifier: Apache-2.0
// actor - the vat that player.c has in C.
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';

const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};

export const buildRootObject = ({ exitVat }, _parameters, baggage) => {
  const { defineDurableKind, makeKindHandle, makeScalarBigMapStore } = VatData;
  const makeAccount = defineDurableKind(provide(baggage, 'kind', () => makeKindHandle('account')), () => ({ sum: 0 }), {
    add: ({ state }, n) => (state.sum += n),
    read: ({ state }) => state.sum,
  });
  const account = provide(baggage, 'account', () => makeAccount());
  const rows = provide(baggage, 'rows', () => makeScalarBigMapStore('rows', { durable: true }));
  const put = (key, value) => (rows.has(key) ? rows.set(key, value) : rows.init(key, value));
  const fleeting = Far('fleeting', { ping: () => 'pong' });
  let heap = 0;
  let settle;
  return Far('root', {
    bootstrap: () => 'ready',
    echo: (...args) => args,
    fail: text => { throw RangeError(text); },
    same: (a, b) => a === b,
    heap: () => (heap += 1),
    fleeting: () => fleeting,
    account: () => account,
    promise: () => new Promise(done => { settle = done; }),
    settle: value => { settle(value); },
    call: (target, method, ...args) => E(target)[method](...args),
    leave: () => { exitVat('done'); return 'left'; },
    set: (key, value) => put(key, value),
    get: key => (rows.has(key) ? rows.get(key) : undefined),
    keep: it => put('kept', it),
    kept: (method, ...args) => E(rows.get('kept'))[method](...args),
  });
};
