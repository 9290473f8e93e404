// SPDX-License-Identifier: Apache-2.0
// A raw vat stands on the syscall interface alone: it is handed messages as numbers and text, sends by
// naming slots, and has neither promises of the kernel's, nor marshalling, nor E. To others it is a vat
// like any other.
import { check, equal } from '../lib.mjs';
import { raw } from '../vats.mjs';

const left = raw(`
let seen = [];
let right, plain;
export default function deliver(syscall, facet, method, args, slots) {
  seen.push(JSON.stringify([facet, method, JSON.parse(args), slots]));
  if (method === 'bootstrap') {
    const [vats] = JSON.parse(args);
    right = slots[vats.right.index];
    plain = slots[vats.plain.index];
  } else if (method === 'go') {
    // The facet 4 is made by naming it, in data and beside it.
    syscall.send(right, 'hello', JSON.stringify([2, { text: '!+$&#' }]), [4, right]);
    syscall.send(plain, 'take', JSON.stringify(['x', { '@qclass': 'slot', index: 0 }]), [4]);
  } else if (method === 'seen') {
    syscall.resolve(syscall.takeResult(), false, JSON.stringify(seen));
  } else if (method === 'has') {
    const globals = ['E', 'HandledPromise', 'VatData', 'process', 'require', 'fetch', 'setTimeout']
      .filter(name => name in globalThis);
    syscall.resolve(syscall.takeResult(), false, JSON.stringify(globals));
  }
}`);
const right = raw(`
export default function deliver(syscall, facet, method, args, slots) {
  if (method === 'hello') syscall.send(slots[0], 'thanks', args, [slots[1]]);
}`);
const plain = `
import { E, Far } from '@endo/far';
let kept;
export const buildRootObject = () => Far('root', {
  bootstrap: () => 'ready',
  take: (text, it) => { kept = it; },
  answer: async () => [await E(kept).ping('from plain', kept), await E(kept).ping()],
});`;

// Runs what it is told with the syscall object.
const evil = raw(`
export default function deliver(s, facet, method, args, slots) {
  if (method === 'go') new Function('s', 'slots', JSON.parse(args)[0])(s, slots);
}`);
const illegal = [
  `s.send(-999, 'x', '[]')`,
  `s.send('p-1', 'x', '[]')`,
  `s.send(0, 'x', '[]', [-5])`,
  `s.subscribe('p-77')`,
  `s.resolve('p-60', false, '7'); s.resolve('p-60', false, '8')`,
  `s.dropImports([-1])`,
  `s.send(0, 'x', '[]', [], 'p-9')`,
  `s.send(0, 'x', '[]', [], 'p+1'); s.send(0, 'x', '[]', [], 'p+1')`,
];
const odd = [
  `s.resolve('p+5', false, '{"@qclass":"slot","index":0}', ['p+5'])`,
  `s.vatstoreSet('watchedPromiseTableID', 'o+d8/1'); s.vatstoreSet('idCounters', '{')`,
  `s.send(0, 'x', '['.repeat(200) + ']'.repeat(200), Array(65536).fill(1))`,
];

export const test = async t => {
  const home = await t.started();
  const { vats } = await home.launch({ left, right, plain });
  await home.send(vats.left.root, 'go');
  await home.settle();
  equal(await home.send(vats.plain.root, 'answer'), [{ '@undefined': true }, { '@undefined': true }],
    'results of messages to a vat that knows of none');
  const seen = (await home.send(vats.left.root, 'seen')).map(text => JSON.parse(text));
  equal(seen[0][1], 'bootstrap', 'the first message');
  equal(seen[1], [0, 'go', [], []], 'a message from outside');
  const [thanks] = seen.filter(([, method]) => method === 'thanks');
  equal(thanks.slice(0, 3), [4, 'thanks', [2, { text: '!+$&#' }]], 'what came back from another raw vat');
  check(thanks[3].length === 1 && thanks[3][0] < 0, `its slot, an import: ${thanks[3]}`);
  const pings = seen.filter(([, method]) => method === 'ping');
  equal(pings.map(([facet, , [text, it], slots]) => [facet, text, it?.['@qclass'], slots]),
    [[4, 'from plain', 'slot', [4]], [4, undefined, undefined, []]], 'what an ordinary vat sent');
  equal(await home.send(vats.left.root, 'has'), [], 'globals a raw vat must not have');
  const rows = await home.rows('clist', vats.left.vat);
  equal(rows.filter(row => row.direction === 'export').map(row => row.vref).sort(), ['o+0', 'o+4'], 'exports');
  // What stands on liveslots cannot be had by importing it either.
  const { status, stderr } = await home.tryLaunch({
    a: raw(`import { E } from '@endo/far'; export default () => E;`),
  });
  check(status !== 0 && stderr.includes('@endo/far'), `importing E in a raw vat: ${status} ${stderr}`);
  // Illegal syscalls undo the crank of the vat that made them, and touch nothing else.
  const { vats: { hostile } } = await home.launch({ hostile: evil });
  for (const code of illegal) {
    const error = await home.rejection(hostile.root, 'go', code);
    check(/ILLEGAL_SYSCALL/.test(error['@error']), `${code}: ${JSON.stringify(error)}`);
    equal(await home.send(vats.left.root, 'has'), [], `another vat, after ${code}`);
  }
  for (const code of odd) {
    equal(await home.send(hostile.root, 'go', code), { '@undefined': true }, code);
  }
  await home.settle();
  await home.audit();
};
