// SPDX-License-Identifier: Apache-2.0
// text_codec - TextEncoder and TextDecoder, of UTF-8 alone; the work is C (engine/utf8.c). Globals of the
// start realm, so that npm's packages find them, and granted to vats by name.
import { asWebClass } from './web_class.js';

const { keeveHost } = globalThis;
const { decodeUtf8, encodeUtf8, encodeUtf8Into, unfinishedUtf8 } = keeveHost;
const { apply } = Reflect;
const getterOf = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const sizeOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength');
const tagOfArray = getterOf(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

const labels = ['unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'utf-8', 'utf8', 'x-unicode20utf8'];
const none = new Uint8Array(0);

/** The bytes of a buffer or a view. */
const bytesOf = (input) => {
  if (input === undefined) {
    return none;
  }
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  apply(sizeOfBuffer, input, []); // throws a TypeError on all that is no buffer
  return new Uint8Array(input);
};

const joined = (a, b) => {
  if (a.length === 0) {
    return b;
  }
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

class TextDecoder {
  #fatal;
  #ignoreBOM;
  #begun = false; // in a stream: something was decoded
  #left = none; // the start of a character
  #streaming = false;

  constructor(label = 'utf-8', options = {}) {
    const { fatal, ignoreBOM } = options ?? {};
    const name = `${label}`.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '').toLowerCase();
    if (!labels.includes(name)) {
      throw RangeError(`TextDecoder: expected utf-8, the one encoding there is, found "${label}"`);
    }
    this.#fatal = !!fatal;
    this.#ignoreBOM = !!ignoreBOM;
  }
  get encoding() {
    return this.#fatal === undefined ? undefined : 'utf-8'; // throws for another this
  }
  get fatal() {
    return this.#fatal;
  }
  get ignoreBOM() {
    return this.#ignoreBOM;
  }
  decode(input = undefined, options = {}) {
    const stream = !!(options ?? {}).stream;
    if (!this.#streaming) {
      this.#begun = false;
      this.#left = none;
    }
    this.#streaming = stream;
    const bytes = joined(this.#left, bytesOf(input));
    const { buffer, byteOffset, byteLength } = bytes;
    const later = stream ? unfinishedUtf8(buffer, byteOffset, byteLength) : 0;
    this.#left = none;
    const text = decodeUtf8(buffer, byteOffset, byteLength - later, this.#fatal);
    this.#left = bytes.slice(byteLength - later);
    if (this.#begun || text === '') {
      return text;
    }
    this.#begun = true;
    return !this.#ignoreBOM && text[0] === '\ufeff' ? text.slice(1) : text;
  }
}

class TextEncoder {
  #own = true;

  get encoding() {
    return this.#own ? 'utf-8' : undefined;
  }
  encode(input = '') {
    return this.#own && new Uint8Array(encodeUtf8(`${input}`));
  }
  encodeInto(source, destination) {
    if (!this.#own || !ArrayBuffer.isView(destination) || apply(tagOfArray, destination, []) !== 'Uint8Array') {
      throw TypeError('encodeInto: expected text and a Uint8Array');
    }
    const { buffer, byteOffset, byteLength } = destination;
    const [read, written] = encodeUtf8Into(`${source}`, buffer, byteOffset, byteLength);
    return { read, written };
  }
}

const { defineProperty } = Object;
for (const [name, value] of Object.entries({ TextDecoder, TextEncoder })) {
  defineProperty(globalThis, name, { value: asWebClass(value, name), writable: true, configurable: true });
}
