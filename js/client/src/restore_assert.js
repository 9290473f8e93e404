// SPDX-License-Identifier: Apache-2.0
import { assertBefore } from './keep_assert.js';

// What the program had goes on; the shim serves where there was nothing.
if (assertBefore?.details !== undefined) {
  globalThis.assert = assertBefore;
}
