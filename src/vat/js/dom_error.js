// SPDX-License-Identifier: Apache-2.0
// dom_error - errors with the names and numbers that DOMExceptions have on the web's platforms.

const codes = {
  __proto__: null,
  InvalidCharacterError: 5,
  InvalidStateError: 11,
  AbortError: 20,
  TypeMismatchError: 17,
  QuotaExceededError: 22,
  TimeoutError: 23,
};

export const makeDomError = (name, message) => {
  const error = Error(message);
  for (const [key, value] of Object.entries({ name, code: codes[name] })) {
    Object.defineProperty(error, key, { value, writable: true, configurable: true });
  }
  return error;
};
