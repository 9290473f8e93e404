// SPDX-License-Identifier: Apache-2.0
// An object with an interface guards itself: also what its own methods send through self is checked,
// and so are calls from other vats and through facets.
import { check, equal } from '../lib.mjs';

const guarded = `
import { Far } from '@endo/far';
import { M } from '@endo/patterns';
import { makeExo } from '@endo/exo';
import { prepareExoClass, prepareExoClassKit } from '@agoric/vat-data';
const I = M.interface('Adder', {
  add: M.call(M.nat()).returns(M.nat()),
  addThroughSelf: M.call(M.any()).returns(M.any()),
  wrongResult: M.call().returns(M.string()),
  later: M.callWhen(M.await(M.nat())).returns(M.nat()),
});
export const buildRootObject = (_powers, _parameters, baggage) => {
  const makeAdder = prepareExoClass(baggage, 'Adder', I, () => ({ n: 0n }), {
    add(amount) { this.state.n += amount; return this.state.n; },
    addThroughSelf(it) { return this.self.add(it); },
    wrongResult() { return 7; },
    async later(amount) { return amount; },
  });
  const makeKit = prepareExoClassKit(baggage, 'Kit', {
    writer: M.interface('Writer', { write: M.call(M.string()).returns(), writeAny: M.call(M.any()).returns() }),
    reader: M.interface('Reader', { read: M.call().returns(M.string()) }),
  }, () => ({ text: '' }), {
    writer: {
      write(text) { this.state.text += text; },
      writeAny(it) { this.facets.writer.write(it); },
    },
    reader: { read() { return this.state.text; } },
  });
  const heap = makeExo('Adder', I, {
    add: amount => amount,
    addThroughSelf(it) { return this.self.add(it); },
    wrongResult: () => 7,
    later: async amount => amount,
  });
  const durable = baggage.has('it') ? baggage.get('it') : makeAdder();
  baggage.has('it') || baggage.init('it', durable);
  const { writer, reader } = makeKit();
  return Far('root', {
    bootstrap: () => 'ready',
    durable: () => durable,
    heap: () => heap,
    writer: () => writer,
    reader: () => reader,
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { root } = await home.launch({ guarded });
  const big = n => ({ '@bigint': String(n) });
  const refused = async (kref, method, ...args) => {
    const error = await home.rejection(kref, method, ...args);
    check(error['@error'], `${method} was rejected with ${JSON.stringify(error)}`);
    return error['@error'];
  };
  const probe = async (which, sum) => {
    const { kref } = await home.send(root, which);
    equal(await home.send(kref, 'addThroughSelf', big(5)), big(5), `${which}: a good argument`);
    for (const [method, bad] of [['add', 'five'], ['addThroughSelf', 'five'], ['add', big(-1)],
      ['addThroughSelf', 1.5], ['later', 'five']]) {
      const text = await refused(kref, method, bad);
      check(text.includes('Adder') && text.includes(method === 'addThroughSelf' ? 'add' : method) &&
        /Must be|must|Must|negative/.test(text), `${which}.${method}(${JSON.stringify(bad)}): ${text}`);
    }
    check(/Adder/.test(await refused(kref, 'wrongResult')), 'a wrong result');
    check(/Adder/.test(await refused(kref, 'add')), 'an argument that is missing');
    check(/Adder/.test(await refused(kref, 'add', big(1), big(2))), 'one too many');
    equal(await home.send(kref, 'later', big(3)), big(3), 'a good argument later');
    equal(await home.send(kref, 'add', big(1)), big(sum), `${which}: nothing bad was added`);
  };
  await probe('durable', 6);
  await probe('heap', 1);

  const writer = (await home.send(root, 'writer')).kref;
  const reader = (await home.send(root, 'reader')).kref;
  await home.send(writer, 'writeAny', 'good');
  for (const method of ['writeAny', 'write']) {
    const text = await refused(writer, method, 7);
    check(/"write" method of \(Kit writer\).* string/.test(text), `${method} of a facet: ${text}`);
  }
  equal(await home.send(reader, 'read'), 'good', 'what was written');

  await home.restart();
  const { kref } = await home.send(root, 'durable');
  check(/Adder/.test(await refused(kref, 'addThroughSelf', 'five')), 'through self after a restart');
  equal(await home.send(kref, 'addThroughSelf', big(1)), big(7), 'a good one after a restart');
};
