#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// system - system subclusters: launched at a start, there at the next ones, gone when no longer listed.
// usage: system.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import fs from 'node:fs';
import { join } from 'node:path';

import { base, check, failed, finish, home, rows, run, sleep } from './lib.mjs';

fs.writeFileSync(join(base, 'ruler.js'), `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, { label }, baggage) =>
  Far('root', {
    bootstrap: (_vats, { kernelFacet }) => {
      baggage.init('kernel', kernelFacet);
      baggage.init('count', 0);
    },
    label: () => label,
    count: () => {
      baggage.set('count', baggage.get('count') + 1);
      return baggage.get('count');
    },
    rule: (method, ...args) => E(baggage.get('kernel'))[method](...args),
    // Through the capdata of the kernel's answer, and through the object itself.
    greet: async kref => {
      const { body, slots } = await E(baggage.get('kernel')).queueMessage(kref, 'label', []);
      const it = await E(baggage.get('kernel')).resolveKref(kref);
      return [body, slots, await E(it).label()];
    },
  });`);
fs.writeFileSync(join(base, 'bad.js'), 'export const buildRootObject = () => { throw Error("not today"); };');
const system = join(base, 'system.json');
const entry = (name, code = 'ruler.js', services = ['kernelFacet']) => ({
  name,
  config: { bootstrap: 'ruler', services, vats: { ruler: { sourceSpec: code, parameters: { label: name } } } },
});
const list = (...entries) => fs.writeFileSync(system, JSON.stringify(entries));
const names = async () =>
  (await rows('services')).map(({ name }) => name).filter(name => name.startsWith('system:')).join();
const facet = async () => (await rows('services')).find(({ name }) => name === 'kernelFacet').kref;
const ask = async (...args) => {
  const { code, out, err } = await run(['send', ...args.map((arg, i) => (i < 2 ? arg : JSON.stringify(arg)))]);
  return code === 0 ? JSON.parse(out) : err;
};
const root = async name => ask(await facet(), 'getSystemSubclusterRoot', name);
const until = async (what, done) => {
  const end = Date.now() + 60_000;
  while (!(await done())) {
    if (Date.now() > end) {
      check(what, 'nothing for a minute', 'something');
      return;
    }
    await sleep(20);
  }
};
const log = () => fs.readFileSync(join(home, 'daemon.log'), 'utf8');
const start = async (...args) => check(`start ${args}`, (await run(['start', ...args])).code, 0);
const kill9 = async () => {
  process.kill(Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8')), 'SIGKILL');
  await sleep(50);
};

const tests = {
  async 'files that are not as expected'() {
    const err = async text => {
      fs.writeFileSync(system, text);
      return (await run(['start', '--system', system])).err;
    };
    check('no file', (await run(['start', '--system', join(base, 'absent.json')])).err, /absent.json/);
    check('no JSON', await err('nothing'), /system.json:1: /);
    check('no array', await err('{}'), /expected an array of .*, found an object/);
    check('no name', await err('[{"config":{}}]'), /\[0\]: expected \{"name":NAME/);
    check('two of a name', await err(JSON.stringify([entry('a'), entry('a')])), /\[1\]: expected a name of its own/);
    check('no daemon', (await run(['status'])).err, /^keeve: no daemon is running/);
  },

  async 'they are launched, with services for the system'() {
    list(entry('clock'), entry('store'));
    await start('--system', system);
    await until('both', async () => (await names()) === 'system:clock,system:store');
    const clock = await root('clock');
    await until('both are up', async () => (await rows('subclusters')).every(({ state }) => state === 'running'));
    check('its root', await ask(clock, 'label'), 'clock');
    check('it rules', await ask(clock, 'rule', 'ping'), 'pong');
    const [{ kref }] = (await ask(clock, 'rule', 'getStatus')).roots.filter(({ subclusterId }) => subclusterId === 's2');
    check('another one', JSON.stringify(await ask(clock, 'greet', kref)), '["#\\"store\\"",[],"store"]');
    check('pings', await ask(clock, 'rule', 'pingVat', 'v2'), 'pong');
    check('by name', JSON.stringify(await ask(await facet(), 'getRoot', 'store')), JSON.stringify({ kref }));
    check('the registry', JSON.stringify(await ask(clock, 'rule', 'getRegistry')),
      JSON.stringify({ kref: (await rows('services')).find(({ name }) => name === 'kernelRegistry').kref }));
    check('no such', await root('nobody'), /there is no system subcluster "nobody"/);
    check('count', await ask(clock, 'count'), 1);
  },

  async 'they go on after a restart'() {
    const before = await root('clock');
    await kill9();
    await start('--system', system);
    check('the same root', await root('clock'), before);
    check('count', await ask(before, 'count'), 2);
    check('still rules', await ask(before, 'rule', 'ping'), 'pong');
    check('none anew', (await rows('subclusters')).length, 2);
    await run(['stop']);
    await start();
    check('without --system', await names(), 'system:clock,system:store');
    await run(['stop']);
  },

  async 'listed no more, listed anew'() {
    list(entry('store'), entry('late'));
    await start('--system', system);
    await until('late', async () => (await names()) === 'system:late,system:store');
    await until('clock is gone', async () => (await rows('vats')).every(({ subcluster }) => subcluster !== 's1'));
    check('late', await ask(await root('late'), 'label'), 'late');
    await run(['terminate', 's2']);
    await run(['stop']);
    await start('--system', system);
    await until('store anew', async () => (await names()) === 'system:late,system:store');
    check('anew', await ask(await root('store'), 'count'), 1);
    check('audit', (await run(['audit'])).code, 0);
    await run(['stop']);
  },

  async 'what cannot be launched is told, and the rest goes on'() {
    list(entry('broken', 'bad.js'), entry('lost', 'ruler.js', ['nowhere']), entry('store'), entry('last'));
    await start('--system', system);
    await until('last', async () => (await names()) === 'system:last,system:store');
    check('why', log(), /system subcluster broken: vat .ruler. did not start: .*not today/);
    check('why not', log(), /system subcluster lost: no registered kernel service 'nowhere'/);
    check('stop', (await run(['stop'])).code, 0);
  },
};

for (const [name, test] of Object.entries(tests)) {
  const before = failed();
  await test();
  console.log(`${failed() > before ? 'not ok' : 'ok'} ${name}`);
}
finish();
