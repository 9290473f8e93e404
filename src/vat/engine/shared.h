/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared - a process for several vats, each with a machine of its own; one runs at a time. The frames
 * around their frames are drawn in vatproto/zygote.h.
 *
 *   descriptor ──FOR v3──► tenant v3 ─ START, DELIVER... ─► worker ─ machine, heap, meter
 *              ──FOR v5──► tenant v5 ─ ...
 *
 * A vat that fails is freed, with its machine, and the others go on. What ends the process ends all.
 */
#ifndef KEE_VAT_ENGINE_SHARED_H
#define KEE_VAT_ENGINE_SHARED_H

#include "vat/engine/engine.h"

struct kee_image;

/* Runs until it leaves, which ends this process. Takes the engine, for the first vat; those of others
 * are read from image. Gives the status to exit with if it could not begin. */
int kee_shared_run(struct kee_engine **engine, const struct kee_image *image, int fd);

#endif
