// SPDX-License-Identifier: Apache-2.0
// How sessions end, and what is left of them.
import { E, Far } from '../npm.mjs';
import { check, rejected, sleep, slotValue, until, within } from '../sessions.mjs';
import { same } from '../same.mjs';

const gone = (c, reason) => {
  if (c.server.name === 'reference') return; /* gives what it was told in the goodbye */
  check(/PEER_GONE/.test(reason && reason.message), `the reason has a name: ${String(reason)}`);
};

const makeUnsettled = () => {
  const promise = new Promise(() => {});
  return harden([promise]);
};

// One session gives things to another, and goes as it is told; the other sees what becomes of them.
const leaves = async (c, leave) => {
  const [one, other] = [await c.peer(), await c.peer()];
  const name = c.name();
  let asked = false;
  const mute = Far('mute', {
    invoke: () => {
      asked = true;
      return new Promise(() => {});
    },
  });
  await E(one.root).hold(name, harden({ object: mute, promises: makeUnsettled() }));
  const { object, promises } = await E(other.root).held(name);
  const call = E(object).invoke();
  const chain = E(E(promises[0]).foo()).bar();
  const waiting = [call, chain, promises[0]].map(it => rejected(it, 'what waits for a session that ends'));
  waiting.forEach(it => it.catch(() => {}));
  await until(() => asked, 'the call to arrive');
  await leave(one);
  for (const reason of await Promise.all(waiting)) gone(c, reason);
  gone(c, await rejected(E(object).invoke(), 'a call after the end'));
  same(await E(other.root).echo(1), 1, 'the other session lives');
};

const goodbye = reason => async c => {
  const raw = await c.raw();
  raw.send({ type: 'CTP_DISCONNECT', epoch: 0, reason });
  await raw.hear(m => m.type === 'CTP_DISCONNECT', 'the goodbye to come back');
  await within(raw.carrier.over, 'the connection to end');
  same(raw.heard.filter(m => m.type === 'CTP_DISCONNECT').length, 1, 'goodbyes heard');
  await c.neighbour();
};

export const checks = {
  'a goodbye without a reason': goodbye(undefined),
  'a goodbye with a text': goodbye('enough'),
  'a goodbye with a record': goodbye({}),
  'a goodbye with null': goodbye(null),
  'a goodbye with much': goodbye([1, { a: 'x'.repeat(10000) }]),
  'a session says goodbye': c => leaves(c, one => one.captp.abort('enough')),
  'a session is cut': c => leaves(c, one => one.carrier.cut()),
  'a session closes': c => leaves(c, one => one.carrier.close()),
  'a session breaks the rules': {
    level: 'strict',
    run: c => leaves(c, one => one.carrier.send('{"type":')),
  },
  'what comes after a goodbye is not heard': async c => {
    const raw = await c.raw();
    const name = c.name();
    raw.send({ type: 'CTP_DISCONNECT', epoch: 0 });
    raw.ask(raw.root, ['append', [name, 1]]);
    raw.send('{{{{');
    raw.carrier.write(Buffer.from([0xff, 0xfe, 0, 10, 58, 44]));
    await within(raw.carrier.over, 'the connection to end');
    const { root } = await c.peer();
    same(await E(root).list(name), [], 'what arrived');
  },
  'what was sent before the end arrives': async c => {
    const raw = await c.raw();
    const name = c.name();
    raw.ask(raw.root, ['append', [name, 'last words']]);
    raw.carrier.close();
    const { root } = await c.peer();
    const heard = await until(async () => {
      const list = await E(root).list(name);
      return list.length > 0 && list;
    }, 'the words to arrive');
    same(heard, ['last words'], 'what arrived');
  },
  'half a frame, then the end': async c => {
    const raw = await c.raw();
    raw.carrier.write(c.door.framing === 'lines' ? '{"type":"CTP_' : '500:{"type":"CTP_');
    await sleep(5);
    raw.carrier.cut();
    await c.neighbour();
  },
  'a frame in pieces': async c => {
    const raw = await c.raw();
    if (c.door.door === 'web') return;
    const questionID = raw.question();
    const text = JSON.stringify({ type: 'CTP_CALL', questionID, target: raw.root, method: { body: '["echo",["ünï"]]', slots: [] } });
    const bytes = Buffer.from(c.door.framing === 'lines' ? `${text}\n` : `${Buffer.byteLength(text)}:${text},`);
    for (let i = 0; i < bytes.length; i += 7) {
      raw.carrier.write(bytes.subarray(i, i + 7));
      await new Promise(setImmediate);
    }
    same(JSON.parse((await raw.returned(questionID)).result.body), 'ünï', 'the data');
  },
  'come back': async c => {
    const name = c.name();
    const one = await c.peer();
    await E(one.root).hold(name, E(one.root).makeChild('left behind'));
    one.carrier.cut();
    await one.carrier.over;
    const again = await c.peer();
    same(await E(E(again.root).held(name)).getName(), 'left behind', 'what was left in the vat');
  },
  'questions of a session that ended are not answered to another': async c => {
    const [one, other] = [await c.raw(), await c.raw()];
    const name = c.name();
    one.ask(one.root, ['wait', [name]]);
    await one.call(one.root, ['echo', [1]]);
    one.carrier.cut();
    await one.carrier.over;
    await other.call(other.root, ['settle', [name, slotValue(0, 'Alleged: x')]], ['o+1']);
    const ids = other.heard.map(m => m.answerID);
    same(ids.length, new Set(ids).size, 'each answer is to a question of its own');
    same(ids.length, 2, 'answers');
  },
  '500 connections': {
    once: true,
    run: async c => {
      const raws = [];
      for (let i = 0; i < 20; i += 1) {
        raws.push(...(await Promise.all([...Array(25)].map(() => c.raw()))));
      }
      const answers = await Promise.all(raws.map((raw, i) => raw.call(raw.root, ['echo', [i]])));
      same(answers.map(it => JSON.parse(it.result.body)), [...Array(500).keys()], 'each has its answer');
    },
  },
};
