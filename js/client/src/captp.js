// SPDX-License-Identifier: Apache-2.0
// captp - makeCapTP of @endo/captp with more options: hooks, tables, and a policy of what may pass. The
// protocol is @endo/captp's; what is here stands before and behind it:
//
//   E(presence).m(args) ──► check ──► @endo/captp ──► emit ──► rawSend
//   text of the other side ──► receive ──► @endo/captp dispatch
import harden from '@endo/harden';
import { makeCapTP as makeEndoCapTP } from '@endo/captp';
import { makeMarshal } from '@endo/marshal';
import { Remotable, Far } from '@endo/pass-style';
import { connectionLost, textOf } from './failures.js';
import { makeChecker } from './checked.js';
import { assertSendable, refusedInCapData } from './passable.js';
import { makeEngine } from './tables.js';

/** How many slots one CTP_DROP lets go of. */
const DROPS_MAX = 1000;
/** What a call goes to that cannot be carried out; no slot that anyone else hands out. */
const REFUSER = 'o+refused!';

const exceptionOf = text => ({
  body: JSON.stringify({ '@qclass': 'error', name: 'Error', message: text }),
  slots: [],
});

/** The serialized values of a message, with what to call them in a path. */
const valuesOf = message =>
  [['method', message.method], ['result', message.result], ['result', message.res],
    ['exception', message.exception], ['exception', message.rej]]
    .filter(([, value]) => value !== undefined && value !== null);

const slotsOf = message =>
  valuesOf(message).flatMap(([, value]) => (Array.isArray(value.slots) ? value.slots : []));

/** The same message, but its value is an error. */
const failing = (message, text) => {
  const { result, exception, res, rej, ...rest } = message;
  return message.type === 'CTP_RETURN'
    ? { ...rest, exception: exceptionOf(text) }
    : { ...rest, rej: exceptionOf(text) };
};

/** Reads bodies for a look at the styles in them; references are of no use. */
const makeLooker = () =>
  makeMarshal(undefined, (slot, iface) =>
    slot[0] === 'p' ? new Promise(() => {}) : Remotable(iface ?? 'Alleged: looked at', undefined, {}),
  ).fromCapData;

const makeDropSender = (send, epoch, together) => {
  /** @type {{ slotID: string, decRefs: number }[] | undefined} */
  let gathered;
  return {
    gathering: () => gathered !== undefined,
    add: ({ slotID, decRefs }) => {
      // What was never mentioned to us is not held for us. The count of a question does not matter.
      if (decRefs > 0 || slotID[0] === 'q') {
        gathered.push({ slotID, decRefs });
      }
    },
    releaseAll: (slots, releaseSlot) => {
      gathered = [];
      slots.forEach(releaseSlot);
      const drops = gathered;
      gathered = undefined;
      const size = together ? DROPS_MAX : 1;
      for (let at = 0; at < drops.length; at += size) {
        const [{ slotID, decRefs }, ...more] = drops.slice(at, at + size);
        send({ type: 'CTP_DROP', slotID, decRefs, epoch, ...(more.length > 0 && { more }) });
      }
    },
  };
};

/**
 * @param {string} ourId what this side is called in errors
 * @param {(message: object) => unknown} rawSend
 * @param {unknown} [bootstrapObj]
 * @param {import('../index.d.ts').CapTPOptions} [options]
 */
export const makeCapTP = (ourId, rawSend, bootstrapObj = undefined, options = {}) => {
  const {
    epoch = 0,
    gcImports = false,
    onReject = undefined,
    trapGuest = undefined,
    trapHost = undefined,
    refuse = {},
    krefs = false,
    dropTogether = false,
    makeCapTPImportExportTables = undefined,
    ...hooks
  } = options;
  const refusedToSend = new Set(refuse.send ?? []);
  const refusedToTake = new Set(refuse.receive ?? []);
  const look = makeLooker();
  const drops = makeDropSender(rawSend, epoch, dropTogether);
  const refuser = Far('refused', {
    refuse: text => {
      throw Error(text);
    },
  });
  let tables;

  const refusal = (message, refused, verb) => {
    for (const [name, value] of refused.size > 0 ? valuesOf(message) : []) {
      const found = refusedInCapData(value, name, refused, look);
      if (found) {
        return `${found[0]} is of the style ${found[1]}, which this link refuses to ${verb}`;
      }
    }
    return undefined;
  };

  const emit = message => {
    if (message.type === 'CTP_DROP' && drops.gathering()) {
      return drops.add(message);
    }
    if (message.type === 'CTP_DISCONNECT') {
      const { reason } = message;
      return rawSend({ ...message, reason: reason === undefined ? 'closed' : textOf(reason) });
    }
    const refused = refusal(message, refusedToSend, 'send');
    if (refused && message.type === 'CTP_CALL') {
      throw TypeError(`[KERNEL:NOT_SENT] ${refused}`);
    }
    for (const slot of slotsOf(message)) {
      tables.mention?.(slot);
    }
    return rawSend(refused ? failing(message, `[KERNEL:NOT_SENT] ${refused}`) : message);
  };

  const checker = makeChecker((args, path) => assertSendable(args, path, refusedToSend));
  const captp = makeEndoCapTP(ourId, emit, bootstrapObj, {
    epoch,
    gcImports,
    onReject,
    trapGuest,
    trapHost,
    // Objects and promises have their hooks in the tables; trap handlers get their slot elsewhere.
    exportHook: (value, slot) => {
      if (slot[0] === 't') {
        hooks.exportHook?.(value, slot);
      }
    },
    makeCapTPImportExportTables: makeEngine({
      hooks,
      krefs,
      wrap: checker,
      releaseAll: drops.releaseAll,
      makeCapTPImportExportTables,
      hidden: new Map([[REFUSER, refuser]]),
      made: made => {
        tables = made;
      },
    }),
  });

  /** Our export that a message names and that is not there: its slot, or why it could not be had. */
  const missingExport = message => {
    const named = slotsOf(message);
    if (typeof message.target === 'string' && message.target[0] !== 'q') {
      named.push(message.target);
    }
    for (const slot of named) {
      if (typeof slot !== 'string' || slot[1] !== '-' || slot[0] === 'q') {
        continue;
      }
      const ours = `${slot[0]}+${slot.slice(2)}`;
      try {
        if (!tables.hasExport(ours)) {
          return `Unknown export ${ours}`;
        }
      } catch (error) {
        return `Unknown export ${ours}: ${textOf(error)}`;
      }
    }
    return undefined;
  };

  // A message we cannot take would vanish in captp, and who waits for its answer would wait for ever.
  const takeable = message => {
    const text = missingExport(message) ?? refusal(message, refusedToTake, 'receive');
    if (text === undefined) {
      return message;
    }
    onReject?.(Error(text));
    return message.type === 'CTP_CALL'
      ? {
          ...message,
          target: `o-${REFUSER.slice(2)}`,
          method: { body: JSON.stringify(['refuse', [text]]), slots: [] },
        }
      : failing(message, text);
  };

  const dispatch = message => {
    switch (message?.type) {
      case 'CTP_CALL':
      case 'CTP_RETURN':
      case 'CTP_RESOLVE': {
        let taken = message;
        try {
          taken = takeable(message);
        } catch {
          // Malformed: captp says so.
        }
        return captp.dispatch(taken);
      }
      case 'CTP_DISCONNECT': {
        const { reason } = message;
        const said = reason === undefined || reason === null ? '' : `: ${textOf(reason)}`;
        return captp.dispatch({
          ...message,
          reason: reason instanceof Error
            ? reason
            : connectionLost(`the other side of "${ourId}" ended the session${said}`),
        });
      }
      default:
        return captp.dispatch(message);
    }
  };

  const abort = (reason = connectionLost(`"${ourId}" was closed`)) => {
    captp.dispatch({ type: 'CTP_DISCONNECT', epoch, reason });
  };

  return harden({
    ...captp,
    dispatch,
    abort,
    importSlot: tables.importSlot,
    exportValue: tables.exportValue,
    dropSlot: slot => tables.dropSlot?.(slot),
    getTableSizes: () => tables.sizes?.(),
    tables: {
      exportSlot: tables.exportSlot,
    },
  });
};
