/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: one message of CapTP. What is read can be written, and reads back as the same; what is
 * refused is refused with a sentence.
 */
#include "base/assert.h"
#include "captp/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY, first = KEE_BUF_EMPTY, second = KEE_BUF_EMPTY;
    struct kee_captp_op op;
    int r = kee_captp_op_read(kee_bytes_of(data, size), &arena, &op, &why);

    kee_assert(r == 0 || (r == KEE_CAPTP_BAD && why.size > 0));
    if (r == 0) {
        kee_captp_op_write(&first, &op);
        kee_assert(kee_buf_status(&first) == 0);
        kee_assert(kee_captp_op_read(kee_buf_bytes(&first), &arena, &op, &why) == 0);
        kee_captp_op_write(&second, &op);
        kee_assert(kee_bytes_equal(kee_buf_bytes(&first), kee_buf_bytes(&second)));
    }
    kee_buf_fini(&first);
    kee_buf_fini(&second);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return 0;
}
