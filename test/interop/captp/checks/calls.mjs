// SPDX-License-Identifier: Apache-2.0
// Calls and what can be asked before there is an answer.
import { E, Far } from '../npm.mjs';
import { check, dataOf, rejected, slotValue, within } from '../sessions.mjs';
import { same } from '../same.mjs';

const DEEP = 10;
const pathOf = n => ['a', ...Array(n).keys()].join('/');

export const checks = {
  'a method': async c => {
    const { root } = await c.peer();
    same(await E(root).echo(7), 7, 'echo');
    same(await E(root).echo(), undefined, 'echo of nothing');
    same(await E(root).echoAll(1, 'b', null), [1, 'b', null], 'several arguments');
  },
  'the bootstrap object is one object': async c => {
    const { root, captp } = await c.peer();
    check((await E(root).echo(root)) === root, 'the object comes back as itself');
    check((await captp.getBootstrap()) === (await captp.getBootstrap()), 'asked twice, one object');
  },
  'objects have their interface': async c => {
    const { root } = await c.peer();
    const child = await E(root).makeChild('a');
    check(String(child) === '[object Alleged: Child]', `an object of the vat is ${String(child)}`);
  },
  'a function': async c => {
    const { root } = await c.peer();
    const adder = await E(root).makeAdder(3);
    same(await E(adder)(4), 7, 'the sum');
    same(await E(E(root).makeAdder(5))(6), 11, 'the sum, asked of an answer');
  },
  'properties of an answer': async c => {
    const { root } = await c.peer();
    const record = E(root).makeRecord();
    same(await E.get(record).a, 1, 'a number');
    same(await E(E.get(record).child).getName(), 'of a record', 'an object in it');
    same(await E.get(E.get(record).deep).b, [true], 'a property of a property');
    same(await E.get(record).nothing, undefined, 'a property that is not there');
    same(await E.get(E(root).echo([4, 5])).length, 2, 'the length of an array');
    same(await E.get(E(root).echo([4, 5]))[1], 5, 'an element');
  },
  'properties of a promise': async c => {
    const { root } = await c.peer();
    const { promise, resolver } = await E(root).makePromise();
    const b = E.get(E.get(promise).a).b;
    await E(resolver).resolve(harden({ a: { b: 'there' } }));
    same(await b, 'there', 'a property asked before it was settled');
    same(await E.get(promise).a, { b: 'there' }, 'and after');
  },
  'a property of a rejected answer': async c => {
    const { root } = await c.peer();
    const reason = await rejected(E.get(E(root).fail('RangeError', 'no record')).a);
    same([reason.name, reason.message], ['RangeError', 'no record'], 'the reason');
  },
  'send only': async c => {
    const { root } = await c.peer();
    const name = c.name();
    E.sendOnly(root).append(name, 1);
    E.sendOnly(root).append(name, 2);
    same(await E(root).list(name), [1, 2], 'what arrived, before the next call');
  },
  'a missing method': async c => {
    const { root } = await c.peer();
    const reason = await rejected(E(root).noSuchMethod());
    check(reason instanceof TypeError, `the reason is ${reason}`);
    check(/noSuchMethod/.test(reason.message), `the reason names the method: ${reason.message}`);
  },
  'names of the prototype are no methods': async c => {
    const { root } = await c.peer();
    for (const name of ['__proto__', 'hasOwnProperty', '__defineGetter__']) {
      const outcome = await within(E(root)[name]('bootstrap').then(value => value, () => 'rejected'), name);
      check(outcome === 'rejected' || typeof outcome === 'boolean', `${name} gave ${String(outcome)}`);
    }
  },
  'methods named by symbols': async c => {
    const { root } = await c.peer();
    const reason = await rejected(E(root)[Symbol.asyncIterator]());
    check(/asyncIterator/.test(reason.message), `the reason names the symbol: ${reason}`);
  },
  'ten deep on answers': async c => {
    const { root, captp } = await c.peer();
    const before = captp.getStats();
    let it = E(root).makeChild('a');
    for (let i = 0; i < DEEP; i += 1) {
      it = E(it).makeChild(`${i}`);
    }
    const name = E(it).getName();
    for (let i = 0; i < 100; i += 1) await null; /* turns in which nothing arrives */
    const { send, recv } = captp.getStats();
    same(send.CTP_CALL - before.send.CTP_CALL, DEEP + 2, 'calls that leave before any answer');
    same(recv.CTP_RETURN, before.recv.CTP_RETURN, 'answers by then');
    same(await name, pathOf(DEEP), 'the name at the end');
  },
  'ten deep on a promise': async c => {
    const { root } = await c.peer();
    const { promise, resolver } = await E(root).makePromise();
    let it = promise;
    for (let i = 0; i < DEEP; i += 1) {
      it = E(it).makeChild(`${i}`);
    }
    const name = E(it).getName();
    await E(resolver).resolve(E(root).makeChild('a'));
    same(await name, pathOf(DEEP), 'the name at the end');
  },
  'a chain on what fails': async c => {
    const { root } = await c.peer();
    let it = E(E(root).makeChild('a')).fail('in the middle');
    for (let i = 0; i < DEEP; i += 1) {
      it = E(it).makeChild(`${i}`);
    }
    const reason = await rejected(it);
    same([reason.name, reason.message], ['RangeError', 'in the middle'], 'the reason, at the end');
  },
  'calls on an answer that is data': async c => {
    const { root } = await c.peer();
    await rejected(E(E(root).echo(7)).foo(), 'a method of a number');
    await rejected(E(E(root).echo(harden({ a: 1 }))).foo(), 'a method of a record');
    await rejected(E(E(root).echo(null))(), 'a call of null');
  },
  'calls on an answer that is ours': async c => {
    const { root } = await c.peer();
    const heard = [];
    const mine = Far('mine', { note: it => heard.push(it) });
    same(await E(E(root).echo(mine)).note('x'), 1, 'what our object answers');
    same(heard, ['x'], 'what our object heard');
  },
  'order on one target': async c => {
    const { root } = await c.peer();
    const name = c.name();
    const numbers = [...Array(200).keys()];
    const lengths = await Promise.all(numbers.map(i => E(root).append(name, i)));
    same(lengths, numbers.map(i => i + 1), 'the answers');
    same(await E(root).list(name), numbers, 'what arrived');
  },
  'order on a promise': async c => {
    const { root } = await c.peer();
    const name = c.name();
    const { promise, resolver } = await E(root).makePromise();
    const numbers = [...Array(50).keys()];
    numbers.forEach(i => E.sendOnly(promise).append(name, i));
    await E(resolver).resolve(root);
    await promise;
    same(await E(promise).append(name, 50), 51, 'the one sent after it is settled comes last');
    same(await E(root).list(name), [...numbers, 50], 'what arrived');
  },
  '1,000 calls in flight': async c => {
    const { root } = await c.peer();
    const numbers = [...Array(1000).keys()];
    same(await Promise.all(numbers.map(i => E(root).echo(i))), numbers, 'the answers');
  },
  'an answer that never comes stops no other': async c => {
    const { root } = await c.peer();
    let came = false;
    E(root).never().then(() => (came = true), () => (came = true));
    same(await E(root).echo(1), 1, 'another call');
    check(!came, 'it did not come');
  },
  'two sessions have one object in common': async c => {
    const [one, other] = [await c.peer(), await c.peer()];
    const name = c.name();
    const child = await E(one.root).makeChild('shared');
    await E(one.root).hold(name, child);
    same(await E(E(other.root).held(name)).getName(), 'shared', 'what the other gets');
    one.carrier.cut();
    await one.carrier.over;
    same(await E(E(other.root).held(name)).getName(), 'shared', 'and when the first has gone');
  },
  'an answer comes once, by hand': async c => {
    const raw = await c.raw();
    same(dataOf(await raw.call(raw.root, ['echo', ['x']])), 'x', 'the data');
    same(dataOf(await raw.call(raw.root, ['echo', ['y']])), 'y', 'more data');
    const ids = raw.heard.map(m => m.answerID);
    check(new Set(ids).size === ids.length, `each question is answered once: ${ids}`);
  },
  'epochs do not matter': async c => {
    const raw = await c.raw();
    for (const epoch of [undefined, 7, 'x', null]) {
      same(dataOf(await raw.call(raw.root, ['echo', [1]], [], { epoch })), 1, `epoch ${epoch}`);
    }
  },
  'order of keys and unknown keys do not matter': async c => {
    const raw = await c.raw();
    const questionID = raw.question();
    raw.send({ extra: [{}], method: { slots: [], more: 1, body: '["echo",[1]]' }, target: raw.root, questionID, type: 'CTP_CALL' });
    same(dataOf(await raw.returned(questionID)), 1, 'the data');
  },
  'a target that is an answer, by hand': async c => {
    const raw = await c.raw();
    const child = raw.ask(raw.root, ['makeChild', ['k']]);
    const name = raw.ask(child, ['getName', []]);
    same(dataOf(await raw.returned(name)), 'k', 'the name');
    await raw.returned(child);
    same(dataOf(await raw.call(child, ['getName', []])), 'k', 'after it came');
    raw.send({ type: 'CTP_DROP', slotID: 'q-2', decRefs: 1, epoch: 0 });
    same(dataOf(await raw.call(raw.root, ['echo', [2]])), 2, 'after a drop of an answer');
  },
  'names of questions are the asker’s': async c => {
    const raw = await c.raw();
    const questionID = 'q-some-name-of-mine/17';
    raw.send({ type: 'CTP_CALL', questionID, target: raw.root, method: { body: '["makeChild",["z"]]', slots: [] } });
    same(dataOf(await raw.call(questionID, ['getName', []])), 'z', 'a call on it');
  },
  'names of exports are the exporter’s': async c => {
    const raw = await c.raw();
    const [name, promise] = ['o+900/some.name:x', 'p+"mine"'];
    const answer = await raw.call(raw.root, ['echoAll', [slotValue(0, 'Alleged: mine'), slotValue(1)]], [name, promise]);
    same(answer.result.slots, ['o-900/some.name:x', 'p-"mine"'], 'both come back under their names');
  },
};
