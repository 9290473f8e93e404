// SPDX-License-Identifier: Apache-2.0
// makeBackgroundCapTP over messages that the host carries itself, with tables of the host's and without.
import { connect as connectSocket } from 'node:net';
import { check, equal } from '../lib.mjs';
import { E, client, errorCode, host, krefOf, rejected, socketOf } from '../client.mjs';

const { makeBackgroundCapTP, makeCapTPNotification, getCapTPMessage, isCapTPNotification } = client;

// Messages go as JSON-RPC notifications up to here, as between the parts of an extension.
const open = (t, home, options) => {
  const socket = connectSocket(socketOf(home));
  t.cleanups.push(() => socket.destroy());
  socket.setEncoding('utf8');
  const background = makeBackgroundCapTP({
    ...options,
    send: message => {
      const notification = makeCapTPNotification(message);
      check(isCapTPNotification(notification), 'a notification is none');
      socket.write(`${JSON.stringify(getCapTPMessage(notification))}\n`);
    },
  });
  let text = '';
  socket.on('data', data => {
    text += data;
    const lines = text.split('\n');
    text = lines.pop();
    lines.forEach(line => background.dispatch(JSON.parse(line)));
  });
  return background;
};

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ host });
  let asked = 0;
  const counting = kit => {
    asked += 1;
    return client.makeKrefImportExportTables(kit);
  };
  for (const options of [{}, { makeCapTPImportExportTables: counting }]) {
    const background = open(t, home, options);
    const kernel = await background.getKernel();
    const root = await E(kernel).resolveKref(vats.host.root);
    equal(krefOf(root), vats.host.root, 'the kref');
    const { child } = await E(root).getRelated();
    equal(await E(child).label(), 'child', 'a nested presence');
    const waiting = rejected(E(root).forever(), 'what waits at the end');
    background.abort();
    equal(errorCode(await waiting), 'CONNECTION_LOST', 'the end');
  }
  equal(asked, 1, 'how often tables were asked for');
};
