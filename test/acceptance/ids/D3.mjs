// SPDX-License-Identifier: Apache-2.0
// A vat's whole interface: the trace of a busy time shows only deliveries and system calls of the list.
import { check } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const deliveries = ['startVat', 'message', 'notify', 'dropExports', 'retireExports', 'retireImports',
  'bringOutYourDead'];
const syscalls = ['send', 'subscribe', 'resolve', 'exit', 'vatstoreGet', 'vatstoreGetNextKey',
  'vatstoreSet', 'vatstoreDelete', 'dropImports', 'retireImports', 'retireExports', 'abandonExports'];

export const test = async t => {
  const home = await t.started();
  const trace = await home.trace();
  const { vats } = await home.launch({ keeper, counter });
  const main = await home.send(vats.counter.root, 'getMain');
  await home.send(vats.keeper.root, 'put', 'main', main);
  await home.send(vats.keeper.root, 'call', 'main', 'increment');
  await home.send(vats.keeper.root, 'remove', 'main');
  await home.keeve(['reap']);
  await home.settle();

  const seen = { deliver: new Set(), syscall: new Set() };
  for (const event of trace.events) {
    if (event.event === 'deliver') {
      check(deliveries.includes(event.type), `a delivery of another kind: ${JSON.stringify(event)}`);
      seen.deliver.add(event.type);
    } else if (event.event === 'syscall') {
      check(syscalls.includes(event.name), `a system call of another kind: ${JSON.stringify(event)}`);
      seen.syscall.add(event.name);
    }
  }
  for (const kind of ['message', 'notify', 'bringOutYourDead']) {
    check(seen.deliver.has(kind), `no delivery ${kind} was seen, only ${[...seen.deliver]}`);
  }
  for (const kind of ['send', 'subscribe', 'resolve']) {
    check(seen.syscall.has(kind), `no system call ${kind} was seen, only ${[...seen.syscall]}`);
  }
};
