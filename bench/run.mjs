// SPDX-License-Identifier: Apache-2.0
// run - measures an installed release build with its defaults. Prints a table of medians, and writes
// every single measurement as a line of JSON. Nothing here passes or fails.
// usage: bench/run [--passes N] [--peers] [--vats 1,20,1000]
//                  [--live 100000,1000000] [--only W1,W3] [--flavour F] [--out FILE]
//
//   W1  round trips from vat to vat: await E(b).ping(i), two processes
//   W2  calls from outside, by a C client: ping and a durable write, one after another and 64 in flight
//   hosts  W2 through the owner's door: keeve/client.h, the JavaScript client, npm's own with --peers
//   W3  10,000 messages sent in one crank over 10 vats, all awaited
//   W4  durable objects: made, incremented one for each delivery with 64 in flight, and in one delivery;
//       restart of the daemon and one of so many read
//   W5  a further vat of a known program until its root answers; memory of an idle vat
//   W6  start of the daemon until its first answer, with so many vats
//   W7  calls in pipelined chains ten deep
//   W8  10,000 objects given to another vat and dropped, until the kernel has none of them
//   peers  npm's @endo/captp Node to Node, SwingSet, Cap'n Proto if it is installed (with --peers)
//   commits  what the disk allows: SQLite, WAL, synchronous=FULL, in the same run
//
// Passes alternate: each runs everything once, ours and the peers'.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, send, start, stop } from './daemon.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..');
const flag = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : process.argv[at + 1];
};
const passes = Number(flag('passes', 3));
const withPeers = process.argv.includes('--peers');
const flavour = flag('flavour', 'process');
const vatCounts = flag('vats', '1,20').split(',').map(Number);
const liveCounts = flag('live', '100000,1000000').split(',').map(Number); // rising
const only = flag('only', '').split(',').filter(Boolean);
const build = path.join(root, 'build');
const out = path.resolve(flag('out', path.join(build, 'bench.jsonl')));
const wanted = name => only.length === 0 || only.includes(name);

// ---- set-up ----

const run = (command, args, options = {}) => {
  const r = spawnSync(command, args, { encoding: 'utf8', cwd: root, maxBuffer: 1 << 28, ...options });
  if (r.status !== 0) throw Error(`${command} ${args.join(' ')}: ${r.error || r.stdout + r.stderr}`);
  return r.stdout;
};

const install = () => {
  if (!fs.existsSync(path.join(build, 'build.ninja'))) run('meson', ['setup', build]);
  run('ninja', ['-C', build, 'all', 'bench/bench_client', 'bench/bench_host', 'bench/bench_commits']);
  const options = JSON.parse(run('meson', ['introspect', build, '--buildoptions']));
  const option = name => options.find(o => o.name === name).value;
  if (option('buildtype') !== 'release' || option('b_sanitize') !== 'none') {
    throw Error(`${build} is not a release build; bench/run measures nothing else`);
  }
  const stage = path.join(build, 'bench-stage');
  fs.rmSync(stage, { recursive: true, force: true });
  run('meson', ['install', '-C', build, '--no-rebuild'], { env: { ...process.env, DESTDIR: stage } });
  return path.join(stage, option('prefix'), option('bindir'), 'keeve');
};

const keeve = install();
const results = [];
fs.rmSync(out, { force: true });
fs.mkdirSync(path.dirname(out), { recursive: true });

const report = (pass, name, figures) => {
  const line = { pass, name, ...figures, load: Number(os.loadavg()[0].toFixed(2)) };
  results.push(line);
  fs.appendFileSync(out, `${JSON.stringify(line)}\n`);
  console.error(`pass ${pass}: ${name}: ${figures.rate ? `${Math.round(figures.rate)}/s` : `${figures.ms ?? figures.mb} ${figures.ms ? 'ms' : 'MB'}`}`);
};

const scratch = () => fs.mkdtempSync(path.join(process.env.BENCH_TMP || os.tmpdir(), 'keeve-bench-'));
const inScratch = async work => {
  const dir = scratch();
  try {
    return await work(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
};
const withDaemon = work =>
  inScratch(async home => {
    const daemon = await start({ keeve, home, flavour });
    try {
      return await work(daemon, home);
    } finally {
      await stop(daemon);
    }
  });

const config = name => JSON.parse(fs.readFileSync(path.join(here, 'vats', name)));
const vats = path.join(here, 'vats');
const syncs = async control => (await control.call('status')).store_syncs;
const median = list => {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// ---- what is measured ----

const measureCommits = pass =>
  inScratch(dir => {
    for (const rows of [1, 8]) {
      const text = run(path.join(build, 'bench/bench_commits'), [path.join(dir, `${rows}.sqlite`), '3000', String(rows)]);
      report(pass, `SQLite FULL commits, ${rows} rows each`, { ...JSON.parse(text), fdatasyncs_per_op: 1 });
    }
  });

const measureW1 = pass =>
  withDaemon(async ({ control }) => {
    const { rootKref } = await launch(control, config('two.json'), vats);
    await send(control, rootKref, 'run', 2000);
    const n = 20000;
    const before = await syncs(control);
    const begin = performance.now();
    await send(control, rootKref, 'run', n);
    const seconds = (performance.now() - begin) / 1000;
    const synced = (await syncs(control)) - before;
    report(pass, 'W1 round trips', { n, seconds, rate: n / seconds, fdatasyncs: synced, fdatasyncs_per_op: synced / n });
  });

const measureW2 = pass =>
  withDaemon(async ({ control, socket }) => {
    const { rootKref } = await launch(control, config('one.json'), vats);
    const client = path.join(build, 'bench/bench_client');
    run(client, [socket, rootKref, 'ping', '2000', '64']);
    for (const [method, inFlight, n] of [['ping', 1, 10000], ['ping', 64, 40000], ['bump', 1, 4000], ['bump', 64, 40000]]) {
      const before = await syncs(control);
      const figures = JSON.parse(run(client, [socket, rootKref, method, String(n), String(inFlight)]));
      const synced = (await syncs(control)) - before;
      report(pass, `W2 ${method}, ${inFlight === 1 ? 'sequential' : `${inFlight} in flight`}`, { ...figures, fdatasyncs: synced, fdatasyncs_per_op: synced / n });
    }
  });

const CALLS = [['ping', 1, 20000], ['ping', 64, 60000], ['bump', 1, 4000], ['bump', 64, 40000]];
const inWords = inFlight => (inFlight === 1 ? 'sequential' : `${inFlight} in flight`);

// What a script prints: a line of JSON for each measurement, with its name.
const reportLines = (pass, text) => {
  for (const line of text.split('\n').filter(l => l.startsWith('{"name"'))) {
    const { name, ...figures } = JSON.parse(line);
    report(pass, name, figures);
  }
};

// W2 again, through the owner's door: hosts in C and in JavaScript, and with peers npm's own client.
const measureHosts = pass =>
  withDaemon(async ({ control }, home) => {
    const { rootKref } = await launch(control, config('one.json'), vats);
    const door = path.join(home, 'captp.sock');
    const host = path.join(build, 'bench/bench_host');
    run(host, [door, rootKref, 'ping', '2000', '64']);
    for (const [method, inFlight, n] of CALLS) {
      const before = await syncs(control);
      const figures = JSON.parse(run(host, [door, rootKref, method, String(n), String(inFlight)]));
      const synced = (await syncs(control)) - before;
      report(pass, `W2 ${method}, keeve/client.h, ${inWords(inFlight)}`, { ...figures, fdatasyncs: synced, fdatasyncs_per_op: synced / n });
    }
    reportLines(pass, run(process.execPath, [path.join(here, 'host.mjs'), `unix:${door}`, rootKref]));
    if (withPeers) {
      const peers = path.join(here, 'peers');
      reportLines(pass, run(process.execPath, [path.join(peers, 'captp.mjs'), '--to', door, rootKref], { cwd: peers }));
    }
  });

// The client in C against npm's captp in a plain Node server.
const measureHostOfNode = pass =>
  inScratch(async dir => {
    const peers = path.join(here, 'peers');
    const door = path.join(dir, 'socket');
    const child = spawn(process.execPath, [path.join(peers, 'captp.mjs'), '--serve', door], { cwd: peers, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise(done => child.stdout.once('data', done));
      const host = path.join(build, 'bench/bench_host');
      run(host, [door, 'bootstrap', 'ping', '3000', '1']);
      for (const inFlight of [1, 64]) {
        const figures = JSON.parse(run(host, [door, 'bootstrap', 'ping', '20000', String(inFlight)]));
        report(pass, `@endo/captp W2 ping, keeve/client.h, ${inWords(inFlight)}`, figures);
      }
    } finally {
      child.kill();
    }
  });

const timed = async work => {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
};

const measureW3 = pass =>
  withDaemon(async ({ control }) => {
    const { rootKref } = await launch(control, config('fan.json'), vats);
    await send(control, rootKref, 'fanout', 1000);
    for (const n of [10000, 20000]) {
      const seconds = await timed(() => send(control, rootKref, 'fanout', n));
      report(pass, `W3 messages, ${n} in one crank`, { n, seconds, rate: n / seconds });
    }
  });

const measureW4 = pass =>
  inScratch(async home => {
    const n = 10000;
    let daemon = await start({ keeve, home, flavour });
    const { rootKref } = await launch(daemon.control, config('durable.json'), vats);
    const made = await timed(() => send(daemon.control, rootKref, 'create', 0, n));
    report(pass, 'W4 durable objects made', { n, seconds: made, rate: n / made });
    const client = path.join(build, 'bench/bench_client');
    const before = await syncs(daemon.control);
    const figures = JSON.parse(run(client, [daemon.socket, rootKref, 'inc', '20000', '64']));
    const synced = (await syncs(daemon.control)) - before;
    report(pass, 'W4 increments, 64 in flight', { ...figures, fdatasyncs: synced, fdatasyncs_per_op: synced / figures.n });
    const many = await timed(() => send(daemon.control, rootKref, 'incMany', 0, n));
    report(pass, 'W4 increments in one delivery', { n, seconds: many, rate: n / many });
    let there = n;
    for (const live of liveCounts) {
      for (; there < live; there += n) await send(daemon.control, rootKref, 'create', there, n);
      await stop(daemon);
      const times = [];
      for (let i = 0; i < 5; i += 1) {
        const seconds = await timed(async () => {
          daemon = await start({ keeve, home, flavour });
          await send(daemon.control, rootKref, 'read', Math.floor((live * (2 * i + 1)) / 10));
        });
        times.push(seconds * 1000);
        if (i < 4) await stop(daemon);
      }
      report(pass, `W4 restart and one of ${live} read`, { n: live, ms: median(times), ms_max: Math.max(...times) });
    }
    await stop(daemon);
  });

const measureW7 = pass =>
  withDaemon(async ({ control }) => {
    const { rootKref } = await launch(control, config('fan.json'), vats);
    await send(control, rootKref, 'chain', 100, 10);
    const n = 20000;
    const seconds = await timed(() => send(control, rootKref, 'chain', n / 10, 10));
    report(pass, 'W7 calls in chains ten deep', { n, seconds, rate: n / seconds });
  });

const measureW8 = pass =>
  withDaemon(async ({ control }) => {
    const { rootKref } = await launch(control, config('fan.json'), vats);
    await send(control, rootKref, 'fanout', 100);
    const objects = async () => (await control.call('objects')).length;
    const base = await objects();
    const n = 10000;
    const seconds = await timed(async () => {
      for (let i = 0; i < n; i += 500) await send(control, rootKref, 'give', 500);
      await send(control, rootKref, 'dropAll');
      await control.call('reap');
      for (let i = 0; (await objects()) > base; i += 1) {
        if (i === 2000) throw Error(`${await objects()} objects are left of ${base}`);
        if (i % 100 === 99) await control.call('reap');
        await new Promise(done => setTimeout(done, 5));
      }
    });
    report(pass, 'W8 objects given, dropped, gone', { n, ms: seconds * 1000 });
  });

// Proportional share of memory and what is the process's own, in MB.
const memoryOf = pid => {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = name => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)[1]);
  return { pss: kb('Pss') / 1024, own: (kb('Private_Dirty') + kb('Private_Clean')) / 1024 };
};
const childrenOf = pid => {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).trim().split('\n').map(Number);
  } catch {
    return [];
  }
};
const descendants = pid => childrenOf(pid).flatMap(p => [p, ...descendants(p)]);

const measureW5 = pass =>
  withDaemon(async ({ control, child }) => {
    const first = await launch(control, config('one.json'), vats);
    await send(control, first.rootKref, 'ping', 1);
    const before = new Set(descendants(child.pid));
    const times = [];
    const roots = [];
    for (let i = 0; i < 20; i += 1) {
      const begin = performance.now();
      const { rootKref } = await launch(control, config('one.json'), vats);
      await send(control, rootKref, 'ping', i);
      times.push(performance.now() - begin);
      roots.push(rootKref);
    }
    report(pass, 'W5 further vat until its root answers', { n: times.length, ms: median(times), ms_max: Math.max(...times) });
    for (let i = 0; i < 100; i += 1) await Promise.all(roots.map(r => send(control, r, 'ping', i)));
    await control.call('reap');
    await new Promise(done => setTimeout(done, 1000));
    const workers = descendants(child.pid).filter(p => !before.has(p)).map(memoryOf);
    report(pass, 'W5 idle vat, proportional share', { n: workers.length, mb: median(workers.map(m => m.pss)) });
    report(pass, 'W5 idle vat, its own pages', { n: workers.length, mb: median(workers.map(m => m.own)) });
  });

const measureW6 = async pass => {
  for (const count of vatCounts) {
    await inScratch(async home => {
      let rootKref;
      // A vat that was awake has a process: stop now and then, so that many vats need few at once.
      for (let made = 0; made < count; ) {
        const daemon = await start({ keeve, home, flavour });
        for (let i = 0; i < 100 && made < count; i += 1, made += 1) {
          ({ rootKref } = await launch(daemon.control, config('one.json'), vats));
        }
        for (let i = 0; i < 10; i += 1) await send(daemon.control, rootKref, 'ping', i);
        await stop(daemon);
      }
      const times = [];
      for (let i = 0; i < 5; i += 1) {
        const begin = performance.now();
        const daemon = await start({ keeve, home, flavour });
        await send(daemon.control, rootKref, 'ping', i);
        times.push(performance.now() - begin);
        await stop(daemon);
      }
      report(pass, `W6 start to first answer, ${count} vats`, { n: times.length, ms: median(times), ms_max: Math.max(...times) });
    });
  }
};

const measurePeers = pass => {
  const peers = path.join(here, 'peers');
  for (const [script, ...args] of [['captp.mjs'], ['swingset.mjs']]) {
    const text = run(process.execPath, [path.join(peers, script), ...args], { cwd: peers });
    reportLines(pass, text);
  }
  const ping = path.join(build, 'bench-capnp', 'ping');
  if (fs.existsSync(ping)) reportLines(pass, run(ping, [path.join(build, 'bench-capnp', 'socket')]));
};

// Cap'n Proto comes from the system's packages (capnproto, libcapnp-dev), if it is there.
const setUpCapnp = () => {
  const dir = path.join(build, 'bench-capnp');
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', 'capnp-rpc'], { encoding: 'utf8' });
  if (flags.status !== 0 || spawnSync('capnp', ['--version']).status !== 0) {
    console.error("Cap'n Proto is not installed: it is left out");
    return;
  }
  fs.mkdirSync(dir, { recursive: true });
  for (const name of ['ping.capnp', 'ping.c++']) fs.copyFileSync(path.join(here, 'peers', 'capnp', name), path.join(dir, name));
  run('capnp', ['compile', '-oc++', 'ping.capnp'], { cwd: dir });
  run('c++', ['-O2', '-std=c++17', '-o', 'ping', 'ping.c++', 'ping.capnp.c++', ...flags.stdout.trim().split(/\s+/)], { cwd: dir });
};

const setUpPeers = () => {
  const peers = path.join(here, 'peers');
  if (fs.existsSync(path.join(peers, 'node_modules', '.ready'))) return;
  console.error('setting up the peers (the first time only)');
  // Two of their packages compile native code in install scripts: those two are allowed to, by name.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peers });
  run('npm', ['rebuild', '--no-audit', 'better-sqlite3', '@agoric/xsnap'], {
    cwd: peers,
    env: { ...process.env, npm_config_build_from_source: 'true' },
  });
  fs.writeFileSync(path.join(peers, 'node_modules', '.ready'), '');
};

// ---- the table ----

const shown = x => (x >= 1000 ? Math.round(x).toLocaleString('en') : x >= 10 ? x.toFixed(1) : x.toFixed(2));

const table = () => {
  const rows = [['measurement', 'median', 'least', 'greatest', 'fdatasync per op', 'load']];
  for (const name of new Set(results.map(r => r.name))) {
    const of = results.filter(r => r.name === name);
    const value = r => r.rate ?? r.ms ?? r.mb;
    const unit = of[0].rate !== undefined ? '/s' : of[0].ms !== undefined ? ' ms' : ' MB';
    const synced = of.map(r => r.fdatasyncs_per_op).filter(x => x !== undefined);
    const values = of.map(value);
    rows.push([name, shown(median(values)) + unit, shown(Math.min(...values)), shown(Math.max(...values)),
      synced.length ? median(synced).toPrecision(2) : '', shown(median(of.map(r => r.load)))]);
  }
  const widths = rows[0].map((_, i) => Math.max(...rows.map(r => r[i].length)));
  return rows.map(r => r.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ').trimEnd()).join('\n');
};

const ratio = (a, b) => {
  const of = name => {
    const found = results.filter(r => r.name === name).map(r => r.rate);
    return found.length ? median(found) : null;
  };
  return of(a) && of(b) ? of(a) / of(b) : null;
};

const main = async () => {
  console.error(`${passes} passes on ${os.cpus().length} cores (${os.cpus()[0].model}), Linux ${os.release()}, load ${os.loadavg()[0].toFixed(2)}`);
  if (withPeers) {
    setUpPeers();
    setUpCapnp();
  }
  for (let pass = 1; pass <= passes; pass += 1) {
    if (wanted('commits')) await measureCommits(pass);
    if (wanted('W1')) await measureW1(pass);
    if (wanted('W2')) await measureW2(pass);
    if (wanted('hosts')) await measureHosts(pass);
    if (wanted('W3')) await measureW3(pass);
    if (wanted('W4')) await measureW4(pass);
    if (wanted('W5')) await measureW5(pass);
    if (wanted('W6')) await measureW6(pass);
    if (wanted('W7')) await measureW7(pass);
    if (wanted('W8')) await measureW8(pass);
    if (withPeers && wanted('peers')) {
      measurePeers(pass);
      await measureHostOfNode(pass);
    }
  }
  console.log(table());
  for (const [text, a, b] of [
    ['W1 against SwingSet with xsnap workers', 'W1 round trips', 'SwingSet W1 round trips'],
    ['W2 ping against @endo/captp, sequential', 'W2 ping, sequential', '@endo/captp W2 ping, sequential'],
    ['W2 ping against @endo/captp, 64 in flight', 'W2 ping, 64 in flight', '@endo/captp W2 ping, 64 in flight'],
    ['W2 ping with keeve/client.h against @endo/captp Node to Node, sequential', 'W2 ping, keeve/client.h, sequential', '@endo/captp W2 ping, sequential'],
    ['W2 ping with keeve/client.h against @endo/captp Node to Node, 64 in flight', 'W2 ping, keeve/client.h, 64 in flight', '@endo/captp W2 ping, 64 in flight'],
    ['W2 ping, unmodified @endo/captp to keeve against Node to Node, sequential', 'W2 ping, unmodified @endo/captp, sequential', '@endo/captp W2 ping, sequential'],
    ['W2 ping, unmodified @endo/captp to keeve against Node to Node, 64 in flight', 'W2 ping, unmodified @endo/captp, 64 in flight', '@endo/captp W2 ping, 64 in flight'],
    ["W2 ping with keeve/client.h against Cap'n Proto C++, sequential", 'W2 ping, keeve/client.h, sequential', "Cap'n Proto C++ W2 ping, sequential"],
    ["W2 ping with keeve/client.h against Cap'n Proto C++, 64 in flight", 'W2 ping, keeve/client.h, 64 in flight', "Cap'n Proto C++ W2 ping, 64 in flight"],
    ['W2 bump against the commit rate, sequential', 'W2 bump, sequential', 'SQLite FULL commits, 1 rows each'],
    ['W2 bump against the commit rate, 64 in flight', 'W2 bump, 64 in flight', 'SQLite FULL commits, 1 rows each'],
  ]) {
    const x = ratio(a, b);
    if (x) console.log(`${text}: ${x.toFixed(2)} times`);
  }
  console.log(`every measurement: ${path.relative(process.cwd(), out)}`);
};

await main();
