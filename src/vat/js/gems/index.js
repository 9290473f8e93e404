// SPDX-License-Identifier: Apache-2.0
// gems - what vats import as @endo/gems, and find as members of VatData and of their powers.
import * as classRegistry from './class_registry.js';
import * as customKind from './custom_kind.js';
import * as exoLike from './exo_like.js';

const { keeveVatData } = globalThis;
delete globalThis.keeveVatData;

const { allocateNextID, registerEntry, registerKind, registerValue } = VatData;

export const gems = harden({
  makeCustomDurableKindWithContext: customKind.makeCustomDurableKindWithContext,
  makeCustomDurableKindWithMapStore: customKind.makeCustomDurableKindWithMapStore,
  makeCustomDurableKindWithStoreObj: customKind.makeCustomDurableKindWithStoreObj,
  makeCustomDurableKindWithZone: customKind.makeCustomDurableKindWithZone,
  makeDefineDurableFactory: customKind.makeDefineDurableFactory,
  makeClassRegistry: classRegistry.makeClassRegistry,
  makeGems: classRegistry.makeGems,
  ...exoLike,
});

/** The same functions in the arrangement that code written against a vomKit expects. */
const vomKit = harden({
  vrm: { allocateNextID, registerKind },
  fakeStuff: { registerEntry },
});

const vatData = harden({ ...VatData, ...gems });
keeveVatData(vatData);
Object.defineProperty(globalThis, 'VatData', { value: vatData });

export const gemsPackage = harden({
  ...gems,
  allocateNextID,
  registerEntry,
  registerKind,
  registerValue,
  vomKit,
});
