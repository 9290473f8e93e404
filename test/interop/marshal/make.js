// SPDX-License-Identifier: Apache-2.0
// make - random passable values and what npm's @endo/marshal writes for them, as a scenario for
// test/golden/liveslots/drive and the transcript it must give. Each value is written by us from the
// value itself, and read by us from smallcaps and from capdata and written again.
// Beside them, each value as a body in smallcaps and one in capdata, for bodies.c and compare.js.
// usage: node make.js SEED COUNT SCENARIO TRANSCRIPT BODIES
import '@endo/init';
import { writeFileSync } from 'node:fs';
import { makeMarshal } from '@endo/marshal';
import { Far, makeTagged } from '@endo/pass-style';

const [seedText, countText, scenarioPath, transcriptPath, bodiesPath] = process.argv.slice(2);
let state = Number(seedText);
const random = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (...choices) => choices[random(choices.length)];

// Exports are numbered from 10 in the order in which they are first named.
const names = new Map();
let nextExport = 10;
const toSlot = (value) => {
  if (!names.has(value)) {
    names.set(value, `o+${nextExport}`);
    nextExport += 1;
  }
  return names.get(value);
};
const bySlot = (slot) => [...names].find(([, name]) => name === slot)[0];
const options = {
  marshalName: 'liveSlots:v1',
  errorIdNum: 70000,
  marshalSaveError: () => {},
};
const smallcaps = makeMarshal(toSlot, bySlot, { ...options, serializeBodyFormat: 'smallcaps' });
const quiet = { ...options, errorTagging: 'off' };
const inSmallcaps = makeMarshal(toSlot, bySlot, { ...quiet, serializeBodyFormat: 'smallcaps' });
const inCapdata = makeMarshal(toSlot, bySlot, { ...quiet, serializeBodyFormat: 'capdata' });

const remotables = ['a', 'b "q"', 'snö'].map((name) => Far(name, {}));
const letters = [
  '', 'a', 'b', 'Z', '!', '#', '$', '%', '&', '+', '-', "'", '(', '*', ',', '.', '@', '0', '9', '10',
  '"', '\\', '/', '\n', '\t', '\b', '\f', '\r', '\u0001', '\u001f', '\u007f', '\u0080', 'é', '\u2028', '\u20ac',
  '\ufeff', '\uffff', '\ud83d\ude00', '\ud800', '\udc00', '\udfff', '@qclass', '__proto__', '#tag', '#error',
  'constructor', 'undefined', 'then',
];
const text = () => Array.from({ length: random(4) }, () => pick(...letters)).join('');

// A value and the source text of an expression for it.
const leaf = () =>
  pick(
    () => [undefined, 'undefined'],
    () => [null, 'null'],
    () => pick([true, 'true'], [false, 'false']),
    () => {
      const n = pick(0, -0, 1, -1, NaN, Infinity, -Infinity, 1e21, 1e-7, 0.1, 2 ** 31, -(2 ** 31), 2 ** 53,
        5e-324, 1.7976931348623157e308, 123456.789, random(1e9), -random(1e9), random(1e9) / 7);
      return [n, Object.is(n, -0) ? '-0' : String(n)];
    },
    () => {
      const n = pick(0n, 7n, -7n, 2n ** 64n, -(3n ** 100n), BigInt(random(1e9)) ** 3n);
      return [n, `${n}n`];
    },
    () => {
      const s = text();
      return [s, JSON.stringify(s)];
    },
    () => {
      const s = pick('x', '@@y', '', '@@iterator', 'ü');
      return [Symbol.for(s), `Symbol.for(${JSON.stringify(s)})`];
    },
    () => {
      const s = pick('iterator', 'asyncIterator', 'toStringTag', 'hasInstance', 'match', 'species');
      return [Symbol[s], `Symbol.${s}`];
    },
    () => {
      const i = random(remotables.length);
      return [remotables[i], `remotables[${i}]`];
    },
    () => {
      const name = pick('Error', 'TypeError', 'RangeError', 'SyntaxError', 'URIError');
      const s = text();
      return [harden(new globalThis[name](s)), `new ${name}(${JSON.stringify(s)})`];
    },
  )();
const value = (depth) => {
  if (depth === 0 || random(3) === 0) {
    return leaf();
  }
  const parts = Array.from({ length: random(5) }, () => value(depth - 1));
  switch (random(3)) {
    case 0:
      return [parts.map(([v]) => v), `[${parts.map(([, s]) => s).join(',')}]`];
    case 1: {
      const tag = text();
      const [v, s] = value(depth - 1);
      return [makeTagged(tag, harden(v)), `makeTagged(${JSON.stringify(tag)}, harden(${s}))`];
    }
    default: {
      const entries = parts.map(([v, s]) => {
        const key = text();
        // An object with a method of that name would be a thenable.
        return key === 'then' ? ['t', v, s] : [key, v, s];
      });
      const record = {};
      for (const [key, v] of entries) {
        Object.defineProperty(record, key, { value: v, enumerable: true, configurable: true, writable: true });
      }
      const source = entries.map(([key, , s]) => `[${JSON.stringify(key)}]: ${s}`);
      return [record, `({${source.join(',')}})`];
    }
  }
};

// The driver cuts its lines at these.
const escaped = (body) =>
  body.replace(/[>;\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const sources = [];
const bodies = [];
const deliveries = [];
const transcript = ['start'];
let answers = 60;
const deliver = (method, argument, { body, slots }, result) => {
  const names = slots.length > 0 ? ` slots ${slots.join(',')}` : '';
  const line = `message o+0 ${escaped(body)}${names} -> p-${answers}`;
  const out = result.slots.length > 0 ? ` slots ${result.slots.join(',')}` : '';
  deliveries.push(line);
  transcript.push(line, `  resolve p-${answers} fulfilled ${result.body}${out}`);
  answers += 1;
};

for (let i = 0; i < Number(countText); i += 1) {
  const [v, source] = value(4);
  harden(v);
  sources.push(source);
  bodies.push(inSmallcaps.toCapData(v), inCapdata.toCapData(v));
  deliver('value', i, { body: `#["value",[${i}]]`, slots: [] }, smallcaps.toCapData(v));
  deliver('echo', v, inSmallcaps.toCapData(harden(['echo', [v]])), smallcaps.toCapData(v));
  deliver('echo', v, inCapdata.toCapData(harden(['echo', [v]])), smallcaps.toCapData(v));
}

const code = `({
  buildRootObject() {
    const remotables = ${JSON.stringify(['a', 'b "q"', 'snö'])}.map((name) => Far(name, {}));
    const values = [
${sources.map((s) => `      () => (${s}),`).join('\n')}
    ];
    return Far('root', {
      value: (i) => harden(values[i]()),
      echo: (x) => x,
    });
  },
})
---
`;
writeFileSync(scenarioPath, code + deliveries.join('\n') + '\n');
writeFileSync(bodiesPath, bodies.map(({ body, slots }) => `${body}\t${slots.join(',')}\n`).join(''));
writeFileSync(transcriptPath, transcript.join('\n') + '\n');
