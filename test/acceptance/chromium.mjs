// SPDX-License-Identifier: Apache-2.0
// chromium - a page in a browser without a window, driven over its own debugging protocol.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync } from 'node:fs';
import { Failure, ROOT, check, existsSync, join } from './lib.mjs';

const { WebSocket } = createRequire(join(ROOT, 'test/npm/package.json'))('ws');

/** The program, CHROMIUM or the one on the path; undefined where there is none, or CHROMIUM is empty. */
export const findChromium = () => {
  const { CHROMIUM, PATH = '' } = process.env;
  const places = CHROMIUM === undefined ? PATH.split(':').map(dir => join(dir, 'chromium')) : [CHROMIUM];
  return places.find(path => path && existsSync(path));
};

const START_MS = 120_000;

const endpointOf = child =>
  new Promise((done, fail) => {
    let text = '';
    const timer = setTimeout(() => fail(new Failure(`chromium did not start: ${text}`)), START_MS);
    child.stderr.on('data', data => {
      text += data;
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(text);
      if (found) {
        clearTimeout(timer);
        done(found[1]);
      }
    });
    child.on('close', () => fail(new Failure(`chromium ended: ${text}`)));
  });

/** A page at that address: { evaluate(expression) } gives the value of what it settles to. */
export const openPage = async (t, program, address) => {
  const child = spawn(
    program,
    ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
      '--disable-extensions', '--remote-debugging-port=0',
      `--user-data-dir=${mkdtempSync(join(t.dir, 'chromium-'))}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: t.dir } },
  );
  const ended = new Promise(done => child.on('close', done));
  t.cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const socket = new WebSocket(await endpointOf(child), { perMessageDeflate: false });
  await new Promise((done, fail) => {
    socket.once('open', done);
    socket.once('error', fail);
  });
  t.cleanups.push(() => socket.terminate());

  const waiting = new Map();
  let last = 0;
  socket.on('message', data => {
    const { id, result, error } = JSON.parse(data);
    waiting.get(id)?.(error ? Promise.reject(new Failure(error.message)) : result);
    waiting.delete(id);
  });
  const ask = (method, params, sessionId) =>
    new Promise(done => {
      last += 1;
      waiting.set(last, done);
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });

  const { targetId } = await ask('Target.createTarget', { url: address });
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
  const evaluate = async expression => {
    const { result, exceptionDetails } = await ask(
      'Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId,
    );
    check(
      !exceptionDetails,
      `in the page: ${exceptionDetails?.exception?.description ?? exceptionDetails?.text}`,
    );
    return result.value;
  };
  return { evaluate };
};
