// SPDX-License-Identifier: Apache-2.0
// Three marshals that do not know each other: the same things work over CapTP, over JSON lines of the
// control protocol, and over an object in the host's own process.
import { connect as connectSocket } from 'node:net';
import { check, equal, join } from '../lib.mjs';
import { E, Far, client, hosted, rejected } from '../client.mjs';

const { kser, kunser, makePresenceManager } = client;

/** queueMessage by requests of the control protocol, one JSON object a line. */
const controlFacade = (t, home) => {
  const socket = connectSocket(join(home.dir, 'control.sock'));
  t.cleanups.push(() => socket.destroy());
  socket.setEncoding('utf8');
  const waiting = new Map();
  let text = '';
  socket.on('data', data => {
    text += data;
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) {
      const { id, result, error } = JSON.parse(line);
      waiting.get(id)(error ? Promise.reject(Error(error.message)) : result);
    }
  });
  let last = 0;
  return Far('control', {
    queueMessage: async (target, method, args) => {
      const id = (last += 1);
      const answer = new Promise(done => waiting.set(id, done));
      socket.write(`${JSON.stringify({ id, method: 'send', params: { target, methargs: kser([method, args]) } })}\n`);
      const { status, value } = await answer;
      if (status === 'rejected') {
        throw kunser(value);
      }
      return value;
    },
    dropKref: () => {},
  });
};

/** A kernel that is only an object. */
const localFacade = kref => {
  let n = 0;
  return Far('local', {
    queueMessage: (target, method, args) => {
      const [name, [first, second]] = kunser(kser([method, args]));
      const node = client.kslot('ko2001');
      switch (target === kref ? name : `node.${name}`) {
        case 'increment':
          return kser((n += 1));
        case 'getRelated':
          return kser({ child: node });
        case 'same':
          return kser(first);
        case 'are':
          return kser(client.krefOf(first) === client.krefOf(second));
        case 'fail':
          throw RangeError(first);
        case 'node.label':
          return kser('child');
        default:
          throw Error(`no ${name}`);
      }
    },
    dropKref: () => {},
  });
};

const suite = async (what, kernelFacade, kref) => {
  const manager = makePresenceManager({ kernelFacade });
  const root = manager.resolveKref(kref);
  const first = await E(root).increment();
  equal(await E(root).increment(), first + 1, `${what}: a call`);
  const { child } = await E(root).getRelated();
  check(manager.isKrefPresence(child), `${what}: no presence in the answer`);
  equal(await E(child).label(), 'child', `${what}: a nested call`);
  const [back, text, big] = await E(root).same([child, manager.krefOf(child), 12n]);
  check(back === child && text === manager.krefOf(child) && big === 12n, `${what}: values are others`);
  check(await E(root).are(child, child), `${what}: an argument is not itself`);
  const error = await rejected(E(root).fail('no'), `${what}: a failing call`);
  equal([error.constructor.name, error.message], ['RangeError', 'no'], `${what}: its error`);
};

export const test = async t => {
  const { home, kernel, kref } = await hosted(t);
  await suite('CapTP', kernel, kref);
  await suite('JSON', controlFacade(t, home), kref);
  await suite('in process', localFacade(kref), kref);
};
