/* SPDX-License-Identifier: Apache-2.0 */
/* The names of facets: stored ones keep their numbers. */
#include "vat/liveslots/kinds_build.h"

static bool json_has_string(struct kee_bytes json, struct kee_bytes text)
{
    struct kee_row_cursor cursor = kee_row_read(json);
    struct kee_buf item = KEE_BUF_EMPTY;
    bool found = false;
    kee_row_enter(&cursor, '[');
    while (!found && kee_row_element(&cursor)) {
        kee_buf_clear(&item);
        kee_row_string(&cursor, &item);
        found = kee_bytes_equal(kee_buf_bytes(&item), text);
    }
    kee_buf_fini(&item);
    return found;
}

/* The names of the stored facets come first, in their old order; then the new ones, sorted. Every old
 * one must be among those proposed. Leaves NAMES and the JSON text on the kind. */
void kee_kind_settle_facets(txMachine *the, struct kee_kind *kind, txSlot *proposed)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_buf *text = &ls->text;
    struct kee_buf *json = &ls->vom->row;
    struct kee_row_cursor cursor = kee_row_read(kee_buf_bytes(&kind->facets));
    size_t count = 0;

    fxNewArray(the, 0);
    txSlot *names = the->stack;
    kee_buf_clear(json);
    if (kind->facets.size > 0) {
        kee_row_enter(&cursor, '[');
        for (kee_buf_clear(text); kee_row_element(&cursor); kee_buf_clear(text)) {
            struct kee_field_name name;
            kee_row_string(&cursor, text);
            kee_name_of_text(the, kee_buf_bytes(text), &name);
            if (mxBehaviorGetProperty(the, proposed->value.reference, name.id, name.index,
                                      XS_OWN) == NULL) {
                kee_ls_throw(
                    the, XS_TYPE_ERROR,
                    "durable kind \"%.*s\": facet \"%.*s\" of the original definition is missing",
                    (int)kind->tag.size, (const char *)kind->tag.data, (int)text->size,
                    (const char *)text->data);
            }
            kee_ls_push_string(the, kee_buf_bytes(text));
            mxPushSlot(names);
            fxSetAll(the, XS_NO_ID, (txIndex)count);
            mxPop();
            kee_buf_put_char(json, count++ > 0 ? ',' : '[');
            kee_row_put_string(json, kee_buf_bytes(text));
        }
    }
    kee_kind_push_keys(the, proposed, XS_EACH_NAME_FLAG);
    mxDub();
    mxDub();
    mxGetID(mxID(_sort));
    mxCall();
    mxRunCount(0);
    mxPop();
    txSlot *sorted = the->stack;
    for (txIndex i = 0; i < kee_kind_array_length(sorted); i++) {
        mxPushSlot(sorted);
        fxGetAll(the, XS_NO_ID, i);
        kee_buf_clear(text);
        kee_ls_put_string(text, the->stack);
        if (kind->facets.size == 0 ||
            !json_has_string(kee_buf_bytes(&kind->facets), kee_buf_bytes(text))) {
            mxPushSlot(names);
            fxSetAll(the, XS_NO_ID, (txIndex)count);
            kee_buf_put_char(json, count++ > 0 ? ',' : '[');
            kee_row_put_string(json, kee_buf_bytes(text));
        }
        mxPop();
    }
    mxPop();
    if (count < 2) {
        kee_kind_error(the, kind, "A multi-facet object must have multiple facets (kind \"%.*s\")");
    }
    if (count > KEE_LIMIT_FACETS) {
        kee_kind_error(the, kind, "kind \"%.*s\" has too many facets");
    }
    kee_buf_put_char(json, ']');
    kee_buf_clear(&kind->facets);
    kee_buf_put_bytes(&kind->facets, kee_buf_bytes(json));
    kee_ls_check(the, kee_buf_status(&kind->facets));
    kind->facet_count = count;
    kee_kind_set_part(kind, KEE_KIND_NAMES, names);
    mxPop();
}
