// SPDX-License-Identifier: Apache-2.0
// Flavours: the same vats in processes of their own, together in one, and in the kernel's thread, as
// JavaScript or as C, with equal results; and what a flavour is asked for, shown and kept.
import { buildPath, check, equal, join, KEEVE_VAT, kill9, ROOT, run, until } from '../lib.mjs';
import { compare, conform } from '../../conformance/suite.mjs';
import { counter, spinner } from '../vats.mjs';

const of = (source, flavour) => ({ source, creationOptions: { flavour } });
const rowsOf = async home => Object.fromEntries((await home.rows('vats')).map(row => [row.name, row]));

// The vats of a subcluster share a process; its death costs each of them its heap, nothing else.
const shared = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ one: of(counter, 'shared'), two: of(counter, 'shared'),
    spinner: of(spinner, 'shared'), alone: counter });
  const before = await rowsOf(home);
  equal(['one', 'two', 'spinner', 'alone'].map(name => before[name].flavour),
    ['shared', 'shared', 'shared', 'process'], 'flavours');
  check(before.one.pid > 0 && before.one.pid === before.two.pid && before.one.pid === before.spinner.pid,
    'the shared vats are in one process');
  check(before.alone.pid !== before.one.pid, 'the other vat is in that process too');
  for (const name of ['one', 'two', 'alone']) {
    await home.send(vats[name].root, 'increment');
    await home.send(vats[name].root, 'heap');
  }
  const spin = home.sendLater(vats.spinner.root, 'spin', 3_000_000);
  await until(async () => (await rowsOf(home)).spinner.in_crank, 'the spinner to be inside a crank');
  const waits = home.sendLater(vats.two.root, 'increment');
  await until(async () => (await rowsOf(home)).two.in_crank || waits.settled, 'a message behind it');
  await kill9(before.one.pid);
  await Promise.all([spin.done, waits.done]);
  check(spin.error === undefined, `the spinner was not tried again: ${spin.error?.message}`);
  equal(waits.value, 2, 'the message that waited behind it');
  equal(await home.send(vats.one.root, 'read'), 1, 'durable state');
  equal(await home.send(vats.one.root, 'heap'), 1, 'the heap of one is new');
  equal(await home.send(vats.two.root, 'heap'), 1, 'the heap of two is new');
  equal(await home.send(vats.alone.root, 'heap'), 2, 'the heap of the vat with its own process is old');
  const after = await rowsOf(home);
  equal([after.one, after.two, after.spinner].map((row, i) =>
    row.incarnation - [before.one, before.two, before.spinner][i].incarnation), [1, 1, 1], 'restarts');
  await home.audit();

  await home.restart();
  equal(await home.send(vats.one.root, 'read'), 1, 'durable state after a restart of the daemon');
  equal((await rowsOf(home)).one.flavour, 'shared', 'the flavour after a restart of the daemon');
};

// Without a jail only where the operator said so, and shown.
const inline = async t => {
  const home = await t.started();
  const refused = await home.tryLaunch({ one: of(counter, 'inline') });
  check(refused.status !== 0 && /inline/.test(refused.stderr), `it was launched: ${refused.stderr}`);
  equal((await home.status()).inline, false, 'inline in the status');
  await home.stop();
  await home.start('--inline');
  equal((await home.status()).inline, true, 'inline in the status, allowed');
  const { vats } = await home.launch({ one: of(counter, 'inline'), two: counter });
  equal(await home.send(vats.one.root, 'increment'), 1, 'an answer');
  const rows = await rowsOf(home);
  equal([rows.one.flavour, rows.one.pid, rows.two.flavour], ['inline', 0, 'process'], 'flavours');
  await home.audit();
};

// A program against the public headers alone, with a vat in C: what it is told, it answers as the vat in
// JavaScript does, on both sides of a message and over restarts.
const native = t => {
  const player = join(t.dir, 'player');
  const lib = buildPath('src/lib');
  const built = run('cc', ['-std=gnu17', '-o', player, join(ROOT, 'test/native/player.c'),
    `-I${join(ROOT, 'include')}`, `-L${lib}`, `-Wl,-rpath,${lib}`, '-lkeeve']);
  check(built.status === 0, `the program was not built: ${built.stderr}`);
  const played = run('node', [join(ROOT, 'test/native/native.mjs'), player, KEEVE_VAT,
    join(ROOT, 'test/native/actor.js')]);
  check(played.status === 0, `vats in C and in JavaScript differ: ${played.stdout}${played.stderr}`);
};

export const test = async t => {
  native(t);
  await shared(t);
  await inline(t);
  const expected = await conform(t, 'process');
  for (const flavour of ['shared', 'inline']) {
    compare(await conform(t, flavour), expected, flavour);
  }
};
