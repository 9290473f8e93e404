/* SPDX-License-Identifier: Apache-2.0 */
/* secret - 256 bits that nobody can guess, in a file of the home. */
#ifndef KEE_DAEMON_SECRET_H
#define KEE_DAEMON_SECRET_H

#include "base/bytes.h"

#define KEE_SECRET_BYTES 43u

/* The secret in HOME/secrets/name, in base64url; made if there is none. Outcome >0, with why: it cannot
 * be read, others can read it, or it is not what it should be. */
int kee_secret_of(char out[KEE_SECRET_BYTES + 1], const char *home, const char *name,
                  struct kee_buf *why);

#endif
