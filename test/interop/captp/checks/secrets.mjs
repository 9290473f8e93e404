// SPDX-License-Identifier: Apache-2.0
// Doors that ask for a secret open for that secret alone.
import { check, openRaw, within } from '../sessions.mjs';
import { dial } from '../carriers.mjs';

const wrong = secret => ['', 'x', secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), secret.split('').reverse().join('')]
  .filter(it => it !== secret);

const secretOf = url => url.slice(url.lastIndexOf('/') + 1);

// Gives whether a session began.
const enters = async c => {
  const raw = openRaw(c);
  const id = raw.question();
  raw.send({ type: 'CTP_BOOTSTRAP', epoch: 0, questionID: id });
  return Promise.race([raw.returned(id).then(() => true, () => false), c.over.then(() => false)]);
};

const at = door => ({
  level: 'strict',
  run: async c => {
    if (c.door.door !== door) return;
    const secret = secretOf(c.door.url);
    check(secret.length >= 43, `a secret of ${secret.length} characters`);
    check(await within(enters(await c.dial()), 'the door to open'), 'the door is shut');
    const knock = async it => {
      const carrier = await dial(c.door.url.replace(secret, it), c.door.framing, { secret: it }).catch(() => null);
      check(!carrier || !(await within(enters(carrier), 'the door to close')), `the door opens for ${it}`);
      if (carrier) carrier.cut();
    };
    await Promise.all(wrong(secret).map(knock)); /* each is answered late */
    await c.neighbour();
  },
});

export const checks = {
  'wrong secrets, over TCP': at('tcp'),
  'wrong secrets, at the web door': at('web'),
  'no secret at all': {
    level: 'strict',
    run: async c => {
      if (c.door.door !== 'tcp') return;
      const carrier = await dial(c.door.url, c.door.framing, { secret: { type: 'CTP_BOOTSTRAP', questionID: 'q-1' } });
      await within(carrier.over, 'the door to close');
      check(carrier.arrived === 0, 'it said something');
    },
  },
};
