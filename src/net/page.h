/* SPDX-License-Identifier: Apache-2.0 */
/* page - names and kinds of the files that a web door shows. Pure. */
#ifndef KEE_NET_PAGE_H
#define KEE_NET_PAGE_H

#include "base/bytes.h"

/* The name of a file for a path whose escapes are resolved: without the '/' in front; "index.html" is
 * added to what ends in '/'. False unless each of its parts may be shown: not empty, not beginning with a
 * dot, without control characters or backslashes, UTF-8. */
bool kee_page_name(struct kee_buf *out, struct kee_bytes path);
/* By the ending of the name. */
const char *kee_page_type(struct kee_bytes name);

#endif
