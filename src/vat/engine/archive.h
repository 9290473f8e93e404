/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive - what js/archive.js asks of C: the bytes of a bundle's archive, its files, their hashes.
 * Nothing is kept between calls; an archive is an ArrayBuffer of the vat's own heap.
 *
 *   keeveHost.unbase64(text)        the bytes, as an ArrayBuffer
 *   keeveHost.zipList(buffer)       [name, offset, name, offset, ...]
 *   keeveHost.zipText(buffer, offset)   the file as a string
 *   keeveHost.zipBytes(buffer, offset)  the file as an ArrayBuffer
 *   keeveHost.sha512(buffer, offset)    of the file, as 128 hexadecimal digits
 */
#ifndef KEE_VAT_ENGINE_ARCHIVE_H
#define KEE_VAT_ENGINE_ARCHIVE_H

#include "vat/engine/xs.h"

void kee_archive_unbase64(txMachine *the);
void kee_archive_list(txMachine *the);
void kee_archive_text(txMachine *the);
void kee_archive_bytes(txMachine *the);
void kee_archive_sha512(txMachine *the);

#endif
