// SPDX-License-Identifier: Apache-2.0
// boot - evaluated once, when the boot image is made. Leaves one function for the host, by which a
// worker later loads the code of its vat.
import './lockdown.js';
import './vat_tools.js';
import { makeConsole } from './console.js';
import { loadCode, makeVatCompartment } from './load.js';
import { makeLogger } from './logger.js';
import { makeRawPackages, packages } from './packages.js';
import { grantable, makePowers } from './powers.js';

const { keeveHost } = globalThis;
delete globalThis.keeveHost;

/**
 * text: module source or bundle; fileName: for the stacks of errors; names: globals asked for; own:
 * globals of liveslots; inventory: objects granted by name, which become globals, too; raw: the vat has no
 * liveslots, nor what stands on them. Returns the exports.
 */
const load = (text, fileName, names, own, inventory = {}, raw = false) => {
  const console = makeConsole(keeveHost.log);
  const globals = {
    console,
    assert,
    ...(raw ? {} : { VatData }),
    ...own,
    ...makePowers(names, keeveHost, console),
  };
  const makeCompartment = (more) => makeVatCompartment({ ...globals, ...more }, raw);
  const granted = Object.keys(inventory);
  const taken = granted.length > 0 ? makeCompartment({})({}).globalThis : {};
  for (const name of granted) {
    if (name in taken) {
      throw TypeError(`inventory: "${name}" is the name of another global`);
    }
  }
  return loadCode(
    makeCompartment(inventory),
    text,
    fileName,
    raw ? makeRawPackages() : packages,
    keeveHost,
  );
};

globalThis.keeveLoad = harden(load);

/** Members of vatPowers that are made here (liveslots/start.c). */
const imageConsole = makeConsole(keeveHost.log);
globalThis.keeveVatPowers = harden({ logger: makeLogger(imageConsole), testLog: imageConsole.log });

const stackMax = 8192;

/** Loads code for a look; gives JSON of its exports, or of the error it throws (engine/check.h). */
const check = (text, own) => {
  try {
    return JSON.stringify({ exports: Object.keys(load(text, 'bundle', grantable, own, false)) });
  } catch (error) {
    const isError = error instanceof Error;
    return JSON.stringify({
      error: isError ? `${error.name}: ${error.message}` : `threw ${String(error)}`,
      stack: isError ? `${error.stack}`.slice(0, stackMax) : '',
    });
  }
};

globalThis.keeveCheck = harden(check);
