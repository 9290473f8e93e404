// SPDX-License-Identifier: Apache-2.0
// A host whose finalizers never run: killed, it leaves nothing behind; all counts return to what they were.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { check, equal, join, ROOT, until } from '../lib.mjs';
import { host, socketOf } from '../client.mjs';

const program = (module, socket, kref) => `
import { connect, E, Far } from ${JSON.stringify(module)};
const { kernel } = await connect(${JSON.stringify(socket)}, { gcImports: false });
const root = await E(kernel).resolveKref(${JSON.stringify(kref)});
const held = await E(root).makeMany(300);
const promises = await Promise.all(Array.from({ length: 20 }, (_, i) => E(root).promise('p' + i)));
const mine = Array.from({ length: 20 }, (_, i) => Far('mine', { i: () => i }));
await E(root).same(mine);
E(root).forever().catch(() => {});
console.log('holding');
setInterval(() => [held, promises, mine], 1000);
`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  const counts = async () => {
    await home.rows('gc');
    const [{ exports, imports }] = await home.rows('stats', vats.host.vat);
    return { exports, imports, peers: (await home.rows('sessions')).length };
  };
  const before = await counts();
  const file = join(t.dir, 'holder.mjs');
  writeFileSync(file, program(join(ROOT, 'js/client/src/index.js'), socketOf(home), vats.host.root));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.cleanups.push(() => child.kill('SIGKILL'));
  await new Promise((done, fail) => {
    child.stdout.on('data', data => String(data).includes('holding') && done());
    child.on('close', () => fail(Error('the host ended')));
  });
  const during = await counts();
  check(during.exports >= before.exports + 300, `exports while it holds: ${JSON.stringify(during)}`);
  equal(during.peers, before.peers + 1, 'peers while it holds');
  child.kill('SIGKILL');
  await until(async () => {
    const now = await counts();
    return now.exports === before.exports && now.imports <= before.imports && now.peers === before.peers;
  }, 'the counts of before');
  await home.audit();
};
