// SPDX-License-Identifier: Apache-2.0
// root - the vat that peers talk to; the reference server runs the same text.
import { E } from '@endo/eventual-send';
import { Far, makeTagged } from '@endo/pass-style';

const makeKit = () => {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};

const classes = {
  Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
  AggregateError: class {
    constructor(text) {
      return AggregateError([], text);
    }
  },
};

const makeChild = name =>
  Far('Child', {
    getName: () => name,
    makeChild: more => makeChild(`${name}/${more}`),
    echo: it => it,
    fail: text => {
      throw RangeError(text);
    },
  });

export const buildRootObject = (_powers, _parameters, baggage) => {
  const provide = (name, make) => {
    if (!baggage.has(name)) baggage.init(name, make());
    return baggage.get(name);
  };
  provide('durable count', () => 0);
  const lists = new Map();
  const kits = new Map();
  const heap = new Map();

  const makePromise = () => {
    const { promise, resolve, reject } = makeKit();
    return harden({ promise, resolver: Far('Resolver', { resolve: it => resolve(it), reject: it => reject(it) }) });
  };

  // A tree of n objects, each of which knows its children by reference, and the root back.
  const graph = n => {
    const nodes = [];
    for (let i = 0; i < n; i += 1) {
      nodes.push(Far('Node', {
        id: () => i,
        children: () => harden([nodes[2 * i + 1], nodes[2 * i + 2]].filter(it => it !== undefined)),
        top: () => nodes[0],
      }));
    }
    return nodes[0];
  };

  const root = Far('TestRoot', {
    bootstrap: () => root,
    echo: it => it,
    echoAll: (...all) => harden(all),
    makeChild,
    makeChildren: n => harden([...Array(n).keys()].map(i => makeChild(`${i}`))),
    makePromise,
    makeAdder: n => Far('adder', m => n + m),
    makeRecord: () => harden({ a: 1, child: makeChild('of a record'), deep: { b: [true] } }),
    twoTimes: () => {
      const it = makeChild('twice');
      return harden([it, { again: it }]);
    },
    fail: (name, text) => {
      throw new classes[name](text);
    },
    failWith: it => {
      throw it;
    },
    never: () => new Promise(() => {}),
    tagged: (tag, payload) => makeTagged(tag, payload),
    symbols: () => harden([Symbol.for('foo'), Symbol.asyncIterator, Symbol.for('@@bar')]),
    repeat: (text, n) => text.repeat(n),
    lengthOf: text => text.length,
    codes: text => harden([...Array(text.length).keys()].map(i => text.charCodeAt(i))),
    keysOf: record => harden(Reflect.ownKeys(record)),
    kindOf: it => `${typeof it} ${String(it)}`,
    isSame: (a, b) => a === b,
    describe: error => harden([error instanceof Error, error.name, error.message]),

    callBack: (it, ...args) => E(it).invoke(...args),
    apply: (it, ...args) => E(it)(...args),
    getFrom: (it, name) => E.get(it)[name],
    callOn: (promise, name, ...args) => E(promise)[name](...args),
    callMany: (it, n) => Promise.all([...Array(n).keys()].map(i => E(it).invoke(i))).then(harden),
    sendMany: (it, n) => {
      for (let i = 0; i < n; i += 1) E.sendOnly(it).invoke(i);
    },
    // After the call has returned, in a later turn of the world.
    callLater: (it, ...args) => {
      setTimeout(() => E.sendOnly(it).invoke(...args), 10);
    },
    whenResolved: promise => Promise.resolve(promise),
    outcomeOf: promise =>
      Promise.resolve(promise).then(
        value => harden(['fulfilled', value]),
        reason => harden(['rejected', reason]),
      ),

    append: (name, it) => {
      if (!lists.has(name)) lists.set(name, []);
      return lists.get(name).push(it);
    },
    list: name => harden([...(lists.get(name) || [])]),
    hold: (name, it) => {
      heap.set(name, it);
    },
    held: name => heap.get(name),
    letGo: name => {
      heap.delete(name);
    },
    keep: (name, it) => (baggage.has(name) ? baggage.set(name, it) : baggage.init(name, it)),
    kept: name => baggage.get(name),
    forget: name => baggage.delete(name),
    count: () => {
      baggage.set('durable count', baggage.get('durable count') + 1);
      return baggage.get('durable count');
    },
    counted: () => baggage.get('durable count'),
    // A promise under a name, which another message settles.
    wait: name => {
      if (!kits.has(name)) kits.set(name, makeKit());
      return kits.get(name).promise;
    },
    // The same inside data, so that it crosses as a promise.
    waitIn: name => harden([root.wait(name)]),
    settle: (name, it) => {
      void root.wait(name);
      kits.get(name).resolve(it);
    },
    refuse: (name, it) => {
      root.wait(name).catch(() => {});
      kits.get(name).reject(it);
    },
    graph,
  });
  return root;
};
