// SPDX-License-Identifier: Apache-2.0
// Objects and promises of ours in the hands of the other side, and what is the same as what.
import { E, Far } from '../npm.mjs';
import { check, dataOf, flip, rejected, slotValue, until, within } from '../sessions.mjs';
import { same } from '../same.mjs';

const DEEP = 10;

const makeKit = () => {
  const kit = {};
  kit.promise = new Promise((resolve, reject) => Object.assign(kit, { resolve, reject }));
  return kit;
};

const makeListener = () => {
  const heard = [];
  return { heard, object: Far('listener', { invoke: (...args) => (heard.push(args), args.length) }) };
};

export const checks = {
  'our object is called back': async c => {
    const { root } = await c.peer();
    const { heard, object } = makeListener();
    same(await E(root).callBack(object, 41, 'x'), 2, 'what it answered');
    same(heard, [[41, 'x']], 'what it heard');
  },
  'our function is called': async c => {
    const { root } = await c.peer();
    same(await E(root).apply(Far('twice', n => 2 * n), 21), 42, 'what it gave');
  },
  'our object refuses': async c => {
    const { root } = await c.peer();
    const sullen = Far('sullen', {
      invoke: name => {
        throw name === 'data' ? harden({ a: 1 }) : globalThis[name]('no');
      },
    });
    const reason = await rejected(E(root).callBack(sullen, 'RangeError'));
    same([reason.name, reason.message], ['RangeError', 'no'], 'the reason');
    same(await rejected(E(root).callBack(sullen, 'data')), { a: 1 }, 'a reason that is no error');
    await rejected(E(root).callOn(sullen, 'noSuchMethod'), 'a method it does not have');
  },
  'called back after the call has returned': async c => {
    const { root } = await c.peer();
    const { heard, object } = makeListener();
    same(await E(root).callLater(object, 'later'), undefined, 'the call');
    await until(() => heard.length > 0, 'the later call');
    same(heard, [['later']], 'what it heard');
  },
  'our object, held and called from another call': async c => {
    const { root } = await c.peer();
    const name = c.name();
    const { heard, object } = makeListener();
    await E(root).hold(name, object);
    same(await E(root).callBack(E(root).held(name), 1), 1, 'what it answered');
    same(heard, [[1]], 'what it heard');
    check((await E(root).held(name)) === object, 'it comes back as itself');
  },
  'our object is called by another session': async c => {
    const [one, other] = [await c.peer(), await c.peer()];
    const name = c.name();
    const { heard, object } = makeListener();
    await E(one.root).hold(name, object);
    const held = await E(other.root).held(name);
    check(held !== object, 'the other has a presence');
    same(await E(held).invoke('across'), 1, 'what it answered');
    same(heard, [['across']], 'what it heard');
    check((await E(one.root).echo(object)) === object, 'it is still itself here');
  },
  'identity': async c => {
    const { root } = await c.peer();
    const mine = Far('mine', {});
    const child = await E(root).makeChild('a');
    const back = await E(root).echo(harden([mine, child, root, { mine, child }, mine]));
    same(back, [mine, child, root, { mine, child }, mine], 'both sides’ objects, and back');
    check(await E(root).isSame(mine, mine), 'the vat sees one object of ours');
    check(!(await E(root).isSame(mine, Far('mine', {}))), 'and another as another');
    check(await E(root).isSame(child, child), 'the vat sees its own object');
    check((await E(child).echo(child)) === child, 'an object as its own argument');
  },
  'our promise comes back as itself': async c => {
    const { root } = await c.peer();
    const { promise, resolve } = makeKit();
    const [back] = await E(root).echo(harden([promise]));
    check(back === promise, 'the same promise');
    resolve(1);
    same(await back, 1, 'its value');
  },
  'a promise of the other side comes back as itself': async c => {
    const { root } = await c.peer();
    const { promise, resolver } = await E(root).makePromise();
    const [back] = await E(root).echo(harden([promise]));
    check(back === promise, 'the same promise');
    await E(resolver).resolve(2);
    same(await promise, 2, 'its value');
  },
  'our promise, fulfilled later': async c => {
    const { root } = await c.peer();
    const { promise, resolve } = makeKit();
    const outcome = E(root).outcomeOf(promise);
    same(await E(root).echo(1), 1, 'another call goes on');
    resolve(harden({ a: [7n] }));
    same(await outcome, ['fulfilled', { a: [7n] }], 'what the vat saw');
  },
  'our promise, rejected later': async c => {
    const { root } = await c.peer();
    const { promise, reject } = makeKit();
    promise.catch(() => {});
    const outcome = E(root).outcomeOf(promise);
    await E(root).echo(1);
    reject(TypeError('not today'));
    const [how, reason] = await outcome;
    same([how, reason.name, reason.message], ['rejected', 'TypeError', 'not today'], 'what the vat saw');
    same(await E(root).outcomeOf(Promise.reject(harden(['data']))), ['rejected', ['data']], 'a reason that is no error');
  },
  'our promise, settled before it is sent': async c => {
    const { root } = await c.peer();
    same(await E(root).outcomeOf(Promise.resolve(5)), ['fulfilled', 5], 'a value');
    same(await E(root).outcomeOf(harden([Promise.resolve(5)])).then(([, [p]]) => p), 5, 'in an array');
  },
  'our promise for our object': async c => {
    const { root } = await c.peer();
    const { heard, object } = makeListener();
    same(await E(root).callOn(Promise.resolve(object), 'invoke', 'p'), 1, 'what it answered');
    same(heard, [['p']], 'what it heard');
  },
  'our promise for an object of the other side': async c => {
    const { root } = await c.peer();
    const { promise, resolve } = makeKit();
    const name = E(root).callOn(promise, 'getName');
    await E(root).echo(1);
    resolve(await E(root).makeChild('theirs'));
    same(await name, 'theirs', 'the name');
  },
  'ten calls deep on our promise': async c => {
    const { root } = await c.peer();
    const { promise, resolve } = makeKit();
    const order = [];
    const mine = Far('mine', { note: i => order.push(i) });
    const answers = [...Array(DEEP).keys()].map(i => E(root).callOn(promise, 'note', i));
    await E(root).echo(1);
    resolve(mine);
    same(await Promise.all(answers), [...Array(DEEP).keys()].map(i => i + 1), 'the answers');
    same(order, [...Array(DEEP).keys()], 'the order');
  },
  'the promise of a call as an argument': async c => {
    const { root } = await c.peer();
    const child = await E(root).whenResolved(E(root).makeChild('k'));
    same(await E(child).getName(), 'k', 'the name');
    const reason = await rejected(E(root).whenResolved(E(root).fail('RangeError', 'gone wrong')));
    same([reason.name, reason.message], ['RangeError', 'gone wrong'], 'a rejected one');
  },
  'a promise of the other side, fulfilled with our object': async c => {
    const { root } = await c.peer();
    const { promise, resolver } = await E(root).makePromise();
    const { heard, object } = makeListener();
    const early = E(promise).invoke('early');
    await E(resolver).resolve(object);
    same(await early, 1, 'a call sent before');
    check((await promise) === object, 'the promise gives our object');
    same(heard, [['early']], 'what it heard');
  },
  'a promise of the other side, rejected': async c => {
    const { root } = await c.peer();
    const { promise, resolver } = await E(root).makePromise();
    const call = E(E(promise).foo()).bar();
    await E(resolver).reject(harden(SyntaxError('no such thing')));
    const reasons = [await rejected(promise), await rejected(call)];
    reasons.forEach(reason => same([reason.name, reason.message], ['SyntaxError', 'no such thing'], 'the reason'));
  },
  'a promise for a promise': async c => {
    const { root } = await c.peer();
    const [one, two] = [await E(root).makePromise(), await E(root).makePromise()];
    await E(one.resolver).resolve(two.promise);
    await E(two.resolver).resolve('at last');
    same(await one.promise, 'at last', 'through both');
    const mine = makeKit();
    const three = await E(root).makePromise();
    await E(three.resolver).resolve(mine.promise);
    mine.resolve('by us');
    same(await three.promise, 'by us', 'through one of ours');
  },
  'a promise settled by a third': async c => {
    const [one, other] = [await c.peer(), await c.peer()];
    const name = c.name();
    const [promise] = await E(one.root).waitIn(name);
    const answer = E(one.root).wait(name);
    await E(other.root).settle(name, 'by another');
    same([await promise, await answer], ['by another', 'by another'], 'promise and answer');
    const failing = c.name();
    const [refused] = await E(one.root).waitIn(failing);
    refused.catch(() => {});
    await E(other.root).refuse(failing, harden(Error('by another')));
    same((await rejected(refused)).message, 'by another', 'a rejection');
  },
  'our promise, known to another session': async c => {
    const [one, other] = [await c.peer(), await c.peer()];
    const name = c.name();
    const { promise, resolve } = makeKit();
    await E(one.root).hold(name, harden([promise]));
    const [theirs] = await E(other.root).held(name);
    resolve(3);
    same(await theirs, 3, 'what the other sees');
    const [again] = await E(other.root).held(name);
    same(await again, 3, 'asked for after it is settled');
  },
  'a property of our object is asked for': async c => {
    const { root } = await c.peer();
    const outcome = await within(E(root).getFrom(Promise.resolve(harden({ a: 5 })), 'a'), 'a property of a promise of ours');
    same(outcome, 5, 'the property');
  },
  'many calls back': async c => {
    const { root } = await c.peer();
    const { heard, object } = makeListener();
    same(await E(root).callMany(object, 200), Array(200).fill(1), 'the answers');
    same(heard.flat(), [...Array(200).keys()], 'in order');
    await E(root).sendMany(object, 100);
    await until(() => heard.length === 300, 'those nobody waits for');
    same(heard.slice(200).flat(), [...Array(100).keys()], 'in order, too');
  },
  'a call within a call within a call': async c => {
    const { root } = await c.peer();
    const down = Far('down', { invoke: n => (n === 0 ? 'bottom' : E(root).callBack(down, n - 1)) });
    same(await E(root).callBack(down, DEEP), 'bottom', 'there and back');
  },
  'answers and promises, by hand': async c => {
    const raw = await c.raw();
    const answer = await raw.call(raw.root, ['makePromise', []]);
    const data = dataOf(answer);
    const [promise, resolver] = [data.promise.index, data.resolver.index].map(i => answer.result.slots[i]);
    check(/^p\+/.test(promise) && /^o\+/.test(resolver), `signs of the other side's: ${promise} ${resolver}`);
    const call = raw.ask(flip(promise), ['getName', []]);
    const child = await raw.call(raw.root, ['makeChild', ['late']]);
    await raw.call(flip(resolver), ['resolve', [slotValue(0)]], [flip(child.result.slots[0])]);
    const settled = await raw.hear(m => m.type === 'CTP_RESOLVE', 'the promise to settle');
    same(settled.promiseID, flip(promise), 'the promise is named from our side');
    same(settled.res.slots, child.result.slots, 'it is settled to the child, which keeps its name');
    same(dataOf(await raw.returned(call)), 'late', 'the call that was waiting');
    same(raw.heard.filter(m => m.type === 'CTP_RESOLVE').length, 1, 'it is said once');
  },
  'our promise, by hand': async c => {
    const raw = await c.raw();
    const asked = raw.ask(raw.root, ['callOn', [slotValue(0), 'hi']], ['p+1']);
    const call = await Promise.race([
      raw.hear(m => m.type === 'CTP_CALL', 'the call on our promise'),
      new Promise(done => setTimeout(done, 300)),
    ]);
    raw.send({ type: 'CTP_RESOLVE', promiseID: 'p-1', res: { body: JSON.stringify(slotValue(0, 'Alleged: x')), slots: ['o+1'] } });
    const said = call || (await raw.hear(m => m.type === 'CTP_CALL', 'the call on our object'));
    check(['p-1', 'o-1'].includes(said.target), `the target is ours: ${said.target}`);
    raw.send({ type: 'CTP_RETURN', epoch: 0, answerID: said.questionID, result: { body: '"hi"', slots: [] } });
    same(dataOf(await raw.returned(asked)), 'hi', 'the answer');
  },
  'an exception of ours, by hand': async c => {
    const raw = await c.raw();
    const asked = raw.ask(raw.root, ['callBack', [slotValue(0, 'Alleged: x')]], ['o+5']);
    const said = await raw.hear(m => m.type === 'CTP_CALL', 'the call');
    same([said.target, JSON.parse(said.method.body)], ['o-5', ['invoke', []]], 'the call');
    const exception = { body: '#{"#error":"as smallcaps","name":"RangeError"}', slots: [] };
    raw.send({ type: 'CTP_RETURN', answerID: said.questionID, exception });
    const { exception: found } = await raw.returned(asked);
    const { name, message } = JSON.parse(found.body);
    same([name, message], ['RangeError', 'as smallcaps'], 'the reason');
  },
};
