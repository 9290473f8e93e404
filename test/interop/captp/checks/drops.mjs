// SPDX-License-Identifier: Apache-2.0
// What is let go, on both sides, is gone; what is not, is not.
import { E, Far, gc } from '../npm.mjs';
import { check, dataOf, flip, slotValue, until } from '../sessions.mjs';
import { same } from '../same.mjs';

// A child that the vat holds under a name, and the name of the child on the wire.
const heldChild = async (c, raw) => {
  const name = c.name();
  const made = await raw.call(raw.root, ['makeChild', ['held']]);
  const [slot] = made.result.slots;
  await raw.call(raw.root, ['hold', [name, slotValue(0)]], [flip(slot)]);
  return { name, slot: flip(slot) };
};

const drop = (raw, slotID, decRefs) => raw.send({ type: 'CTP_DROP', slotID, decRefs, epoch: 0 });

// A call that must have no result: no answer at all, or an exception. Later calls are answered.
const noResult = async (raw, target) => {
  const asked = raw.ask(target, ['getName', []]);
  same(dataOf(await raw.call(raw.root, ['echo', [1]])), 1, 'the session lives');
  const answer = raw.heard.find(m => m.answerID === asked);
  check(!answer || answer.exception, `a call on what was dropped gave ${JSON.stringify(answer)}`);
};

export const checks = {
  'mentions are counted': async c => {
    const raw = await c.raw();
    const { name, slot } = await heldChild(c, raw);
    const again = await raw.call(raw.root, ['held', [name]]);
    same(again.result.slots, [flip(slot)], 'the same name for the same object');
    drop(raw, slot, 1);
    same(dataOf(await raw.call(slot, ['getName', []])), 'held', 'one mention is left');
  },
  'the last mention dropped': {
    run: async c => {
      if (c.door.role === 'owner') return; /* it may name what is reachable without a mention */
      const raw = await c.raw();
      const made = await raw.call(raw.root, ['makeChild', ['gone']]);
      const slot = flip(made.result.slots[0]);
      drop(raw, slot, 1);
      await noResult(raw, slot);
    },
  },
  'too large a count': async c => {
    const raw = await c.raw();
    const made = await raw.call(raw.root, ['makeChild', ['gone']]);
    drop(raw, flip(made.result.slots[0]), 8);
    drop(raw, flip(made.result.slots[0]), 8);
    drop(raw, flip(made.result.slots[0]), 1e30);
    same(dataOf(await raw.call(raw.root, ['echo', [1]])), 1, 'the session lives');
  },
  'a count that is missing is none': async c => {
    const raw = await c.raw();
    const { slot } = await heldChild(c, raw);
    drop(raw, slot, undefined);
    same(dataOf(await raw.call(slot, ['getName', []])), 'held', 'it is still there');
  },
  'a dropped object can be had again': {
    level: 'strict',
    run: async c => {
      const raw = await c.raw();
      const { name, slot } = await heldChild(c, raw);
      drop(raw, slot, 1);
      const again = await raw.call(raw.root, ['held', [name]]);
      same(dataOf(await raw.call(flip(again.result.slots[0]), ['getName', []])), 'held', 'a call on it');
    },
  },
  'a drop that crosses a mention': {
    level: 'strict',
    run: async c => {
      const raw = await c.raw();
      const { name, slot } = await heldChild(c, raw);
      const asked = raw.ask(raw.root, ['held', [name]]);
      drop(raw, slot, 1);
      const again = await raw.returned(asked);
      same(dataOf(await raw.call(flip(again.result.slots[0]), ['getName', []])), 'held', 'a call on it');
    },
  },
  'collected presences are dropped': async c => {
    const { root, captp } = await c.peer();
    await (async () => {
      for (let i = 0; i < 20; i += 1) await E(root).makeChild(`${i}`);
    })();
    await until(async () => {
      await gc();
      return captp.getStats().send.CTP_DROP >= 20;
    }, 'the library to drop them');
    same(await E(root).echo(1), 1, 'the session lives');
  },
  'an object had again after collection': {
    level: 'strict',
    run: async c => {
      const { root, captp } = await c.peer();
      const name = c.name();
      await E(root).hold(name, E(root).makeChild('again'));
      for (let i = 1; i <= 3; i += 1) {
        same(await E(E(root).held(name)).getName(), 'again', `time ${i}`);
        const before = captp.getStats().send.CTP_DROP;
        await until(async () => {
          await gc();
          return captp.getStats().send.CTP_DROP > before;
        }, 'the library to drop it');
      }
    },
  },
  'our object is dropped': {
    level: 'kernel',
    run: async c => {
      const raw = await c.raw();
      const name = c.name();
      await raw.call(raw.root, ['hold', [name, slotValue(0, 'Alleged: mine')]], ['o+3']);
      await raw.call(raw.root, ['hold', [name, slotValue(0)]], ['o+3']);
      await c.server.collect();
      check(!raw.heard.some(m => m.type === 'CTP_DROP' && m.slotID === 'o-3'), 'it is held');
      await raw.call(raw.root, ['letGo', [name]]);
      const dropped = await until(async () => {
        await c.server.collect();
        return raw.heard.find(m => m.type === 'CTP_DROP' && m.slotID === 'o-3');
      }, 'the drop of our object');
      same(dropped.decRefs, 2, 'as often as we have named it');
      await raw.call(raw.root, ['hold', [name, slotValue(0, 'Alleged: other')]], ['o+3']);
      same((await raw.call(raw.root, ['held', [name]])).result.slots, ['o-3'], 'the name may be used anew');
    },
  },
  'our object, known to npm’s library, is dropped': {
    level: 'kernel',
    run: async c => {
      const { root, captp } = await c.peer();
      const name = c.name();
      await (async () => {
        const mine = Far('mine', { invoke: () => 'here' });
        await E(root).hold(name, mine);
        same(await E(root).callBack(mine), 'here', 'what it answered');
        await E(root).letGo(name);
      })();
      await until(async () => {
        await gc(); /* the library drops its questions */
        await c.server.collect();
        return captp.getStats().gc.DROPPED >= 1;
      }, 'our object to be dropped');
    },
  },
  'our promise, once settled, is dropped': {
    level: 'kernel',
    run: async c => {
      const raw = await c.raw();
      const asked = raw.ask(raw.root, ['outcomeOf', [slotValue(0)]], ['p+1']);
      raw.send({ type: 'CTP_RESOLVE', promiseID: 'p-1', res: { body: '7', slots: [] } });
      same(dataOf(await raw.returned(asked)), ['fulfilled', 7], 'what the vat saw');
      await until(async () => {
        await c.server.collect();
        return raw.heard.some(m => m.type === 'CTP_DROP' && m.slotID === 'p-1');
      }, 'the drop of our promise');
    },
  },
  'answers that are dropped hold nothing': {
    level: 'kernel',
    run: async c => {
      const raw = await c.raw();
      await raw.call(raw.root, ['echo', [1]]);
      const base = await c.server.rowsOf(c);
      for (let i = 0; i < 20; i += 1) {
        const asked = raw.ask(raw.root, ['makeChild', [`${i}`]]);
        const { result } = await raw.returned(asked);
        drop(raw, flip(result.slots[0]), 1);
        drop(raw, asked, 1);
      }
      await until(async () => (await c.server.rowsOf(c)) <= base + 1, 'the rows to go');
    },
  },
};
