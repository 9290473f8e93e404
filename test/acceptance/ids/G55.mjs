// SPDX-License-Identifier: Apache-2.0
// A remote host is an endpoint like any other: with a number, rows of its own, and objects it owns.
import { check, equal, until } from '../lib.mjs';
import { E, Far } from '../../interop/captp/npm.mjs';
import { openOwner, rootVat, slotsHeard } from '../../interop/captp/keeve.mjs';

export const test = async t => {
  const home = await t.started();
  const { root, vats } = await home.launch({ root: rootVat });
  const [one, two] = [await openOwner(home), await openOwner(home)];
  const sessions = await home.rows('sessions');
  equal(sessions.length, 2, 'sessions');
  check(sessions.every(row => /^r\d+$/.test(row.peer)) && sessions[0].peer !== sessions[1].peer, 'each has a number of its own');

  const it = await one.resolve(root);
  const child = await E(it).makeChild('held');
  const [held] = slotsHeard(one, 'CTP_RETURN').map(slot => slot.slice(2));
  await E(it).hold('theirs', Far('theirs', {}));
  const owned = (await home.rows('objects')).filter(row => sessions.some(s => s.peer === row.owner));
  equal(owned.length, 1, 'objects that hosts own');
  const peer = owned[0].owner;

  // Its rows: what it imports and what it exports, under names of its own.
  const rows = await home.rows('clist', peer);
  check(rows.some(row => row.kref === held), `the table of ${peer} names ${held}`);
  check(rows.some(row => row.kref === owned[0].kref), `the table of ${peer} names its own ${owned[0].kref}`);
  const holders = await home.rows('who-holds', held);
  check(holders.some(row => row.holder === peer), `${peer} holds ${held}`);
  check((await home.rows('clist', vats.root.vat)).some(row => row.kref === owned[0].kref), 'the vat imports the host\'s object');
  const other = sessions.find(s => s.peer !== peer).peer;
  check(!(await home.rows('clist', other)).some(row => row.kref === held), `${other} has no row for it`);
  equal(await E(child).getName(), 'held', 'it works');

  one.carrier.cut();
  await until(async () => !(await home.rows('who-holds', held).catch(() => [])).some(row => row.holder === peer), 'its rows to go');
  equal((await home.rows('sessions')).map(row => row.peer), [other], 'the endpoints that are left');
  void two;
};
