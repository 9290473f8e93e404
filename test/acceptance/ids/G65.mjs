// SPDX-License-Identifier: Apache-2.0
// Heap, virtual and durable zones have one interface: one program runs in each. A label twice in one
// start is refused. What was made in the durable zone is there after a restart.
import { check, equal } from '../lib.mjs';
import { recorder } from '../vats.mjs';

const zones = `
import { E, Far } from '@endo/far';
import { M } from '@endo/patterns';
import { makeHeapZone } from '@agoric/zone/heap.js';
import { makeVirtualZone } from '@agoric/zone/virtual.js';
import { makeDurableZone } from '@agoric/zone/durable.js';
const I = M.interface('Counter', { increment: M.call(M.number()).returns(M.number()) });
const attempt = f => {
  try {
    return f() === undefined ? 'undefined' : 'a value';
  } catch (error) {
    return error.message;
  }
};
const program = zone => {
  const single = zone.exo('single', M.interface('single', { ping: M.call().returns(M.string()) }), {
    ping() { return 'pong'; },
  });
  const makeCounter = zone.exoClass('Counter', I, (n = 0) => ({ n }), {
    increment(by) { return (this.state.n += by); },
  });
  const makeKit = zone.exoClassKit('Kit', undefined, () => ({ log: harden([]) }), {
    writer: { write(it) { this.state.log = harden([...this.state.log, it]); } },
    reader: { read() { return this.state.log; }, writer() { return this.facets.writer; } },
  });
  const sub = zone.subZone('sub');
  const map = sub.mapStore('map');
  const set = zone.setStore('set');
  const weakMap = zone.weakMapStore('weakMap');
  const weakSet = zone.weakSetStore('weakSet');
  const counter = zone.makeOnce('counter', () => makeCounter(10));
  const kit = zone.makeOnce('kit', () => makeKit());
  const watcher = zone.exo('watcher', undefined, {
    onFulfilled(value) { map.init('heard', value); },
    onRejected() { map.init('heard', 'rejected'); },
  });
  const detached = zone.detached();
  return {
    run: key => {
      const outcomes = [single.ping(), counter.increment(1), counter.increment(2)];
      outcomes.push(attempt(() => counter.increment('x')));
      const { reader, writer } = kit;
      writer.write('a');
      outcomes.push(reader.read().length, reader.writer() === writer);
      const name = 'k' + map.getSize();
      map.init(name, harden({ at: counter }));
      set.add(name);
      if (!weakMap.has(counter)) weakMap.init(counter, 'mine');
      if (!weakSet.has(counter)) weakSet.add(counter);
      outcomes.push(map.get(name).at === counter, map.getSize(), set.getSize());
      outcomes.push(weakMap.get(counter), weakSet.has(counter), weakSet.has(single));
      const loose = detached.mapStore('loose');
      loose.init(1, 2);
      outcomes.push(loose.get(1));
      return harden(outcomes);
    },
    storable: values => harden(values.map(value => zone.isStorable(value))),
    labels: () => harden([
      attempt(() => zone.exoClass('Counter', I, () => ({}), { increment: n => n })),
      attempt(() => zone.exo('single', undefined, { ping: () => 'again' })),
      attempt(() => zone.exoClassKit('Kit', undefined, () => ({}), { reader: {}, writer: {} })),
      attempt(() => zone.makeOnce('counter', () => makeCounter())),
      attempt(() => zone.subZone('sub')),
      attempt(() => sub.mapStore('map')),
    ]),
    fresh: () => harden([
      attempt(() => sub.makeOnce('counter', () => makeCounter())),
      attempt(() => zone.subZone('sub2').makeOnce('counter', () => makeCounter())),
    ]),
    watch: promise => zone.watchPromise(promise, watcher),
    heard: () => (map.has('heard') ? map.get('heard') : 'nothing'),
  };
};
export const buildRootObject = (_powers, _parameters, baggage) => {
  const all = {
    heap: program(makeHeapZone('heap')),
    virtual: program(makeVirtualZone('virtual')),
    durable: program(makeDurableZone(baggage)),
  };
  const heap = Far('heap', {});
  return Far('root', {
    bootstrap: () => 'ready',
    ping: () => 'pong',
    run: name => all[name].run(),
    labels: name => all[name].labels(),
    fresh: name => all[name].fresh(),
    storable: (name, presence) => all[name].storable(harden(['text', presence, heap])),
    watch: (name, from) => all[name].watch(E(from).ping()),
    heard: name => all[name].heard(),
  });
};`;

const run = (count, n) => [
  'pong', n - 2, n, `a guard`, count, true, true, count, count, 'mine', true, false, 2];

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ zones, recorder });
  const { root } = vats.zones;
  const runs = async (name, count, n) => {
    const outcome = await home.send(root, 'run', name);
    check(/increment.*number/.test(outcome[3]), `${name}: the guard says ${outcome[3]}`);
    outcome[3] = 'a guard';
    equal(outcome, run(count, n), `run ${count} in the ${name} zone`);
  };
  for (const name of ['heap', 'virtual', 'durable']) {
    await runs(name, 1, 13);
    await runs(name, 2, 16);
    for (const text of await home.send(root, 'labels', name)) {
      check(/already been used/.test(text), `a label twice in the ${name} zone: ${text}`);
    }
    equal(await home.send(root, 'fresh', name), ['a value', 'a value'], `a label in another zone, ${name}`);
    equal(await home.send(root, 'storable', name, { kref: vats.recorder.root }), [true, true, name !== 'durable'],
      `what can be stored in the ${name} zone`);
    await home.send(root, 'watch', name, { kref: root });
    await home.settle();
    equal(await home.send(root, 'heard', name), 'pong', `a watched promise in the ${name} zone`);
  }
  await home.restart();
  // The watcher's entry is one more in the map.
  const [, third, , , log, , , mapSize, setSize] = await home.send(root, 'run', 'durable');
  equal([third, log, mapSize, setSize], [17, 3, 4, 3], 'the durable zone goes on');
  equal((await home.send(root, 'run', 'virtual')).slice(4, 9), [1, true, true, 1, 1],
    'the virtual zone begins anew');
  equal((await home.send(root, 'run', 'heap')).slice(4, 9), [1, true, true, 1, 1], 'so does the heap zone');
};
