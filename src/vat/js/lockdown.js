// SPDX-License-Identifier: Apache-2.0
// lockdown - repairs, the globals of C, the assert global of the field, then the engine's own lockdown:
// from here on every intrinsic is frozen. Nothing below may rely on changing one.
import './repair.js';
import './install.js';
import './text_codec.js';
import 'ses/assert-shim.js';

const { lockdown, harden } = globalThis;

lockdown();
delete globalThis.lockdown;
for (const name of ['assert', 'harden', 'TextEncoder', 'TextDecoder', 'HandledPromise', 'VatData']) {
  if (globalThis[name] === undefined) {
    throw ReferenceError(`the host did not install ${name}`);
  }
  harden(globalThis[name]);
}
