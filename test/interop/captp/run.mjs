// SPDX-License-Identifier: Apache-2.0
// run - every check at every door.
// usage: run.mjs reference|keeve [part of a check's name]
import { readdirSync } from 'node:fs';
import { openPeer, openRaw, Failure, within } from './sessions.mjs';
import { E } from './npm.mjs';
import { dial } from './carriers.mjs';

const [what, only = ''] = process.argv.slice(2);
const CHECK_MS_MAX = 90_000;

const load = async () => {
  const all = [];
  for (const file of readdirSync(new URL('./checks', import.meta.url)).sort()) {
    const { checks } = await import(`./checks/${file}`);
    for (const [name, check] of Object.entries(checks)) {
      const { run = check, level = 'base', once = false } = check;
      all.push({ name: `${file.replace('.mjs', '')}: ${name}`, run, level, once });
    }
  }
  return all.filter(({ name }) => name.includes(only));
};

let names = 0;

// One session at each door, which lasts.
const neighbours = new Map();
const neighbourAt = async door => {
  if (!neighbours.has(door)) {
    const peer = openPeer(await dial(door.url, door.framing));
    peer.first = await within(peer.getBootstrap(), 'the bootstrap object');
    peer.root = door.rootOf ? await door.rootOf(peer.first) : peer.first;
    neighbours.set(door, peer);
  }
  return neighbours.get(door);
};

// What a check is given: sessions at one door, ended with the check.
const makeContext = (server, door) => {
  const carriers = [];
  const c = {
    server,
    door,
    name: () => `name ${(names += 1)}`,
    dial: async options => {
      const carrier = await dial(door.url, door.framing, options);
      carriers.push(carrier);
      return carrier;
    },
    peer: async (bootstrap, options) => {
      const peer = openPeer(await c.dial(), bootstrap, options);
      peer.first = await within(peer.getBootstrap(), 'the bootstrap object');
      peer.root = door.rootOf ? await door.rootOf(peer.first) : peer.first;
      return peer;
    },
    raw: async () => {
      const raw = openRaw(await c.dial());
      raw.first = await raw.bootstrap();
      raw.root = door.rootSlot || raw.first;
      return raw;
    },
    // A session that has nothing to do with what goes on answers.
    neighbour: async () => {
      const { root } = await neighbourAt(door);
      const answer = await within(E(root).echo('here'), 'another session to answer');
      if (answer !== 'here') throw new Failure(`another session answered ${answer}`);
    },
    end: () => carriers.forEach(carrier => carrier.cut()),
  };
  return c;
};

const fits = ({ level }, server) => server.name === 'keeve' || level === 'base';

const main = async () => {
  const { start } = await import(`./${what}.mjs`);
  const server = await start();
  let [passed, failed] = [0, 0];
  const once = new Set();
  try {
    for (const door of server.doors) {
      for (const check of (await load()).filter(it => fits(it, server))) {
        if (check.once && once.has(check.name)) continue;
        once.add(check.name);
        const c = makeContext(server, door);
        const begun = Date.now();
        try {
          await within(check.run(c), 'the check to end', CHECK_MS_MAX);
          passed += 1;
        } catch (error) {
          failed += 1;
          console.log(`FAILED ${door.door} ${door.framing} ${door.role}: ${check.name}`);
          console.log(`    ${error instanceof Failure ? error.message : error.stack || error}`);
        }
        c.end();
        if (process.env.SHOW_MS) console.log(Date.now() - begun, check.name);
      }
    }
  } finally {
    await server.end();
  }
  console.log(`${what}: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
};

process.on('unhandledRejection', () => {});
await main();
