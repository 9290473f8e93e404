// SPDX-License-Identifier: Apache-2.0
// pair - a link between the client's makeCapTP and npm's, through sockets of this process: for what no
// kernel does, such as naming slots it was never told of.
import { createServer, connect as connectSocket } from 'node:net';
import { client, npmCapTP } from './client.mjs';

const lines = (t, socket, hear) => {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', data => {
    text += data;
    const all = text.split('\n');
    text = all.pop();
    all.forEach(line => hear(JSON.parse(line)));
  });
  t.cleanups.push(() => socket.destroy());
};

/**
 * @param {object} t the test
 * @param {object} options of the client's end
 * @param {unknown} [theirs] the first object of npm's end
 * @param {unknown} [ours] of the client's
 */
export const makePair = async (t, options, theirs = undefined, ours = undefined) => {
  const makeNpm = await npmCapTP();
  const sent = [];
  const came = [];
  const server = createServer();
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  const farSocket = new Promise(done => server.once('connection', done));
  const nearSocket = connectSocket(server.address().port, '127.0.0.1');
  const other = await farSocket;
  server.close();
  const far = makeNpm('far', m => void other.write(`${JSON.stringify(m)}\n`), theirs, { onReject: () => {} });
  const near = client.makeCapTP('near', m => {
    sent.push(m);
    nearSocket.write(`${JSON.stringify(m)}\n`);
  }, ours, { onReject: () => {}, ...options });
  lines(t, other, m => far.dispatch(m));
  lines(t, nearSocket, m => {
    came.push(m);
    near.dispatch(m);
  });
  return { near, far, sent, came };
};
