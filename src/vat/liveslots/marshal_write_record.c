/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_write_record - a record's members, in the two orders in which they count. */
#include <stdlib.h>

#include "vat/liveslots/marshal_writer.h"
#include "vat/liveslots/root.h"

/* A property of a record, while its record is being written. */
struct member {
    txSlot *slot;    /* NULL for an indexed one, whose value stands in a chunk */
    txID id;         /* XS_NO_ID for an indexed one */
    txIndex index;   /* of an indexed one: its key */
    txIndex place;   /* of an indexed one: among the items */
    size_t from, to; /* what was written for it */
};

/* As UTF-16: the engine's strings order the same way byte by byte, but for NUL. */
static int compare_keys(const char *a, const char *b)
{
    const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
    int left, right;

    while (*p == *q && *p) {
        p++;
        q++;
    }
    left = *p == 0 ? -1 : *p == 0xC0 ? 0 : *p;
    right = *q == 0 ? -1 : *q == 0xC0 ? 0 : *q;
    return left - right;
}

static const char *key_text(txMachine *the, const struct member *member, char *digits, size_t size)
{
    if (member->id != XS_NO_ID) {
        return fxGetKey(the, member->id)->value.key.string;
    }
    snprintf(digits, size, "%u", (unsigned)member->index);
    return digits;
}

static int compare_members(const void *a, const void *b, void *context)
{
    char left[16], right[16];

    return compare_keys(key_text(context, a, left, sizeof(left)),
                        key_text(context, b, right, sizeof(right)));
}

/* Indices first, in the order of numbers; the rest as it was written. */
static int compare_places(const void *a, const void *b)
{
    const struct member *left = a, *right = b;

    if ((left->id == XS_NO_ID) != (right->id == XS_NO_ID)) {
        return left->id == XS_NO_ID ? -1 : 1;
    }
    if (left->id == XS_NO_ID) {
        return left->index < right->index ? -1 : left->index > right->index;
    }
    return left->from < right->from ? -1 : left->from > right->from;
}

/* Collects the members of a record behind those of the records around it. Returns how many; *indexed
 * says whether one of them has an index for a key. */
static size_t take_members(struct kee_writer *w, txSlot *instance, bool *indexed)
{
    struct kee_buf *members = &w->ls->members;
    size_t from = members->size;

    *indexed = false;
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        struct member member = {.slot = slot, .id = slot->ID};
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            kee_buf_put(members, &member, sizeof(member));
        } else if (slot->kind == XS_ARRAY_KIND) {
            txIndex count = fxGetIndexSize(w->the, slot);
            for (txIndex i = 0; i < count; i++) {
                txSlot *item = slot->value.array.address + i;
                struct member at = {.index = *((txIndex *)item), .place = i};
                if (item->kind != XS_UNINITIALIZED_KIND) {
                    kee_buf_put(members, &at, sizeof(at));
                    *indexed = true;
                }
            }
        }
    }
    kee_ls_check(w->the, kee_buf_status(members));
    return (members->size - from) / sizeof(struct member);
}

static txSlot *find_item(txSlot *instance, txIndex place)
{
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->kind == XS_ARRAY_KIND && (slot->flag & XS_INTERNAL_FLAG)) {
            return slot->value.array.address + place;
        }
    }
    return NULL;
}

/* Writes a member with its key. */
static void write_member(struct kee_writer *w, txSlot *instance, const struct member *member)
{
    txMachine *the = w->the;
    txSlot *slot = member->slot ? member->slot : find_item(instance, member->place);

    w->steps[w->depth - 1].id = member->id;
    w->steps[w->depth - 1].index = member->index;
    if (slot->kind == XS_ACCESSOR_KIND) {
        kee_write_refuse(w, "property must not be an accessor");
    }
    if (slot->flag & XS_DONT_ENUM_FLAG) {
        kee_write_refuse(w, "property must be enumerable");
    }
    mxPushSlot(slot);
    if (member->id == XS_NO_ID) {
        kee_buf_printf(w->out, "\"%u\"", (unsigned)member->index);
    } else {
        txSlot key = {.kind = XS_STRING_KIND};
        key.value.string = fxGetKey(the, member->id)->value.key.string;
        kee_write_string(w, &key);
    }
    kee_buf_put_char(w->out, ':');
    kee_write_value(w, the->stack);
    mxPop();
}

/* Puts the members just written, from start on, into the order of places. Calls nothing that could be
 * jumped out of. */
static int reorder(struct kee_writer *w, size_t start, struct member *members, size_t count)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int status;

    qsort(members, count, sizeof(*members), compare_places);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            kee_buf_put_char(&text, ',');
        }
        kee_buf_put(&text, w->out->data + members[i].from, members[i].to - members[i].from);
    }
    status = kee_buf_status(&text);
    if (status == 0 && text.size > 0) {
        memcpy(w->out->data + start, text.data, text.size);
    }
    kee_buf_fini(&text);
    return status;
}

/* Members are visited in the order of their names, which gives slots their numbers; indices are then
 * moved to the front, where JSON.stringify has them. */
void kee_write_record(struct kee_writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    struct kee_buf *members = &w->ls->members;
    size_t from = members->size;
    size_t start, count;
    bool indexed;

    kee_write_enter(w, instance);
    count = take_members(w, instance, &indexed);
    if (count > 1) {
        qsort_r(members->data + from, count, sizeof(struct member), compare_members, the);
    }
    kee_buf_put_char(w->out, '{');
    start = w->out->size;
    for (size_t i = 0; i < count; i++) {
        struct member member;
        memcpy(&member, members->data + from + i * sizeof(member), sizeof(member));
        if (i > 0) {
            kee_buf_put_char(w->out, ',');
        }
        member.from = w->out->size;
        write_member(w, instance, &member);
        member.to = w->out->size;
        memcpy(members->data + from + i * sizeof(member), &member, sizeof(member));
    }
    kee_ls_check(the, kee_buf_status(w->out));
    if (indexed) {
        kee_ls_check(the,
                     reorder(w, start, (struct member *)(void *)(members->data + from), count));
    }
    members->size = from;
    kee_buf_put_char(w->out, '}');
    w->depth--;
}
