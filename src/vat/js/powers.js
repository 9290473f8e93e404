// SPDX-License-Identifier: Apache-2.0
// powers - globals a configuration may ask for by name. The engine's own Date and Math throw in a
// compartment when asked for the time or for chance; these answer.

const { create, defineProperty, getOwnPropertyDescriptors } = Object;

const makeDate = () => {
  const RealDate = Date;
  let last = 0;
  const now = () => {
    last = Math.max(last, RealDate.now());
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

/** Gives the globals of those names; throws on one that is not to be had. */
export const makePowers = (names, { random }) => {
  const makers = {
    __proto__: null,
    Date: makeDate,
    Math: () => makeMath(random),
    TextDecoder: () => TextDecoder,
    TextEncoder: () => TextEncoder,
  };
  const powers = {};
  for (const name of names) {
    const maker = makers[name];
    if (maker === undefined) {
      throw TypeError(`global '${name}' is not available`);
    }
    powers[name] = harden(maker());
  }
  return powers;
};
