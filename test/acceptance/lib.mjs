// SPDX-License-Identifier: Apache-2.0
// lib - what a test of one requirement needs: a home with a daemon in it, the program keeve, vats
// written down as text, and the system's view of processes. It drives programs and sockets only.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync, rmSync, readFileSync, readdirSync, readlinkSync, existsSync,
  openSync, closeSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = resolve(ROOT, process.env.KEEVE_BUILD || 'build');
export const buildPath = name => join(BUILD, name);
export const KEEVE = process.env.KEEVE || join(BUILD, 'src/cli/keeve');
export const KEEVE_VAT = process.env.KEEVE_VAT || join(BUILD, 'src/vat/keeve-vat');

// Liveness only: nothing here measures speed, so the bound is far above what is ever needed.
const PATIENCE_MS = 60_000;

// What a send was rejected with.
export class Rejection extends Error {
  constructor(value, text) {
    super(text);
    this.value = value;
  }
}

export class Failure extends Error {}

export const sleep = ms => new Promise(done => setTimeout(done, ms));

export const check = (condition, text) => {
  if (!condition) {
    throw new Failure(text);
  }
};

const shown = value => {
  const text = JSON.stringify(value);
  return text === undefined ? String(value) : text.length > 400 ? `${text.slice(0, 400)}...` : text;
};

// Members of records in one order, so that equal values have equal text.
const canonical = value =>
  Array.isArray(value)
    ? value.map(canonical)
    : value && typeof value === 'object'
      ? Object.fromEntries(Object.keys(value).sort().map(k => [k, canonical(value[k])]))
      : value;

export const equal = (found, expected, text) =>
  check(
    JSON.stringify(canonical(found)) === JSON.stringify(canonical(expected)),
    `${text}: expected ${shown(expected)}, found ${shown(found)}`,
  );

// Asks again until ask() gives something true; a bound on waiting, not a measurement.
export const until = async (ask, text, patience = PATIENCE_MS) => {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    check(Date.now() < end, `waited ${patience} ms in vain for ${text}`);
    await sleep(10);
  }
};

export const alive = pid => {
  try {
    // A zombie has ended; it only waits for its parent to notice.
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

export const kill9 = async pid => {
  process.kill(pid, 'SIGKILL');
  await until(() => !alive(pid), `process ${pid} to end`);
};

// In listings and events slots are text with commas between.
export const slotsOf = ({ slots }) => (slots && slots !== '-' ? slots.split(',') : []);

const childrenOf = pid =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return rest[1] === String(pid) && rest[0] !== 'Z';
      } catch {
        return false;
      }
    })
    .map(Number);

export const commandOf = pid => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').filter(Boolean);
  } catch {
    return [];
  }
};

// Clock ticks of processor time the process has had.
export const ticksOf = pid => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

export const ioOf = pid =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/io`, 'latin1').trim().split('\n')
      .map(line => line.split(': ')).map(([name, n]) => [name, Number(n)]),
  );

export const descriptorsOf = pid =>
  readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });

// A listener for a stream of the control protocol, on a connection of its own.
class Stream {
  constructor(socketPath, method, params) {
    this.events = [];
    this.error = null;
    this.socket = connect(socketPath);
    let text = '';
    this.socket.on('data', data => {
      text += data;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) {
        const message = JSON.parse(line);
        if (message.event !== undefined) {
          this.events.push(message.event);
        } else if (message.error) {
          this.error = message.error;
        }
      }
    });
    this.socket.on('error', () => {});
    this.socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
  }
  close() {
    this.socket.destroy();
  }
}

// The directory of one daemon.
export class Home {
  constructor(t, dir) {
    this.t = t;
    this.dir = dir;
    this.startOptions = [];
  }

  // Runs keeve and waits: { status, stdout, stderr }.
  keeve(args, { input, env, timeout = PATIENCE_MS } = {}) {
    return new Promise((done, fail) => {
      const child = spawn(KEEVE, ['--home', this.dir, ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, ...env },
      });
      const out = [];
      const err = [];
      const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
      child.stdout.on('data', data => out.push(data));
      child.stderr.on('data', data => err.push(data));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      child.on('error', fail);
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        done({
          status: status ?? `signal ${signal}`,
          stdout: Buffer.concat(out).toString(),
          stderr: Buffer.concat(err).toString(),
        });
      });
    });
  }

  // Lines of JSON that a command which must succeed prints.
  async rows(...args) {
    const { status, stdout, stderr } = await this.keeve([...args, '--json']);
    check(status === 0, `keeve ${args.join(' ')} gave status ${status}: ${stderr}`);
    return stdout.split('\n').filter(Boolean).map(line => JSON.parse(line));
  }

  async start(...options) {
    const all = [...this.startOptions, ...options];
    // The daemon must not hold our pipes, so its output goes to files.
    const { status, stderr } = await this.keeve(['start', ...all]);
    check(status === 0, `keeve start gave status ${status}: ${stderr}`);
    this.pid = (await this.status()).pid;
    return this;
  }

  async status() {
    return (await this.rows('status'))[0];
  }

  async stop() {
    const { status, stderr } = await this.keeve(['stop']);
    check(status === 0, `keeve stop gave status ${status}: ${stderr}`);
    await until(() => !alive(this.pid), 'the daemon to end');
  }

  // The worst end: no chance to say goodbye.
  async killDaemon() {
    const workers = this.workers();
    await kill9(this.pid);
    await until(() => !workers.some(alive), 'the workers to end with the daemon');
  }

  async restart(...options) {
    await this.killDaemon();
    await this.start(...options);
  }

  // Processes of vats, not the zygote.
  workers() {
    return childrenOf(this.pid).filter(pid => !this.isZygote(pid));
  }

  isZygote(pid) {
    return this.zygoteCache === pid || this.findZygote() === pid;
  }

  // Workers carry the zygote's command line; the zygote is the one the daemon made first.
  findZygote() {
    const candidates = childrenOf(this.pid).filter(pid => commandOf(pid).includes('--zygote'));
    this.zygoteCache = Math.min(...candidates);
    return this.zygoteCache;
  }

  async workerOf(vat) {
    const row = (await this.rows('vats')).find(r => r.vat === vat);
    check(row, `no vat ${vat} in the list`);
    check(row.pid > 0, `vat ${vat} has no process: ${shown(row)}`);
    return row.pid;
  }

  // Writes the vats down as files with a configuration, and launches it. vats: name to source text,
  // or to { source, parameters, globals }, or to what has no source, such as { bundleName }.
  async launch(vats, { bootstrap = Object.keys(vats)[0], ...rest } = {}) {
    const result = await this.tryLaunch(vats, { bootstrap, ...rest });
    check(result.status === 0, `keeve launch gave status ${result.status}: ${result.stderr}`);
    const launched = JSON.parse(result.stdout);
    const known = (await this.status()).subclusters.find(s => s.id === launched.subclusterId);
    check(known, `status does not show ${launched.subclusterId}`);
    return { ...launched, result: launched.bootstrapResult, root: launched.rootKref, vats: known.vats };
  }

  async tryLaunch(vats, { bootstrap = Object.keys(vats)[0], ...rest } = {}) {
    const dir = mkdtempSync(join(this.t.dir, 'cluster-'));
    const config = { bootstrap, vats: {}, ...rest };
    for (const [name, of] of Object.entries(vats)) {
      const { source, ...more } = typeof of === 'string' ? { source: of } : of;
      if (source !== undefined) {
        writeFileSync(join(dir, `${name}.js`), source);
      }
      config.vats[name] = { ...(source !== undefined && { bundleSpec: `${name}.js` }), ...more };
    }
    writeFileSync(join(dir, 'cluster.json'), JSON.stringify(config));
    return this.keeve(['launch', join(dir, 'cluster.json'), '--json']);
  }

  // The result of a call; throws Rejection. Arguments are values of the JSON conventions.
  async send(kref, method, ...args) {
    const { status, stdout, stderr } = await this.keeve([
      'send', '--json', kref, method, '--', ...args.map(arg => JSON.stringify(arg)),
    ]);
    if (status === 0) {
      return JSON.parse(stdout);
    }
    check(stdout.trim() !== '', `keeve send ${kref} ${method} gave status ${status}: ${stderr}`);
    throw new Rejection(JSON.parse(stdout), stdout.trim());
  }

  // A call that goes on while the test does other things; its outcome is taken, never thrown.
  sendLater(kref, method, ...args) {
    const outcome = { settled: false };
    outcome.done = this.send(kref, method, ...args).then(
      value => Object.assign(outcome, { settled: true, value }),
      error => Object.assign(outcome, { settled: true, error }),
    );
    return outcome;
  }

  async rejection(kref, method, ...args) {
    let value;
    try {
      value = await this.send(kref, method, ...args);
    } catch (error) {
      if (error instanceof Rejection) {
        return error.value;
      }
      throw error;
    }
    throw new Failure(`${kref}.${method} was to be rejected, it gave ${shown(value)}`);
  }

  async trace() {
    const stream = this.stream('trace');
    // The daemon reads requests in order, so once a later one is answered, tracing is on.
    await this.status();
    await sleep(20);
    return stream;
  }

  stream(method, params) {
    const stream = new Stream(join(this.dir, 'control.sock'), method, params);
    this.t.cleanups.push(() => stream.close());
    return stream;
  }

  // Every invariant of the kernel's tables.
  async audit() {
    const { status, stdout, stderr } = await this.keeve(['audit', '--json']);
    check(status === 0, `the audit found: ${stdout}${stderr}`);
  }

  // Waits until nothing is queued and no crank is under way.
  async settle() {
    let quiet = 0;
    await until(async () => {
      const { queued, cranks } = await this.status();
      quiet = queued === 0 && cranks === this.lastCranks ? quiet + 1 : 0;
      this.lastCranks = cranks;
      return quiet >= 3;
    }, 'the queue to drain');
  }
}

export const makeTest = () => {
  const dir = mkdtempSync(join(tmpdir(), 'keeve-acceptance-'));
  const t = {
    dir,
    cleanups: [],
    homes: [],
    full: process.env.FULL === '1',
    // A home that has no daemon yet.
    home: () => {
      const home = new Home(t, mkdtempSync(join(dir, 'home-')));
      t.homes.push(home);
      return home;
    },
    started: (...options) => t.home().start(...options),
    // Gives what a sanitizer reported of programs it was built into, "" if nothing.
    end: async () => {
      let reports = '';
      for (const cleanup of t.cleanups.reverse()) {
        await cleanup();
      }
      for (const home of t.homes) {
        if (home.pid && alive(home.pid) && commandOf(home.pid).some(word => word.includes('keeve'))) {
          process.kill(home.pid, 'SIGKILL');
        }
        const log = join(home.dir, 'daemon.log');
        const said = existsSync(log) ? readFileSync(log, 'utf8') : '';
        reports += /Sanitizer|runtime error: /.test(said) ? said.slice(-8000) : '';
      }
      rmSync(dir, { recursive: true, force: true });
      return reports;
    },
  };
  return t;
};

export const run = (program, args, options = {}) =>
  spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 30, timeout: PATIENCE_MS, ...options });

export { existsSync, join, readFileSync, writeFileSync, openSync, closeSync };

// A test that is a program of its own: what failed, or what a sanitizer reported, is printed, and the status
// is 1 then.
export const runScript = async test => {
  const t = makeTest();
  try {
    await test(t);
  } catch (error) {
    console.log(error.stack);
    process.exitCode = 1;
  }
  const reports = await t.end();
  if (reports) {
    console.log(reports);
    process.exitCode = 1;
  }
};
