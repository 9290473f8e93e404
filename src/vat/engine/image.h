/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - the boot image: a machine that has booted, as a file.
 *
 *   "keeve image\n" | u32 size | description | the engine's snapshot
 *
 * The description names what must be equal in the program that writes and the one that reads: the
 * version, the engine, the table of host functions. An image is never repaired: it is made by the build,
 * beside the program it belongs to.
 */
#ifndef KEE_VAT_ENGINE_IMAGE_H
#define KEE_VAT_ENGINE_IMAGE_H

#include "vat/engine/engine.h"

/* Boots a fresh machine with the text of boot.js and writes it: to a temporary name, whole, then
 * renamed. Returns 0 or a fault whose text says what went wrong. */
int kee_image_make(const char *path, const char *boot_path);

enum kee_image_outcome {
    KEE_IMAGE_FOREIGN = 1, /* made by another build, or no image at all */
};

struct kee_image;

/* The file, checked. Outcomes: FOREIGN; why says in words what was expected and found. */
int kee_image_open(struct kee_image **out, const char *path, char *why, size_t why_size);
void kee_image_close(struct kee_image *image);
/* A machine as it was when the image was made; as many as wanted. Outcomes: FOREIGN. */
int kee_image_engine(struct kee_engine **out, const struct kee_image *image, char *why,
                     size_t why_size);

#endif
