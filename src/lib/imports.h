/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imports - the relative paths that the text of a module may import.
 *
 * Not a parser: what stands in quotes, begins with ./ or ../ and follows the word import or from is
 * taken, in comments and strings too. Whoever uses it must bear names that are not imported. A name
 * written with escapes is not found.
 */
#ifndef KEE_LIB_IMPORTS_H
#define KEE_LIB_IMPORTS_H

#include "base/bytes.h"

/* Gives the next specifier in *rest, and moves *rest behind it; false at the end. */
bool kee_imports_next(struct kee_bytes *rest, struct kee_bytes *specifier);

/* Appends the path that a specifier means in the module of that path, both relative to one root:
 * "../lib/x.js" in "vats/a.js" is "lib/x.js". False if it leads out of the root. */
bool kee_imports_resolve(struct kee_buf *out, struct kee_bytes module, struct kee_bytes specifier);

#endif
