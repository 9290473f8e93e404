/* SPDX-License-Identifier: Apache-2.0 */
/* bodies - each line of stdin is a body, a tab, and its slots between commas; out come the same in smallcaps
 * and in capdata, a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/body.h"

enum { SLOTS_MAX = 64 };

static void print_body(struct kee_body body)
{
    (void)printf("%.*s\t", (int)body.text.size, (const char *)body.text.data);
    for (size_t i = 0; i < body.slot_count; i++) {
        (void)printf("%s%.*s", i > 0 ? "," : "", (int)body.slots[i].size,
                     (const char *)body.slots[i].data);
    }
    (void)putchar('\n');
}

static int transcode(struct kee_body body)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    struct kee_body out;
    int r = kee_body_decode(body, &arena, &value, &why);

    if (r == 0 && (r = kee_body_encode(value, &arena, &out, &why)) == 0) {
        print_body(out);
    }
    if (r == 0 && (r = kee_capdata_encode(value, &arena, &out, &why)) == 0) {
        print_body(out);
    }
    if (r != 0) {
        (void)printf("%s\n", kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int bad = 0;

    while ((size = getline(&line, &room, stdin)) > 0) {
        struct kee_bytes slots[SLOTS_MAX];
        struct kee_bytes names = kee_bytes_of(line, (size_t)size - 1);
        struct kee_body body = {kee_bytes_cut(&names, '\t'), slots, 0};
        while (names.size > 0 && body.slot_count < SLOTS_MAX) {
            slots[body.slot_count++] = kee_bytes_cut(&names, ',');
        }
        bad |= transcode(body);
    }
    free(line);
    return bad != 0;
}
