// SPDX-License-Identifier: Apache-2.0
// base64 - atob and btoa as the platforms of the web have them: strings whose characters are bytes.

import { makeDomError } from './dom_error.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const digits = new Map([...alphabet].map((letter, digit) => [letter, digit]));

const invalid = (message) => makeDomError('InvalidCharacterError', message);

const textOf = (name, args) => {
  if (args.length === 0) {
    throw TypeError(`${name}: expected a string, found no argument`);
  }
  return `${args[0]}`;
};

export const btoa = (...args) => {
  const text = textOf('btoa', args);
  const parts = [];
  for (let i = 0; i < text.length; i += 3) {
    const [a, b, c] = [text.charCodeAt(i), text.charCodeAt(i + 1), text.charCodeAt(i + 2)];
    if (a > 255 || b > 255 || c > 255) {
      throw invalid('btoa: expected characters up to U+00FF');
    }
    // Past the end the codes are NaN, which count as zero here.
    parts.push(
      alphabet[a >> 2],
      alphabet[((a & 3) << 4) | (b >> 4)],
      i + 1 < text.length ? alphabet[((b & 15) << 2) | (c >> 6)] : '=',
      i + 2 < text.length ? alphabet[c & 63] : '=',
    );
  }
  return parts.join('');
};

export const atob = (...args) => {
  let text = textOf('atob', args).replace(/[\t\n\f\r ]/g, '');
  if (text.length % 4 === 0) {
    text = text.replace(/={1,2}$/, '');
  }
  if (text.length % 4 === 1) {
    throw invalid('atob: expected base64, found a length that it cannot have');
  }
  const parts = [];
  let bits = 0;
  let count = 0;
  for (const letter of text) {
    const digit = digits.get(letter);
    if (digit === undefined) {
      throw invalid('atob: expected base64, found another character');
    }
    bits = ((bits << 6) | digit) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      parts.push(String.fromCharCode((bits >> count) & 255));
    }
  }
  return parts.join('');
};
