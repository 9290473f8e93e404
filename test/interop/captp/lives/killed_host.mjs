// SPDX-License-Identifier: Apache-2.0
// A host that is killed leaves nothing behind: objects, promises and counts are what they were, and the
// store is sound.
import { spawn } from 'node:child_process';
import { check, equal, kill9, until } from '../../../acceptance/lib.mjs';
import { rootVat } from '../keeve.mjs';

// Holds a hundred of the vat's objects, a promise of its, and gives it objects and a promise to call.
const host = (module, home, root) => `
  import { E, Far } from ${JSON.stringify(new URL('npm.mjs', module).href)};
  import { openOwner } from ${JSON.stringify(new URL('keeve.mjs', module).href)};
  const host = await openOwner({ dir: ${JSON.stringify(home)} });
  const root = await host.resolve(${JSON.stringify(root)});
  globalThis.children = await E(root).makeChildren(100);
  const kit = globalThis.kit = await E(root).makePromise();
  await E(kit.resolver).resolve('settled');
  const makeMute = () => Far('mute', { invoke: () => new Promise(() => {}) });
  const mute = makeMute();
  for (let i = 0; i < 20; i += 1) E(root).callBack(makeMute()).catch(() => {});
  E(root).outcomeOf(new Promise(() => {}));
  E(root).callBack(mute).catch(() => {});
  await E(root).echo(1);
  console.log('ready');
  setInterval(() => {}, 1000);`;

const tables = async home => {
  await home.keeve(['gc']);
  await home.settle();
  const objects = (await home.rows('objects')).map(row => [row.kref, row.owner, row.reachable, row.recognizable]);
  const promises = (await home.rows('promises')).map(row => [row.kref, row.references]);
  return { objects, promises, clist: (await home.rows('clist', 'v1')).length };
};

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ root: rootVat });
  await home.rows('services'); /* names the kernel's own objects */
  const base = await tables(home);
  const child = spawn(process.execPath, ['--input-type=module', '-e',
    host(new URL('../', import.meta.url), home.dir, root)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.cleanups.push(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', data => (said += data));
  await until(() => /ready/.test(said), 'the host to hold what it is to hold');
  const during = (await home.rows('objects')).length;
  check(during >= base.objects.length + 100, `the kernel knows only ${during} objects`);
  equal((await home.rows('sessions')).length, 1, 'sessions');

  await kill9(child.pid);
  await until(async () => (await home.rows('sessions')).length === 0, 'the session to end');
  await until(async () => JSON.stringify(await tables(home)) === JSON.stringify(base), 'the tables to be what they were')
    .catch(async () => equal(await tables(home), base, 'the tables'));
  await home.audit();
  equal(await home.send(root, 'echo', 1), 1, 'the vat answers');
  await home.stop();
  const { status, stdout } = await home.keeve(['doctor']);
  equal(status, 0, `keeve doctor says ${stdout}`);
};
