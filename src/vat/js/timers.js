// SPDX-License-Identifier: Apache-2.0
// timers - setTimeout and setInterval of one vat. They live in its heap and end with it. The kernel knows
// how many there are and when the first is due; it then has a crank made in which what is due runs.
//
//   set, clear ──► queue, by (due, number) ──report()──► host.wake(wait, count)
//   a crank for timers: begin() takes what is due ──next()──► one callback, then its promise jobs,
//   and again; an interval goes back into the queue after its callback
//
// A handle is an object that means something here only: who has it can clear its timer, and nobody else.

const leastMs = 10;
/** Callbacks of one crank; what is due beyond has the next. */
const batchMax = 256;

const { create, freeze } = Object;

const handlePrototype = freeze(create(Object.prototype, { [Symbol.toStringTag]: { value: 'Timer' } }));

const isBefore = (a, b) => (a.due === b.due ? a.number < b.number : a.due < b.due);

/** A heap of records, the first due at [0]; each knows its place, from which it can be taken. */
const makeQueue = () => {
  const heap = [];
  const put = (record, at) => {
    heap[at] = record;
    record.at = at;
  };
  const sift = (record, from) => {
    let at = from;
    while (at > 0 && isBefore(record, heap[(at - 1) >> 1])) {
      put(heap[(at - 1) >> 1], at);
      at = (at - 1) >> 1;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) {
        child += 1;
      }
      if (child >= heap.length || !isBefore(heap[child], record)) {
        break;
      }
      put(heap[child], at);
      at = child;
    }
    put(record, at);
  };
  return {
    add: (record) => {
      heap.push(record);
      sift(record, heap.length - 1);
    },
    remove: (record) => {
      const last = heap.pop();
      if (last !== record) {
        sift(last, record.at);
      }
      record.at = -1;
    },
    first: () => heap[0],
    count: () => heap.length,
  };
};

/**
 * host: clock() in milliseconds that never go back, wake(wait, count). console: of the vat. powers are the
 * globals; begin, next and report are for the worker (engine/timers.c).
 */
export const makeTimers = (host, console) => {
  const queue = makeQueue();
  const records = new WeakMap();
  let number = 0;
  let batch = [];
  let changed = false;

  const schedule = (record) => {
    record.due = host.clock() + record.wait;
    record.number = number += 1;
    queue.add(record);
    changed = true;
  };

  const end = (record) => {
    record.handler = undefined;
    record.args = undefined;
    if (record.at >= 0) {
      queue.remove(record);
      changed = true;
    }
  };

  const start = (handler, wait, args, repeats) => {
    const handle = freeze(create(handlePrototype));
    const record = { handler, wait, args, repeats, at: -1, due: 0, number: 0 };
    records.set(handle, record);
    schedule(record);
    return handle;
  };

  const makeSetter = (name, repeats) =>
    ({
      [name]: (handler, delay, ...args) => {
        if (typeof handler !== 'function') {
          throw TypeError(`${name}: expected a function, found ${handler === null ? 'null' : `a value of type ${typeof handler}`}`);
        }
        const wait = Math.trunc(Number(delay));
        return start(handler, wait >= leastMs ? wait : leastMs, args, repeats);
      },
    })[name];

  const makeClearer = (name) =>
    ({
      [name]: (handle) => {
        const record = Object(handle) === handle ? records.get(handle) : undefined;
        if (record !== undefined) {
          end(record);
        }
      },
    })[name];

  const run = (record) => {
    const { handler, args, repeats } = record;
    if (!repeats) {
      end(record);
    }
    try {
      Reflect.apply(handler, undefined, args);
    } catch (error) {
      console.error('uncaught error in a timer:', error);
    }
    if (repeats && record.handler !== undefined) {
      schedule(record);
    }
  };

  return {
    powers: harden({
      setTimeout: makeSetter('setTimeout', false),
      setInterval: makeSetter('setInterval', true),
      clearTimeout: makeClearer('clearTimeout'),
      clearInterval: makeClearer('clearInterval'),
    }),

    /** Takes what is due now; what callbacks set comes later. */
    begin: () => {
      const now = host.clock();
      batch = [];
      while (batch.length < batchMax && queue.count() > 0 && queue.first().due <= now) {
        const record = queue.first();
        queue.remove(record);
        batch.push(record);
      }
      batch.reverse();
      changed = true; // the kernel has forgotten what it was asked for
    },

    /** Runs one of them; false if there is none left. */
    next: () => {
      while (batch.length > 0) {
        const record = batch.pop();
        if (record.handler !== undefined) {
          run(record);
          return true;
        }
      }
      return false;
    },

    /** At the end of each crank. */
    report: () => {
      if (changed) {
        changed = false;
        const first = queue.first();
        const wait = first === undefined ? 0 : first.due - host.clock();
        // The kernel's clock has whole milliseconds: one more, and it is never early.
        host.wake(wait > 0 ? Math.ceil(wait) + 1 : 0, queue.count());
      }
    },
  };
};
