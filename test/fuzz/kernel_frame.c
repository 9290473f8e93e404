/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what a worker says to the kernel, one frame or several, while a delivery to it is under
 * way: u8 type | u32 size | fields, again and again. Whatever it is, no fault comes of it, the tables
 * keep their invariants, and the other vat answers.
 */
#include <stdio.h>

#include "base/assert.h"
#include "kernel_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 8

static void answer(struct rig *rig, uint64_t vat)
{
    struct rig_delivery d;
    struct rig_reply reply;

    while (rig_take(rig, vat, &d)) {
        char vpid[24];
        rig_reply_begin(&reply, d.number, NULL);
        if (d.kind == KEE_VP_MESSAGE && d.result.size > 0) {
            (void)snprintf(vpid, sizeof vpid, "%.*s", (int)d.result.size,
                           (const char *)d.result.data);
            rig_reply_resolve(&reply, vpid, false, "#1", NULL);
        }
        rig_reply_end(rig, vat, &reply, NULL);
        rig_run(rig);
    }
}

/* Alice has been sent go($bob) with result p-60 or so, and knows bob as o-50. */
static void open_rig(struct rig *rig)
{
    char to[24], with[24];
    struct rig_delivery d;

    rig_init(rig);
    rig_launch(rig, "alice bob", 1);
    kee_assert(rig_ok(rig, 1));
    rig_root(rig, 1, to);
    rig_root(rig, 2, with);
    kee_assert(rig_send(rig, to, "#[\"go\",[\"$0\"]]", with, 2) == 0);
    rig_run(rig);
    kee_assert(rig_take(rig, 1, &d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_vp_reader reader = {.rest = kee_bytes_of(data, size)};
    char root[24];
    struct rig rig;

    open_rig(&rig);
    for (int i = 0; i < FRAMES_MAX && reader.rest.size > 0 && rig.vats[1].running; i++) {
        uint8_t type = kee_vp_take_u8(&reader);
        struct kee_bytes fields = kee_vp_take_string(&reader);
        if (reader.failed) {
            break;
        }
        kee_assert(kee_kernel_frame(rig.kernel, (struct kee_vat_id){1}, rig.vats[1].incarnation,
                                    type, fields) >= 0);
        rig_run(&rig);
        kee_assert(rig_audit(&rig) == 0);
    }
    rig_root(&rig, 2, root);
    if (root[0] == 0) { /* alice ended her subcluster */
        rig_fini(&rig);
        return 0;
    }
    kee_assert(rig_send(&rig, root, "#[\"ping\",[]]", NULL, 3) == 0);
    rig_run(&rig);
    for (int i = 0; i < 100 && rig_answer(&rig, 3) == NULL; i++) {
        answer(&rig, 2);
    }
    kee_assert(rig_answer(&rig, 3)->status == KEE_ANSWER_FULFILLED);
    kee_assert(rig_audit(&rig) == 0);
    rig_fini(&rig);
    return 0;
}
