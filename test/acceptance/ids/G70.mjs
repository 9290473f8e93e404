// SPDX-License-Identifier: Apache-2.0
// Presences that are dropped release rows of the kernel: ten thousand, and its table is as large as before.
import { check, equal } from '../lib.mjs';
import { E, hosted, untilCollected } from '../client.mjs';

export const test = async t => {
  const count = 10_000;
  const { home, root, session } = await hosted(t);
  const rowsOf = async () => (await home.rows('sessions')).find(row => row.label === 'owner').rows;
  await (async () => {
    const parts = [];
    for (let i = 0; i < count; i += 500) {
      parts.push(await E(root).makeMany(500));
    }
    equal(await E(parts.at(-1)[499]).label(), '499', 'the last of them');
    check((await rowsOf()) >= count, 'rows while they are held');
  })();
  await untilCollected(async () => (await rowsOf()) < 100, 'the rows to go');
  const { imports, questions } = session.captp.getTableSizes();
  check(imports <= 4 && questions < 100, `the client keeps ${imports} imports and ${questions} questions`);
  await home.audit();
};
