// SPDX-License-Identifier: Apache-2.0
// same - are two passable values the same? References by identity, promises too, zeroes by sign when told.
import { getTag, passStyleOf } from './npm.mjs';
import { check } from './sessions.mjs';

const differ = (a, b, path, sign) => {
  const style = passStyleOf(a);
  if (style !== passStyleOf(b)) {
    return `${path}: ${style} became ${passStyleOf(b)}`;
  }
  switch (style) {
    case 'copyArray':
    case 'copyRecord': {
      const [keys, others] = [Reflect.ownKeys(a).sort(), Reflect.ownKeys(b).sort()];
      if (JSON.stringify(keys) !== JSON.stringify(others)) {
        return `${path}: properties ${keys} became ${others}`;
      }
      return keys.map(key => differ(a[key], b[key], `${path}.${key}`, sign)).find(Boolean);
    }
    case 'tagged':
      return getTag(a) === getTag(b)
        ? differ(a.payload, b.payload, `${path}.payload`, sign)
        : `${path}: tag ${getTag(a)} became ${getTag(b)}`;
    case 'error':
      return a.name === b.name && a.message === b.message ? undefined : `${path}: ${a} became ${b}`;
    case 'number':
      return Object.is(a, b) || (!sign && a === 0 && b === 0) ? undefined : `${path}: ${a} became ${b}`;
    default:
      return Object.is(a, b) ? undefined : `${path}: ${String(a).slice(0, 200)} became ${String(b).slice(0, 200)}`;
  }
};

export const same = (found, expected, what) => {
  const text = differ(harden(expected), harden(found), 'it', false);
  check(!text, `${what}: ${text}`);
};
