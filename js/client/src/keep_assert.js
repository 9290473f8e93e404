// SPDX-License-Identifier: Apache-2.0
// The assertion functions the program came with (those of a lockdown, for one), before a shim is loaded.
export const assertBefore = globalThis.assert;
