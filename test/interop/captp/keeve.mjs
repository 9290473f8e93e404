// SPDX-License-Identifier: Apache-2.0
// keeve - a daemon with the vat of root.js, and every door it has: for its owner, and for a grant of the
// vat's root.
import { readFileSync } from 'node:fs';
import { check as fits, makeTest } from '../../acceptance/lib.mjs';
import { E } from './npm.mjs';
import { dial } from './carriers.mjs';
import { openPeer } from './sessions.mjs';

export const rootVat = {
  source: readFileSync(new URL('./root.js', import.meta.url), 'utf8'),
  globals: ['setTimeout'],
};

// The doors that `keeve url [GRANT]` tells of.
export const urlsOf = async (home, ...grant) => {
  const { status, stdout, stderr } = await home.keeve(['url', ...grant]);
  fits(status === 0, `keeve url gave status ${status}: ${stderr}`);
  return stdout.match(/(unix:|tcp:\/\/|ws:\/\/)[^\s"]+/g) || [];
};

export const grant = async (home, kref, name) => {
  const { status, stderr } = await home.keeve(['grant', kref, '--name', name]);
  fits(status === 0, `keeve grant gave status ${status}: ${stderr}`);
  return urlsOf(home, name);
};

const framingsOf = url => (url.startsWith('ws:') ? ['frames'] : ['lines', 'netstrings']);
const doorOf = url => (url.startsWith('ws:') ? 'web' : url.slice(0, 4).replace(':', ''));

// A session of npm's library at one of them.
export const openPeerAt = async (url, bootstrap, options = {}) => {
  const peer = openPeer(await dial(url, options.framing), bootstrap, options);
  peer.first = await peer.getBootstrap();
  return peer;
};

// The owner's session of a home, with what its library says and hears written down.
export const openOwner = async (home, options) => {
  const peer = await openPeerAt(`unix:${home.dir}/captp.sock`, undefined, options);
  peer.log = true;
  return Object.assign(peer, { resolve: kref => E(peer.first).resolveKref(kref) });
};

// What the last message heard of that type named.
export const slotsHeard = (peer, type) => {
  const message = peer.heard.filter(m => m.type === type).at(-1);
  return (message.result || message.res || message.method).slots;
};

export const start = async () => {
  const t = makeTest();
  const home = await t.started('--tcp', '127.0.0.1:0', '--web', '127.0.0.1:0');
  const { root } = await home.launch({ root: rootVat });
  const doors = [];
  for (const url of await grant(home, root, 'root')) {
    framingsOf(url).forEach(framing => doors.push({ door: doorOf(url), framing, url, role: 'grant' }));
  }
  for (const url of await urlsOf(home)) {
    framingsOf(url).forEach(framing =>
      doors.push({
        door: doorOf(url),
        framing,
        url,
        role: 'owner',
        rootOf: kernel => E(kernel).resolveKref(root),
        rootSlot: `o-${root}`,
      }),
    );
  }
  const kernel = (await home.rows('services')).find(it => it.name === 'kernelFacet').kref;
  return {
    name: 'keeve',
    rootKref: root,
    doors,
    home,
    collect: async () => {
      await home.send(kernel, 'collectGarbage');
      await home.settle();
    },
    // Rows of the session that was opened last.
    rowsOf: async () => {
      const rows = await home.rows('sessions');
      return rows.reduce((a, b) => (Number(a.peer.slice(1)) > Number(b.peer.slice(1)) ? a : b)).rows;
    },
    end: async () => {
      await home.audit();
      await t.end();
    },
  };
};
