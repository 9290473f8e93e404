// SPDX-License-Identifier: Apache-2.0
// program - a random program over E and HandledPromise, which logs what happens and in which turn. It
// runs unchanged on npm's shim and on ours; whatever either can see must be the same.
//
// Its values are cells, never overwritten. What a value made at some time may lead to is older than the
// value: npm's shim does not survive promises that wait for each other.
const URN = [
  'object', 'object', 'function', 'primitive', 'promise', 'promise', 'handled', 'handled', 'handler',
  'handler', 'thenable', 'odd', 'proxy', 'send', 'send', 'send', 'send', 'send', 'send', 'call', 'get',
  'get', 'sendOnly', 'callOnly', 'getOnly', 'when', 'when', 'resolve', 'watch', 'watch', 'settle',
  'settle', 'settle', 'settle', 'reject', 'presence', 'presence', 'pipe', 'pipe', 'pipe', 'static',
];
const NAMES = ['a', 'b', 'c', Symbol.for('s'), 'a', 'b', 'd', 'g', 'zz', Symbol.asyncIterator, '7'];
const TURNS = 60; // of which the last third only watches
const OPS_PER_TURN = 3;

export const makeProgram = ({ E, HandledPromise, harden, print }) => (seed, done) => {
  let state = seed >>> 0;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  // The choices of something that runs later are drawn when it is made: the stream of random numbers
  // must not depend on the order of turns.
  const choices = (n) => {
    const drawn = Array.from({ length: n }, () => random(65536));
    let at = 0;
    return (m) => {
      at += 1;
      return drawn[(at - 1) % n] % m;
    };
  };
  const pickFrom = (list, choose) => (list.length === 0 ? undefined : list[choose(list.length)]);

  let turn = 0;
  let running = true;
  const log = (...words) => running && print(`${seed}:${turn} ${words.join(' ')}`);
  const cells = [];
  const kits = [];
  const labels = new Map();
  const label = (value, name) => {
    if (Object(value) === value && !labels.has(value)) labels.set(value, name);
  };
  const show = (value) => {
    if (labels.has(value)) return labels.get(value);
    if (Array.isArray(value)) return `[${value.map(show).join()}]`;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof Promise) return 'a promise';
    return Object(value) === value ? `a ${typeof value}` : String(value);
  };
  const watch = (promise, name) =>
    promise.then(
      (value) => log(name, 'is', show(value)),
      (reason) => log(name, 'rejects', show(reason)),
    );

  /**
   * Who hears how the promise settles sends, or counts turns, from the turn on in which sends made before
   * go on their way: the order of the two shows in what arrives first, and among what ends.
   */
  const race = (name, promise) => {
    const send = (target, when) => watch(E(target).a(`raced by ${name}`), `${name} raced ${when}`);
    const count = () => {
      let turns = Promise.resolve();
      for (let n = 1; n <= 8; n += 1) {
        turns = turns.then(() => log(name, 'lost', n));
      }
    };
    promise.then((value) => send(value, 'after'), count);
    send(promise, 'before');
  };
  /** A handled promise resolved to one that follows it: rejected, but its handler is still asked. */
  const knot = () => {
    const handler = {
      applyMethod: (p, name, args) => log('knot applyMethod', show(p), name, args),
      get: (p, name) => log('knot get', show(p), name),
    };
    let tie;
    const tied = new HandledPromise((resolve) => {
      tie = resolve;
    }, handler);
    const follower = new HandledPromise((resolve) => resolve(tied));
    label(tied, 'tied');
    label(follower, 'follower');
    for (const [when, act] of [['before', () => {}], ['after', () => tie(follower)], ['later', () => {}]]) {
      act();
      watch(tied, `tied ${when}`);
      watch(follower, `follower ${when}`);
      watch(E(tied).a(when), `tied.a ${when}`);
      watch(E(follower).a(when), `follower.a ${when}`);
      watch(E.get(follower).b, `follower.b ${when}`);
      E.sendOnly(tied).c(when);
    }
  };

  // ---- What methods, handlers and callbacks do ----

  const behave = (choose, old, name, args) => {
    const kind = choose(12);
    switch (kind) {
      case 0:
        throw RangeError(`thrown by ${name}`);
      case 1:
        throw pickFrom(old, choose);
      case 2:
        return Promise.resolve(pickFrom(old, choose));
      case 3:
        return Promise.resolve().then(() => pickFrom(old, choose));
      case 4: {
        const result = E(pickFrom(old, choose))[NAMES[choose(4)]](args[0]);
        label(result, `${name}'s send`);
        return result;
      }
      case 5: {
        const result = E(pickFrom(old, choose)).a(1);
        watch(result, `${name}'s aside`);
        return undefined;
      }
      case 6:
        return args[0];
      case 7:
        return harden([name, pickFrom(old, choose)]);
      case 8: {
        const result = new HandledPromise((resolve) => resolve(pickFrom(old, choose)));
        label(result, `${name}'s handled`);
        return result;
      }
      case 9:
        return Promise.reject(Error(`rejected by ${name}`));
      default:
        return pickFrom(old, choose);
    }
  };
  const makeMethod = (name, old) => {
    const choose = choices(8);
    return {
      method(...args) {
        log(name, 'gets', `(${args.map(show).join()})`, 'this', show(this));
        return behave(choose, old, name, args);
      },
    }.method;
  };

  // ---- Values ----

  const makeObject = (name, old) => ({
    a: makeMethod(`${name}.a`, old),
    b: makeMethod(`${name}.b`, old),
    [Symbol.for('s')]: makeMethod(`${name}.s`, old),
    7: makeMethod(`${name}.7`, old),
    d: pickFrom(old, random),
  });
  const makeGetting = (name, old) => {
    const choose = choices(4);
    const object = makeObject(name, old);
    delete object.d;
    return {
      ...object,
      get g() {
        log(name, 'is asked for g');
        return behave(choose, old, `${name}.g`, []);
      },
    };
  };
  const OPERATIONS = [
    'get', 'applyMethod', 'applyFunction', 'getSendOnly', 'applyMethodSendOnly', 'applyFunctionSendOnly',
  ];
  const makeHandler = (name, old) => {
    const handler = {};
    const odds = random(4);
    for (const operation of OPERATIONS) {
      const choose = choices(8);
      if (random(4) >= odds) {
        handler[operation] = (...args) => {
          log(name, operation, args.map(show).join(' '), args.length);
          return behave(choose, old, `${name}.${operation}`, []);
        };
      }
    }
    return handler;
  };
  const makeThenable = (name, old) => {
    const choose = choices(6);
    const settle = (resolve, reject) => {
      log(name, 'is asked then');
      switch (choose(5)) {
        case 0:
          throw Error(`then of ${name}`);
        case 1:
          return reject(pickFrom(old, choose));
        case 2:
          return Promise.resolve().then(() => resolve(pickFrom(old, choose)));
        case 3:
          resolve(1);
          throw Error('too late');
        default:
          return resolve(pickFrom(old, choose));
      }
    };
    switch (random(4)) {
      case 0:
        return {
          get then() {
            log(name, 'shows then');
            return settle;
          },
        };
      case 1:
        return {
          get then() {
            log(name, 'shows no then');
            throw Error(`no then of ${name}`);
          },
        };
      case 2:
        return {
          get then() {
            log(name, 'shows 7 as then');
            return 7;
          },
          a: makeMethod(`${name}.a`, old),
        };
      default:
        return { then: settle };
    }
  };
  class Derived extends Promise {}
  const makeOdd = (name, old) => {
    const value = pickFrom(old, random);
    const calm = (promise) => {
      Promise.prototype.then.call(promise, undefined, () => {});
      return promise;
    };
    switch (random(4)) {
      case 0: {
        const promise = calm(Promise.resolve(value));
        if (!Object.isExtensible(promise) || Object.hasOwn(promise, 'then')) return promise;
        return Object.defineProperty(promise, 'then', {
          value: (...args) => {
            log(name, 'own then', args.length);
            return Promise.prototype.then.apply(promise, args);
          },
        });
      }
      case 1:
        return calm(Derived.resolve(value));
      case 2:
        return calm(HandledPromise.reject(value));
      default: {
        const promise = calm(Promise.resolve(value));
        if (!Object.isExtensible(promise)) return promise;
        Object.setPrototypeOf(promise, {
          __proto__: Promise.prototype,
          then: (...args) => {
            log(name, 'inherited then');
            return Promise.prototype.then.apply(promise, args);
          },
        });
        return promise;
      }
    }
  };
  const makeProxy = (name, old) => {
    const target = harden(makeObject(name, old));
    return new Proxy(target, {
      get: (_, key) => {
        log(name, 'trap', String(key));
        return target[key];
      },
    });
  };
  const open = (name, make) => {
    const kit = { name, old: cells.slice() };
    kits.push(kit);
    kit.promise = make((resolve, reject, resolveWithPresence) => {
      Object.assign(kit, { resolve, reject, resolveWithPresence });
    }, kit);
    return kit.promise;
  };

  // ---- Operations. Each makes a cell ----

  let picked = [];
  const cell = () => {
    const at = random(cells.length || 1);
    picked.push(at);
    return cells[at];
  };
  const args = () => Array.from({ length: random(3) }, cell);
  const callback = (name) => {
    const choose = choices(8);
    const old = cells.slice();
    return (value) => {
      log(name, 'hears', show(value));
      return behave(choose, old, name, [value]);
    };
  };
  const operations = {
    object: (name) => (random(3) ? makeObject : makeGetting)(name, cells.slice()),
    function: (name) => makeMethod(name, cells.slice()),
    primitive: () => [undefined, null, 0, 7, '', 'text', true, 5n, NaN, Symbol.for('x')][random(10)],
    promise: (name) => open(name, (executor) => new Promise(executor)),
    handled: (name) => {
      const promise = open(name, (executor) => new HandledPromise(executor));
      label(promise, name);
      race(name, promise);
      return promise;
    },
    handler: (name) =>
      open(name, (executor, kit) => {
        kit.handler = makeHandler(name, kit.old);
        return new HandledPromise(executor, kit.handler);
      }),
    thenable: (name) => makeThenable(name, cells.slice()),
    odd: (name) => makeOdd(name, cells.slice()),
    proxy: (name) => makeProxy(name, cells.slice()),
    send: () => E(cell())[NAMES[random(NAMES.length)]](...args()),
    call: () => E(cell())(...args()),
    get: () => E.get(cell())[NAMES[random(NAMES.length)]],
    sendOnly: () => E.sendOnly(cell())[NAMES[random(NAMES.length)]](...args()),
    callOnly: () => E.sendOnly(cell())(...args()),
    getOnly: () => HandledPromise.getSendOnly(cell(), NAMES[random(NAMES.length)]),
    when: (name) => E.when(cell(), random(3) ? callback(`${name}+`) : undefined,
      random(2) ? callback(`${name}-`) : undefined),
    resolve: () => E.resolve(cell()),
    watch: (name) => {
      const value = cell();
      if (value instanceof Promise) watch(HandledPromise.resolve(value), `${name}:${show(value)}`);
      return undefined;
    },
    settle: () => {
      const kit = pickFrom(kits, random);
      const n = random(65536);
      if (kit) picked.push(kit.name, n % (kit.old.length || 1));
      if (kit) kit.resolve(kit.old.length ? kit.old[n % kit.old.length] : n);
      return undefined;
    },
    reject: () => {
      const kit = pickFrom(kits, random);
      const value = cell();
      if (kit && kit.old.includes(value)) kit.reject(value);
      else if (kit) kit.reject(Error(`settled ${kit.name}`));
      return undefined;
    },
    presence: (name) => {
      const kit = pickFrom(kits.filter((k) => k.resolveWithPresence), random);
      const n = random(6);
      if (!kit) return undefined;
      const handler = makeHandler(name, kit.old);
      switch (n) {
        case 0:
          // Without any handler npm's shim sends to the presence in a circle for ever.
          return kit.handler ? kit.resolveWithPresence() : undefined;
        case 1:
        case 2: {
          const traps = {
            get: (_, key) => {
              log(name, 'trap', String(key));
              return undefined;
            },
          };
          const options = { proxy: { target: {}, handler: traps } };
          if (n === 1) options.proxy.revokerCallback = (revoke) => log(name, typeof revoke);
          return kit.resolveWithPresence(handler, options);
        }
        case 3:
          return kit.resolveWithPresence(7);
        default:
          return kit.resolveWithPresence(handler);
      }
    },
    pipe: (name) => {
      const first = E(cell())[NAMES[random(4)]](cell());
      label(first, `${name}>`);
      const second = random(4) ? E(first).a(cell()) : E.get(first).d;
      label(second, `${name}>>`);
      const third = E(second).b();
      if (random(2)) watch(first, `${name}>`);
      watch(third, `${name}>>>`);
      return random(2) ? second : third;
    },
    static: () => {
      switch (random(5)) {
        case 0:
          return HandledPromise.applyMethod(cell(), undefined, args());
        case 1:
          return HandledPromise.get(cell(), 7);
        case 2:
          return HandledPromise.applyFunction(cell(), new Set([cell(), 1]));
        case 3:
          return HandledPromise.all([cell(), cell()]);
        default:
          return HandledPromise.applyMethodSendOnly(cell(), 'a', args());
      }
    },
  };
  const step = () => {
    const name = `c${cells.length}`;
    const verb = URN[random(URN.length)];
    const quiet = random(5) === 0;
    let value;
    picked = [];
    try {
      value = operations[verb](name);
      label(value, name);
      log(name, verb, picked.join(), show(value));
    } catch (error) {
      log(name, verb, 'throws', show(error));
    }
    cells.push(value);
    if (value instanceof Promise && Object.getPrototypeOf(value) === Promise.prototype) {
      // A promise that nobody watches must not reject unheard.
      if (quiet) Promise.prototype.then.call(value, undefined, () => {});
      else if (verb !== 'odd') watch(value, name);
    }
  };
  const tick = () => {
    turn += 1;
    if (turn > TURNS) {
      running = false;
      done();
      return;
    }
    if (turn < (TURNS * 2) / 3 && turn % 2 === 1) {
      for (let n = random(OPS_PER_TURN + 1); n > 0; n -= 1) step();
    }
    Promise.resolve().then(tick);
  };
  for (let i = 0; i < 12; i += 1) step();
  knot();
  tick();
};

// Runs the programs of seeds one after another.
export const runPrograms = (powers, seeds) => {
  const program = makeProgram(powers);
  const next = (i) => {
    if (i < seeds.length) program(seeds[i], () => next(i + 1));
  };
  next(0);
};
