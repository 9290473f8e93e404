// SPDX-License-Identifier: Apache-2.0
// packages - what the vats of the scenarios use, unmodified, as globals of one script.
import 'ses/assert-shim.js';
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';
import { makeTagged, passStyleOf, getInterfaceOf } from '@endo/pass-style';

Object.assign(globalThis, { E, Far, getInterfaceOf, makeTagged, passStyleOf });
lockdown();
