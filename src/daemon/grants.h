/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants - objects that hosts may have without being the kernel's owner: each has a name, a door of its
 * own (daemon/doors.h), and is all that who comes through it finds.
 *
 * A grant is the service grant:NAME, which holds the object until the grant is taken back.
 */
#ifndef KEE_DAEMON_GRANTS_H
#define KEE_DAEMON_GRANTS_H

#include "daemon/daemon_internal.h"

/* At the start, once there are doors. Returns 0 or a fault: a door that cannot be opened is noted. */
int kee_grants_open(struct kee_daemon *daemon);

/* The control methods. */
void kee_daemon_grant(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
void kee_daemon_grants(struct kee_daemon *daemon, struct kee_request *request,
                       const json_t *params);
void kee_daemon_revoke_grant(struct kee_daemon *daemon, struct kee_request *request,
                             const json_t *params);

#endif
