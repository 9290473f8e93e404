// SPDX-License-Identifier: Apache-2.0
// All state is one sorted map of strings: exported as text and imported into another home, the system
// goes on there. What a vat stores lies under the prefix of that vat alone.
import { check, equal, readFileSync } from '../lib.mjs';
import { join } from 'node:path';
import { counter, keeper } from '../vats.mjs';

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ keeper, counter });
  const made = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'it', made);
  await home.send(vats.keeper.root, 'put', 'mark', 'a text to look for');
  await home.send(vats.keeper.root, 'call', 'it', 'increment');
  await home.settle();

  // From the running daemon and from the stopped store: the same text.
  const file = join(t.dir, 'export');
  const first = await home.keeve(['export', file]);
  equal(first.status, 0, `export of a running daemon (${first.stderr})`);
  await home.stop();
  const stopped = await home.keeve(['export']);
  equal(stopped.status, 0, `export of a stopped one (${stopped.stderr})`);
  const lines = stopped.stdout.trim().split('\n');
  const keys = lines.slice(1, -1).map(line => line.split('\t')[0]);
  check(keys.length > 10, `the export has only ${keys.length} rows`);
  const ascending = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  equal(keys, ascending, 'keys in order');

  // The keeper's data under the keeper's prefix and nowhere else.
  const marked = lines.filter(line => line.includes('a text to look for')).map(l => l.split('\t')[0]);
  check(marked.length > 0, 'the text is not in the export');
  const prefix = `${vats.keeper.vat}.`;
  for (const key of marked) {
    check(key.startsWith(prefix) || !/^v\d+\./.test(key), `the text lies under ${key}`);
  }
  check(marked.some(key => key.startsWith(prefix)), `the text is not under ${prefix}`);

  const copy = t.home();
  const imported = await copy.keeve(['import', file]);
  equal(imported.status, 0, `import (${imported.stderr})`);
  await copy.start();
  equal(await copy.send(vats.keeper.root, 'call', 'it', 'increment'), 2, 'the counter in the copy');
  equal(await copy.send(vats.keeper.root, 'get', 'mark'), 'a text to look for', 'the text in the copy');
  await copy.audit();

  // The first goes on from where it was, not from where the copy is.
  await home.start();
  equal(await home.send(vats.keeper.root, 'call', 'it', 'increment'), 2, 'the counter of the first');

  // A second import finds the home full; a changed text is refused and leaves nothing.
  await copy.stop();
  equal((await copy.keeve(['import', file])).status, 1, 'import into a full home');
  const third = t.home();
  const text = readFileSync(file, 'utf8');
  const changed = await third.keeve(['import', '-'], { input: text.replace('look for', 'lack for') });
  equal(changed.status, 1, 'import of a changed text');
  check(/changed or cut/.test(changed.stderr), `it says: ${changed.stderr}`);
  equal((await third.keeve(['import', file])).status, 0, 'import after a refused one');
};
