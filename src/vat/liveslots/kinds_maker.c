/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makers with a name of their own: o+d<makers>/<K> is the function that makes objects of durable kind
 * K. It is the same function for as long as the kind is defined, so nothing is stored of it.
 *
 *   makerKindID   the kind id of makers, taken when the first maker is named
 */
#include "vat/liveslots/kinds.h"

/* Pushes the prototype that makes a function a remotable. */
static void push_maker_proto(txMachine *the)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;

    if (vom->maker_proto == NULL) {
        kee_ls_push_remotable_proto(the, kee_bytes_str("Alleged: maker"));
        vom->maker_proto = the->stack->value.reference;
        vom->maker_proto->value.instance.prototype = mxFunctionPrototype.value.reference;
        kee_vom_hang(the, vom->home, the->stack);
        mxPop();
    }
    mxPushReference(vom->maker_proto);
}

void kee_kind_set_maker(txMachine *the, struct kee_kind *kind, txSlot *function)
{
    txSlot *instance = function->value.reference;

    if (!kind->durable) {
        return;
    }
    if (instance->value.instance.prototype == mxFunctionPrototype.value.reference) {
        push_maker_proto(the);
        instance->value.instance.prototype = the->stack->value.reference;
        mxPop();
    }
    kee_vom_put_number(the, instance, KEE_VOM_TAG_KIND, kind->id);
    kind->parts[KEE_KIND_MAKER]->kind = function->kind;
    kind->parts[KEE_KIND_MAKER]->value = function->value;
}

/* Makes the kind of makers known if one was ever stored. */
struct kee_kind *kee_kind_of_makers(txMachine *the)
{
    const struct kee_bytes key = KEE_BYTES_LIT("makerKindID");
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_bytes value;

    if (!vom->makers_known) {
        if (kee_vom_get(the, key, &value)) {
            if (!kee_bytes_decimal(value, &vom->kind_of_makers)) {
                kee_vom_corrupt(the, key);
            }
            kee_kind_add(the, vom->kind_of_makers, KEE_KIND_MAKERS, true);
        }
        vom->makers_known = true;
    }
    return kee_kind_of(kee_ls_of(the), vom->kind_of_makers);
}

struct kee_kind *kee_kind_find(txMachine *the, uint64_t id)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), id);

    if (kind == NULL) {
        kind = kee_kind_of_makers(the);
    }
    return kind != NULL && kind->id == id ? kind : NULL;
}

bool kee_vom_name_maker(txMachine *the, txSlot *value, struct kee_ls_vref *out)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_kind *kind;
    struct kee_key vref;

    if (!mxIsFunction(value->value.reference)) {
        return false;
    }
    kind = kee_kind_of(ls, kee_vom_number(value->value.reference, KEE_VOM_TAG_KIND));
    if (kind == NULL) {
        return false;
    }
    if (kee_kind_of_makers(the) == NULL) {
        ls->vom->kind_of_makers = kee_ls_next_export_id(ls);
        kee_key_begin(&vref, "makerKindID");
        kee_vom_set_number(the, &vref, ls->vom->kind_of_makers);
        kee_kind_add(the, ls->vom->kind_of_makers, KEE_KIND_MAKERS, true);
    }
    kee_key_begin(&vref, "o+d");
    kee_key_decimal(&vref, ls->vom->kind_of_makers);
    kee_key_put(&vref, kee_bytes_str("/"));
    kee_key_decimal(&vref, kind->id);
    kee_ls_register(the, kee_key_bytes(&vref), value->value.reference);
    return kee_vom_vref_of(the, value->value.reference, out);
}

void kee_kind_push_maker(txMachine *the, uint64_t id)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), id);

    if (kind == NULL || kind->parts[KEE_KIND_MAKER]->kind != XS_REFERENCE_KIND) {
        kee_ls_throw(the, XS_REFERENCE_ERROR,
                     "the maker of kind %llu belongs to a kind that was not defined yet in this "
                     "incarnation; define it before reading what refers to it",
                     (unsigned long long)id);
    }
    mxPushSlot(kind->parts[KEE_KIND_MAKER]);
    struct kee_key vref;
    kee_key_begin(&vref, "o+d");
    kee_key_decimal(&vref, kee_ls_of(the)->vom->kind_of_makers);
    kee_key_put(&vref, kee_bytes_str("/"));
    kee_key_decimal(&vref, id);
    if (kee_vom_entry(the, the->stack->value.reference) == NULL) {
        kee_ls_register(the, kee_key_bytes(&vref), the->stack->value.reference);
    }
}
