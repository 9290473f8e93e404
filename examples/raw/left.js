// SPDX-License-Identifier: Apache-2.0
// A vat of one function: it passes on to another what it is asked to.

let right;

export default function deliver(syscall, facet, method, args, slots) {
  if (method === 'bootstrap') {
    const [vats] = JSON.parse(args);
    right = slots[vats.right.index];
    // The import outlives this process, what we called it does not.
    syscall.vatstoreSet('right', String(right));
    for (const name of ['asker', 'vow-asker']) {
      syscall.send(slots[vats[name].index], 'meet', '[{"@qclass":"slot","index":0}]', [right]);
    }
  } else if (method === 'ask') {
    right ??= Number(syscall.vatstoreGet('right'));
    // Facet 1 of ours goes along: whoever gets it can send to it.
    syscall.send(right, 'note', args, [1]);
  } else if (facet === 1) {
    console.log('noted', args);
  }
}
