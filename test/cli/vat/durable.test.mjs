// SPDX-License-Identifier: Apache-2.0
// Durable state: what a vat's cranks leave in its store, and say, is what npm's liveslots leaves and says.
// usage: node durable.test.mjs KEEVE-VAT
import assert from 'node:assert/strict';
import test from 'node:test';
import { runNpms, runOurs } from './both.mjs';

const [program] = process.argv.slice(2);

/** Texts of errors are each side's own; that there is one, and of which class, is compared. */
const withoutTexts = (value) =>
  JSON.parse(
    JSON.stringify(value, (key, member) =>
      key === 'body' && typeof member === 'string'
        ? member.replace(/"#error":"(?:[^"\\]|\\.)*","errorId":"[^"]*"/g, '"#error"')
        : member,
    ),
  );

const agree = async (text, steps) => {
  const [ours, npms] = await Promise.all([runOurs(program, text, steps, ['--unjailed']), runNpms(text, steps)]);
  for (const [n, theirs] of npms.entries()) {
    const step = n === 0 ? 'start' : JSON.stringify(steps[n - 1]);
    assert.equal(ours[n].error !== '', theirs.error !== '', `${step}: ${ours[n].error} / ${theirs.error}`);
    assert.deepEqual(ours[n].rows, theirs.rows, `rows after ${step}`);
    assert.deepEqual(withoutTexts(ours[n].syscalls), withoutTexts(theirs.syscalls), `syscalls of ${step}`);
  }
  return ours;
};

const head = `
  import { Far } from '@endo/far';
  import { M } from '@endo/patterns';
  import * as vd from '@agoric/vat-data';
  const { defineDurableKind, defineDurableKindMulti, defineKind, makeKindHandle, provide } = vd;
  const { makeScalarBigMapStore, makeScalarBigSetStore } = vd;
  const { makeScalarBigWeakMapStore, makeScalarBigWeakSetStore } = vd;
`;

const counters = `${head}
  export const buildRootObject = (powers, parameters, baggage) => {
    const handle = provide(baggage, 'handle', () => makeKindHandle('counter'));
    const makeCounter = defineDurableKind(
      handle,
      (name) => ({ name, count: 0n, other: undefined }),
      {
        increment: ({ state }, by = 1n) => (state.count += by),
        read: ({ state }) => harden([state.name, state.count, state.other]),
        hold: ({ state }, other) => { state.other = other; },
        twice: ({ state, self }) => { state.count += 1n; state.count += 1n; return self; },
        fail: ({ state }) => { state.count += 100n; throw Error('failed after a write'); },
        deep: ({ state }) => { state.other = harden({ list: [1, { far: Far('heap', {}) }] }); },
      },
      { finish: ({ state }) => { state.count = 1n; } },
    );
    return Far('root', {
      make: (name) => makeCounter(name),
      keep: (name) => { baggage.init(name, makeCounter(name)); return baggage.get(name); },
      get: (name) => baggage.get(name),
      put: (name, value) => (baggage.has(name) ? baggage.set(name, value) : baggage.init(name, value)),
      remove: (name) => baggage.delete(name),
      same: (name, other) => baggage.get(name) === other,
      names: () => harden([...baggage.keys()]),
      increment: (name) => baggage.get(name).increment(),
    });
  };
`;

test('durable objects: state, identity, references, restart', () =>
  agree(counters, [
    ['send', 'o+0', 'keep', '["a"]'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+d10/1', 'twice'],
    ['send', 'o+d10/1', 'fail'],
    ['send', 'o+d10/1', 'deep'],
    ['send', 'o+0', 'same', '["a","$0.Alleged: counter"]', ['o+d10/1']],
    ['send', 'o+0', 'make', '["b"]'],
    ['send', 'o+0', 'make', '["c"]'],
    ['send', 'o+d10/2', 'hold', '["$0.Alleged: counter"]', ['o+d10/3']],
    ['send', 'o+d10/1', 'hold', '[["$0.Alleged: counter","$1.Alleged: thing"]]', ['o+d10/2', 'o-5']],
    ['drop', 'o+d10/3'],
    ['reap'],
    ['restart'],
    ['send', 'o+0', 'names'],
    ['send', 'o+d10/1', 'read'],
    ['send', 'o+0', 'increment', '["a"]'],
    ['drop', 'o+d10/2'],
    ['reap'],
    ['send', 'o+d10/1', 'hold', '[7]'],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",{"x":"$0.Alleged: thing"}]', ['o-6']],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",{"x":"$0.Alleged: thing","y":"$1"}]', ['o-6', 'o-7']],
    ['reap'],
    ['send', 'o+0', 'put', '["imported",[]]'],
    ['reap'],
    ['send', 'o+0', 'put', '["s","text with \\"quotes\\", \\u0001 and \\ud83d\\ude00"]'],
    ['send', 'o+0', 'get', '["s"]'],
    ['send', 'o+0', 'get', '["absent"]'],
    ['send', 'o+0', 'put', '[3,4]'],
    ['send', 'o+0', 'remove', '["a"]'],
    ['reap'],
    ['drop', 'o+d10/1'],
    ['reap'],
    ['restart'],
    ['send', 'o+0', 'make', '["d"]'],
  ]));
