// SPDX-License-Identifier: Apache-2.0
// convertKrefsToStandins: strings that are krefs become references, at any depth, when the host says so;
// every other text stays text, and nothing else makes references of strings.
import { check, equal } from '../lib.mjs';
import { E, client, hosted, krefOf } from '../client.mjs';

const { convertKrefsToStandins } = client;

export const test = async t => {
  // The document's example.
  const { target, data } = convertKrefsToStandins({ target: 'ko42', data: { ref: 'ko43' } });
  equal([krefOf(target), krefOf(data.ref)], ['ko42', 'ko43'], 'krefs of the example');

  const { root, kref, kernel } = await hosted(t);
  const node = await E(root).make('a');
  const text = krefOf(node);
  const sent = convertKrefsToStandins({ deep: [[{ it: text }]], plain: 'plain' });
  const back = await E(root).same(sent);
  check(back.deep[0][0].it === node, 'the vat got something else');
  equal(back.plain, 'plain', 'other text');
  equal(await E(root).typeOf(text), 'string', 'a kref as text, not converted');
  for (const other of [`\\${text}`, `!${text}`, ` ${text}`, `${text} `, `"${text}"`, `$0.${text}`, `${text},${text}`,
    text.toUpperCase(), `${text}n`, 'ko', 'kd1', 'v1', `${text}\n`]) {
    const [same] = await E(root).same(convertKrefsToStandins([other]));
    equal(same, other, `text ${JSON.stringify(other)}`);
  }
  // Through queueMessage neither: only what was converted is a reference.
  const answer = client.kunser(
    await E(kernel).queueMessage(kref, 'same', [[text, client.kslot(text)]]),
  );
  equal([answer[0], krefOf(answer[1])], [text, text], 'text and stand-in by queueMessage');
};
