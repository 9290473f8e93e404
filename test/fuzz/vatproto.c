/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a stream of frames between kernel and worker, cut and taken apart by every decoder. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/limits.h"
#include "vatproto/vatproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A borrowed piece must lie inside what it was taken from. */
static void check_inside(struct kee_bytes piece, struct kee_bytes whole)
{
    kee_assert(piece.size == 0 ||
               (piece.data >= whole.data && piece.data + piece.size <= whole.data + whole.size));
}

static uint32_t walk(struct kee_vp_strings strings, struct kee_bytes whole)
{
    struct kee_bytes text;
    uint32_t count = 0;

    while (kee_vp_strings_next(&strings, &text)) {
        check_inside(text, whole);
        count++;
    }
    return count;
}

static void try_start(struct kee_bytes fields)
{
    struct kee_vp_start start, again;
    struct kee_buf buf = KEE_BUF_EMPTY;

    if (!kee_vp_start_take(fields, &start)) {
        return;
    }
    check_inside(start.code, fields);
    check_inside(start.parameters.body, fields);
    kee_assert(walk(start.rows, fields) == start.rows.count);
    kee_assert(walk(start.globals, fields) == start.globals.count);
    kee_assert(walk(start.inventory, fields) == start.inventory.count);
    /* What was read and is written again is the same bytes. */
    kee_vp_start_put(&buf, &start);
    kee_assert(kee_buf_status(&buf) == 0 && buf.size == fields.size + 5);
    kee_assert(memcmp(buf.data + 5, fields.data, fields.size) == 0);
    kee_assert(kee_vp_start_take(kee_bytes_of(buf.data + 5, buf.size - 5), &again));
    kee_buf_fini(&buf);
}

/* Takes fields in an order that the bytes themselves choose. */
static void try_fields(struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    size_t before;

    do {
        before = reader.rest.size;
        switch (kee_vp_take_u8(&reader) % 5) {
        case 0:
            (void)kee_vp_take_u32(&reader);
            break;
        case 1:
            (void)kee_vp_take_u64(&reader);
            break;
        case 2:
            check_inside(kee_vp_take_string(&reader), fields);
            break;
        case 3:
            (void)walk(kee_vp_take_strings(&reader), fields);
            break;
        default: {
            struct kee_vp_capdata capdata = kee_vp_take_capdata(&reader);
            check_inside(capdata.body, fields);
            (void)walk(capdata.slots, fields);
        }
        }
        kee_assert(reader.failed || reader.rest.size < before);
    } while (!reader.failed && reader.rest.size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_bytes stream = kee_bytes_of(data, size), fields;
    size_t frame_size;
    uint8_t type;

    try_start(stream);
    try_fields(stream);
    while (kee_vp_frame_cut(stream, &type, &fields, &frame_size) == 1) {
        kee_assert(frame_size >= 5 && frame_size <= stream.size);
        check_inside(fields, stream);
        if (type == KEE_VP_START) {
            try_start(fields);
        } else {
            try_fields(fields);
        }
        stream = kee_bytes_of(stream.data + frame_size, stream.size - frame_size);
    }
    return 0;
}
