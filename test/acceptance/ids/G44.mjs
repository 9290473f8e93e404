// SPDX-License-Identifier: Apache-2.0
// What becomes of a session: its open calls answer or reject by name, and no call that the kernel took is
// ever run twice, whether the daemon dies or the host does.
import { check, equal, until, existsSync, join, readFileSync, ROOT } from '../lib.mjs';
import { E, errorCode, krefOf, session } from '../client.mjs';

const log = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (!baggage.has('seen')) baggage.init('seen', harden([]));
  return Far('log', {
    bootstrap: () => 'ready',
    add: x => {
      baggage.set('seen', harden([...baggage.get('seen'), x]));
      return x;
    },
    seen: () => baggage.get('seen'),
    forever: () => new Promise(() => {}),
  });
};
`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ log });
  const kref = vats.log.root;
  const answered = [];
  let next = 0;
  for (const end of [() => home.killDaemon(), () => home.killDaemon(), 'close']) {
    const mine = await session(t, home);
    const root = await mine.resolveKref(kref);
    const outcomes = [E(root).forever().then(() => 'answered', errorCode)];
    // A first part is answered; the rest is under way at the end.
    for (let i = 0; i < 20; i += 1) {
      answered.push(await E(root).add((next += 1)));
    }
    for (let i = 0; i < 60; i += 1) {
      const x = (next += 1);
      outcomes.push(E(root).add(x).then(() => (answered.push(x), 'answered'), errorCode));
    }
    if (end === 'close') {
      await mine.close();
    } else {
      await end();
    }
    for (const outcome of await Promise.all(outcomes)) {
      check(outcome === 'answered' || outcome === 'CONNECTION_LOST', `a call ended with ${outcome}`);
    }
    equal(errorCode(await mine.closed), 'CONNECTION_LOST', 'how the session ended');
    if (end !== 'close') {
      await home.start();
    }
  }
  await home.settle();
  const again = await session(t, home);
  const root = await again.resolveKref(kref);
  equal(krefOf(root), kref, 'the kref after it all');
  const seen = await E(root).seen();
  equal(new Set(seen).size, seen.length, 'calls that ran, each once');
  const lost = answered.filter(x => !seen.includes(x));
  equal(lost, [], 'answered calls that left no trace');
  equal([...seen].sort((a, b) => a - b), seen, 'their order');
  await until(async () => (await home.rows('sessions')).filter(row => row.label === 'owner').length <= 1, 'old peers to go');
  await home.audit();
  const page = join(ROOT, 'docs/formats/captp.md');
  check(existsSync(page) && /restart/i.test(readFileSync(page, 'utf8')), 'docs/formats/captp.md states no fate');
};
