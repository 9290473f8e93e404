// SPDX-License-Identifier: Apache-2.0
// powers - globals a configuration may ask for by name. The engine's own Date and Math throw in a
// compartment when asked for the time or for chance; these answer.
import urlText from 'keeve-url-text';
import { makeAbort } from './abort.js';
import { atob, btoa } from './base64.js';
import { makeDomError } from './dom_error.js';
import { makeTimers } from './timers.js';
import { asWebClass } from './web_class.js';

const { create, defineProperty, getOwnPropertyDescriptors } = Object;

/** The time, up to a millisecond off by chance, and never going back within a life of the vat. */
const makeDate = (random) => {
  const RealDate = Date;
  let last = 0;
  const now = () => {
    last = Math.max(last, Math.round(RealDate.now() + random()));
    return last;
  };
  function VatDate(...args) {
    if (new.target === undefined) {
      return new RealDate(now()).toString();
    }
    return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target);
  }
  VatDate.prototype = RealDate.prototype;
  VatDate.now = now;
  VatDate.parse = RealDate.parse;
  VatDate.UTC = RealDate.UTC;
  defineProperty(VatDate, 'name', { value: 'Date' });
  defineProperty(VatDate, 'length', { value: 7 });
  return VatDate;
};

const makeMath = (random) =>
  create(Object.prototype, {
    ...getOwnPropertyDescriptors(Math),
    random: { value: () => random(), writable: true, enumerable: false, configurable: true },
  });

const byteArrays = new Set([
  'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array',
  'Uint32Array', 'BigInt64Array', 'BigUint64Array',
]);
const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get;
const bytesMax = 65536;

/** Bytes from the vat's seed, by a cipher in C. */
const makeCrypto = (randomBytes) => {
  const getRandomValues = (array) => {
    if (!ArrayBuffer.isView(array)) {
      throw TypeError('getRandomValues: expected a typed array of integers');
    }
    if (!byteArrays.has(Reflect.apply(typedArrayTag, array, []))) {
      throw makeDomError('TypeMismatchError', 'getRandomValues: expected an array of integers');
    }
    if (array.byteLength > bytesMax) {
      throw makeDomError(
        'QuotaExceededError',
        `getRandomValues: expected at most ${bytesMax} bytes, found ${array.byteLength}`,
      );
    }
    const bytes = new Uint8Array(randomBytes(array.byteLength));
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
    return array;
  };
  const randomUUID = () => {
    const bytes = new Uint8Array(randomBytes(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
  class Crypto {
    getRandomValues(array) {
      return getRandomValues(array);
    }
    randomUUID() {
      return randomUUID();
    }
  }
  return new (asWebClass(Crypto, 'Crypto'))();
};

/** whatwg-url in a compartment of its own. It looks at SharedArrayBuffer only to refuse such. */
const loadUrl = () => {
  class SharedArrayBuffer {
    get byteLength() {
      throw TypeError('not a SharedArrayBuffer');
    }
  }
  const compartment = new Compartment({ globals: { TextDecoder, TextEncoder, SharedArrayBuffer } });
  return compartment.evaluate(`${urlText}; exported`);
};

const noNetwork = 'it comes with network devices, which this version does not have';

/** Why a known name is not to be had. */
const reasons = {
  __proto__: null,
  fetch: noNetwork,
  Request: noNetwork,
  Headers: noNetwork,
  Response: noNetwork,
  SubtleCrypto: 'crypto has getRandomValues and randomUUID only',
};

/** All names that can be had. */
export const grantable = harden([
  'AbortController', 'AbortSignal', 'Date', 'Math', 'TextDecoder', 'TextEncoder', 'URL',
  'URLSearchParams', 'atob', 'btoa', 'clearInterval', 'clearTimeout', 'crypto', 'setInterval',
  'setTimeout',
]);

/** Gives the globals of those names; throws on one that is not to be had. console: of the vat. */
export const makePowers = (names, host, console) => {
  const { random, randomBytes } = host;
  let abort;
  let timers;
  let url;
  const timersOf = () => {
    if (timers === undefined) {
      const { powers, ...worker } = makeTimers(host, console);
      host.timed(harden(worker));
      timers = powers;
    }
    return timers;
  };
  const timer = (name) => timersOf()[name];
  const abortOf = (name) => (abort ??= makeAbort(timersOf))[name];
  const urlOf = (name) => (url ??= loadUrl())[name];
  const makers = {
    __proto__: null,
    AbortController: abortOf,
    AbortSignal: abortOf,
    Date: () => makeDate(random),
    Math: () => makeMath(random),
    TextDecoder: () => TextDecoder,
    TextEncoder: () => TextEncoder,
    URL: urlOf,
    URLSearchParams: urlOf,
    atob: () => atob,
    btoa: () => btoa,
    clearInterval: timer,
    clearTimeout: timer,
    crypto: () => makeCrypto(randomBytes),
    setInterval: timer,
    setTimeout: timer,
  };
  const powers = {};
  for (const name of names) {
    const maker = makers[name];
    if (maker === undefined) {
      const reason = reasons[name] === undefined ? '' : `: ${reasons[name]}`;
      throw TypeError(`global '${name}' is not available${reason}`);
    }
    powers[name] = harden(maker(name));
  }
  return powers;
};
