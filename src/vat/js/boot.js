// SPDX-License-Identifier: Apache-2.0
// boot - evaluated once, when the boot image is made. Leaves one function for the host, by which a
// worker later loads the code of its vat.
import './lockdown.js';
import { makeConsole } from './console.js';
import { loadCode, makeVatCompartment } from './load.js';
import { makePowers } from './powers.js';
import { vatTools } from './vat_tools.js';

const { keeveHost, keeveVatTools } = globalThis;
delete globalThis.keeveHost;
delete globalThis.keeveVatTools;

keeveVatTools(vatTools);

/**
 * text: module source or bundle; names: globals asked for; own: globals of liveslots. Returns the
 * exports.
 */
const load = (text, names, own) => {
  const globals = {
    console: makeConsole(keeveHost.log),
    assert,
    VatData,
    TextDecoder,
    TextEncoder,
    ...own,
    ...makePowers(names, keeveHost),
  };
  return loadCode(makeVatCompartment(globals), text);
};

globalThis.keeveLoad = harden(load);
