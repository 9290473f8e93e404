// SPDX-License-Identifier: Apache-2.0
// A page's promises need nothing: see node_promises.js.
export {};
