// SPDX-License-Identifier: Apache-2.0
// A tool takes a slot name apart, with and without a daemon; what is no slot name is refused with what
// was expected.
import { check, equal } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const vat = { of: 'vat', type: 'object' };
const forms = {
  'o+d10/1': { ...vat, allocator: 'vat', lifetime: 'durable', kind: 10, instance: 1, base: 'o+d10/1' },
  'o+d10/1:2': { ...vat, allocator: 'vat', lifetime: 'durable', kind: 10, instance: 1, base: 'o+d10/1', facet: 2 },
  'o+v3/4': { ...vat, allocator: 'vat', lifetime: 'virtual', kind: 3, instance: 4, base: 'o+v3/4' },
  'o-5': { ...vat, allocator: 'kernel', number: 5, base: 'o-5' },
  'p+7': { ...vat, type: 'promise', allocator: 'vat', number: 7, base: 'p+7' },
  'd-2': { ...vat, type: 'device', allocator: 'kernel', number: 2, base: 'd-2' },
  'o+8': { ...vat, allocator: 'vat', lifetime: 'ephemeral', number: 8, base: 'o+8' },
};
const malformed = {
  '': /expected a kref such as ko4, or a vat's own name/,
  'x+1': /expected a kref such as ko4, or a vat's own name/,
  o5: /expected '\+' \(made by the vat\) or '-'/,
  'o+': /expected a number without leading zeros/,
  'o+07': /expected a number without leading zeros/,
  'o--5': /expected a number without leading zeros/,
  'o+d10': /expected '\/' and the number of an instance/,
  'o+d10/': /expected the number of an instance/,
  'o+d/1': /expected the number of a kind/,
  'o+v3/4:': /expected the number of a facet/,
  'o+d10/1:2:3': /expected the number of a facet/,
  'o-d10/1': /only objects made by the vat/,
  'p+v3/4': /only objects made by the vat/,
  'd+2': /expected '-' after d/,
  'o+5 ': /expected a number without leading zeros/,
  'o+99999999999999999999': /expected a number without leading zeros/,
  ko0: /expected ko, kp or kd and a number from 1/,
  v2: /v2 and s1 name a vat and a subcluster/,
};

const all = async home => {
  for (const [name, parts] of Object.entries(forms)) {
    const [found] = await home.rows('describe', name);
    equal(found, { reference: name, ...parts }, `the parts of ${name}`);
  }
  for (const [name, expected] of Object.entries(malformed)) {
    const { status, stdout, stderr } = await home.keeve(['describe', '--', name]);
    equal(status, 2, `the status for "${name}"`);
    equal(stdout, '', `the output for "${name}"`);
    check(stderr.includes(`"${name}" is not a reference: `) && expected.test(stderr),
      `"${name}" is refused with: ${stderr}`);
  }
};

export const test = async t => {
  const home = t.home();
  await all(home); // no daemon
  await home.start();
  await all(home);
  const { vats } = await home.launch({ keeper, counter });
  const made = (await home.send(vats.counter.root, 'make')).kref;
  const row = (await home.rows('clist', vats.counter.vat)).find(r => r.kref === made);
  const [byKref] = await home.rows('describe', made);
  equal([byKref.owner, byKref.revoked], [vats.counter.vat, 'no'], 'what a kref stands for');
  const [byVref] = await home.rows('describe', row.vref, '--vat', vats.counter.vat);
  equal([byVref.kref, byVref.lifetime], [made, 'durable'], `what ${row.vref} stands for`);
  const unknown = await home.keeve(['describe', 'o-999', '--vat', vats.counter.vat]);
  equal(unknown.status, 1, 'the status for what the vat does not know');
  check(unknown.stderr.includes('does not know o-999'), `it says: ${unknown.stderr}`);
};
