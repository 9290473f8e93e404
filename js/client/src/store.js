// SPDX-License-Identifier: Apache-2.0
// store - the two tables of one link: what the other side exports to us, held weakly, and what we export.
//
//   imports   slot "o-3" -> presence, weakly: once a presence is collected its slot is released, many
//             slots at a time. A slot that was mentioned again meanwhile is not: captp goes on adding to
//             its count, and releases the sum with the next presence.
//   exports   slot "o+3" -> value, strongly until the other side drops it; from then on weakly, because
//             captp will use the same slot again if it still knows the value.

const isNumber = slot => /^[op]\+(0|[1-9]\d*)$/.test(slot);

/**
 * @param {object} options
 * @param {boolean} options.weak hold imports weakly
 * @param {(slots: string[]) => void} options.release these imports are gone
 */
export const makeStore = ({ weak, release }) => {
  /** @type {Map<string, { deref(): any }>} */
  const imports = new Map();
  /** @type {Map<string, any>} */
  const exports = new Map();
  /** @type {Map<string, WeakRef<object>>} */
  const dropped = new Map();
  /** @type {Set<string>} */
  let released = new Set();
  let flushing = false;
  let connected = true;
  const last = { o: 0, p: 0 };

  const flush = () => {
    flushing = false;
    const slots = [...released].filter(slot => imports.get(slot)?.deref() === undefined);
    released = new Set();
    for (const slot of slots) {
      imports.delete(slot);
    }
    if (slots.length > 0 && connected) {
      release(slots);
    }
  };

  const releaseSoon = slot => {
    released.add(slot);
    if (!flushing) {
      // Finalizers come in swarms, one job each: what one collection found goes together.
      flushing = true;
      setTimeout(flush, 0);
    }
  };
  const collected = new FinalizationRegistry(releaseSoon);
  const forgotten = new FinalizationRegistry(slot => {
    if (dropped.get(slot)?.deref() === undefined) {
      dropped.delete(slot);
    }
  });

  const store = {
    hasImport: slot => imports.get(slot)?.deref() !== undefined,
    getImport: slot => imports.get(slot)?.deref(),
    markAsImported: (slot, value) => {
      if (weak) {
        imports.set(slot, new WeakRef(value));
        collected.register(value, slot);
      } else {
        imports.set(slot, { deref: () => value });
      }
    },
    hasExport: slot => exports.has(slot),
    getExport: slot => exports.get(slot),
    markAsExported: (slot, value) => {
      exports.set(slot, value);
      dropped.delete(slot);
      if (isNumber(slot)) {
        const letter = slot[0];
        last[letter] = Math.max(last[letter], Number(slot.slice(2)));
      }
    },
    deleteExport: slot => {
      const value = exports.get(slot);
      if (exports.delete(slot) && value !== null && typeof value === 'object') {
        dropped.set(slot, new WeakRef(value));
        forgotten.register(value, slot);
      }
    },
    /** An outgoing message names this slot: what was dropped is exported again. */
    mention: slot => {
      const value = dropped.get(slot)?.deref();
      if (value !== undefined) {
        store.markAsExported(slot, value);
      }
    },
    /** The next free number; it counts as used once something is exported under it. */
    freeSlot: letter => {
      let n = last[letter] + 1;
      while (exports.has(`${letter}+${n}`) || dropped.has(`${letter}+${n}`)) {
        n += 1;
      }
      return `${letter}+${n}`;
    },
    /** Lets go of an import now, collected or not; the next mention makes a new presence. */
    dropSlot: slot => {
      if (imports.delete(slot)) {
        releaseSoon(slot);
      }
    },
    didDisconnect: () => {
      connected = false;
      imports.clear();
      dropped.clear();
    },
    sizes: () => {
      const imported = [...imports.keys()].filter(slot => slot[0] !== 'q').length;
      return { imports: imported, questions: imports.size - imported, exports: exports.size };
    },
  };
  return store;
};
