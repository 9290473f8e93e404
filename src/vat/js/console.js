// SPDX-License-Identifier: Apache-2.0
// console - one line of text for each call; what a value looks like is decided here, in the vat.

const depthMax = 4;
const itemsMax = 100;
const textMax = 8192;

const { getOwnPropertyDescriptors, getPrototypeOf } = Object;
const { isArray } = Array;

const showKey = (key) => {
  if (typeof key === 'symbol') {
    return `[${String(key)}]`;
  }
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
};

const showMembers = (value, depth, seen) => {
  const members = [];
  for (const [key, descriptor] of Object.entries(getOwnPropertyDescriptors(value))) {
    if (members.length >= itemsMax) {
      members.push('...');
      break;
    }
    if (isArray(value) && key === 'length') {
      continue;
    }
    const shown = 'value' in descriptor ? show(descriptor.value, depth + 1, seen) : '[accessor]';
    members.push(isArray(value) ? shown : `${showKey(key)}: ${shown}`);
  }
  return members.join(', ');
};

const showError = (error) => {
  const { name, message, stack } = error;
  const head = message === '' ? `${name}` : `${name}: ${message}`;
  const lines = typeof stack === 'string' ? stack.split('\n').slice(1) : [];
  return [head, ...lines].join('\n');
};

const showObject = (value, depth, seen) => {
  if (value instanceof Error) {
    return showError(value);
  }
  const tag = value[Symbol.toStringTag];
  const prefix = typeof tag === 'string' ? `[${tag}] ` : '';
  if (seen.includes(value)) {
    return '[circular]';
  }
  if (depth >= depthMax) {
    return isArray(value) ? '[...]' : `${prefix}{...}`;
  }
  const members = showMembers(value, depth, [...seen, value]);
  if (isArray(value)) {
    return `[${members}]`;
  }
  if (prefix !== '' && members === '') {
    return prefix.trim();
  }
  return members === '' ? `${prefix}{}` : `${prefix}{ ${members} }`;
};

const show = (value, depth, seen) => {
  switch (typeof value) {
    case 'string':
      return depth === 0 ? value : JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return String(value);
    case 'function':
      return `[function ${value.name || 'anonymous'}]`;
    case 'object':
      if (value === null) {
        return 'null';
      }
      if (getPrototypeOf(value) === Promise.prototype) {
        return '[Promise]';
      }
      return showObject(value, depth, seen);
    default:
      return Object.is(value, -0) ? '-0' : `${value}`;
  }
};

/** A value may be a proxy whose traps throw: that must not break the caller. */
const format = (args) => {
  const texts = args.map((arg) => {
    try {
      return show(arg, 0, []);
    } catch {
      return '[unreadable]';
    }
  });
  const text = texts.join(' ');
  return text.length > textMax ? `${text.slice(0, textMax)}...` : text;
};

/** level names and numbers are those of the frames. */
export const makeConsole = (log) => {
  const at = (level) => (...args) => log(level, format(args));
  return harden({
    debug: at(0),
    log: at(1),
    info: at(2),
    warn: at(3),
    error: at(4),
    trace: at(0),
    assert(condition, ...args) {
      if (!condition) {
        log(4, format(['assertion failed:', ...args]));
      }
    },
  });
};
