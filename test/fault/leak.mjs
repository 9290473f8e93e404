#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// leak - many messages of many kinds between two vats, vats that come and go, and restarts; then memory, store,
// tables and descriptors are what they were after a tenth of it.
//
// usage: leak.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT [MESSAGES]      FULL=1: a million messages
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

process.env.KEEVE = resolve(process.argv[2]);
process.env.KEEVE_VAT = resolve(process.argv[3]);
process.env.KEEVE_LIBEXEC = dirname(process.env.KEEVE_VAT);
const { check, commandOf, descriptorsOf, equal, runScript, readFileSync, sleep, until } =
  await import('../acceptance/lib.mjs');

const MESSAGES = Number(process.argv[4]) || (process.env.FULL === '1' ? 1_000_000 : 60_000);
const ROUNDS_PER_CALL = 50;
const RESTART_EACH = 5; // calls; odd, so that b is restarted after calls of either

// One round is a handful of messages each way. What it makes is dropped when it ends.
const worker = `
import { E, Far } from '@endo/far';
const { makeScalarBigMapStore, makeScalarBigSetStore, makeScalarBigWeakMapStore } = VatData;
const provide = (baggage, name, make) => {
  if (!baggage.has(name)) baggage.init(name, make());
  return baggage.get(name);
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const durable = { durable: true };
  const thingKind = provide(baggage, 'thing', () => VatData.makeKindHandle('thing'));
  const makeThing = VatData.defineDurableKind(thingKind, n => ({ n, note: 'thing '.repeat(5), held: null }), {
    n: ({ state }) => state.n,
    hold: ({ state }, it) => { state.held = it; },
    add: ({ state }, by) => (state.n += by),
  });
  const makeCursor = VatData.defineKind('cursor', n => ({ n }), { n: ({ state }) => state.n });
  const listenerKind = provide(baggage, 'listener', () => VatData.makeKindHandle('listener'));
  let heard = 0;
  const makeListener = VatData.defineDurableKind(listenerKind, () => ({}), {
    onFulfilled: () => { heard += 1; },
    onRejected: () => { heard += 1; },
  });
  const listener = provide(baggage, 'listens', () => makeListener());
  const things = provide(baggage, 'things', () => makeScalarBigMapStore('things', durable));
  const names = provide(baggage, 'names', () => makeScalarBigSetStore('names', durable));
  const about = provide(baggage, 'about', () => makeScalarBigWeakMapStore('about', durable));
  const kept = [];
  const keep = (slot, it) => (things.has(slot) ? things.set(slot, it) : things.init(slot, it));

  // What the other one asks for.
  const root = Far('root', {
    bootstrap: () => 'ready',
    echo: it => it,
    fail: why => { throw Error(why); },
    wait: async it => (await it) + 1,
    thing: n => makeThing(n),
    cursor: n => makeCursor(n),
    later: n => Promise.resolve().then(() => n),
    refuse: n => Promise.reject(RangeError('no ' + n)),
    callBack: it => E(it).hi(),
    take: (slot, it) => { keep(slot, it); about.has(it) || about.init(it, slot); },
    pair: () => {
      let settle;
      const promise = new Promise(done => { settle = done; });
      return { promise, settler: Far('settler', { settle: n => settle(n) }) };
    },
    keep: it => { kept[kept.length % 5] = it; },
    heard: () => heard,

    rounds: async (peer, from, count) => {
      for (let i = from; i < from + count; i += 1) await round(peer, i);
      return from + count;
    },
  });

  const round = async (peer, i) => {
    const expect = (found, wanted) => { if (found !== wanted) throw Error('found ' + found + ', not ' + wanted); };
    // Answers, errors, promises both ways.
    const [echo, why, later, no] = await Promise.all([
      E(peer).echo(i),
      E(peer).fail('bad ' + i).catch(e => e.message),
      E(peer).later(i),
      E(peer).refuse(i).catch(e => e.name),
    ]);
    expect(echo, i); expect(why, 'bad ' + i); expect(later, i); expect(no, 'RangeError');
    let settle;
    const waits = E(peer).wait(new Promise(done => { settle = done; }));
    settle(i);
    expect(await waits, i + 1);
    const { promise, settler } = await E(peer).pair();
    E.sendOnly(settler).settle(i);
    expect(await promise, i);
    // Presences of all kinds, called by the other one, kept by it for a while, and dropped.
    expect(await E(peer).callBack(Far('caller', { hi: () => 'hi ' + i })), 'hi ' + i);
    await E(peer).keep(Far('ephemeral', { n: () => i }));
    const cursor = makeCursor(i);
    expect(await E(peer).echo(cursor), cursor);
    // Durable objects, theirs and ours, in collections, with pipelining.
    const theirs = await E(peer).thing(i);
    things.has(i % 7) ? things.set(i % 7, theirs) : things.init(i % 7, theirs);
    const ours = makeThing(i);
    ours.hold(theirs);
    await E(peer).take(20 + i % 11, ours);
    expect(await E(E(peer).thing(i)).add(1), i + 1);
    expect(await E(E(peer).cursor(i)).n(), i);
    const name = 'name ' + i;
    names.add(name);
    names.delete(name);
    const scratch = makeScalarBigMapStore('scratch', durable);
    scratch.init('a', ours);
    const inner = makeScalarBigMapStore('inner');
    inner.init(ours, i);
    VatData.watchPromise(E(peer).later(i), listener);
  };
  return root;
};`;

const guest = `
import { Far } from '@endo/far';
export const buildRootObject = () => Far('root', { bootstrap: () => 'up', hi: () => 'hi' });`;

const status = pid => readFileSync(`/proc/${pid}/status`, 'latin1');
const residentKb = pid => Number(/VmRSS:\s+(\d+)/.exec(status(pid))[1]);
const isSanitized = pid => readFileSync(`/proc/${pid}/maps`, 'latin1').includes('/libasan.so');
/** 0 if a sanitizer is built in, which keeps what was freed. */
const kBOf = pid => (isSanitized(pid) ? 0 : residentKb(pid));
const bytesUnder = dir =>
  readdirSync(dir, { recursive: true }).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);

// "v1.vs.vom.o+d10/3" and the like by their first words, with numbers taken out.
const tableOf = key => key.replace(/^(v\d+\.s\.(?:vc|vom)?[^\d]*|v\d+\.[a-z]+|[a-z]+).*$/, '$1').replace(/\d+/g, 'N');

const tables = text => {
  const counts = {};
  for (const line of text.split('\n').slice(1)) {
    const key = line.split('\t')[0];
    if (line.includes('\t')) counts[tableOf(key)] = (counts[tableOf(key)] || 0) + 1;
  }
  return counts;
};

const collect = async (home, vats) => {
  for (let i = 0; i < 3; i += 1) {
    await home.rows('gc');
    await home.settle();
  }
};

const measure = async (home, vats) => {
  await collect(home, vats);
  const exported = await home.keeve(['export'], { timeout: 600_000 });
  check(exported.status === 0, exported.stderr);
  const stats = {};
  for (const row of await home.rows('stats')) {
    stats[row.vat] = row;
  }
  const of = async vat => {
    const pid = await home.workerOf(vat);
    return { kB: kBOf(pid), fds: descriptorsOf(pid).length };
  };
  await sleep(50); // the descriptors of commands that just ended
  return {
    deliveries: (await home.status()).cranks,
    daemon: { kB: kBOf(home.pid), fds: descriptorsOf(home.pid).length,
      threads: Number(/Threads:\s+(\d+)/.exec(status(home.pid))[1]) },
    zygote: { kB: kBOf(home.findZygote()) },
    a: await of(vats.a.vat),
    b: await of(vats.b.vat),
    store: { bytes: bytesUnder(join(home.dir, 'store')), text: exported.stdout.length },
    rows: tables(exported.stdout),
    stats,
    objects: (await home.rows('objects')).length,
    promises: (await home.rows('promises')).length,
    workers: home.workers().length,
  };
};

const grown = (early, late) => {
  const found = [];
  const no = (what, was, is, slack) => {
    if (is > was + slack) found.push(`${what}: ${was}, then ${is} (${slack} more would do)`);
  };
  for (const name of ['daemon', 'zygote', 'a', 'b']) {
    no(`kB of ${name}`, early[name].kB, late[name].kB, name === 'daemon' ? 8192 : 3072);
    if (early[name].fds) no(`descriptors of ${name}`, early[name].fds, late[name].fds, 0);
  }
  no('threads of the daemon', early.daemon.threads, late.daemon.threads, 0);
  no('workers', early.workers, late.workers, 0);
  no('bytes of the store as text', early.store.text, late.store.text, 16384);
  no('bytes of the files of the store', early.store.bytes, late.store.bytes, 4 << 20);
  for (const table of Object.keys(late.rows)) {
    no(`rows ${table}`, early.rows[table] || 0, late.rows[table], 8);
  }
  for (const table of ['objects', 'promises']) {
    no(table, early[table], late[table], 8);
  }
  return found;
};

const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ a: worker, b: worker });
  const roots = [vats.a.root, vats.b.root];
  let at = 0;
  let turn = 0;
  const churn = async () => {
    const { vats: { guest: { vat, root } }, subclusterId } = await home.launch({ guest });
    equal(await home.send(root, 'hi'), 'hi', 'the guest');
    await home.rows(...(turn % 2 ? ['terminate', vat] : ['terminate', subclusterId]));
  };
  let restarts = 0;
  const restartB = async () => {
    const { status, stderr } = await home.keeve(['restart-vat', vats.b.vat]);
    equal(status, 0, `restart-vat: ${stderr}`);
    restarts += 1;
  };
  const call = async () => {
    const [one, other] = turn % 2 ? roots : [...roots].reverse();
    at = await home.send(one, 'rounds', { kref: other }, at, ROUNDS_PER_CALL);
    turn += 1;
  };
  const sendUntil = async deliveries => {
    for (;;) {
      const { cranks } = await home.status();
      if (cranks >= deliveries && turn >= 2 * RESTART_EACH) break; /* everything had its turn */
      await call();
      if (turn % 10 === 0) await churn();
      if (turn % RESTART_EACH === 0) await restartB();
    }
    await call(); /* a heap that has just begun keeps nothing: each is called once more */
    await call();
  };
  await sendUntil(MESSAGES / 10);
  const early = await measure(home, vats);
  await sendUntil(MESSAGES);
  let late = await measure(home, vats);
  for (let i = 0; i < 5 && grown(early, late).length > 0; i += 1) {
    late = await measure(home, vats); // what was under way may have needed another collection
  }
  await home.audit();
  if (process.env.SHOW || grown(early, late).length > 0) {
    console.log(JSON.stringify({ early, late }, null, 1));
  }
  equal(grown(early, late), [], `what grew from ${early.deliveries} to ${late.deliveries} deliveries`);
  console.log(`${late.deliveries} deliveries, ${turn} calls, ${restarts} restarts; kB of the daemon ${early.daemon.kB}, then ${late.daemon.kB}; ` +
    `of the vats ${early.a.kB} and ${early.b.kB}, then ${late.a.kB} and ${late.b.kB}; ` +
    `bytes of the store ${early.store.bytes}, then ${late.store.bytes}`);
};

await runScript(test);
