/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - the text of the engine to bytes of UTF-8 and back, as js/text_codec.js asks for it. Bytes that
 * are no UTF-8 give U+FFFD, one for each longest start of a character, as the Encoding Standard has it.
 */
#ifndef KEE_VAT_ENGINE_UTF8_H
#define KEE_VAT_ENGINE_UTF8_H

#include "vat/engine/xs.h"

/* Of keeveHost. buffer is an ArrayBuffer.
 *   decodeUtf8(buffer, offset, size, fatal)     a string; TypeError on what is no UTF-8 if fatal
 *   unfinishedUtf8(buffer, offset, size)        how many bytes at the end begin a character: 0 to 3
 *   encodeUtf8(text)                            an ArrayBuffer
 *   encodeUtf8Into(text, buffer, offset, size)  [units of text read, bytes written], whole characters */
void kee_utf8_decode(txMachine *the);
void kee_utf8_unfinished(txMachine *the);
void kee_utf8_encode(txMachine *the);
void kee_utf8_encode_into(txMachine *the);

#endif
