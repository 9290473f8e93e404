// SPDX-License-Identifier: Apache-2.0
// native - one program in JavaScript and in C, the same lines to both, equal answers; then one of each that
// talk to each other.
// usage: node native.mjs PLAYER KEEVE-VAT ACTOR.JS
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const [player, keeveVat, actor] = process.argv.slice(2).map(name => path.resolve(name));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-native-'));

class Player {
  constructor(world) {
    this.child = spawn(player, [world, keeveVat], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.timer = setTimeout(() => this.child.kill('SIGKILL'), 60_000);
  }
  tell(line) {
    this.child.stdin.write(`${line}\n`);
  }
  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'the player ended');
    return value;
  }
  async ask(line) {
    this.tell(line);
    return this.line();
  }
  async end() {
    this.child.stdin.end();
    const [code] = await new Promise(done => { this.child.on('close', (...args) => done(args)); });
    clearTimeout(this.timer);
    assert.equal(code, 0);
  }
}

const vat = flavour => (flavour === 'native'
  ? { bundleName: 'actor', creationOptions: { flavour } }
  : { sourceSpec: actor, creationOptions: { flavour } });

// References by the order in which they are first seen, errors without the number under which liveslots logs
// them; nothing else of an answer may differ.
const play = async (name, a, b) => {
  const world = path.join(scratch, name);
  const seen = new Map();
  const transcript = [];
  let host = new Player(world);
  const note = text => {
    transcript.push(text.replace(/k[op]\d+/g, kref => {
      if (!seen.has(kref)) seen.set(kref, `ref${seen.size}`);
      return seen.get(kref);
    }).replace(/,"id":"error:[^"]*"/g, ''));
    return text;
  };
  const ask = async (target, method, ...args) => note(await host.ask(`send ${target} ${method} ${JSON.stringify(args)}`));
  const ref = kref => ({ kref });
  const slot = answer => answer.match(/ko\d+/)[0];

  note(await host.ask(`launch ${JSON.stringify({ bootstrap: 'a', vats: { a: vat(a), b: vat(b) } })}`));
  const roots = async () => [await host.ask('root a'), await host.ask('root b')];
  const [ra, rb] = await roots();
  await ask(ra, 'echo', 1, 'two', [3.5, null, true], { four: { '@bigint': '4' } }, { '@undefined': true }, { '@number': 'NaN' });
  await ask(ra, 'echo', { '@symbol': '@@iterator' }, { '@tagged': 'set', payload: [1] }, '!#$%&-+', ref(rb), ref(rb));
  await ask(ra, 'fail', 'no');
  await ask(ra, 'same', ref(rb), ref(rb));
  await ask(ra, 'same', ref(rb), ref(ra));
  await ask(ra, 'call', ref(rb), 'echo', 1, ref(ra));
  await ask(rb, 'call', ref(ra), 'fail', 'there');
  host.tell(`send ${ra} promise []`);
  host.tell(`send ${ra} settle ["now"]`);
  for (const line of [await host.line(), await host.line()].sort()) note(line);
  const account = slot(await ask(ra, 'account'));
  const fleeting = slot(await ask(ra, 'fleeting'));
  await ask(account, 'add', 5);
  await ask(fleeting, 'ping');
  await ask(ra, 'set', 'k', { v: [1, 'x'] });
  await ask(rb, 'keep', ref(account));
  await ask(ra, 'heap');
  await ask(ra, 'heap');
  note(await host.ask('restart v1'));
  await ask(ra, 'heap');
  await ask(account, 'add', 1);
  await ask(fleeting, 'ping');
  await ask(rb, 'kept', 'add', 2);
  await host.end();

  host = new Player(world); // everything again from the disk
  assert.deepEqual(await roots(), [ra, rb]);
  await ask(ra, 'get', 'k');
  await ask(ra, 'get', 'nothing');
  await ask(rb, 'kept', 'read');
  await ask(ra, 'heap');
  await ask(rb, 'leave');
  await ask(rb, 'heap');
  await host.end();
  return transcript;
};

try {
  const expected = await play('process', 'process', 'process');
  assert.ok(expected.includes('fulfilled 8') && expected.includes('fulfilled {"v":[1,"x"]}'), expected.join('\n'));
  for (const [a, b] of [['native', 'native'], ['process', 'native'], ['native', 'process']]) {
    assert.deepEqual(await play(`${a}-${b}`, a, b), expected, `${a} and ${b}`);
  }
  console.log('native: good');
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
