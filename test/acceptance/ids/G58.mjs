// SPDX-License-Identifier: Apache-2.0
// All or nothing. In each round a daemon with all its processes is killed at a system call drawn from a
// seed; in every second round what was not synced to disk is lost too. An oracle out here remembers what
// was acknowledged: afterwards each of these is in the ledger, nothing is there twice, nothing is there
// that was not sent, and every invariant of the kernel's tables holds.
//   ROUNDS=1000 SEED=7   how often and from which seed
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Failure, KEEVE, alive, buildPath, check, equal, sleep } from '../lib.mjs';

const ledger = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  for (const name of ['count', 'twice']) if (!baggage.has(name)) baggage.init(name, 0);
  return Far('root', {
    add: id => {
      const key = 'id' + id;
      if (baggage.has(key)) baggage.set('twice', baggage.get('twice') + 1);
      else baggage.init(key, true);
      baggage.set('count', baggage.get('count') + 1);
      return id;
    },
    has: ids => harden(ids.map(id => baggage.has('id' + id))),
    count: () => baggage.get('count'),
    twice: () => baggage.get('twice'),
  });
};`;
// The call goes on to another vat, so that a message between vats is at stake too.
const front = `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) =>
  Far('root', {
    bootstrap: vats => { baggage.init('ledger', vats.ledger); },
    add: id => E(baggage.get('ledger')).add(id),
  });`;

// In each round so many calls at once, so many times: most of its system calls belong to the work, not
// to the start.
const CALLS = 6;
const BURSTS = 6;

// Numbers from a seed, the same on every machine.
const randomOf = seed => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

// One connection; a call that gets no answer gives null.
const talk = path =>
  new Promise(done => {
    const waiting = new Map();
    const socket = connect(path);
    let text = '';
    let next = 1;
    const over = () => {
      for (const answer of waiting.values()) {
        answer(null);
      }
      waiting.clear();
      socket.destroy();
    };
    socket.on('error', () => { over(); done(null); });
    socket.on('close', over);
    socket.on('data', data => {
      text += data;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const message = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    });
    const call = (method, params) =>
      new Promise(answer => {
        if (socket.destroyed) {
          answer(null);
          return;
        }
        waiting.set(next, answer);
        socket.write(`${JSON.stringify({ id: next, method, params })}\n`);
        next += 1;
      });
    const send = async (target, method, ...args) => {
      const answer = await call('send', {
        target, methargs: { body: `#${JSON.stringify([method, args])}`, slots: [] } });
      return answer?.result?.status === 'fulfilled'
        ? { value: JSON.parse(answer.result.value.body.slice(1)) }
        : { failed: true };
    };
    socket.on('connect', () => done({ call, send, close: () => socket.destroy() }));
  });

const connectWhile = async (path, running) => {
  while (running()) {
    const client = await talk(path);
    if (client) {
      return client;
    }
    await sleep(5);
  }
  return null;
};

export const test = async t => {
  const rounds = Number(process.env.ROUNDS || (t.full ? 1000 : 40));
  const seed = Number(process.env.SEED || 1);
  const random = randomOf(seed);
  const home = await t.started();
  const { vats } = await home.launch({ front, ledger });
  await home.stop();
  const path = join(home.dir, 'control.sock');

  const sent = new Set();
  const acknowledged = new Set();
  const killed = {};
  let next = 1;
  let span = 2000; // about as many system calls as one round makes; corrected as rounds are seen

  // What the ledger says against what the oracle knows. Nothing is concluded from a broken connection.
  const verify = async client => {
    const ids = [...acknowledged];
    const has = await client.send(vats.ledger.root, 'has', ids);
    const count = await client.send(vats.ledger.root, 'count');
    const twice = await client.send(vats.ledger.root, 'twice');
    if (has.failed || count.failed || twice.failed) {
      return false;
    }
    const lost = ids.filter((_, i) => !has.value[i]);
    equal(lost, [], 'acknowledged and lost');
    equal(twice.value, 0, 'done twice');
    check(count.value <= sent.size, `${count.value} done, ${sent.size} sent`);
    check(count.value >= acknowledged.size, `${count.value} done, ${acknowledged.size} acknowledged`);
    const audit = await client.call('audit');
    if (audit?.result) {
      equal(audit.result.violations, [], 'what the audit found');
    }
    return true;
  };

  const add = async client => {
    const id = next++;
    sent.add(id);
    const { value } = await client.send(vats.front.root, 'add', id);
    if (value === id) {
      acknowledged.add(id);
    }
  };

  const round = async number => {
    const shadow = mkdtempSync(join(t.dir, 'shadow-'));
    const at = 1 + Math.floor(random() * span);
    const after = random() < 0.5;
    const lose = random() < 0.5;
    const child = spawn(buildPath('test/acceptance/kill-at'), [
      String(at), ...(after ? ['--after'] : []), ...(lose ? ['--lose', home.dir, shadow] : []),
      '--', KEEVE, '--home', home.dir, 'start', '--foreground',
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.cleanups.push(() => alive(child.pid) && child.kill('SIGKILL'));
    let said = '';
    let log = '';
    let running = true;
    child.stdout.on('data', data => (said += data));
    child.stderr.on('data', data => (log += data));
    const ended = new Promise(done => child.on('close', () => { running = false; done(); }));

    try {
      const client = await connectWhile(path, () => running);
      if (client) {
        await verify(client);
        for (let burst = 0; burst < BURSTS; burst += 1) {
          await Promise.all(Array.from({ length: CALLS }, () => add(client)));
        }
        // Still there: the call was not reached, or a worker was killed and the daemon went on.
        await client.call('stop');
        client.close();
      }
      await Promise.race([ended, sleep(30_000).then(() => {
        throw new Failure('the processes did not end');
      })]);
    } catch (error) {
      error.message += ` (SEED=${seed} round ${number}, kill at ${at}${after ? ' after' : ''}` +
        `${lose ? ' with loss' : ''}: ${said.trim()}; ${log.trim().slice(-300)})`;
      throw error;
    }
    const missed = /not reached (\d+)/.exec(said);
    if (missed) {
      span = Math.max(100, Math.floor((span + Number(missed[1])) / 2));
    }
    const name = /killed \d+ (\S+)/.exec(said)?.[1] ?? 'nobody';
    killed[name] = (killed[name] || 0) + 1;
  };

  for (let number = 1; number <= rounds; number += 1) {
    await round(number);
  }
  await home.start();
  const client = await talk(path);
  check(await verify(client), 'the ledger did not answer at the end');
  client.close();
  check((killed.nobody || 0) < rounds * 0.7, `too few kills: ${JSON.stringify(killed)}`);
  check(acknowledged.size > rounds, `only ${acknowledged.size} acknowledgements in ${rounds} rounds`);
  console.log(`${rounds} rounds, killed ${JSON.stringify(killed)}, sent ${sent.size}, ` +
    `acknowledged ${acknowledged.size}`);
};
