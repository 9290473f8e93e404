// SPDX-License-Identifier: Apache-2.0
// Endless loops and memory bombs end by themselves; their cranks are undone; while they run the other
// vat answers, call after call.
import { check, equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

const runaway = `
import { Far } from '@endo/far';
const keep = [];
export const buildRootObject = (_powers, _parameters, baggage) => {
  baggage.has('n') || baggage.init('n', 0);
  const mark = () => baggage.set('n', baggage.get('n') + 1);
  return Far('root', {
    bootstrap: () => 'ready',
    loop: () => { mark(); for (;;); },
    promises: () => { mark(); const again = () => Promise.resolve().then(again); return again(); },
    symbols: () => { mark(); for (let i = 0; ; i += 1) Symbol.for("s" + i); },
    arrays: () => { mark(); for (;;) keep.push(new Array(100000).fill(7)); },
    strings: () => { mark(); let s = 'x'; for (;;) { s += s; keep.push(s); } },
    buffers: () => { mark(); for (;;) keep.push(new Uint8Array(10000000)); },
    recursion: () => { mark(); const f = n => f(n + 1) + 1; return f(0); },
    regexp: () => { mark(); return /^(a+)+$/.test('a'.repeat(60) + 'b'); },
    read: () => baggage.get('n'),
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ runaway, counter });
  let count = 0;
  for (const method of ['loop', 'promises', 'symbols', 'arrays', 'strings', 'buffers', 'recursion', 'regexp']) {
    const bad = home.sendLater(vats.runaway.root, method);
    let answers = 0;
    while (!bad.settled && answers < 1000) {
      count += 1;
      // The bound guards liveness: thirty times the second of the requirement.
      const answer = await Promise.race([
        home.send(vats.counter.root, 'increment'),
        new Promise(done => setTimeout(done, 30_000, 'no answer in time').unref()),
      ]);
      equal(answer, count, `the other vat's answer during ${method}`);
      answers += 1;
    }
    await bad.done;
    check(bad.error, `${method} gave a result: ${JSON.stringify(bad.value)}`);
    check(answers > 0, `no answer was seen during ${method}`);
    equal(await home.send(vats.runaway.root, 'read'), 0, `marks left by the undone crank of ${method}`);
  }
  equal((await home.status()).pid, home.pid, 'the daemon');
  await home.audit();
};
