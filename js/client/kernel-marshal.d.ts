// SPDX-License-Identifier: Apache-2.0
import type { Kref } from './index.js';

export { kslot, kser, kunser } from './index.js';
/** Throws for what is no stand-in, presence or promise of a kernel. */
export declare function krefOf(value: unknown): Kref;
