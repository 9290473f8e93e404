/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules - a plain vat and the files it imports by relative paths, as one text of format keeveModules
 * (docs/formats/bundles.md).
 *
 * Files are read only below one root: the directory of the configuration if the vat's file lies below
 * it, else the directory of that file; no link leads out. What cannot be read is not an error here,
 * since imports.h finds names that are not imported: the reason is put down beside the modules, and the
 * vat is refused with it if it imports that name.
 */
#ifndef KEE_LIB_MODULES_H
#define KEE_LIB_MODULES_H

#include "base/arena.h"
#include "base/bytes.h"

/* path is where code was read from; directory may be NULL. *code becomes the bundle, in the arena, or
 * stays if it imports nothing by a relative path or is a bundle itself. Outcome KEE_SOURCE_BAD: more
 * files or bytes than limits.h has; why says so. */
int kee_modules_gather(struct kee_bytes *code, struct kee_bytes path, const char *directory,
                       struct kee_arena *arena, struct kee_buf *why);

#endif
