/* SPDX-License-Identifier: Apache-2.0 */
/*
 * globals - the fixed list of names of globals that a vat can be granted by its configuration. Which of
 * them this version has, the vat's runtime says; docs/config tells what each is.
 */
#ifndef KEE_LIB_GLOBALS_H
#define KEE_LIB_GLOBALS_H

#include "base/bytes.h"

bool kee_global_is_known(const char *name);
/* All names, a space before each. */
void kee_buf_put_globals(struct kee_buf *buf);

#endif
