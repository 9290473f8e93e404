/* SPDX-License-Identifier: Apache-2.0 */
/* code - see code.h. The work is done by js/load.js, in the boot image. */
#include "vat/engine/code.h"

#include "vat/engine/engine_internal.h"

/* Where the bytes stop being UTF-8 that a string of the engine can hold; size if nowhere. A NUL would
 * end the string early. */
static size_t utf8_end(struct kee_bytes text)
{
    size_t i = 0;
    while (i < text.size) {
        uint8_t c = text.data[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        uint32_t code = more == 0 ? c : (uint32_t)(c & (0x3f >> more));
        if (c == 0 || (c >= 0x80 && c < 0xc2) || c > 0xf4 || text.size - i <= more) {
            return i;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((text.data[i + k] & 0xc0) != 0x80) {
                return i;
            }
            code = code << 6 | (text.data[i + k] & 0x3f);
        }
        if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
            (more == 3 && (code < 0x10000 || code > 0x10ffff))) {
            return i;
        }
        i += more + 1;
    }
    return text.size;
}

static void push_text(txMachine *the, struct kee_bytes text)
{
    size_t end = utf8_end(text);
    txString copy;
    if (end != text.size) {
        fxThrowMessage(the, NULL, 0, XS_SYNTAX_ERROR, "not UTF-8 text at byte %lu",
                       (unsigned long)end);
    }
    mxPushUndefined();
    copy = fxNewChunk(the, (txSize)text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    the->stack->value.string = copy;
    the->stack->kind = XS_STRING_KIND;
}

/* Pushes an array of the names. */
static void push_names(txMachine *the, struct kee_vp_strings names)
{
    struct kee_bytes name;
    txInteger index = 0;
    txSlot *array;
    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    array = the->stack;
    while (kee_vp_strings_next(&names, &name)) {
        push_text(the, name);
        mxPushSlot(array);
        fxSetIndex(the, (txIndex)index++);
        mxPop();
    }
}

void kee_code_load(txMachine *the, struct kee_bytes name, struct kee_bytes code,
                   struct kee_vp_strings globals)
{
    txSlot *own = the->stack;
    mxPushUndefined();
    mxPush(mxGlobal);
    fxGetID(the, fxID(the, (txString) "keeveLoad"));
    mxCall();
    push_text(the, code);
    push_text(the, name);
    push_names(the, globals);
    mxPushSlot(own);
    mxRunCount(4);
    own->kind = the->stack->kind;
    own->value = the->stack->value;
    mxPop();
}
