// SPDX-License-Identifier: Apache-2.0
// One machine, one directory, no service: the daemon and its processes hold no network socket, and
// what they have open for writing lies in the home.
import { readFileSync, realpathSync, readdirSync } from 'node:fs';
import { check, descriptorsOf, equal } from '../lib.mjs';
import { counter } from '../vats.mjs';

const networkInodes = () =>
  ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap(name => {
    try {
      return readFileSync(`/proc/net/${name}`, 'latin1').trim().split('\n').slice(1)
        .map(line => line.trim().split(/\s+/)[9]);
    } catch {
      return [];
    }
  });

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ counter });
  await home.send(root, 'increment');
  const processes = [home.pid, home.findZygote(), ...home.workers()];
  const inodes = new Set(networkInodes());
  const directory = realpathSync(home.dir);
  for (const pid of processes) {
    for (const target of descriptorsOf(pid)) {
      const socket = /^socket:\[(\d+)\]$/.exec(target);
      check(!socket || !inodes.has(socket[1]), `process ${pid} has a network socket`);
      const file = target.startsWith('/') && !target.startsWith('/dev/') &&
        !target.startsWith('/memfd:') && !target.startsWith('/proc/');
      check(!file || target.startsWith(directory) || /keeve-vat|\.image$/.test(target),
        `process ${pid} has a file outside of the home open: ${target}`);
    }
  }
  check(readdirSync(directory).length > 0, 'the home is empty');

  // The directory is all there is: moved away with the daemon stopped, it goes on elsewhere.
  await home.stop();
  const { renameSync } = await import('node:fs');
  renameSync(directory, `${directory}-moved`);
  home.dir = `${directory}-moved`;
  await home.start();
  equal(await home.send(root, 'increment'), 2, 'the counter of a moved directory');
};
