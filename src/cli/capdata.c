/* SPDX-License-Identifier: Apache-2.0 */
/* capdata - see capdata.h. */
#include "cli/capdata.h"

#include "cli/command.h"
#include "value/body.h"

int kee_capdata_json(const struct kee_value *value, struct kee_arena *arena, json_t **out)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_body body;
    json_t *slots = json_array();
    int status = KEE_EXIT_OK;
    int r = kee_body_encode(value, arena, &body, &why);

    if (r < 0) {
        status = kee_cli_fault();
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    }
    for (size_t i = 0; status == KEE_EXIT_OK && i < body.slot_count; i++) {
        json_array_append_new(slots,
                              json_stringn((const char *)body.slots[i].data, body.slots[i].size));
    }
    if (status == KEE_EXIT_OK) {
        *out = json_pack("{s:s%,s:O}", "body", body.text.data, body.text.size, "slots", slots);
        if (*out == NULL || json_array_size(slots) != body.slot_count) {
            status = kee_cli_error("out of memory");
        }
    }
    json_decref(slots);
    kee_buf_fini(&why);
    return status;
}
