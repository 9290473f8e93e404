// SPDX-License-Identifier: Apache-2.0
// install - lets liveslots put HandledPromise, VatData and what else it needs into the start realm. After
// the repair, since what it hardens reaches the shared prototypes.

const { keeveInstall } = globalThis;

keeveInstall();
delete globalThis.keeveInstall;
