// SPDX-License-Identifier: Apache-2.0
// The bridge between values and the kernel's own notation. Its krefOf() throws for what has no kref.
import './init.js';

export { kslot, krefOf, kser, kunser } from './kernel_marshal.js';
