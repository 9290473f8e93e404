// SPDX-License-Identifier: Apache-2.0
// libkeeve - the installed library as a stranger uses it; see README.md.
// usage: node libkeeve.mjs BUILD_DIR SOURCE_DIR
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const [build, source] = process.argv.slice(2);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-install-'));
const PATIENCE_MS = 120_000;

const run = (command, args, options = {}) => {
  const r = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  assert.equal(r.status, 0, `${command} ${args.join(' ')}\n${r.error ?? ''}${r.stdout}${r.stderr}`);
  return r.stdout;
};

const find = (directory, name) => {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.name === name) return path.join(entry.parentPath ?? entry.path, name);
  }
  return assert.fail(`${name} is not installed`);
};

// What pkg-config says where the installation lies now.
class Installation {
  constructor(directory) {
    this.env = { ...process.env, PKG_CONFIG_PATH: path.dirname(find(directory, 'keeve.pc')) };
    this.libdir = this.variable('libdir');
    this.keeve = find(directory, 'keeve');
    this.env.LD_LIBRARY_PATH = this.libdir;
  }
  pkgConfig(...args) {
    return run('pkg-config', [...args, 'keeve'], { env: this.env }).trim().split(/\s+/).filter(Boolean);
  }
  variable(name) {
    return path.normalize(this.pkgConfig(`--variable=${name}`)[0]);
  }
}

const install = () => {
  const stage = path.join(scratch, 'stage');
  run('meson', ['install', '-C', build, '--no-rebuild', '--destdir', stage]);
  return stage;
};

const names = (file, ...flags) =>
  run('nm', ['-g', '--defined-only', ...flags, file]).split('\n')
    .map(line => line.match(/ [A-Z] (\S+)$/)?.[1]).filter(Boolean);

const onlyPublicNamesShow = at => {
  for (const [file, flags] of [['libkeeve.so', ['-D']], ['libkeeve.a', []]]) {
    const shown = names(path.join(at.libdir, file), ...flags);
    assert.ok(shown.includes('keeve_open') && shown.includes('keeve_make_string') && shown.includes('keeve_vat_send'), file);
    assert.deepEqual(shown.filter(name => !name.startsWith('keeve_')), [], file);
  }
  assert.match(run('readelf', ['-d', path.join(at.libdir, 'libkeeve.so')]), /SONAME.*\[libkeeve\.so\.\d+\]/);
};

const compile = (at, out, file, { compiler = 'cc', flags = [], libs } = {}) => {
  const binary = path.join(scratch, out);
  run(compiler, ['-Wall', '-Wextra', '-Werror', ...flags, '-o', binary, file,
    ...at.pkgConfig('--cflags'), ...(libs ?? at.pkgConfig('--libs'))], { env: at.env });
  return binary;
};

// A running example: lines in, lines out.
class Example {
  constructor(at, binary, world, ...args) {
    this.child = spawn(binary, [world, ...args], {
      env: at.env, cwd: path.join(source, 'examples'), stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.stderr = '';
    this.child.stderr.on('data', chunk => { this.stderr += chunk; });
    this.child.stdin.on('error', () => {});
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise(done => { this.child.on('close', (code, signal) => done({ code, signal })); });
    this.timer = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
  }
  send(...lines) {
    this.child.stdin.write(lines.map(line => `${line}\n`).join(''));
  }
  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, `the example ended: ${this.stderr}`);
    return value;
  }
  async count() {
    const line = await this.line();
    const n = Number(line.match(/^answer: (\d+)$/)?.[1]);
    assert.ok(n > 0, `${line}\n${this.stderr}`);
    return n;
  }
  async end() {
    this.child.stdin.end();
    const { code } = await this.ended;
    clearTimeout(this.timer);
    assert.equal(code, 0, this.stderr);
  }
  async kill() {
    this.child.kill('SIGKILL');
    assert.equal((await this.ended).signal, 'SIGKILL');
    clearTimeout(this.timer);
  }
}

const countsThroughAKill = async (at, binary) => {
  const world = path.join(scratch, 'world');
  let example = new Example(at, binary, world, 'embed_counter.js');
  assert.equal(await example.line(), 'answer: "ready"');
  example.send('one', 'two');
  assert.deepEqual([await example.count(), await example.count()], [1, 2]);
  await example.end();

  // Killed with messages under way: what was answered stays, and none is counted twice.
  example = new Example(at, binary, world, 'embed_counter.js');
  assert.equal(await example.line(), 'found counter');
  example.send(...Array.from({ length: 200 }, (_, i) => `line ${i}`));
  let last = 2;
  for (let i = 0; i < 5; i += 1) {
    const n = await example.count();
    assert.equal(n, last + 1);
    last = n;
  }
  await example.kill();

  example = new Example(at, binary, world, 'embed_counter.js');
  assert.equal(await example.line(), 'found counter');
  example.send('after');
  const after = await example.count();
  assert.ok(after > last && after <= 203, `${after} after ${last}`);
  await example.end();
  return { world, count: after };
};

// Objects of the daemon, its bootstrap, and one that is not there.
const callsOverCapTP = (at, client, door, root, count) => {
  const calls = (...lines) => spawnSync(client, [door], {
    input: lines.map(line => `${line}\n`).join(''), encoding: 'utf8', env: at.env, timeout: PATIENCE_MS,
  });
  const good = calls(`${root}.read`, 'getVatIds');
  assert.equal(good.status, 0, good.stdout + good.stderr);
  const answers = good.stdout.trim().split('\n').sort();
  assert.equal(answers.length, 2, good.stdout);
  assert.equal(answers[0], `answer: ${count}`);
  assert.match(answers[1], /^answer: \[.*"v\d/);
  const bad = calls('ko99999.read');
  assert.notEqual(bad.status, 0);
  assert.match(bad.stdout, /^rejected: .*ko99999/);
};

// A daemon works on the same directory; the ledger, a vat in C, is not there, the counter is.
const isADaemonsHome = (at, { world, count }, client) => {
  const keeve = (...args) => spawnSync(at.keeve, ['--home', world, ...args], { encoding: 'utf8', env: at.env });
  const started = keeve('start');
  assert.equal(started.status, 0, started.stderr);
  try {
    const vats = JSON.parse(`[${keeve('--json', 'vats').stdout.trim().split('\n').join(',')}]`);
    const root = vats.find(vat => vat.name === 'counter').root;
    const sent = keeve('send', root, 'read');
    assert.equal(sent.stdout.trim(), String(count), sent.stderr);
    callsOverCapTP(at, client, path.join(world, 'captp.sock'), root, count);
  } finally {
    keeve('stop');
  }
};

try {
  const stage = install();
  let at = new Installation(stage);
  onlyPublicNamesShow(at);
  const source_file = path.join(source, 'examples', 'embed.c');
  const shared = compile(at, 'embed', source_file);
  const ended = await countsThroughAKill(at, shared);
  const client = compile(at, 'client', path.join(source, 'examples', 'client.c'));
  isADaemonsHome(at, ended, client);

  // Linked statically: nothing of libkeeve is looked for at run time but the worker program.
  const libs = at.pkgConfig('--static', '--libs').map(flag => (flag === '-lkeeve' ? '-l:libkeeve.a' : flag));
  const fixed = compile(at, 'embed-static', source_file, { libs });
  assert.doesNotMatch(run('ldd', [fixed]), /libkeeve/);
  let example = new Example(at, fixed, path.join(scratch, 'world-static'));
  assert.equal(await example.line(), 'answer: "ready"');
  example.send('x');
  assert.equal(await example.count(), 1);
  await example.end();

  // From C++, in both dialects that matter.
  for (const dialect of ['-std=c++11', '-std=c++20']) {
    const cxx = compile(at, 'use', path.join(source, 'test', 'install', 'use.cc'), { compiler: 'c++', flags: [dialect] });
    const world = path.join(scratch, `world-${dialect.slice(5)}`);
    assert.equal(run(cxx, [world], { env: at.env }), '"bootstrap"\n');
  }

  // The prefix moves: library and worker program still find each other.
  const moved = path.join(scratch, 'elsewhere', 'deeper');
  fs.mkdirSync(path.dirname(moved));
  fs.renameSync(stage, moved);
  at = new Installation(moved);
  example = new Example(at, compile(at, 'embed', source_file), ended.world, 'embed_counter.js');
  assert.equal(await example.line(), 'found counter');
  example.send('moved');
  assert.equal(await example.count(), ended.count + 1);
  await example.end();
  console.log('libkeeve: good');
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
