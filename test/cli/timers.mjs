#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// timers - the timers of vats under a real daemon: they fire, are shown, wait while it is paused, end with
// their heap, and starve nobody. What must happen is waited for, whatever time it takes.
// usage: timers.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import fs from 'node:fs';
import { join } from 'node:path';

import { base, check, finish, home, rows, run, sleep } from './lib.mjs';

const send = async (...args) => (await rows('send', ...args))[0];
const vat = async name => (await rows('vats')).find(row => row.name === name);
const until = async (what, ask) => {
  const end = Date.now() + 60000;
  while (Date.now() < end) {
    if (await ask()) {
      return;
    }
    await sleep(20);
  }
  check(`${what}, within a minute`, false, true);
};

const source = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  let count = 0;
  let last;
  return Far('root', {
    bootstrap: () => 'up',
    tick: () => { last = setInterval(() => { count += 1; }, 10); },
    stop: () => { clearInterval(last); },
    count: () => count,
    wait: (ms, what) => new Promise(done => setTimeout(done, ms, what)),
    later: () => { setTimeout(() => { count = 1000; }, 3600000); },
    storm: () => { for (let i = 0; i < 200; i += 1) { const again = () => { count += 1; setTimeout(again, 0); }; again(); } },
    break: () => { setTimeout(() => { for (;;); }, 10); },
    echo: it => it,
  });
};`;
fs.writeFileSync(join(base, 'timed.js'), source);
const globals = ['setTimeout', 'setInterval', 'clearInterval'];
fs.writeFileSync(join(base, 'cluster.json'), JSON.stringify({
  bootstrap: 'one',
  vats: { one: { bundleSpec: 'timed.js', globals }, two: { bundleSpec: 'timed.js', globals } },
}));

check('start', (await run(['start'])).code, 0);
const [{ rootKref: one }] = await rows('launch', join(base, 'cluster.json'));
const two = (await vat('two')).root;

// They fire, and a result may wait for one.
check('a promise of a timer', await send(one, 'wait', '30', '"waited"'), 'waited');
await send(one, 'tick');
check('timers of the vat', (await vat('one')).timers, 1);
check('when the first is due', (await vat('one')).timer_in_ms, n => n <= 12);
await until('an interval', async () => (await send(one, 'count')) >= 5);
check('timers of another', (await vat('two')).timers, 0);

// Paused, one waits in the queue, none fires, and a step is its crank.
await rows('pause');
await until('a timer to be due', async () =>
  (await rows('queue')).some(row => row.type === 'timer' && row.vat === 'v1' && row.flight === 'no'));
const before = (await vat('one')).deliveries;
await sleep(100);
check('deliveries while paused', (await vat('one')).deliveries, before);
const stepped = await rows('step');
check('a step', stepped.map(event => [event.event, event.type ?? event.name ?? ''].join(' ')).join(', '),
  'deliver timer, syscall wake, commit ');
check('deliveries after it', (await vat('one')).deliveries, before + 1);
await rows('run');

// Cleared, it is over; a long one waits, and goes with the heap of its vat, as all do.
await send(one, 'stop');
check('timers after clearing', (await vat('one')).timers, 0);
const count = await send(one, 'count');
await sleep(50);
check('the count after clearing', await send(one, 'count'), count);
await send(one, 'later');
await send(one, 'tick');
check('two timers', (await vat('one')).timers, 2);
await run(['restart-vat', 'v1']);
check('the count after a restart', await send(one, 'count'), 0);
check('timers after a restart', (await vat('one')).timers, 0);
await sleep(50);
check('the count later', await send(one, 'count'), 0);

// A callback that never ends costs its vat the heap, and is not run again.
await send(one, 'break');
await until('the restart', async () => (await vat('one')).incarnation >= 2);
check('the vat after it', await send(one, 'echo', '"here"'), 'here');
check('its incarnation', (await vat('one')).incarnation, 2);

// A storm in one vat keeps neither its own messages nor those of another waiting.
await send(one, 'storm');
for (let i = 0; i < 5; i += 1) {
  check('an answer of the other', await send(two, 'echo', `${i}`), i);
  check('an answer within the storm', await send(one, 'echo', `${i}`), i);
}
await until('the storm to go on', async () => (await send(one, 'count')) > 400);

// The daemon dies: so do the heaps.
process.kill(Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8')), 'SIGKILL');
check('start after kill -9', (await run(['start'])).code, 0);
check('timers after it', (await vat('one')).timers, 0);
check('the count after it', await send(one, 'count'), 0);
check('audit', (await run(['audit'])).code, 0);
check('stop', (await run(['stop'])).code, 0);
finish();
