// SPDX-License-Identifier: Apache-2.0
// init - what Endo's packages expect of the world: `assert` and `HandledPromise` as globals. Loaded before
// them, in this order. A program that ran lockdown() first keeps what it has; one that did not needs
// nothing else, as Endo's harden then freezes by itself.
import '#promises';
import './keep_assert.js';
import 'ses/assert-shim.js';
import './restore_assert.js';
import '@endo/eventual-send/shim.js';
