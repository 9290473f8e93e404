// SPDX-License-Identifier: Apache-2.0
// npm_vat - one incarnation of a vat under npm's liveslots, as a process of its own: what ours is
// compared with. Reads a JSON line per crank, answers each with a JSON line.
// usage: node --expose-gc npm_vat.mjs DIR FILE    (DIR has node_modules; FILE is the vat's module)
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dir, file] = process.argv.slice(2);
const require = createRequire(join(dir, 'x.cjs'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

await load('@endo/init/debug.js');
const { makeLiveSlots } = await load('@agoric/swingset-liveslots');

const rows = new Map();
let changed = new Map(); // key to value or undefined
let syscalls = [];
const write = (key, value) => {
  if (value === undefined) {
    rows.delete(key);
  } else {
    rows.set(key, value);
  }
  changed.set(key, value);
};
const say = (...call) => void syscalls.push(call);
const syscall = {
  send: (target, methargs, result) => say('send', target, methargs, result ?? ''),
  subscribe: (vpid) => say('subscribe', vpid),
  resolve: (list) => say('resolve', list),
  dropImports: (vrefs) => say('dropImports', vrefs),
  retireImports: (vrefs) => say('retireImports', vrefs),
  retireExports: (vrefs) => say('retireExports', vrefs),
  abandonExports: (vrefs) => say('abandonExports', vrefs),
  exit: (failure, info) => say('exit', failure, info),
  vatstoreGet: (key) => rows.get(key),
  vatstoreGetNextKey: (prior) => {
    let next;
    for (const key of rows.keys()) {
      if (key > prior && (next === undefined || key < next)) {
        next = key;
      }
    }
    return next;
  },
  vatstoreSet: write,
  vatstoreDelete: (key) => write(key, undefined),
};

const later = () => new Promise((resolve) => setImmediate(resolve));
let loading; // the vat's module, which node reads over several turns of its loop
let unmetered = 0;
const runWithoutMetering = (thunk) => {
  unmetered += 1;
  try {
    return thunk();
  } finally {
    unmetered -= 1;
  }
};
const meterControl = {
  isMeteringDisabled: () => unmetered > 0,
  assertIsMetered: () => {},
  assertNotMetered: () => {},
  runWithoutMetering,
  runWithoutMeteringAsync: async (thunk) => thunk(),
  unmetered: (f) => harden((...args) => runWithoutMetering(() => f(...args))),
};
const gcTools = {
  WeakRef,
  FinalizationRegistry,
  waitUntilQuiescent: async () => {
    await later();
    await loading;
    await later();
  },
  gcAndFinalize: async () => {
    for (let i = 0; i < 4; i += 1) {
      await later();
      globalThis.gc();
      await later();
    }
  },
  meterControl,
};
const quiet = { ...console, warn: () => {}, log: () => {}, error: () => {} };
const { dispatch } = makeLiveSlots(syscall, 'v1', {}, {}, gcTools, quiet, (vatGlobals) => {
  globalThis.VatData = vatGlobals.VatData;
  loading = import(pathToFileURL(file).href);
  return loading;
});

const crank = async (delivery) => {
  changed = new Map();
  syscalls = [];
  let error = '';
  try {
    await dispatch(harden(delivery));
  } catch (reason) {
    error = `${reason?.message ?? reason}`;
  }
  return { error, syscalls, rows: [...rows].sort(([a], [b]) => (a < b ? -1 : 1)) };
};

for await (const line of createInterface({ input: process.stdin })) {
  const { delivery, rows: given } = JSON.parse(line);
  for (const [key, value] of given ?? []) {
    rows.set(key, value);
  }
  process.stdout.write(`${JSON.stringify(await crank(delivery))}\n`);
}
process.exit(0);
