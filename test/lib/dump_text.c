/* SPDX-License-Identifier: Apache-2.0 */
/* dump_text - see dump_text.h. */
#include "dump_text.h"

#include <sodium/crypto_hash_sha256.h>

int dump_text_append(void *context, struct kee_bytes piece)
{
    struct dump_text *text = context;

    kee_buf_put_bytes(&text->all, piece);
    return kee_buf_status(&text->all);
}

int dump_text_take(void *context, uint8_t *room, size_t size, size_t *got)
{
    struct dump_text *text = context;
    size_t left = text->all.size - text->at;

    *got = left < size ? left : size;
    if (left > 0) {
        memcpy(room, text->all.data + text->at, *got);
        text->at += *got;
    }
    return 0;
}

void dump_text_close(struct kee_buf *all)
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    size_t rows = 0;

    if (all->size == 0 || all->data[all->size - 1] != '\n') {
        kee_buf_put_char(all, '\n');
    }
    for (size_t i = 0; i < all->size; i++) {
        rows += all->data[i] == '\n';
    }
    (void)crypto_hash_sha256(sum, all->data, all->size);
    kee_buf_printf(all, "end %zu ", rows - 1);
    for (size_t i = 0; i < sizeof sum; i++) {
        kee_buf_printf(all, "%02x", sum[i]);
    }
    kee_buf_put_char(all, '\n');
}
