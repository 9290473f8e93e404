// SPDX-License-Identifier: Apache-2.0
// web_class - makes a class look as those of the web's platforms do: members are enumerable, and the
// prototype has a tag.

const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames } = Object;

export const asWebClass = (of, tag) => {
  for (const [target, own] of [[of, ['length', 'name', 'prototype']], [of.prototype, ['constructor']]]) {
    for (const name of getOwnPropertyNames(target)) {
      if (!own.includes(name)) {
        defineProperty(target, name, { ...getOwnPropertyDescriptor(target, name), enumerable: true });
      }
    }
  }
  defineProperty(of.prototype, Symbol.toStringTag, { value: tag, configurable: true });
  return of;
};
