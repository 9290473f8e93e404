// SPDX-License-Identifier: Apache-2.0
// Who defined a class kit was given its amplifier and turns one facet into the whole cohort. A facet of
// another kit is refused, and nothing that others hold amplifies.
import { check, equal } from '../lib.mjs';

const kits = `
import { E, Far } from '@endo/far';
import { defineExoClassKit } from '@endo/exo';
import { defineVirtualExoClassKit, prepareExoClassKit } from '@agoric/vat-data';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const amplifiers = {};
  const testers = {};
  const facets = {
    reader: { read() { return this.state.n; } },
    writer: { write(n) { this.state.n = n; } },
  };
  const init = () => ({ n: 0 });
  const options = name => ({
    receiveAmplifier: it => { amplifiers[name] = it; },
    receiveInstanceTester: it => { testers[name] = it; },
  });
  const makers = {
    durable: prepareExoClassKit(baggage, 'durable', undefined, init, facets, options('durable')),
    other: prepareExoClassKit(baggage, 'other', undefined, init, facets, options('other')),
    virtual: defineVirtualExoClassKit('virtual', undefined, init, facets, options('virtual')),
    heap: defineExoClassKit('heap', undefined, init, facets, options('heap')),
  };
  const attempt = f => {
    try {
      return f();
    } catch (error) {
      return error.name + ': ' + error.message;
    }
  };
  return Far('root', {
    bootstrap: () => 'ready',
    own: name => {
      const { reader, writer } = makers[name]();
      const cohort = amplifiers[name](reader);
      cohort.writer.write(5);
      return harden([
        cohort.writer === writer, cohort.reader === reader, amplifiers[name](writer) === cohort,
        reader.read(), Object.keys(cohort).sort(), Object.isFrozen(cohort),
        testers[name](reader), testers[name](reader, 'reader'), testers[name](reader, 'writer'),
      ]);
    },
    foreign: (name, it) => harden([
      ...Object.keys(makers).filter(other => other !== name)
        .map(other => attempt(() => amplifiers[name](makers[other]().reader))),
      ...[it, Far('x', {}), {}, undefined, 'text', makers[name], makers[name]()]
        .map(value => attempt(() => amplifiers[name](value))),
    ]).map(String),
    foreignTested: (name, it) => harden([
      ...Object.keys(makers).filter(other => other !== name)
        .map(other => testers[name](makers[other]().reader)),
      ...[it, Far('x', {}), {}, undefined, 'text'].map(value => testers[name](value)),
    ]),
    facet: () => makers.durable().reader,
    keep: it => { baggage.init('it', it); },
    kept: () => baggage.get('it'),
    writeKept: n => { amplifiers.durable(baggage.get('it')).writer.write(n); },
  });
};`;
const stranger = `
import { E, Far } from '@endo/far';
export const buildRootObject = () =>
  Far('root', {
    bootstrap: () => 'ready',
    names: it => harden(Reflect.ownKeys(it).map(String)),
    write: it => E(it).write(9),
    read: it => E(it).read(),
  });`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ kits, stranger });
  const other = { kref: vats.stranger.root };
  for (const name of ['durable', 'virtual', 'heap']) {
    equal(await home.send(vats.kits.root, 'own', name),
      [true, true, true, 5, ['reader', 'writer'], true, true, true, false], `own facets, ${name}`);
    const outcomes = await home.send(vats.kits.root, 'foreign', name, other);
    equal(outcomes.length, 10, 'foreign values');
    for (const outcome of outcomes) {
      check(/^\w*Error: ./.test(outcome), `the amplifier of ${name} gave ${outcome}`);
    }
    equal(new Set(await home.send(vats.kits.root, 'foreignTested', name, other)).size, 1,
      'the instance tester');
    equal((await home.send(vats.kits.root, 'foreignTested', name, other))[0], false, 'what it says');
  }
  // A facet in another vat is that facet and no more.
  const facet = await home.send(vats.kits.root, 'facet');
  await home.send(vats.kits.root, 'keep', facet);
  check(!(await home.send(vats.stranger.root, 'names', facet)).includes('write'), 'its names');
  await home.rejection(vats.stranger.root, 'write', facet);
  equal(await home.send(vats.stranger.root, 'read', facet), 0, 'what it reads');
  // The amplifier of the next life takes a facet of this one.
  await home.restart();
  await home.send(vats.kits.root, 'writeKept', 7);
  const kept = await home.send(vats.kits.root, 'kept');
  equal(await home.send(vats.stranger.root, 'read', kept), 7, 'what the sibling wrote');
};
