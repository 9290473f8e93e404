// SPDX-License-Identifier: Apache-2.0
// What crosses a boundary is JSON text and slots: every body of a busy trace is smallcaps or capdata
// text whose references are indices into its slots.
import { check, slotsOf } from '../lib.mjs';
import { counter, keeper } from '../vats.mjs';

const references = value =>
  typeof value === 'string'
    ? /^[$&]\d/.test(value) ? [Number.parseInt(value.slice(1), 10)] : []
    : value && typeof value === 'object' ? Object.values(value).flatMap(references) : [];

export const test = async t => {
  const home = await t.started();
  const trace = await home.trace();
  const { vats } = await home.launch({ keeper, counter });
  const made = await home.send(vats.counter.root, 'make');
  await home.send(vats.keeper.root, 'put', 'it', [made, { deep: [made, { kref: vats.counter.root }] }]);
  await home.send(vats.keeper.root, 'get', 'it');
  await home.settle();

  let bodies = 0;
  let named = 0;
  for (const event of trace.events) {
    for (const [name, value] of Object.entries(event)) {
      check(['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value),
        `${name} of ${event.event} is neither text nor number`);
    }
    if (typeof event.body !== 'string' || event.body === '') {
      continue;
    }
    const slots = slotsOf(event);
    const value = JSON.parse(event.body.replace(/^#/, ''));
    bodies += 1;
    for (const slot of slots) {
      check(/^(k[opd]\d+|[opd][+-][dv]?\d+(\/\d+(:\d+)?)?)$/.test(slot), `a slot is ${slot}`);
    }
    for (const index of references(value)) {
      named += 1;
      check(index < slots.length, `${event.body} names slot ${index} of ${slots.length}`);
    }
  }
  check(bodies >= 5 && named >= 5, `only ${bodies} bodies with ${named} references were seen`);
};
