/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - the C functions a machine's heap may refer to. All are installed when the boot image is
 * made; a machine read from the image finds them by their place in one table.
 */
#ifndef KEE_VAT_ENGINE_HOST_H
#define KEE_VAT_ENGINE_HOST_H

#include "vat/engine/xs.h"

/* More than the table will ever hold: liveslots has some two hundred. */
#define KEE_HOST_CALLBACKS_MAX 1024u

/* Puts the globals harden, lockdown, keeveHost and keeveInstall into a fresh
 * machine. boot.js calls the last for those of liveslots, and takes away what vats must not see. Inside
 * a crank. */
void kee_host_install(txMachine *the);

/* Fills out with every host function that may stand in the heap; gives their number. */
size_t kee_host_callbacks(txCallback *out, size_t room);

#endif
