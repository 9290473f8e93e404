/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system - system subclusters: those that keeve start --system names, which may have services that are
 * for the system only.
 *
 *   FILE: [{"name":"clock","config":{...}}]
 *
 * One that is listed and not there is launched, one after the other; one that was and is not listed any
 * more is terminated; one that is there goes on as it is. The service system:NAME holds the root of its
 * bootstrap vat. Without --system nothing is changed.
 *
 * Returns  0 done; <0 fault; >0 outcome REFUSED with a sentence in why.
 */
#ifndef KEE_DAEMON_SYSTEM_H
#define KEE_DAEMON_SYSTEM_H

#include "daemon/daemon_internal.h"

enum kee_system_outcome { KEE_SYSTEM_REFUSED = 1 };

/* At the start; path is absolute. */
int kee_system_open(struct kee_daemon *daemon, const char *path, struct kee_buf *why);
void kee_system_close(struct kee_daemon *daemon);
/* From within the kernel: false if the call is none of ours. */
bool kee_system_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer);
bool kee_system_wants_round(const struct kee_daemon *daemon);
/* Names what was launched, launches what is next. */
int kee_system_round(struct kee_daemon *daemon);

#endif
