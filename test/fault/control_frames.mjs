#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// control_frames - one fault in what the command and the daemon say to each other: at each request of a session
// and in every way a connection can end or a line be spoiled; then at each answer.
//
// The daemon goes on answering others, what it acknowledged is there once after a kill, what was never said whole
// did not happen, and no descriptor is left. The command ends with a status and, when it had no whole answer, a
// reason; it never ends by a signal and never waits for an answer that cannot come.
//
// usage: control_frames.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { chmodSync, mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';

process.env.KEEVE = resolve(process.argv[2]);
process.env.KEEVE_VAT = resolve(process.argv[3]);
process.env.KEEVE_LIBEXEC = dirname(process.env.KEEVE_VAT);
const { Home, check, descriptorsOf, equal, runScript, until, writeFileSync } = await import('../acceptance/lib.mjs');

const PATIENCE_MS = 60_000; // far above what is ever needed
const FULL = process.env.FULL === '1'; // every command meets every answer; else a third of them

const counter = `
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const heard = baggage.has('heard') ? baggage.get('heard') : VatData.makeScalarBigMapStore('heard', { durable: true });
  if (!baggage.has('heard')) baggage.init('heard', heard);
  return Far('root', {
    bootstrap: () => 'up',
    note(name) {
      heard.has(name) ? heard.set(name, heard.get(name) + 1) : heard.init(name, 1);
      return name;
    },
    heard: () => [...heard.entries()],
    long: () => 'long text '.repeat(20_000),
  });
};`;
const guest = `
import { Far } from '@endo/far';
export const buildRootObject = () => Far('root', { bootstrap: () => 'guest' });`;
const guestConfig = {
  bootstrap: 'guest',
  vats: { guest: { bundleSpec: `data:text/javascript;base64,${Buffer.from(guest).toString('base64')}` } },
};

// ---- A client of the protocol that can be cut off anywhere ----

class Client {
  constructor(path) {
    this.text = '';
    this.messages = [];
    this.ended = false;
    this.wake = () => {};
    this.socket = connect(path);
    this.socket.on('data', data => {
      const lines = (this.text + data).split('\n');
      this.text = lines.pop();
      this.messages.push(...lines.map(line => JSON.parse(line)));
      this.wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }
  write(bytes) {
    return new Promise(done => this.socket.write(bytes, done));
  }
  close() {
    this.socket.destroy();
  }
  // The answer to id; events of a stream are answers too.
  async answer(id, nth = 0) {
    const timer = setTimeout(() => this.socket.destroy(), PATIENCE_MS);
    for (;;) {
      const found = this.messages.filter(message => message.id === id)[nth];
      if (found) {
        clearTimeout(timer);
        return found;
      }
      check(!this.ended, `no answer to ${id}; there were ${JSON.stringify(this.messages).slice(0, 400)}`);
      await new Promise(done => (this.wake = done));
    }
  }
}

// ---- The daemon ----

const request = (id, method, params) => Buffer.from(`${JSON.stringify({ id, method, params })}\n`);
const body = (method, ...args) => ({ body: `#${JSON.stringify([method, args])}`, slots: [] });

// What is asked; each is made anew for each way of spoiling it.
const session = ({ vat, root }) => [
  () => ['status'],
  () => ['launch', { config: guestConfig, directory: '/' }],
  name => ['send', { target: root, methargs: body('note', name) }],
  () => ['send', { target: root, methargs: body('long') }],
  ...['vats', 'queue', 'objects', 'promises', 'subclusters', 'collect', 'audit', 'export', 'trace', 'reap', 'pause', 'step', 'run',
    'no-such-method'].map(method => () => [method]),
  () => ['logs', { follow: true }],
  () => ['clist', { vat }],
  () => ['stats', { vat }],
  () => ['who-holds', { kref: root }],
  () => ['describe', { reference: root }],
  () => ['pin', { kref: root }],
  () => ['unpin', { kref: root }],
  () => ['restart-vat', { vat }],
  () => ['terminate', { vat: 'v4711' }],
];

// Each gives how many times the request was said whole; as many times at most it happens.
const spoilings = {
  'cut in the middle': async (client, line) => {
    await client.write(line.subarray(0, line.length >> 1));
    return 0;
  },
  'cut before its end': async (client, line) => {
    await client.write(line.subarray(0, -1));
    return 0;
  },
  'cut before the answer': async (client, line) => {
    await client.write(line);
    return 1;
  },
  'cut in the middle of the answer': async (client, line) => {
    client.socket.pause();
    await client.write(line);
    client.socket.read(1);
    return 1;
  },
  'malformed, then said well': async (client, line) => {
    await client.write(Buffer.concat([Buffer.from('{"id":7,'), line.subarray(0, -2), Buffer.from(']\n')]));
    equal((await client.answer(null)).error.code, 'BAD', 'the answer to a malformed line');
    await client.write(line);
    await client.answer(1);
    return 1;
  },
  'with a byte that is no text': async (client, line) => {
    const spoilt = Buffer.from(line);
    spoilt[line.length >> 1] = 0xff;
    await client.write(spoilt);
    equal((await client.answer(null)).error.code, 'BAD', 'the answer to what is no text');
    return 0;
  },
  'said twice': async (client, line) => {
    await client.write(Buffer.concat([line, line]));
    await client.answer(1, 0);
    await client.answer(1, 1);
    return 2;
  },
};

const tooLong = async path => {
  const client = new Client(path);
  const spaces = Buffer.alloc(8 << 20, ' ');
  await client.write('{"id":1,"method":"status"');
  for (let i = 0; i < 9 && !client.ended; i += 1) {
    await client.write(spaces);
  }
  await until(() => client.ended, 'the connection to be closed');
  equal(client.messages.map(message => message.error.code), ['BAD'], 'the answer to a line that is too long');
};

const daemonBehind = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ counter });
  const path = join(home.dir, 'control.sock');
  const other = new Client(path);
  let asked = 0;
  const otherIsAnswered = async what => {
    asked += 1;
    await other.write(request(`other ${asked}`, 'status'));
    check((await other.answer(`other ${asked}`)).result.pid === home.pid, `${what}: another client got no status`);
  };
  await otherIsAnswered('before');
  const before = descriptorsOf(home.pid).filter(name => name.startsWith('socket:')).length;
  const most = new Map(); // note: how often it was said whole
  const least = new Map(); // how often it was acknowledged
  let launches = 1;
  let places = 0;
  for (const [how, spoil] of Object.entries(spoilings)) {
    for (const [index, make] of session(vats.counter).entries()) {
      const name = `${index} ${how}`;
      const [method, params] = make(name);
      const stream = method === 'trace' || (method === 'logs' && params.follow);
      if (stream && /said/.test(how)) continue; /* it has no end, and may have nothing to say */
      const client = new Client(path);
      const said = await spoil(client, request(1, method, params));
      launches += method === 'launch' ? said : 0;
      client.close();
      const good = client.messages.filter(message => message.id === 1 && message.result).length;
      most.set(name, said);
      least.set(name, method === 'send' ? good : 0);
      if (/pause|step/.test(method)) {
        await other.write(request('run', 'run'));
      }
      await otherIsAnswered(`${method} ${how}`);
      places += 1;
    }
  }
  await tooLong(path);
  await otherIsAnswered('a line that was too long');
  await home.settle();
  const sockets = () => descriptorsOf(home.pid).filter(name => name.startsWith('socket:')).length;
  const extra = home.workers().length - 1;
  await until(() => sockets() <= before + home.workers().length - 1, `descriptors to be closed: ${before} before, ${extra} guests`);
  const { subclusters } = await home.status();
  check(subclusters.length <= launches, `${subclusters.length} subclusters, at most ${launches} were asked for`);
  other.close();
  await home.restart();
  const heard = new Map(await home.send(vats.counter.root, 'heard'));
  for (const [name, times] of most) {
    const found = heard.get(name) || 0;
    if (name.startsWith('2 ')) {
      check(found >= least.get(name) && found <= times,
        `the note ${name} was acknowledged ${least.get(name)} times, said ${times} times and is there ${found} times`);
    }
  }
  check(heard.size >= 3, `only ${heard.size} notes arrived`);
  await home.audit();
  console.log(`${places} requests spoiled`);
  return { home, vats };
};

// ---- The command ----

const commands = ({ vat, root }, dir) => [
  ['status'], ['vats'], ['queue'], ['objects'], ['promises'], ['subclusters'], ['audit'], ['export'], ['stats'], ['stats', vat],
  ['gc'], ['run'], ['clist', vat], ['who-holds', root], ['describe', root], ['pin', root], ['unpin', root], ['restart', vat],
  ['logs'], ['logs', '--follow'], ['trace'], ['send', root, 'note', '"by command"'], ['send', root, 'long'],
  ['launch', join(dir, 'guest.json')], ['terminate', 'v4711'], ['stop'],
];

// What a daemon might say instead; ID stands for the id of the request. Those of the first list are no answer.
const noAnswers = {
  nothing: '',
  'half a line': '{"id":ID,"result":{"a":',
  text: 'HTTP/1.1 400 Bad Request\r\n\r\n',
  'no text': Buffer.from([0xff, 0xfe, 0, 10]),
  null: 'null\n',
  'an array': '[1]\n',
  'an answer to another': '{"id":4711,"result":{}}\n',
  'no id': '{"result":{}}\n',
  'nothing but an id': '{"id":ID}\n',
  'a number': '{"id":ID,"result":7}\n',
  deep: `${'['.repeat(100_000)}\n`,
  'an error that is none': '{"id":ID,"error":7}\n',
  'an error without words': '{"id":ID,"error":{"code":[],"message":{}}}\n',
};
const answers = {
  arrays: '{"id":ID,"result":[[[]],7,null]}\n',
  'an empty record': '{"id":ID,"result":{}}\n',
  'records of nothing': '{"id":ID,"result":[{},{"vat":7,"kref":[]},{"vat":"v1","next":{}}]}\n',
  'fields of other kinds': '{"id":ID,"result":{"state":7,"vats":[],"subclusters":[7,{"vats":[1]}],"cycles":7,"status":{},"value":7,' +
    '"body":{},"slots":7,"subclusterId":[],"rootKref":{},"bootstrapResult":{"body":7,"slots":[7]},"warnings":[7],"violations":[7],' +
    '"events":[7,{"event":7}],"rows":"x","pid":0,"kref":7}}\n',
  'events of other kinds': '{"id":ID,"event":7}\n{"id":ID,"event":{}}\n{"id":ID,"event":{"event":7,"body":{},"slots":"x","text":[]}}\n' +
    '{"id":ID,"event":null}\n{"id":ID,"event":["x"]}\n{"id":ID,"result":{}}\n',
  escapes: '{"id":ID,"result":{"state":"\\u001b[2J","home":"\\u0000x","status":"fulfilled","value":{"body":"#\\"\\u001b\\"","slots":[]}}}\n',
};

// A socket of a home where each connection is served by serve(connection).
const served = async (t, serve) => {
  const home = new Home(t, mkdtempSync(join(t.dir, 'served-')));
  const open = new Set();
  const server = createServer(connection => {
    open.add(connection);
    connection.on('error', () => {});
    connection.on('close', () => open.delete(connection));
    serve(connection);
  });
  await new Promise(done => server.listen(join(home.dir, 'control.sock'), done));
  chmodSync(join(home.dir, 'control.sock'), 0o600);
  home.end = () => {
    server.close();
    open.forEach(connection => connection.destroy());
  };
  t.cleanups.push(home.end);
  return home;
};

const firstLine = (connection, then) => {
  let text = '';
  connection.on('data', data => {
    const lines = (text + data).split('\n');
    text = lines.pop();
    lines.forEach(line => then(JSON.parse(line)));
  });
};

const commandEnds = async (home, args, what, mustFail) => {
  const result = await home.keeve(args);
  const shown = `keeve ${args.join(' ')}, ${what}: status ${result.status}, ${result.stdout.slice(0, 200)}${result.stderr.slice(0, 500)}`;
  check(typeof result.status === 'number', shown);
  check(!/Sanitizer|runtime error|assert/i.test(result.stderr), shown);
  check(!result.stdout.includes('\x1b'), shown);
  check(result.status === 0 || result.stderr.trim() !== '' || result.stdout.trim() !== '', `no reason: ${shown}`);
  if (mustFail) {
    check(result.status !== 0 && result.stderr.startsWith('keeve: '), `it should have failed: ${shown}`);
  }
};

// As many at a time as there is room for.
const inLanes = async (jobs, lanes) => {
  let at = 0;
  const lane = async () => {
    for (;;) {
      const job = jobs[at];
      if (!job) return;
      at += 1;
      await job();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
};

const commandBefore = async (t, { vats }, real) => {
  const dir = mkdtempSync(join(t.dir, 'configs-'));
  writeFileSync(join(dir, 'guest.json'), JSON.stringify(guestConfig));
  const all = commands(vats.counter, dir);
  const jobs = [];
  const with_ = async (serve, what, mustFail) => {
    const home = await served(t, serve);
    for (const args of all) {
      jobs.push(async () => (commandEnds(home, args, what, mustFail)));
    }
  };
  await with_(connection => connection.destroy(), 'cut at once', true);
  await with_(connection => firstLine(connection, () => connection.destroy()), 'cut before the answer', true);
  for (const [what, text] of [...Object.entries(noAnswers), ...Object.entries(answers)]) {
    const fails = noAnswers[what] !== undefined;
    const ends = ['nothing', 'half a line'].includes(what);
    await with_(
      connection =>
        firstLine(connection, ({ id }) => {
          connection.write(typeof text === 'string' ? text.replaceAll('ID', id) : text);
          if (ends) connection.end(); /* else the connection stays, and it is for the command to give up */
        }),
      what, fails);
  }
  // The daemon's own answers, cut.
  for (const [what, cut] of Object.entries({
    'cut after a byte': () => 1,
    'cut in the middle of the answer': size => size >> 1,
    'cut before the end of the answer': size => size - 1,
  })) {
    const home = await served(t, connection => {
      firstLine(connection, message => {
        const daemon = connect(join(real.dir, 'control.sock'));
        daemon.on('error', () => {});
        daemon.once('data', data => {
          connection.end(data.subarray(0, cut(data.length)));
          daemon.destroy();
        });
        daemon.write(`${JSON.stringify(message)}\n`);
      });
    });
    for (const args of all) {
      if (['stop', 'trace'].includes(args[0]) || args[1] === '--follow') continue; /* for others to end */
      jobs.push(async () => (commandEnds(home, args, what, true)));
    }
  }
  const chosen = jobs.filter((_, index) => FULL || index % 3 === 0);
  await inLanes(chosen, 6);
  await real.audit();
  console.log(`${chosen.length} of ${jobs.length} answers spoiled`);
};

await runScript(async t => {
  const { home, vats } = await daemonBehind(t);
  await commandBefore(t, { vats }, home);
});
