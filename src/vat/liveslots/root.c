/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root - what of liveslots stands in the heap, and the small tools that work on engine slots.
 *
 *   Promise constructor ──hidden slot──► root instance ──► entries list (kee_ls.entries)
 *                                                     ├──► shared host functions
 *                                                     └──► HandledPromise
 *
 * The root is reachable for the collector and for C, never for JavaScript.
 */
#include "vat/liveslots/root.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "vat/liveslots/hp.h"
#include "vat/liveslots/weak.h"

txSlot *kee_tag_find(txSlot *instance, txID tag)
{
    for (txSlot *slot = instance->next; slot && (slot->flag & XS_INTERNAL_FLAG);
         slot = slot->next) {
        if (slot->ID == tag && slot->kind != XS_WEAK_ENTRY_KIND) {
            return slot;
        }
    }
    return NULL;
}

txSlot *kee_tag_make(txMachine *the, txSlot *instance, txID tag)
{
    txSlot *slot = kee_tag_find(instance, tag);
    txSlot *last = instance;

    if (slot) {
        return slot;
    }
    mxPushReference(instance);
    slot = fxNewSlot(the);
    mxPop();
    while (last->next && (last->next->flag & XS_INTERNAL_FLAG)) {
        last = last->next;
    }
    slot->flag = XS_INTERNAL_FLAG;
    slot->ID = tag;
    slot->next = last->next;
    last->next = slot;
    return slot;
}

txSlot *kee_root_instance(txMachine *the)
{
    txSlot *root = kee_tag_find(mxPromiseConstructor.value.reference, KEE_TAG_ROOT);

    kee_assert(root);
    return root->value.reference;
}

txSlot *kee_root(txMachine *the, enum kee_root_id id)
{
    txSlot *slot;

    for (slot = kee_root_instance(the)->next; slot; slot = slot->next) {
        if (slot->ID == (txID)id) {
            return slot;
        }
    }
    kee_assert(slot);
    return NULL;
}

/* Takes the value on the stack into the root. */
static void root_keep(txMachine *the, enum kee_root_id id)
{
    txSlot *last = fxLastProperty(the, kee_root_instance(the));

    fxNextSlotProperty(the, last, the->stack, (txID)id, XS_INTERNAL_FLAG);
    mxPop();
}

static void root_build(txMachine *the)
{
    txSlot *slot;

    fxNewInstance(the);
    slot = kee_tag_make(the, mxPromiseConstructor.value.reference, KEE_TAG_ROOT);
    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = the->stack->value.reference;
    mxPop();

    fxNewInstance(the);
    root_keep(the, KEE_ROOT_ENTRIES);
    fxNewHostFunction(the, fx_harden, 1, XS_NO_ID, XS_NO_ID);
    root_keep(the, KEE_ROOT_HARDEN);
    fxNewHostFunction(the, kee_hp_job, 0, XS_NO_ID, XS_NO_ID);
    root_keep(the, KEE_ROOT_JOB);
    mxPush(mxSymbolConstructor);
    mxDub();
    mxGetID(mxID(_for));
    mxCall();
    mxPushStringC("passStyle");
    mxRunCount(1);
    root_keep(the, KEE_ROOT_PASS_STYLE);
    kee_hp_build(the);
    root_keep(the, KEE_ROOT_HANDLED_PROMISE);
}

void kee_ls_install(struct sxMachine *machine)
{
    txMachine *the = fxBeginHost(machine);

    {
        mxTry(the)
        {
            root_build(the);
            mxPushSlot(kee_root(the, KEE_ROOT_HANDLED_PROMISE));
            mxPush(mxGlobal);
            fxDefineID(the, kee_ls_id(the, "HandledPromise"), XS_DONT_ENUM_FLAG,
                       XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
            mxPop();
            kee_weak_install(the);
            kee_vom_install(the);
            kee_vom_push_vatdata(the);
            mxPush(mxGlobal);
            fxDefineID(the, kee_ls_id(the, "VatData"), XS_DONT_ENUM_FLAG,
                       XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
            mxPop();
        }
        mxCatch(the)
        {
            kee_assert(!"liveslots could not be installed");
        }
    }
    fxEndHost(the);
}

bool kee_ls_is_hardened(const txSlot *instance)
{
    return (instance->flag & XS_DONT_MARSHALL_FLAG) != 0;
}

void kee_ls_harden(txMachine *the, txSlot *value)
{
    if (value->kind != XS_REFERENCE_KIND || kee_ls_is_hardened(value->value.reference)) {
        return;
    }
    mxPushUndefined();
    mxPushSlot(kee_root(the, KEE_ROOT_HARDEN));
    mxCall();
    mxPushSlot(value);
    mxRunCount(1);
    mxPop();
}

/* ---- Errors ---- */

void kee_push_error(txMachine *the, txError which, struct kee_bytes message)
{
    txSlot *slot;

    mxPush(mxErrorPrototypes(which));
    slot = fxNewObjectInstance(the);
    slot = slot->next = fxNewSlot(the);
    slot->flag = XS_INTERNAL_FLAG;
    slot->kind = XS_ERROR_KIND;
    slot->value.error.info = C_NULL;
    slot->value.error.which = which;
    if (gxDefaults.captureErrorStack) {
        gxDefaults.captureErrorStack(the, slot, the->frame);
    }
    kee_ls_push_string(the, message);
    fxNextSlotProperty(the, slot, the->stack, mxID(_message), XS_DONT_ENUM_FLAG);
    mxPop();
}

void kee_ls_throw(txMachine *the, txError which, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0) {
        size = 0;
    }
    if ((size_t)size >= sizeof(text)) {
        size = (int)sizeof(text) - 1;
        while (size > 0 && ((uint8_t)text[size] & 0xC0) == 0x80) {
            size--; /* not inside a character */
        }
    }
    kee_push_error(the, which, kee_bytes_of(text, (size_t)size));
    kee_throw_top(the);
}

void kee_throw_top(txMachine *the)
{
    mxException.kind = the->stack->kind;
    mxException.value = the->stack->value;
    mxPop();
    fxJump(the);
}

void kee_ls_check(txMachine *the, int status)
{
    if (status < 0) {
        fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
    }
}

/* ---- Strings ----
 *
 * The engine keeps CESU-8: a character outside the basic plane is two surrogates of three bytes each,
 * NUL is C0 80. */

const uint8_t *kee_utf16_next(const uint8_t *at, unsigned *unit)
{
    unsigned c = *at++;

    if (c < 0x80) {
        *unit = c;
    } else if (c < 0xE0) {
        *unit = (c & 0x1Fu) << 6 | (at[0] & 0x3Fu);
        at += 1;
    } else {
        *unit = (c & 0x0Fu) << 12 | (at[0] & 0x3Fu) << 6 | (at[1] & 0x3Fu);
        at += 2;
    }
    return at;
}

void kee_put_utf8(struct kee_buf *buf, uint32_t c)
{
    uint8_t bytes[4];
    size_t size;

    if (c < 0x80) {
        bytes[0] = (uint8_t)c;
        size = 1;
    } else if (c < 0x800) {
        bytes[0] = (uint8_t)(0xC0 | c >> 6);
        bytes[1] = (uint8_t)(0x80 | (c & 0x3F));
        size = 2;
    } else if (c < 0x10000) {
        bytes[0] = (uint8_t)(0xE0 | c >> 12);
        bytes[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        bytes[2] = (uint8_t)(0x80 | (c & 0x3F));
        size = 3;
    } else {
        bytes[0] = (uint8_t)(0xF0 | c >> 18);
        bytes[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        bytes[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        bytes[3] = (uint8_t)(0x80 | (c & 0x3F));
        size = 4;
    }
    kee_buf_put(buf, bytes, size);
}

void kee_ls_put_string(struct kee_buf *buf, const txSlot *string)
{
    const uint8_t *at = (const uint8_t *)string->value.string;
    const uint8_t *from = at;
    unsigned unit, low;

    /* Runs without surrogates and NULs, nearly all there is, are copied as they are. */
    while (*at) {
        const uint8_t *next;
        if (*at != 0xED && *at != 0xC0) {
            at++;
            continue;
        }
        next = kee_utf16_next(at, &unit);
        if (unit != 0 && (unit & 0xFC00) != 0xD800) {
            at = next;
            continue;
        }
        kee_buf_put(buf, from, (size_t)(at - from));
        at = next;
        if (unit != 0 && *at == 0xED) {
            next = kee_utf16_next(at, &low);
            if ((low & 0xFC00) == 0xDC00) {
                kee_put_utf8(buf, 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF));
                at = from = next;
                continue;
            }
        }
        kee_put_utf8(buf, unit);
        from = at;
    }
    kee_buf_put(buf, from, (size_t)(at - from));
}

/* Takes one character of UTF-8 (surrogates let pass); false if the bytes are none. */
static bool utf8_next(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    const uint8_t *p = *at;
    uint32_t c = *p++;
    unsigned more, least;

    if (c < 0x80) {
        *at = p;
        *out = c;
        return true;
    }
    if (c >= 0xC2 && c < 0xE0) {
        more = 1, c &= 0x1F, least = 0x80;
    } else if (c >= 0xE0 && c < 0xF0) {
        more = 2, c &= 0x0F, least = 0x800;
    } else if (c >= 0xF0 && c < 0xF5) {
        more = 3, c &= 0x07, least = 0x10000;
    } else {
        return false;
    }
    if ((size_t)(end - p) < more) {
        return false;
    }
    for (; more > 0; more--) {
        if ((*p & 0xC0) != 0x80) {
            return false;
        }
        c = c << 6 | (*p++ & 0x3Fu);
    }
    *at = p;
    *out = c;
    return c >= least && c < 0x110000;
}

void kee_ls_push_string(txMachine *the, struct kee_bytes text)
{
    const uint8_t *end = text.data + text.size;
    size_t size = 1;
    bool plain = true;
    txString string;

    for (const uint8_t *at = text.data; text.size > 0 && at < end;) {
        uint32_t c;
        if (*at - 1u < 0x7F) {
            at++;
            size++;
            continue;
        }
        if (!utf8_next(&at, end, &c)) {
            mxSyntaxError("text is not UTF-8");
        }
        plain = plain && c != 0 && c < 0x10000;
        size += (size_t)fxCESU8Length((txInteger)c);
    }
    if (size > 0x7FFFFFFF) {
        fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
    }
    string = fxNewChunk(the, (txSize)size);
    if (plain) {
        if (text.size > 0) {
            memcpy(string, text.data, text.size);
        }
        string[size - 1] = 0;
    } else {
        txString to = string;
        for (const uint8_t *at = text.data; at < end;) {
            uint32_t c = 0;
            (void)utf8_next(&at, end, &c);
            to = fxCESU8Encode(to, (txInteger)c);
        }
        *to = 0;
    }
    mxPushString(string);
}

txID kee_ls_id(txMachine *the, const char *name)
{
    return fxNewNameC(the, (txString)(uintptr_t)name);
}

/* ---- Host functions ---- */

void kee_ls_push_functions(txMachine *the, const struct kee_ls_function *rows, size_t count)
{
    txSlot *last;

    mxPush(mxObjectPrototype);
    last = fxLastProperty(the, fxNewObjectInstance(the));
    for (size_t i = 0; i < count; i++) {
        last = fxNextHostFunctionProperty(the, last, rows[i].callback, rows[i].length,
                                          kee_ls_id(the, rows[i].name), XS_NO_FLAG);
    }
    kee_ls_harden(the, the->stack);
}
