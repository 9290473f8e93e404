// SPDX-License-Identifier: Apache-2.0
// A vat of one function: it counts what it is told, in a variable and in its rows.

let life = 0;

export default function deliver(syscall, facet, method, args, slots) {
  const ever = Number(syscall.vatstoreGet('ever') ?? '0') + 1;
  life += 1;
  syscall.vatstoreSet('ever', String(ever));
  if (method === 'note') {
    if (slots.length > 0) {
      syscall.send(slots[0], 'noted', args);
    }
  } else if (method === 'counts') {
    syscall.resolve(syscall.takeResult(), false, JSON.stringify({ life, ever }));
  }
}
