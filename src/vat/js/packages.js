// SPDX-License-Identifier: Apache-2.0
// packages - what a vat may import by its bare name: the field's packages, unmodified, evaluated once
// and kept in the boot image. Namespaces become plain frozen records.
import * as vatDataPackage from '@agoric/vat-data';
import * as store from '@agoric/store';
import * as zone from '@agoric/zone';
import * as zoneDurable from '@agoric/zone/durable.js';
import * as zoneHeap from '@agoric/zone/heap.js';
import * as zoneVirtual from '@agoric/zone/virtual.js';
import * as errors from '@endo/errors';
import * as eventualSend from '@endo/eventual-send';
import * as exo from '@endo/exo';
import * as far from '@endo/far';
import * as marshal from '@endo/marshal';
import * as passStyle from '@endo/pass-style';
import * as patterns from '@endo/patterns';
import * as promiseKit from '@endo/promise-kit';
import { gemsPackage } from './gems/index.js';
import * as kernelUtilsExo from './kernel_utils.js';
import * as vow from './vow_far.js';
import { makeRawVows } from './vow_raw.js';

const record = (namespace) => harden({ ...namespace });

export const packages = harden({
  __proto__: null,
  '@agoric/store': record(store),
  '@agoric/vat-data': record(vatDataPackage),
  '@agoric/zone': record(zone),
  '@agoric/zone/durable.js': record(zoneDurable),
  '@agoric/zone/heap.js': record(zoneHeap),
  '@agoric/zone/virtual.js': record(zoneVirtual),
  '@endo/errors': record(errors),
  '@endo/eventual-send': record(eventualSend),
  '@endo/exo': record(exo),
  '@endo/far': record(far),
  '@endo/gems': gemsPackage,
  '@endo/gems/src/custom-kind.js': gemsPackage,
  '@endo/marshal': record(marshal),
  '@endo/pass-style': record(passStyle),
  '@endo/patterns': record(patterns),
  '@endo/promise-kit': record(promiseKit),
  '@keeve/vow': record(vow),
  '@metamask/kernel-utils/exo': record(kernelUtilsExo),
});

/** What a raw vat may import: nothing that stands on liveslots. Made anew for each vat. */
export const makeRawPackages = () => harden({ __proto__: null, '@keeve/vow': makeRawVows() });
