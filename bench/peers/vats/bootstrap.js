// SPDX-License-Identifier: Apache-2.0
// Gives the caller its server.
import { E, Far } from '@endo/far';

export const buildRootObject = () =>
  Far('bootstrap', { bootstrap: vats => E(vats.caller).meet(vats.server) });
