// SPDX-License-Identifier: Apache-2.0
// tables - the one engine behind every way to say how values and slots go together: the tables of
// @endo/captp's option makeCapTPImportExportTables, the hooks, and names of the kernel's.
//
// Slots are as captp hands them to tables: "o+3" is ours, "o-3" theirs. Exporting a value goes: choose a
// slot, run the hooks, let captp start what goes with it, write the tables. Until the last step nothing is
// taken, so a hook that throws leaves nothing behind, and the next try gets the same slot.
import { isPromise } from '@endo/promise-kit';
import { isKref, krefOf, krefOfStandIn, recordPresence } from './kref.js';
import { makeStore } from './store.js';

/** The kref in a slot of the kernel's, "o-ko42". */
const krefInSlot = slot => {
  const rest = slot.slice(2);
  return slot[1] === '-' && isKref(rest) && slot[0] === rest[1] ? rest : undefined;
};
/** How our side names a thing of the kernel's. */
export const slotOfKref = kref => `${kref[1]}-${kref}`;

const OWN_SLOT = /^[op]\+[^,|\s]+$/;
const THEIR_SLOT = /^[op]-[^,|\s]+$/;

const assertSlot = (slot, shape, value) => {
  if (typeof slot !== 'string' || !shape.test(slot)) {
    throw TypeError(`bad slot ${JSON.stringify(slot)}; it looks like ${shape === OWN_SLOT ? 'o+7' : 'o-7'}`);
  }
  if (value !== undefined && (slot[0] === 'p') !== isPromise(value)) {
    throw TypeError(`slot ${slot}: promises, and only they, have slots that start with p`);
  }
};

/**
 * Tables of our own: weak imports, slots that are numbers, krefs where the other side is a kernel.
 */
const makeOwnTables = ({ gcImports, releaseSlot, releaseAll, makeRemoteKit, krefs, wrap }) => {
  const store = makeStore({ weak: gcImports, release: slots => releaseAll(slots, releaseSlot) });

  const makeValueForSlot = (slot, iface) => {
    const { promise, settler } = makeRemoteKit(slot);
    if (slot[0] === 'p') {
      return { val: wrap.checkedPromise(promise), settler };
    }
    if (slot[0] !== 'o' && slot[0] !== 't') {
      throw TypeError(`unknown kind of slot ${slot}`);
    }
    return { val: wrap.checkedPresence(settler.resolveWithPresence(), iface), settler };
  };

  return {
    ...store,
    makeSlotForValue: value => {
      const kref = krefs ? krefOfStandIn(value) : undefined;
      return kref ? slotOfKref(kref) : store.freeSlot(isPromise(value) ? 'p' : 'o');
    },
    makeValueForSlot,
  };
};

/**
 * A factory for captp's option makeCapTPImportExportTables.
 *
 * @param {object} options see CapTPHooks in index.d.ts for the hooks
 * @param {object} [options.hooks]
 * @param {boolean} [options.krefs] the other side names things after their krefs
 * @param {object} options.wrap how references are wrapped: see checked.js
 * @param {(slots: string[], releaseSlot: (slot: string) => void) => void} [options.releaseAll] lets go
 *   of many imports together
 * @param {(kit: object) => object} [options.makeCapTPImportExportTables] tables to use in place of ours
 * @param {Map<string, object>} [options.hidden] exports of ours that are in no table
 * @param {(tables: object) => void} [options.made] gets what was made
 */
export const makeEngine = ({
  hooks = {},
  krefs = false,
  wrap,
  releaseAll = (slots, releaseSlot) => slots.forEach(releaseSlot),
  makeCapTPImportExportTables = undefined,
  hidden = new Map(),
  made = () => {},
}) => kit => {
  const base = makeCapTPImportExportTables?.(kit) ??
    makeOwnTables({ ...kit, releaseAll, krefs, wrap });
  /** Slots that a host gave by importSlot() or exportValue(). @type {WeakMap<object, string>} */
  const givenSlots = new WeakMap();

  const missing = slot => {
    const value = hooks.missingExportHook?.(slot);
    if (value !== undefined && !base.hasExport(slot)) {
      engine.exportValue(value, slot);
    }
    return base.hasExport(slot);
  };

  const chosenSlot = value => {
    const given = givenSlots.get(value) ?? hooks.onBeforeExportHook?.(value);
    if (given === undefined) {
      return base.makeSlotForValue(value);
    }
    if (given[1] === '-') {
      assertSlot(given, THEIR_SLOT);
    } else {
      assertSlot(given, OWN_SLOT, value);
      if (base.hasExport(given) && base.getExport(given) !== value) {
        throw Error(`slot ${given} stands for something else already`);
      }
    }
    return given;
  };

  const engine = {
    ...base,
    makeSlotForValue: value => {
      const slot = chosenSlot(value);
      const other = slot[1] === '+' ? hooks.exportHook?.(value, slot) : undefined;
      if (other === undefined || isPromise(value)) {
        return slot;
      }
      assertSlot(other, OWN_SLOT, value);
      return other;
    },
    makeValueForSlot: (slot, iface) => {
      const supplied = hooks.onBeforeImportHook?.(slot, iface);
      const made = supplied === undefined || slot[0] === 'p'
        ? base.makeValueForSlot(slot, iface)
        : { val: supplied, settler: undefined };
      const other = hooks.importHook?.(made.val, slot);
      const val = other === undefined || slot[0] === 'p' ? made.val : other;
      const kref = krefs ? krefInSlot(slot) : undefined;
      if (kref) {
        recordPresence(val, kref);
      }
      return { val, settler: made.settler };
    },
    hasExport: slot =>
      hidden.has(slot) || base.hasExport(slot) || (slot[1] === '+' && slot[0] !== 'q' && missing(slot)),
    getExport: slot => hidden.get(slot) ?? base.getExport(slot),
    markAsExported: (slot, value) => {
      // What is theirs (a stand-in, a presence that was registered) is no export of ours.
      if (slot[1] === '+') {
        base.markAsExported(slot, value);
      }
    },
    deleteExport: slot => {
      if (base.hasExport(slot)) {
        const value = base.getExport(slot);
        base.deleteExport(slot);
        hooks.gcHook?.(slot, value);
      }
    },

    importSlot: (slot, presence) => {
      assertSlot(slot, THEIR_SLOT);
      if (slot[0] === 'p') {
        throw TypeError('a promise cannot be registered: its settlement comes over the link');
      }
      const value = presence ?? base.makeValueForSlot(slot, `Alleged: ${slot}`).val;
      if (base.hasImport(slot) && base.getImport(slot) !== value) {
        throw Error(`slot ${slot} has a presence already`);
      }
      const kref = krefs ? krefInSlot(slot) : undefined;
      if (kref) {
        recordPresence(value, kref);
      }
      givenSlots.set(value, slot);
      base.markAsImported(slot, value);
      return value;
    },
    exportValue: (value, slot) => {
      assertSlot(slot, OWN_SLOT);
      if (isPromise(value)) {
        throw TypeError('a promise cannot be exported by hand; send it in a message');
      }
      if (base.hasExport(slot) && base.getExport(slot) !== value) {
        throw Error(`slot ${slot} stands for something else already`);
      }
      if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
        throw TypeError('only objects can be exported');
      }
      givenSlots.set(value, slot);
      base.markAsExported(slot, value);
    },

    /** The kref of a presence; undefined for what is not the kernel's. */
    exportSlot: value => (krefs ? krefOf(value) : undefined),
  };
  made(engine);
  return engine;
};
