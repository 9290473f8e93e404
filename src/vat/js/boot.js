// SPDX-License-Identifier: Apache-2.0
// boot - evaluated once, when the boot image is made. Leaves one function for the host, by which a
// worker later loads the code of its vat.
import './lockdown.js';
import './vat_tools.js';
import { makeConsole } from './console.js';
import { loadCode, makeVatCompartment } from './load.js';
import { makePowers } from './powers.js';

const { keeveHost } = globalThis;
delete globalThis.keeveHost;

/**
 * text: module source or bundle; fileName: for the stacks of errors; names: globals asked for; own:
 * globals of liveslots. Returns the exports.
 */
const load = (text, fileName, names, own) => {
  const globals = {
    console: makeConsole(keeveHost.log),
    assert,
    VatData,
    TextDecoder,
    TextEncoder,
    ...own,
    ...makePowers(names, keeveHost),
  };
  return loadCode(makeVatCompartment(globals), text, fileName, keeveHost);
};

globalThis.keeveLoad = harden(load);
