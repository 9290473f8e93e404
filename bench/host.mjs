// SPDX-License-Identifier: Apache-2.0
// host - calls one object of a daemon through the JavaScript client, one call after another and with 64 in
// flight. Each answer is checked.
// usage: node host.mjs URL KREF
import { connect, E } from '../js/client/src/index.js';

const measure = async (target, n, inFlight) => {
  let next = 0;
  const loop = async () => {
    while (next < n) {
      const i = next;
      next += 1;
      if ((await E(target).ping(i)) !== i) throw Error('a wrong answer');
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: inFlight }, loop));
  const seconds = (performance.now() - begin) / 1000;
  return { n, in_flight: inFlight, seconds, rate: n / seconds };
};

const [url, kref] = process.argv.slice(2);
const { kernel, close } = await connect(url);
const target = await E(kernel).resolveKref(kref);
await measure(target, 3000, 1);
for (const [inFlight, text] of [[1, 'sequential'], [64, '64 in flight']]) {
  console.log(JSON.stringify({ name: `W2 ping, @keeve/client, ${text}`, ...(await measure(target, 20000, inFlight)) }));
}
await close();
