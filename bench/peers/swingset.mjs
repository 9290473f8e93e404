// SPDX-License-Identifier: Apache-2.0
// Measures SwingSet with xsnap workers: round trips between two vats (W1), one commit at the end, and
// host calls one after another with a commit for each (W2). Settings of Agoric's chain (a collection
// every 1000 deliveries), heap snapshots put off beyond the end.
import '@endo/init';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { initSwingStore } from '@agoric/swing-store';
import { buildKernelBundles, initializeSwingset, makeSwingsetController } from '@agoric/swingset-vat';

const here = path.dirname(fileURLToPath(import.meta.url));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-swingset-'));

// They take long to make and are the same every time.
const keptBundles = async () => {
  const kept = path.join(here, 'node_modules', '.kernel-bundles.json');
  if (!fs.existsSync(kept)) fs.writeFileSync(kept, JSON.stringify(await buildKernelBundles()));
  return JSON.parse(fs.readFileSync(kept, 'utf8'));
};

const open = async () => {
  const { kernelStorage, hostStorage } = initSwingStore(dir);
  const kernelBundles = await keptBundles();
  const vat = name => ({ sourceSpec: path.join(here, 'vats', name) });
  await initializeSwingset(
    {
      vats: { bootstrap: vat('bootstrap.js'), caller: vat('caller.js'), server: vat('server.js') },
      bootstrap: 'bootstrap',
      defaultManagerType: 'xsnap',
      defaultReapInterval: 1000,
      snapshotInterval: 1000000,
    },
    [], kernelStorage, { kernelBundles });
  const controller = await makeSwingsetController(kernelStorage, {}, { kernelBundle: kernelBundles.kernel });
  for (const name of ['caller', 'server']) controller.pinVatRoot(name);
  await controller.run();
  await hostStorage.commit();
  return { controller, hostStorage };
};

const { controller, hostStorage } = await open();

const call = async (vat, method, args) => {
  const promise = controller.queueToVatRoot(vat, method, args);
  await controller.run();
  await hostStorage.commit();
  if (controller.kpStatus(promise) !== 'fulfilled') throw Error(`${vat}.${method}: ${JSON.stringify(controller.kpResolution(promise))}`);
};

const timed = async (name, n, work) => {
  const begin = performance.now();
  await work(n);
  const seconds = (performance.now() - begin) / 1000;
  process.stdout.write(`${JSON.stringify({ name, n, seconds, rate: n / seconds })}\n`);
};

await call('caller', 'run', [100]);
await timed('SwingSet W1 round trips', 500, n => call('caller', 'run', [n]));
await timed('SwingSet W2 bump, sequential', 500, async n => {
  for (let i = 0; i < n; i += 1) await call('server', 'bump', []);
});
await controller.shutdown();
await hostStorage.close();
fs.rmSync(dir, { recursive: true, force: true });
process.exit(0);
