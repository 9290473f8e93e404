// SPDX-License-Identifier: Apache-2.0
// suite - scenarios that a vat must live through alike, whatever it runs in.
//
// Each is played twice: item by item (keeve step), so that what happens has one order and can be compared
// whole, syscall by syscall; then at full speed, where only the answers are compared. At the end come the
// rows of the store.
import { connect } from 'node:net';
import { check, equal, join, Rejection } from '../acceptance/lib.mjs';
import { scenarios } from './scenarios.mjs';

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
    return new Promise(done => {
      this.waiting.set(id, done);
      this.socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  close() {
    this.socket.destroy();
  }
}

// What a scenario is given: calls whose answers are kept, in the order in which they were made.
class Play {
  constructor(home, control, vats) {
    Object.assign(this, { home, control, vats, answers: [], pending: [], events: [], stepping: false });
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
      await this.home.settle();
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
      await this.home.settle();
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
  .replace(/ (shared|inline)$/, '')
  .replace(/the crank passed its deadline of \d+ ms|ran out of computation \(limit \d+ steps\)/g, 'ran on');

const plainEvent = event => {
  const { why, ...rest } = event;
  return why === undefined ? rest : { ...rest, why: plain(why) };
};

const playOne = async (home, control, scenario, stepping) => {
  const launched = await home.tryLaunch(scenario.vats, { bootstrap: scenario.bootstrap });
  if (scenario.refused) {
    check(launched.status !== 0, `${scenario.name}: was to be refused`);
    return { refused: plain(launched.stderr) };
  }
  check(launched.status === 0, `${scenario.name}: ${launched.stderr}`);
  const { subclusterId } = JSON.parse(launched.stdout);
  const { vats } = (await home.status()).subclusters.find(s => s.id === subclusterId);
  const play = new Play(home, control, vats);
  play.subcluster = subclusterId;
  await home.settle();
  play.stepping = stepping;
  if (stepping) {
    await play.order('pause');
  }
  await scenario.play(play);
  await play.settle();
  await play.order('run');
  await home.settle();
  await home.audit();
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

// Plays all of it under one flavour.
export const conform = async (t, flavour, { only = scenarios.map(s => s.name) } = {}) => {
  const home = await t.started('--flavour', flavour);
  const control = new Control(join(home.dir, 'control.sock'));
  t.cleanups.push(() => control.close());
  const transcript = { stepped: {}, free: {} };
  for (const scenario of scenarios.filter(s => only.includes(s.name))) {
    transcript.stepped[scenario.name] = await playOne(home, control, scenario, true);
  }
  transcript.rows = await rowsOf(home);
  for (const scenario of scenarios.filter(s => only.includes(s.name) && !s.once)) {
    transcript.free[scenario.name] = await playOne(home, control, scenario, false);
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

export { Rejection };
