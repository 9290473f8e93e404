// SPDX-License-Identifier: Apache-2.0
// suite - scenarios that a vat must live through alike, whatever it runs in.
//
// Each is played twice: item by item (keeve step), so that what happens has one order and can be compared
// whole, syscall by syscall; then at full speed, where only the answers are compared. At the end come the
// rows of the store.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { alive, check, equal, join, Rejection, until } from '../acceptance/lib.mjs';
import { scenarios, sources } from './scenarios.mjs';

// Liveness only.
const PATIENCE_MS = 120_000;

// One connection of the control protocol.
class Control {
  constructor(path) {
    this.socket = connect(path);
    this.waiting = new Map();
    this.last = 0;
    let text = '';
    this.socket.setEncoding('utf8');
    this.socket.on('data', data => {
      text += data;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) {
        const message = JSON.parse(line);
        this.waiting.get(message.id)?.(message);
        this.waiting.delete(message.id);
      }
    });
    this.socket.on('error', () => {});
  }

  ask(method, params = {}) {
    const id = (this.last += 1);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(Error(`${method}: no answer to ${JSON.stringify(params).slice(0, 200)}`)),
        PATIENCE_MS);
      this.waiting.set(id, message => {
        clearTimeout(timer);
        done(message);
      });
      this.socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  close() {
    this.socket.destroy();
  }
}

// What a scenario is given: calls whose answers are kept, in the order in which they were made.
class Play {
  constructor(home, flavour, control, vats) {
    Object.assign(this, { home, flavour, control, vats, answers: [], pending: [], events: [], stepping: false });
  }

  root(name) {
    return this.vats[name].root;
  }

  // args is the text of the arguments in smallcaps, as an array: '[1,"two"]'. slots are krefs.
  call(target, method, args = '[]', slots = []) {
    const at = this.answers.push(null) - 1;
    const body = `#[${JSON.stringify(method)},${args}]`;
    this.pending.push(
      this.control.ask('send', { target, methargs: { body, slots } }).then(({ result, error }) => {
        this.answers[at] = error ? { declined: error.message } : result;
      }),
    );
    return at;
  }

  // Until every call so far is answered and nothing is left to do.
  async settle() {
    if (this.stepping) {
      await this.stepAll();
    }
    await Promise.all(this.pending.splice(0));
    if (!this.stepping) {
      await this.quiet();
    }
  }

  // Until nothing is queued and no crank is under way.
  async quiet() {
    let times = 0;
    let last;
    await until(async () => {
      const { queued, cranks } = (await this.control.ask('status')).result;
      times = queued === 0 && cranks === last ? times + 1 : 0;
      last = cranks;
      return times >= 3;
    }, 'the queue to drain');
  }

  // The vat lets go of what it exports in its heap, although others hold it.
  async abandon(vat, root) {
    if (this.flavour === 'native') {
      this.call(root, 'disown');
      await this.settle();
      equal(this.answers.pop().status, 'fulfilled', 'disowning');
    } else {
      await this.order('restart-vat', { vat });
    }
  }

  async stepAll() {
    for (;;) {
      const { result, error } = await this.control.ask('step');
      if (error) {
        check(/nothing is queued/.test(error.message), `step: ${error.message}`);
        return;
      }
      this.events.push(...result.events);
    }
  }

  // An order of an operator, while the kernel runs: it may take housekeeping with it.
  async order(method, params) {
    const { error } = await this.control.ask(method, params);
    check(!error, `${method}: ${error?.message}`);
  }

  // Everything that garbage makes vats and kernel do. Housekeeping waits for a running kernel.
  async collect() {
    await this.order('run');
    for (let i = 0; i < 3; i += 1) {
      await this.order('reap', {});
      await this.quiet();
    }
    await this.order(this.stepping ? 'pause' : 'run');
  }

  last() {
    return this.answers.at(-1);
  }

  slot(answer, i = 0) {
    check(answer?.value?.slots?.[i], `an answer with a reference was expected, found ${JSON.stringify(answer)}`);
    return answer.value.slots[i];
  }
}

// What differs because it must: the flavour itself, where the code was, in what words a crank was ended.
const plain = text => text
  .replace(/(?:\/[\w.-]+)+\/cluster-\w+\//g, '')
  .replace(/ (shared|inline)(?=( raw)?$)/, '')
  .replace(/the crank passed its deadline of \d+ ms|ran out of computation \(limit \d+ steps\)/g, 'ran on');

const plainEvent = event => {
  const { why, ...rest } = event;
  return why === undefined ? rest : { ...rest, why: plain(why) };
};

const vatsOf = (scenario, flavour) => Object.fromEntries(Object.entries(scenario.vats).map(([name, program]) => [
  name,
  typeof program !== 'string' ? program
    : flavour === 'native' ? { bundleName: program, creationOptions: { flavour } }
      : { source: sources[program] },
]));

const playOne = async (home, flavour, control, scenario, stepping) => {
  const launched = await home.tryLaunch(vatsOf(scenario, flavour),
    { bootstrap: scenario.bootstrap ?? Object.keys(scenario.vats)[0] });
  if (scenario.refused) {
    check(launched.status !== 0, `${scenario.name}: was to be refused`);
    return { refused: plain(launched.stderr) };
  }
  check(launched.status === 0, `${scenario.name}: ${launched.stderr}`);
  const { subclusterId } = JSON.parse(launched.stdout);
  const status = (await control.ask('status')).result;
  const { vats } = status.subclusters.find(s => s.id === subclusterId);
  const play = new Play(home, flavour, control, vats);
  await play.quiet();
  play.stepping = stepping;
  if (stepping) {
    await play.order('pause');
  }
  await scenario.play(play);
  await play.settle();
  await play.order('run');
  await play.quiet();
  const { result: faults, error } = await control.ask('audit');
  check(!error && faults.violations.length === 0, `${scenario.name}: the audit found ${JSON.stringify(faults ?? error)}`);
  scenario.expect?.(play);
  return {
    answers: play.answers.map(a => JSON.parse(plain(JSON.stringify(a)))),
    ...(stepping && { events: play.events.map(plainEvent) }),
  };
};

const rowsOf = async home => {
  const { status, stdout, stderr } = await home.keeve(['export']);
  check(status === 0, `export: ${stderr}`);
  // The last line is a digest over all before it.
  return stdout.split('\n').filter(row => row && !row.startsWith('end ')).map(plain);
};

// A home whose daemon is host.c: it knows the vats in C, and has other limits if asked.
export const hosted = async (t, host, flavour, ...limits) => {
  const home = t.home();
  const child = spawn(host, [home.dir, process.env.KEEVE_LIBEXEC ?? '', flavour, ...limits.map(String)],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  home.pid = child.pid;
  t.cleanups.push(() => { child.kill('SIGKILL'); });
  for await (const line of createInterface({ input: child.stdout })) {
    equal(line, 'ready', 'what the host said');
    return home;
  }
  throw Error('the host ended');
};

// With the program host, cranks end soon that do not end by themselves; the deadline is far above.
const LIMITS = [60_000, 20_000_000];

// Plays all of it under one flavour; native needs the program host.
export const conform = async (t, flavour, { only = scenarios.map(s => s.name), host } = {}) => {
  const home = host ? await hosted(t, host, flavour, ...LIMITS) : await t.started('--flavour', flavour);
  const control = new Control(join(home.dir, 'control.sock'));
  t.cleanups.push(() => control.close());
  const transcript = { stepped: {}, free: {} };
  const played = scenarios.filter(s => only.includes(s.name) && (s.only ?? [flavour]).includes(flavour));
  for (const scenario of played.filter(s => !s.free)) {
    transcript.stepped[scenario.name] = await playOne(home, flavour, control, scenario, true);
  }
  transcript.rows = await rowsOf(home);
  for (const scenario of played.filter(s => !s.once)) {
    transcript.free[scenario.name] = await playOne(home, flavour, control, scenario, false);
  }
  const listed = await home.rows('vats');
  check(listed.length > 0 || only.length < 2, 'no vat is left');
  for (const row of listed) {
    equal(row.flavour, flavour, `the flavour of ${row.vat}`);
  }
  control.close();
  await home.stop();
  return transcript;
};

// Says where two transcripts part.
export const compare = (found, expected, flavour) => {
  for (const [name, one] of Object.entries(expected.stepped)) {
    const other = found.stepped[name];
    equal(other.refused, one.refused, `${flavour}, ${name}: the refusal`);
    (one.answers ?? []).forEach((answer, i) =>
      equal(other.answers[i], answer, `${flavour}, ${name}: answer ${i}`));
    (one.events ?? []).forEach((event, i) =>
      equal(other.events[i], event, `${flavour}, ${name}: event ${i}`));
    equal(other.events?.length, one.events?.length, `${flavour}, ${name}: events`);
  }
  expected.rows.forEach((row, i) => equal(found.rows[i], row, `${flavour}: row ${i} of the store`));
  equal(found.rows.length, expected.rows.length, `${flavour}: rows of the store`);
  for (const [name, one] of Object.entries(expected.free)) {
    (one.answers ?? []).forEach((answer, i) =>
      equal(found.free[name].answers[i].status, answer.status,
        `${flavour}, ${name} at full speed: answer ${i}`));
    equal(found.free[name].answers?.map(a => a.value?.body), one.answers?.map(a => a.value?.body),
      `${flavour}, ${name} at full speed: the bodies of answers`);
  }
};

// What vats in C do as those in JavaScript do, beside what is liveslots' own: numbers under which errors are
// logged, names of interfaces of what came from elsewhere, what methods an object has, steps, how it is said
// that a crank failed. Numbers of vats, references and cranks go on from scenario to scenario, so that they count from
// its beginning here.
const common = one => {
  const seen = new Map();
  const text = JSON.stringify(one)
    .replace(/,\\*"errorId\\*":\\*"error:[^"]*"/g, '')
    .replace(/(\$\d+)\.[^"\\]*/g, '$1')
    .replace(/, has \[.*?\]/g, '')
    .replace(/ran on|could not/g, 'failed')
    .replace(/"crank":\d+,|,"steps":\d+/g, '')
    .replace(/\b(k[op]|v)\d+\b/g, (name, kind) => {
      if (!seen.has(name)) {
        seen.set(name, `${kind}#${seen.size}`);
      }
      return seen.get(name);
    });
  return JSON.parse(text);
};

// The same for a transcript of vats in C: what they play, they play alike.
export const compareNative = (found, expected) => {
  for (const scenario of scenarios) {
    const { name } = scenario;
    if (found.stepped[name]) {
      const [one, other] = [expected.stepped[name], found.stepped[name]].map(common);
      check(one.refused !== undefined || one.answers.length > 0, `${name}: nothing is compared`);
      (one.answers ?? []).forEach((answer, i) =>
        equal(other.answers[i], answer, `native, ${name}: answer ${i}`));
      if (!scenario.apart && !scenario.refused) {
        one.events.forEach((event, i) => equal(other.events[i], event, `native, ${name}: event ${i}`));
        equal(other.events.length, one.events.length, `native, ${name}: events`);
      }
    }
    if (found.free[name]?.answers) {
      const [one, other] = [expected.free[name], found.free[name]].map(common);
      equal(other.answers.map(a => [a.status, a.value?.body]), one.answers.map(a => [a.status, a.value?.body]),
        `native, ${name} at full speed: answers`);
    }
  }
};

export { Control, Play, Rejection };
