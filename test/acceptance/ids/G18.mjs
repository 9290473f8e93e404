// SPDX-License-Identifier: Apache-2.0
// A kind whose objects the vat's own code makes and revives out of a small record: the record is frozen
// and comes back the same after each restart; a definition that lacks a part is refused by its name.
import { check, equal } from '../lib.mjs';
import { keeper } from '../vats.mjs';

const maker = `
import { Far } from '@endo/far';
import { makeDurableZone } from '@agoric/zone/durable.js';
import { makeCustomDurableKindWithContext } from '@endo/gems';
const attempt = f => {
  try { f(); return 'accepted'; } catch (error) { return error.message; }
};
export const buildRootObject = (powers, _parameters, baggage) => {
  const zone = makeDurableZone(baggage);
  const seen = { made: 0, revived: 0, frozen: true };
  const sign = context => {
    seen.frozen &&= Object.isFrozen(context) || seen.made > seen.revived;
    return Far('sign', {
      text: () => context.text,
      deep: () => context.deep,
      friend: () => context.friend,
      write: () => attempt(() => { context.text = 'changed'; }),
    });
  };
  const makeSign = makeCustomDurableKindWithContext(zone.subZone('sign'), {
    tag: 'sign',
    make: (context, text, friend) => {
      seen.made += 1;
      context.text = text;
      context.deep = { list: [1n, 'two', { three: 3 }] };
      context.friend = friend;
      return sign(context);
    },
    reanimate: (context, baseRef) => {
      seen.revived += 1;
      if (!/^o\\+d\\d+\\/\\d+$/.test(baseRef)) throw Error('base reference ' + baseRef);
      return sign(context);
    },
  });
  return Far('root', {
    bootstrap: () => 'ready',
    make: (name, friend) => {
      const made = makeSign(name, friend);
      baggage.init(name, made);
      return made;
    },
    give: text => makeSign(text),
    read: name => {
      const it = baggage.get(name);
      return harden([it.text(), it.deep(), it.friend() === undefined, it === baggage.get(name)]);
    },
    friend: name => baggage.get(name).friend(),
    write: name => baggage.get(name).write(),
    seen: () => harden({ ...seen }),
    refusals: () => {
      const { makeCustomDurableKindWithContext: same } = VatData;
      if (same !== makeCustomDurableKindWithContext || powers[same.name] !== same) throw Error('same');
      const make = () => Far('x', {});
      const define = parts => attempt(() => same(zone.subZone('bad' + Object.keys(parts)), parts));
      return harden([
        define({ reanimate: make }),
        define({ make }),
        define({ make, reanimate: make, cleanup: 'no function' }),
        attempt(() => makeSign('bad', Far('heap', {}))),
        attempt(() => makeSign('bad', Promise.resolve(1))),
      ]);
    },
  });
};`;

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ maker, keeper });
  const root = vats.maker.root;
  const read = async name => {
    const [text, deep, none, same] = await home.send(root, 'read', name);
    equal(deep.list.slice(1), ['two', { three: 3 }], `the deep part of ${name}`);
    check(same, `${name} is two objects`);
    return [text, none];
  };

  await home.send(root, 'make', 'first');
  await home.send(root, 'make', 'second', { kref: vats.keeper.root });
  equal(await read('first'), ['first', true], 'first, when new');
  equal(await home.send(root, 'seen'), { made: 2, revived: 0, frozen: true }, 'calls when new');

  for (const [how, again] of [
    ['restart-vat', () => home.keeve(['restart-vat', vats.maker.vat])],
    ['kill -9', () => home.restart()],
    ['stop and start', async () => { await home.stop(); await home.start(); }],
  ]) {
    await again();
    equal(await read('first'), ['first', true], `first, after ${how}`);
    equal(await read('second'), ['second', false], `second, after ${how}`);
    const { made, revived, frozen } = await home.send(root, 'seen');
    equal([made, revived, frozen], [0, 2, true], `made, revived, frozen after ${how}`);
    check(/read.only|not writable|set|frozen|const/i.test(await home.send(root, 'write', 'first')),
      'the record took a write');
    equal(await read('first'), ['first', true], 'first, after a write was refused');
  }

  const [noMake, noReanimate, noFunction, heap, promise] = await home.send(root, 'refusals');
  check(/"make" function is required/.test(noMake), `without make: ${noMake}`);
  check(/"reanimate" function is required/.test(noReanimate), `without reanimate: ${noReanimate}`);
  check(/"cleanup" must be a function/.test(noFunction), `cleanup is text: ${noFunction}`);
  check(/not durable: context\.friend is an object of the heap/.test(heap), `a heap object: ${heap}`);
  check(/not durable: context\.friend is a promise/.test(promise), `a promise: ${promise}`);
  await home.audit();
};
