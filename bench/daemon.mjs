// SPDX-License-Identifier: Apache-2.0
// daemon - starts an installed keeve in a home of its own and talks to it over the control socket
// (docs/formats/control.md).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const sleep = ms => new Promise(done => setTimeout(done, ms));

// One connection; many requests may be under way.
export const dial = socketPath =>
  new Promise((good, bad) => {
    const socket = net.connect(socketPath);
    const waiting = new Map();
    let next = 1;
    let rest = '';
    const end = why => {
      for (const { reject } of waiting.values()) reject(why);
      waiting.clear();
    };
    socket.setEncoding('utf8');
    socket.on('data', data => {
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const answer = JSON.parse(line);
        const asked = waiting.get(answer.id);
        if (!asked || answer.event !== undefined) continue;
        waiting.delete(answer.id);
        if (answer.error) asked.reject(Error(`${answer.error.code}: ${answer.error.message}`));
        else asked.resolve(answer.result);
      }
    });
    socket.on('error', e => {
      bad(e);
      end(e);
    });
    socket.on('close', () => end(Error('the daemon hung up')));
    socket.on('connect', () =>
      good({
        call: (method, params = {}) =>
          new Promise((resolve, reject) => {
            const id = next;
            next += 1;
            waiting.set(id, { resolve, reject });
            socket.write(`${JSON.stringify({ id, method, params })}\n`);
          }),
        close: () => socket.destroy(),
      }),
    );
  });

// The value of a fulfilled send whose result is plain JSON.
export const send = async (control, target, method, ...args) => {
  const body = `#${JSON.stringify([method, args])}`;
  const { status, value } = await control.call('send', { target, methargs: { body, slots: [] } });
  if (status !== 'fulfilled') throw Error(`${target}.${method}: ${status} ${value.body}`);
  return { ...value, data: JSON.parse(value.body.slice(1)) };
};

// Starts the daemon in the foreground and gives { control, child, socket } once it answers.
export const start = async ({ keeve, home, flavour = 'process' }) => {
  const child = spawn(keeve, ['--home', home, 'start', '--foreground', '--flavour', flavour], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  let ended = false;
  child.stderr.on('data', data => (said += data));
  child.on('exit', () => (ended = true));
  child.on('error', e => {
    said += e;
    ended = true;
  });
  const socket = path.join(home, 'control.sock');
  for (let i = 0; i < 20000; i += 1) {
    if (ended) throw Error(`keeve start ended: ${said}`);
    if (fs.existsSync(socket)) {
      try {
        return { control: await dial(socket), child, socket, said: () => said };
      } catch {
        // The socket of an earlier daemon, or not listening yet.
      }
    }
    await sleep(1);
  }
  child.kill('SIGKILL');
  throw Error(`keeve start did not answer: ${said}`);
};

export const stop = async daemon => {
  const gone = new Promise(done => daemon.child.once('exit', done));
  await daemon.control.call('stop').catch(() => {});
  daemon.control.close();
  await gone;
};

export const launch = (control, config, directory) => control.call('launch', { config, directory });
