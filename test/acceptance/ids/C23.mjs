// SPDX-License-Identifier: Apache-2.0
// The success script of the plan, word for word, in Node and in a page of the daemon's. In both `kernel` is
// the session; the first line of the script gives that name to the facade from then on.
import { createRequire } from 'node:module';
import { check, equal, join, ROOT, until, writeFileSync } from '../lib.mjs';
import { E, session } from '../client.mjs';
import { findChromium, openPage } from '../chromium.mjs';

const SCRIPT = `
const kernel = await kernel.getKernel();
const counterRef = await E(kernel).resolveKref('ko42'); // Get presence for a kref
const count = await E(counterRef).increment(); // E() works!
const nested = await E(counterRef).getRelated(); // Returns more presences
await E(nested.child).doSomething(); // Nested presences work
`;

// A counter that is ko42, as the script says: objects are made until the kernel numbers one so.
const counters = `
import { Far } from '@endo/far';
export const buildRootObject = () => {
  let done = 0;
  const makeCounter = () => {
    let n = 0;
    return Far('counter', {
      increment: () => (n += 1),
      getRelated: () => ({ child: Far('child', { doSomething: () => (done += 1) }) }),
    });
  };
  return Far('root', { bootstrap: () => 'ready', make: () => makeCounter(), done: () => done });
};
`;

/** A declaration cannot read the name it declares, so the session comes in under that name from outside. */
const runnable = script =>
  `(async session => {
    const first = session;
    ${script.replace('const kernel = await kernel.getKernel();', 'const kernel = await first.getKernel();')}
    return count;
  })`;

export const test = async t => {
  check(SCRIPT.includes('kernel.getKernel()'), 'the script');
  const home = await t.started('--web', '127.0.0.1:0');
  const { vats } = await home.launch({ counters });
  const mine = await session(t, home);
  const root = await mine.resolveKref(vats.counters.root);
  const held = [];
  while (!held.some(counter => mine.krefOf(counter) === 'ko42')) {
    held.push(await E(root).make());
    check(held.length < 60, 'no object was numbered ko42');
  }

  const inNode = Function('E', `return ${runnable(SCRIPT)}`)(E);
  equal(await inNode(mine), 1, 'the count in Node');
  equal(await E(root).done(), 1, 'calls of the nested presence');

  const { url } = (await home.rows('url')).find(row => row.door === 'web');
  const { host, pathname } = new URL(url);
  const secret = pathname.split('/').at(-1);
  const program = findChromium();
  if (program) {
    const page = await openPage(t, program, `http://${host}/#${secret}`);
    await until(() => page.evaluate('typeof globalThis.kernel === "object"'), 'the page to connect');
    equal(await page.evaluate(`${runnable(SCRIPT)}(globalThis.kernel)`), 2, 'the count in the page');
    equal(await E(root).done(), 2, 'calls of the nested presence');
    // A page can be called back, too.
    equal(
      await page.evaluate(`(async () => {
        const facade = await kernel.getKernel();
        return E(facade).ping();
      })()`),
      'pong', 'a ping from the page',
    );
    check(await page.evaluate('document.getElementById("state").textContent.startsWith("connected")'), 'its state');
    return;
  }
  // No browser here: the module of the daemon's as it is served, with a WebSocket as pages have it.
  console.log('no chromium on this machine: the module for pages is run in Node');
  globalThis.WebSocket ??= createRequire(join(ROOT, 'test/npm/package.json'))('ws').WebSocket;
  const response = await fetch(`http://${host}/client.js`);
  equal(response.status, 200, 'the status of /client.js');
  const file = join(t.dir, 'client.mjs');
  writeFileSync(file, await response.text());
  const client = await import(file);
  const paged = await client.connect(url);
  t.cleanups.push(() => paged.close());
  equal(await Function('E', `return ${runnable(SCRIPT)}`)(client.E)(paged), 2, 'the count in the module');
};
