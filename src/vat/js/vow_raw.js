// SPDX-License-Identifier: Apache-2.0
// vow_raw - what raw vats import as @keeve/vow: objects, promises and presences over the syscall object.
//
//   import { E, Far, Vow, makeDeliver } from '@keeve/vow';
//   export default makeDeliver({ greet: (name) => `hello ${name}` });
//
// Facets are counted up from a number that the vat's rows keep, so that a reference to an object of an
// earlier life never means another one. What an earlier life imported is let go of at the first delivery.
import { makeMarshal } from '@endo/marshal';
import { Far, Remotable, passStyleOf } from '@endo/pass-style';
import { makeVows } from './vow.js';

/** Rows of ours among those of the vat. */
const facetRow = 'vow.facet';
const importPrefix = 'vow.import.';
/** Facets reserved in the row at a time. */
const facetBlock = 1000;

const noted = () => {};

/** One for each vat. */
export const makeRawVows = () => {
  /** The one object that every delivery brings. */
  let syscall;
  /** The number of an object, the name of a promise. */
  const slotOf = new WeakMap();
  const presences = new Map();
  const facets = new Map();
  /** Promises that the kernel will tell about: name to { promise, resolve, reject }. */
  const awaited = new Map();
  let nextFacet = 1;
  let reserved = 1;
  let nextPromise = 1;
  let marshal;

  const isImport = (slot) => typeof slot === 'number' && slot < 0;

  const newFacet = () => {
    if (nextFacet === reserved) {
      nextFacet = Number(syscall.vatstoreGet(facetRow) ?? '1');
      reserved = nextFacet + facetBlock;
      syscall.vatstoreSet(facetRow, `${reserved}`);
    }
    nextFacet += 1;
    return nextFacet - 1;
  };

  const newPromise = () => {
    nextPromise += 1;
    return `p+${nextPromise - 1}`;
  };

  /** The promise whose settling the kernel will tell. */
  const awaitPromise = (name) => {
    let settlers;
    const promise = new Promise((resolve, reject) => {
      settlers = { resolve, reject };
    });
    slotOf.set(promise, name);
    awaited.set(name, { promise, ...settlers });
    return promise;
  };

  const { E, Vow, withoutVows } = makeVows({
    toPromise: (x) => Promise.resolve(x),
    send: (x, method, args) => send(x, method, args),
    sendOnly: (x, method, args) => sendOnly(x, method, args),
  });

  const toText = (value) => marshal.toCapData(harden(withoutVows(value)));

  const settle = (name, rejected, value) => {
    let isRejected = rejected;
    let data;
    try {
      data = toText(value);
    } catch (error) {
      isRejected = true;
      data = toText(error);
    }
    syscall.resolve(name, isRejected, data.body, data.slots);
  };

  /** Tells the kernel how promise settles, under that name. */
  const follow = (name, promise) =>
    promise.then(
      (value) => {
        slotOf.delete(promise);
        settle(name, false, value);
      },
      (reason) => {
        slotOf.delete(promise);
        settle(name, true, reason);
      },
    );

  const slotForValue = (value) => {
    let slot = slotOf.get(value);
    if (slot === undefined) {
      if (passStyleOf(value) === 'promise') {
        slot = newPromise();
        slotOf.set(value, slot);
        follow(slot, value);
      } else {
        slot = newFacet();
        slotOf.set(value, slot);
      }
    }
    if (slot >= 0) {
      facets.set(slot, value);
    }
    return slot;
  };

  const valueOfSlot = (slot, iface) => {
    if (typeof slot === 'string') {
      const known = awaited.get(slot);
      if (known !== undefined) {
        return known.promise;
      }
      syscall.subscribe(slot);
      const promise = awaitPromise(slot);
      promise.catch(noted);
      return promise;
    }
    const known = slot < 0 ? presences.get(slot) : facets.get(slot);
    if (known !== undefined) {
      return known;
    }
    if (slot >= 0) {
      throw Error(`facet ${slot} is gone: its vat was restarted, or nobody held it`);
    }
    const presence = Remotable(iface ?? 'Alleged: presence');
    presences.set(slot, presence);
    slotOf.set(presence, slot);
    syscall.vatstoreSet(`${importPrefix}${-slot}`, '1');
    return presence;
  };

  marshal = makeMarshal(slotForValue, valueOfSlot, {
    serializeBodyFormat: 'capdata',
    errorTagging: 'off',
  });

  const apply = (target, method, args) => {
    if (method === undefined) {
      if (typeof target !== 'function') {
        throw TypeError('the target is not a function');
      }
      return target(...args);
    }
    const found = Object(target) === target ? target[method] : undefined;
    if (typeof found !== 'function' || found === Object.prototype[method]) {
      throw TypeError(`the target has no method "${method}"`);
    }
    return Reflect.apply(found, target, args);
  };

  const checkMethod = (method) => {
    if (method !== undefined && typeof method !== 'string') {
      throw TypeError('the methods of a raw vat are named by strings');
    }
  };

  /** The slot to which a message for x can go at once; undefined if x is of this vat, or not known yet. */
  const remoteSlot = (x) => {
    const slot = slotOf.get(x);
    return isImport(slot) || awaited.has(slot) ? slot : undefined;
  };

  const send = (x, method, args) => {
    checkMethod(method);
    const slot = remoteSlot(x);
    if (slot === undefined) {
      return Promise.resolve(x).then((target) =>
        remoteSlot(target) === undefined ? apply(target, method, args) : send(target, method, args),
      );
    }
    const { body, slots } = toText(args);
    const name = newPromise();
    syscall.send(slot, method, body, slots, name);
    syscall.subscribe(name);
    return awaitPromise(name);
  };

  const sendOnly = (x, method, args) => {
    checkMethod(method);
    const slot = remoteSlot(x);
    if (slot === undefined) {
      Promise.resolve(x)
        .then((target) =>
          remoteSlot(target) === undefined ? apply(target, method, args) : sendOnly(target, method, args),
        )
        .catch(noted);
      return;
    }
    const { body, slots } = toText(args);
    syscall.send(slot, method, body, slots);
  };

  const forget = (slot) => {
    slotOf.delete(presences.get(slot));
    presences.delete(slot);
    syscall.vatstoreDelete(`${importPrefix}${-slot}`);
  };

  /** Lets a presence go: it is of no use afterwards. */
  const drop = (presence) => {
    const slot = slotOf.get(presence);
    if (!isImport(slot)) {
      throw TypeError('only presences of objects in other vats can be dropped');
    }
    forget(slot);
    syscall.dropImports([slot]);
  };

  /** Imports of an earlier life, but for those the delivery at hand names. */
  const dropEarlier = (named) => {
    const gone = [];
    let key = syscall.vatstoreGetNextKey(importPrefix);
    while (key !== undefined && key.startsWith(importPrefix)) {
      const slot = -Number(key.slice(importPrefix.length));
      if (!named.includes(slot)) {
        gone.push(slot);
        syscall.vatstoreDelete(key);
      }
      key = syscall.vatstoreGetNextKey(key);
    }
    if (gone.length > 0) {
      syscall.dropImports(gone);
    }
  };

  const enter = (given, slots) => {
    if (syscall === undefined) {
      syscall = given;
      dropEarlier(slots);
    }
  };

  /** The message's result settles as the answer does. */
  const answerAs = (name, answer) => {
    const known = awaited.get(name);
    if (known !== undefined) {
      // It came as an argument before; now it is ours to settle.
      awaited.delete(name);
      slotOf.delete(known.promise);
      known.resolve(answer);
    }
    follow(name, answer);
  };

  /** The default export of a raw vat whose root object, facet 0, has these methods. */
  const makeDeliver = (methods) => {
    const root = Object.getPrototypeOf(methods) === Object.prototype ? Far('root', methods) : methods;
    facets.set(0, root);
    slotOf.set(root, 0);

    const deliver = (given, facet, method, args, slots) => {
      enter(given, slots);
      const result = syscall.takeResult();
      const answer = new Promise((resolve) => {
        const target = valueOfSlot(facet);
        resolve(withoutVows(apply(target, method, marshal.fromCapData({ body: args, slots }))));
      });
      if (result !== undefined) {
        answerAs(result, answer);
      }
    };
    deliver.notify = (given, name, rejected, data, slots) => {
      enter(given, slots);
      const known = awaited.get(name);
      if (known !== undefined) {
        awaited.delete(name);
        slotOf.delete(known.promise);
        const value = marshal.fromCapData({ body: data, slots });
        (rejected ? known.reject : known.resolve)(value);
      }
    };
    deliver.dropExports = (given, dropped) => {
      enter(given, []);
      dropped.forEach((facet) => facet !== 0 && facets.delete(facet));
    };
    deliver.retireImports = (given, retired) => {
      enter(given, retired);
      retired.forEach(forget);
    };
    return harden(deliver);
  };

  return harden({ E, Far, Vow, drop, makeDeliver });
};
