/* SPDX-License-Identifier: Apache-2.0 */
/* doors_internal - what web doors need of the file system. */
#ifndef KEE_DAEMON_DOORS_INTERNAL_H
#define KEE_DAEMON_DOORS_INTERNAL_H

#include "daemon/doors.h"

/* Loads the module and opens the directories whose files web doors show; once. */
int kee_web_load(struct kee_doors *doors, struct kee_buf *why);

#endif
