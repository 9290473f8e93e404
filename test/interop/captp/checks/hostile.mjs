// SPDX-License-Identifier: Apache-2.0
// What breaks the rules: it has no effect, it hurts at most its own session, and the others go on.
import { check, dataOf, slotValue, within, sleep } from '../sessions.mjs';
import { same } from '../same.mjs';

const ID = 'q-777';
const value = (body, slots = []) => ({ body: typeof body === 'string' ? body : JSON.stringify(body), slots });
const call = more => ({ type: 'CTP_CALL', epoch: 0, questionID: ID, target: 'ROOT', method: value(['echo', [1]]), ...more });
const without = (message, key) => {
  const { [key]: _, ...rest } = message;
  return rest;
};
const deep = (open, close, n) => `${open.repeat(n)}1${close.repeat(n)}`;
const arg = (body, slots) => call({ method: value(`["echo",[${body}]]`, slots) });

// Each is an array of messages or texts, each for a session of its own.
const groups = {
  'not JSON': ['', 'x', '{', '{"type":', '{"type":"CTP_CALL"', '"', "{'a':1}", '[1', '{"a":}', 'nul', '\u0001', '{}{}', 'undefined', '{"a":1,}', '\ufeff{}'],
  'not an object': ['null', '1', '"CTP_CALL"', '[]', 'true', '[{"type":"CTP_CALL"}]'],
  'unknown types': [{}, ...['CTP_NOPE', '', '__proto__', 'constructor', 'toString', 7, null, {}, ['CTP_CALL']].map(type => call({ type }))],
  'fields that are missing': ['questionID', 'target', 'method'].map(key => without(call(), key))
    .concat([{ type: 'CTP_BOOTSTRAP' }, { type: 'CTP_RETURN' }, { type: 'CTP_RESOLVE' }, { type: 'CTP_DROP' }, { type: 'CTP_TRAP_ITERATE' }]),
  'fields of another type': [
    ...[7, null, {}, []].flatMap(it => [call({ target: it }), call({ method: it }), { type: 'CTP_DROP', slotID: it, decRefs: 1 }]),
    ...[null, {}, [], 'x'].map(decRefs => ({ type: 'CTP_DROP', slotID: 'o-12345', decRefs })),
    ...[{}, { body: 7, slots: [] }, { body: '[]' }, { body: '[]', slots: 7 }, { body: '[]', slots: {} }].map(method => call({ method })),
  ],
  'targets that are not there': ['o-99999', 'p-99999', 'q-99999', 't-1', 'x-1', '', 'o', 'o-', '-', 'o-1e3', 'o-0x1', '__proto__', 'o-\u0000', `o-${'9'.repeat(400)}`, 'd-1', 'v1']
    .map(target => call({ target })),
  'slots that are not there': ['o-99999', 'p-99999', 'q-1', 'x+1', '', 'o', '__proto__'].map(slot => arg('{"@qclass":"slot","index":0}', [slot]))
    .concat([7, null, {}].map(slot => arg('{"@qclass":"slot","index":0}', [slot]))),
  'slots that do not exist': ['1', '-1', '0.5', '"0"', '1e99', 'null', '{}'].map(index => arg(`{"@qclass":"slot","index":${index}}`, ['o+7'])),
  'bodies that are none': [
    ...['', '#', ' ', '{', '[', '#[', '["echo"', 'echo', '#x', '[] []', '##[]'].map(body => call({ method: value(body) })),
    ...['{"@qclass":"nope"}', '{"@qclass":"ibid","index":0}', '{"@qclass":"bigint","digits":"x"}', '{"@qclass":"bigint"}', '{"@qclass":"slot"}', '{"@qclass":"tagged"}', '{"@qclass":"symbol"}', '{"@qclass":"error"}', '{"@qclass":"hilbert"}'].map(body => arg(body)),
    ...['"#nope"', '"$0"', '"&1"', '"+x"', '"*"', '"("', '{"#nope":1}', '{"#tag":1}'].map(body => call({ method: value(`#["echo",[${body}]]`) })),
  ],
  'what is no call': ['"echo"', '7', 'null', '{}', '{"0":"echo","1":[]}', '["echo",7]', '["echo",{}]', '[7,[]]', '[{},[]]', '[true,[]]']
    .map(body => call({ method: value(body) })),
  'answers to what was not asked': [
    { type: 'CTP_RETURN', epoch: 0, answerID: 'q-1', result: value('1') }, { type: 'CTP_RETURN', answerID: ID, exception: value('1') },
    { type: 'CTP_RETURN', answerID: {}, result: value('1') }, { type: 'CTP_RESOLVE', promiseID: 'p-1', res: value('1') },
    { type: 'CTP_RESOLVE', promiseID: 'p+1', res: value('1') }, { type: 'CTP_RESOLVE', promiseID: 'o-1', rej: value('1') },
    { type: 'CTP_RESOLVE', promiseID: 'q-1', res: value('1') }, { type: 'CTP_RETURN', answerID: 'q-1' },
  ],
  'drops of what is not held': ['o-4711', 'p-4711', 'q-4711', 'o+1', 'p+1', 'q+1', 'x-1', 'o', ''].map(slotID => ({ type: 'CTP_DROP', slotID, decRefs: 1, epoch: 0 })),
  'synchronous calls': [call({ trap: true }), { type: 'CTP_TRAP_ITERATE', epoch: 0, questionID: ID, serialized: value(['next', []]) }],
  'names of the kernel in a granted session': ['o-ko1', 'o-ko2', 'o-KREF', 'p-kp1', 'p-kp2', 'kp1', 'ko1', 'o-v1', 'o-o+0']
    .flatMap(name => [call({ target: name }), arg('{"@qclass":"slot","index":0}', [name])]),
  'deep nesting': [deep('[', ']', 1e5), deep('{"a":', '}', 1e5), call({ extra: 0 }), arg(deep('[', ']', 1e5)), arg(deep('{"a":', '}', 1e5)),
    call({ method: value(`#["echo",[${deep('[', ']', 1e5)}]]`) }), arg(deep('{"@qclass":"tagged","tag":"t","payload":', '}', 1e5))].filter(it => typeof it === 'string' || it.extra === undefined),
};

// Sends it, then asks something plain: the session answers that, or is over, having said why.
const breaks = async (c, message) => {
  const raw = await c.raw();
  const shown = JSON.stringify(message).slice(0, 200);
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  raw.send(text.replace('"ROOT"', JSON.stringify(raw.root)).replace('KREF', c.server.rootKref));
  const plain = raw.call(raw.root, ['echo', ['plain']]).then(
    answer => same(dataOf(answer), 'plain', `the plain call after ${shown}`),
    () => {},
  );
  await within(Promise.race([plain, raw.carrier.over]), `an answer or the end after ${shown}`);
  const answer = raw.heard.find(m => m.answerID === ID);
  check(!answer || !('result' in answer), `${shown} gave ${JSON.stringify(answer)}`);
  if (raw.carrier.ended) {
    check(raw.heard.some(m => m.type === 'CTP_DISCONNECT'), `the session ended without a word after ${shown}`);
  }
  raw.carrier.cut();
};

const ended = async (c, begin, what) => {
  const raw = await c.raw();
  await begin(raw);
  await within(raw.carrier.over, `the session with ${what} to end`);
  await c.neighbour();
};

export const checks = {
  ...Object.fromEntries(
    Object.entries(groups).map(([name, messages]) => [
      name,
      async c => {
        if (/granted/.test(name) && c.door.role !== 'grant') return;
        await Promise.all(messages.map(message => breaks(c, message)));
        await c.neighbour();
      },
    ]),
  ),
  'bytes that are no text': {
    level: 'strict',
    run: c => (c.door.door === 'web' ? undefined
      : ended(c, raw => raw.carrier.write(c.door.framing === 'lines' ? Buffer.from([123, 0xff, 0xc3, 0x28, 10]) : Buffer.from([52, 58, 0xff, 0xc3, 0x28, 123, 44])), 'bytes that are no text')),
  },
  'a length that is none': {
    level: 'strict',
    run: async c => {
      if (c.door.framing !== 'netstrings') return;
      for (const bytes of ['x:', '-1:,', '01:x,', '3:abcd', '99999999999999999999:', ':,', '999999999:x']) {
        await ended(c, raw => raw.carrier.write(bytes), `the netstring ${bytes}`);
      }
    },
  },
  'a text without end': {
    level: 'strict',
    run: async c => {
      if (c.door.framing !== 'lines' || c.door.role !== 'grant') return;
      await ended(c, async raw => {
        const chunk = Buffer.alloc(1 << 20, 97);
        for (let i = 0; i < 40 && !raw.carrier.ended; i += 1) {
          raw.carrier.write(chunk);
          await sleep(1);
        }
      }, 'a text without end');
    },
  },
  'a question asked twice': async c => {
    const raw = await c.raw();
    for (const n of [1, 2]) raw.send({ type: 'CTP_CALL', epoch: 0, questionID: ID, target: raw.root, method: value(['echo', [n]]) });
    const plain = raw.call(raw.root, ['echo', [3]]).catch(() => {});
    await within(Promise.race([plain, raw.carrier.over]), 'an answer or the end');
    await c.neighbour();
  },
  'a flood of calls': async c => {
    const raw = await c.raw();
    const ids = [...Array(3000).keys()].map(i => raw.ask(raw.root, ['echo', [i]]));
    await c.neighbour();
    const last = raw.returned(ids.at(-1)).catch(() => {});
    await within(Promise.race([last, raw.carrier.over]), 'the last answer, or the end');
    if (!raw.carrier.ended) {
      const numbers = raw.heard.filter(m => ids.includes(m.answerID)).map(dataOf);
      same(numbers, [...Array(3000).keys()], 'all answers, in order');
    }
    await c.neighbour();
  },
  'one who never reads': {
    level: 'strict',
    once: true,
    run: async c => {
      const raw = await c.raw();
      raw.carrier.socket.pause();
      for (let i = 0; i < 100; i += 1) {
        raw.ask(raw.root, ['repeat', ['x', 1 << 20]]);
        if (i % 25 === 0) await c.neighbour();
      }
      await c.neighbour();
    },
  },
  'references to us that we never gave': async c => {
    const raw = await c.raw();
    const answer = await raw.call(raw.root, ['echoAll', [slotValue(0), slotValue(1)]], ['o+1', 'p+1']);
    same(answer.result.slots, ['o-1', 'p-1'], 'ours come back as ours');
    check(!raw.heard.some(m => m.type === 'CTP_DISCONNECT'), 'the session lives');
  },
};
