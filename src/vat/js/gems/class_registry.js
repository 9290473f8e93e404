// SPDX-License-Identifier: Apache-2.0
// class_registry - durable classes: defined by code that runs at every start, or registered once as
// source that is evaluated at every start.
import { E } from '@endo/eventual-send';
import { M } from '@endo/patterns';
import { asZone, makeDefineDurableFactory, withoutKit } from './custom_kind.js';
import { exoFunction, exoFunctionClass, exoProxy, exoProxyClass } from './exo_like.js';

const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const notMethods = new Set(['constructor', 'implements', 'init', 'cleanup', 'willSleep']);

/** The prototypes of a class, the base first. */
const prototypesOf = (jsClass) => {
  const chain = [];
  for (let at = jsClass.prototype; at !== Object.prototype && at !== null; at = getPrototypeOf(at)) {
    chain.unshift(at);
  }
  return chain;
};

/** A guard is static, or stands on the prototype, or is a field: then it is seen on an object only. */
const guardOf = (jsClass) => {
  if (jsClass.implements !== undefined || jsClass.prototype.implements !== undefined) {
    return jsClass.implements ?? jsClass.prototype.implements;
  }
  return jsClass.length === 0 ? Reflect.construct(jsClass, []).implements : undefined;
};

const methodsOf = (jsClass) => {
  const methods = {};
  for (const prototype of prototypesOf(jsClass)) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { value } = getOwnPropertyDescriptor(prototype, key);
      if (!notMethods.has(key)) {
        if (typeof value !== 'function') {
          throw TypeError(
            `class ${jsClass.name}: "${String(key)}" is an accessor; a durable class has methods`,
          );
        }
        methods[key] = value;
      }
    }
  }
  return methods;
};

export const makeClassRegistry = (...args) => {
  const zone = asZone(withoutKit(args)[0]);
  const classRegistry = zone.mapStore('classRegistry');
  const classes = zone.subZone('classes');
  const classCache = new Map();

  /** Gives the maker. Methods have this.state and this.self; initFn gives the first state. */
  const defineClass = (name, { interfaceGuards, initFn, methods, ...options } = {}) =>
    classes.exoClass(name, interfaceGuards, initFn, methods, options);

  /** The same out of a class: init() gives the first state, implements is the guard. */
  const defineJsClass = (jsClass) => {
    if (typeof jsClass !== 'function' || Object(jsClass.prototype) !== jsClass.prototype) {
      throw TypeError('defineJsClass - a class is required');
    }
    const { init, cleanup, willSleep } = jsClass.prototype;
    return defineClass(jsClass.name, {
      interfaceGuards: guardOf(jsClass),
      initFn: init,
      methods: methodsOf(jsClass),
      cleanup: jsClass.cleanup ?? cleanup,
      willSleep: jsClass.willSleep ?? willSleep,
    });
  };

  const lookupClass = (name) => {
    if (classCache.has(name)) {
      return classCache.get(name);
    }
    const { builderSource } = classRegistry.get(name);
    const builder = new Compartment({ globals: { assert, harden } }).evaluate(
      `(${builderSource})`,
    );
    const powers = { E, M, name, defineClass, defineJsClass, lookupClass };
    const maker = defineClass(name, builder(harden(powers)));
    classCache.set(name, maker);
    return maker;
  };

  /** Gives the maker; from now on the class is defined at every start. */
  const registerClass = (name, builderSource) => {
    if (typeof builderSource !== 'string' || builderSource.includes('[native code]')) {
      throw TypeError(
        `registerClass - class "${name}": the builder as source text is required; a function does not keep its text in a vat`,
      );
    }
    classRegistry.init(name, harden({ name, builderSource }));
    return lookupClass(name);
  };

  const loadClasses = () => {
    for (const name of classRegistry.keys()) {
      lookupClass(name);
    }
  };

  const defineDurableFactory = makeDefineDurableFactory(zone.subZone('factories'));

  return harden({
    defineClass,
    defineJsClass,
    registerClass,
    lookupClass,
    loadClasses,
    defineDurableFactory,
  });
};

/** All of it over one baggage, with the registered classes loaded. */
export const makeGems = (given) => {
  const zone = asZone(given).subZone('gems');
  const registry = makeClassRegistry(zone.subZone('registry'));
  const functions = zone.subZone('functions');
  const proxies = zone.subZone('proxies');
  registry.loadClasses();
  return harden({
    zone: zone.subZone('zone'),
    store: zone.mapStore('store'),
    ...registry,
    exoFunction: (tag, call) => exoFunction(functions, tag, call),
    exoFunctionClass: (tag, init, call) => exoFunctionClass(functions, tag, init, call),
    exoProxy: (tag, answer) => exoProxy(proxies, tag, answer),
    exoProxyClass: (tag, init, answer) => exoProxyClass(proxies, tag, init, answer),
  });
};
