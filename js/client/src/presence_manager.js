// SPDX-License-Identifier: Apache-2.0
// presence_manager - presences over any object that has the kernel's queueMessage: a facade over CapTP, one
// made of JSON-RPC calls, one in the same process. Answers are capdata whose slots are krefs; presences are
// what comes of them.
import harden from '@endo/harden';
import { E } from '@endo/eventual-send';
import { convertPresencesToStandins, convertValues } from './convert.js';
import { makeKernelMarshal } from './kernel_marshal.js';
import { assertKref, isKrefPresence, krefOf } from './kref.js';
import { makeKrefPresence } from './kref_presence.js';

/** What collected presences were, gathered so that many go in one message. */
const makeDropper = kernelFacade => {
  /** Mentions in answers since the kref was last let go. @type {Map<string, number>} */
  const mentions = new Map();
  const alive = new Map();
  let dead = new Set();
  let flushing = false;

  const flush = () => {
    flushing = false;
    const gone = [...dead].filter(kref => alive.get(kref)?.deref() === undefined && mentions.has(kref));
    dead = new Set();
    const drops = gone.map(kref => [kref, mentions.get(kref)]);
    gone.forEach(kref => {
      mentions.delete(kref);
      alive.delete(kref);
    });
    if (drops.length > 0) {
      E(kernelFacade).dropKref(harden(drops)).catch(() => {});
    }
  };
  const dropSoon = kref => {
    dead.add(kref);
    if (!flushing) {
      flushing = true;
      setTimeout(flush, 0);
    }
  };
  const collected = new FinalizationRegistry(dropSoon);

  return {
    /** An answer named these. */
    mentioned: krefs => {
      for (const kref of new Set(krefs)) {
        mentions.set(kref, (mentions.get(kref) ?? 0) + 1);
      }
    },
    watch: (kref, presence) => {
      if (alive.get(kref)?.deref() !== presence) {
        alive.set(kref, new WeakRef(presence));
        collected.register(presence, kref);
      }
    },
    drop: kref => {
      alive.delete(kref);
      dropSoon(kref);
    },
  };
};

/**
 * @param {object} options
 * @param {unknown} options.kernelFacade has queueMessage(kref, method, args) -> capdata; for promises
 *   subscribePromise(kref), for letting go dropKref([[kref, mentions]...]), for gets resolveKref(kref)
 */
export const makePresenceManager = ({ kernelFacade }) => {
  const dropper = makeDropper(kernelFacade);

  const present = (kref, iface = undefined) => {
    const presence = makeKrefPresence(kref, sendToKernel, iface);
    dropper.watch(kref, presence);
    return presence;
  };
  const marshal = makeKernelMarshal(present);

  const fromCapData = capdata => {
    dropper.mentioned(capdata.slots);
    return marshal.fromCapData(capdata);
  };

  /** What a facade gave as a value, with presences of this manager for those of its link. */
  const adopt = value =>
    convertValues(value, item => (isKrefPresence(item) ? present(krefOf(item)) : undefined));

  const ask = async (operation, { target, method, args, property }) => {
    switch (operation) {
      case 'getProperty':
        return adopt(await E.get(E(kernelFacade).resolveKref(target))[property]);
      case 'subscribePromise':
        return adopt(await E(kernelFacade).subscribePromise(target));
      default:
        return fromCapData(
          await E(kernelFacade).queueMessage(target, method, convertPresencesToStandins(args)),
        );
    }
  };
  function sendToKernel(operation, message) {
    return ask(operation, message).catch(reason => {
      throw adopt(reason);
    });
  }

  return harden({
    resolveKref: kref => present(kref),
    krefOf,
    isKrefPresence,
    fromCapData,
    convertPresencesToStandins,
    subscribePromise: kref => {
      assertKref(kref);
      return Promise.resolve(present(kref));
    },
    dropKref: krefOrPresence => {
      const kref = krefOf(krefOrPresence) ?? krefOrPresence;
      assertKref(kref);
      dropper.drop(kref);
    },
  });
};
