// SPDX-License-Identifier: Apache-2.0
// oracle - npm's liveslots, driven by the same lines as test/golden/liveslots/drive and telling the same
// transcript. makeOracle(code, tell) gives { start, deliver }; tell is called with each line.
import '@endo/init/debug.js';
import { makeLiveSlots } from './liveslots.mjs';
import { E, Far } from '@endo/far';
import { getInterfaceOf, makeTagged, passStyleOf } from '@endo/pass-style';

const globals = { E, Far, getInterfaceOf, harden, makeTagged, passStyleOf };
const silent = () => {};
const quiet = { debug: silent, error: silent, info: silent, log: silent, warn: silent };

const waitUntilQuiescent = () =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
const gcTools = {
  WeakRef,
  FinalizationRegistry,
  waitUntilQuiescent,
  gcAndFinalize: async () => {
    await waitUntilQuiescent();
  },
  meterControl: {
    isMetered: () => false,
    assertIsMetered: silent,
    assertNotMetered: silent,
    runWithoutMetering: (thunk) => thunk(),
    runWithoutMeteringAsync: async (thunk) => thunk(),
    unmetered: (func) => func,
  },
};

const showCapdata = ({ body, slots }) =>
  ` ${body}${slots.length > 0 ? ` slots ${slots.join(',')}` : ''}`;
const showResolution = ([vpid, rejected, data]) =>
  `${vpid} ${rejected ? 'rejected' : 'fulfilled'}${showCapdata(data)}`;

const makeSyscall = (lines, rows, watch) => ({
  send: (target, methargs, result) => {
    watch.send(methargs.slots, result);
    lines.push(`  send ${target}${showCapdata(methargs)}${result ? ` -> ${result}` : ''}`);
  },
  subscribe: (vpid) => {
    watch.subscribe(vpid);
    lines.push(`  subscribe ${vpid}`);
  },
  resolve: (resolutions) => {
    watch.resolve(resolutions);
    lines.push(`  resolve ${resolutions.map(showResolution).join('; ')}`);
  },
  exit: (failure, data) => lines.push(`  exit${failure ? ' failure' : ''}${showCapdata(data)}`),
  dropImports: (vrefs) => lines.push(`  drop-imports ${vrefs.join(',')}`),
  retireImports: (vrefs) => lines.push(`  retire-imports ${vrefs.join(',')}`),
  retireExports: (vrefs) => lines.push(`  retire-exports ${vrefs.join(',')}`),
  abandonExports: (vrefs) => lines.push(`  abandon-exports ${vrefs.join(',')}`),
  vatstoreGet: (key) => rows.get(key),
  vatstoreSet: (key, value) => void rows.set(key, value),
  vatstoreDelete: (key) => void rows.delete(key),
  vatstoreGetNextKey: (prior) => [...rows.keys()].sort().find((key) => key > prior),
});

const parseCapdata = (text) => {
  const [, body, slots] = /^(.*?)(?: slots (\S+))?$/.exec(text);
  return { body, slots: slots === undefined ? [] : slots.split(',') };
};
const parseResolution = (text) => {
  const [, vpid, outcome, data] = /^(\S+) (\S+) (.*)$/.exec(text);
  return [vpid, outcome === 'rejected', parseCapdata(data)];
};
const parse = (line) => {
  const [verb] = line.split(' ');
  const rest = line.slice(verb.length + 1);
  if (verb === 'notify') {
    return ['notify', rest.split(' ; ').map(parseResolution)];
  }
  const [, target, methargs, result] = /^(\S+) (.*?)(?: -> (\S+))?$/.exec(rest);
  return ['message', target, { methargs: parseCapdata(methargs), result: result ?? null }];
};

process.on('unhandledRejection', silent);

const noWatch = { send: silent, subscribe: silent, resolve: silent };

export const makeOracle = (code, tell, watch = noWatch) => {
  const lines = [];
  const names = Object.keys(globals);
  const namespace = new Function(...names, 'print', `return ${code}`)(
    ...names.map((name) => globals[name]),
    silent,
  );
  const slots = makeLiveSlots(
    makeSyscall(lines, new Map(), watch),
    'v1',
    harden({}),
    {},
    gcTools,
    quiet,
    async () => namespace,
  );
  const crank = async (delivery) => {
    await slots.dispatch(harden(delivery)).catch((error) => {
      tell(`  failed: ${error.message ?? error}`);
    });
    lines.splice(0).forEach(tell);
  };
  return {
    start: async () => {
      tell('start');
      await crank(['startVat', { body: '#{"parameter":"value"}', slots: [] }]);
    },
    deliver: async (line) => {
      tell(line);
      if (line !== '' && !line.startsWith('#')) {
        await crank(parse(line));
      }
    },
  };
};
