/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive - plays a scenario of CapTP: the other side of a session, and the vat v1 whose root is its
 * bootstrap. Prints each line of the scenario, and after it what came of it.
 *
 *   owner | granted          begins a session
 *   > TEXT                   the other side says
 *   vat                      v1's next message or notification is printed; lines until `done` answer it:
 *     resolve VPID fulfilled|rejected | BODY | SLOTS
 *     send VREF | BODY | SLOTS | RESULT
 *     subscribe VPID
 *     drop VREF
 *   done
 *   end                      the carrier is cut
 *   # a comment
 *
 * Printed are `< TEXT` for what the session says, `closed: WHY`, and `v1 ...`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "captp_rig.h"

static struct captp_rig rig;
static struct rig_reply reply;
static bool closed_told;

static void print_said(void)
{
    const char *line;

    captp_rig_run(&rig);
    while ((line = captp_rig_take(&rig)) != NULL) {
        (void)printf("< %s\n", line);
    }
    if (rig.closed && !closed_told) {
        (void)printf("closed: %s\n", rig.why);
        closed_told = true;
    }
}

static void print_bytes(const char *before, struct kee_bytes bytes)
{
    if (bytes.size > 0) {
        (void)printf("%s%.*s", before, (int)bytes.size, (const char *)bytes.data);
    }
}

static void take(void)
{
    struct kee_vp_strings slots;
    struct kee_bytes slot;
    struct rig_delivery d;

    if (!captp_rig_vat(&rig, &d)) {
        (void)printf("v1 has nothing to do\n");
        rig_reply_begin(&reply, 0, NULL);
        return;
    }
    (void)printf("v1 %s", d.kind == KEE_VP_MESSAGE ? "message" : "notify");
    print_bytes(" ", d.target);
    print_bytes(d.rejected ? " rejected " : " ", d.body);
    slots = d.slots;
    while (kee_vp_strings_next(&slots, &slot)) {
        print_bytes(" ", slot);
    }
    print_bytes(" -> ", d.result);
    (void)printf("\n");
    rig_reply_begin(&reply, d.number, NULL);
}

/* The next part of a line, up to " |"; "" if there is none, or it is a dash. */
static char *part(char **rest)
{
    char *at = *rest, *end = at == NULL ? NULL : strstr(at, " |");

    *rest = end == NULL ? NULL : end + 2 + (end[2] == ' ');
    if (end != NULL) {
        *end = 0;
    }
    return at == NULL || strcmp(at, "-") == 0 ? "" : at;
}

static bool begins(const char *line, const char *word, char **rest)
{
    size_t size = strlen(word);

    *rest = (char *)line + size;
    return strncmp(line, word, size) == 0;
}

static void reply_line(char *line)
{
    char *rest, *first, *body, *slots;

    if (begins(line, "resolve ", &rest)) {
        first = part(&rest);
        body = part(&rest);
        slots = part(&rest);
        char *way = strchr(first, ' ');
        kee_assert(way != NULL);
        *way++ = 0;
        rig_reply_resolve(&reply, first, way[0] == 'r', body, slots);
    } else if (begins(line, "send ", &rest)) {
        first = part(&rest);
        body = part(&rest);
        slots = part(&rest);
        rig_reply_send(&reply, first, body, slots, part(&rest));
    } else if (begins(line, "subscribe ", &rest)) {
        rig_reply_subscribe(&reply, rest);
    } else if (begins(line, "drop ", &rest)) {
        rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, rest);
    } else {
        (void)fprintf(stderr, "drive: unknown line: %s\n", line);
        exit(1);
    }
}

static void play(char *line)
{
    char *rest;

    if (line[0] == '#' || line[0] == 0) {
        return;
    }
    if (strcmp(line, "owner") == 0 || strcmp(line, "granted") == 0) {
        captp_rig_close(&rig);
        closed_told = false;
        captp_rig_open(&rig, line[0] == 'o', 0);
    } else if (begins(line, "> ", &rest)) {
        (void)captp_rig_say(&rig, rest);
    } else if (strcmp(line, "vat") == 0) {
        take();
    } else if (strcmp(line, "done") == 0) {
        rig_reply_end(&rig.rig, 1, &reply, NULL);
    } else if (strcmp(line, "end") == 0) {
        captp_rig_close(&rig);
    } else {
        reply_line(line);
        return;
    }
    print_said();
    kee_assert(rig_audit(&rig.rig) == 0);
    struct kee_buf why = KEE_BUF_EMPTY;
    if (rig.session != NULL && kee_captp_audit(rig.session, &why) != 0) {
        (void)printf("audit: %s", kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    if (file == NULL) {
        (void)fprintf(stderr, "usage: drive SCENARIO.in\n");
        return 1;
    }
    captp_rig_init(&rig, "alice");
    while ((size = getline(&line, &room, file)) > 0) {
        line[size - 1] = 0; /* the last line ends, too */
        (void)printf("%s\n", line);
        play(line);
    }
    free(line);
    (void)fclose(file);
    captp_rig_fini(&rig);
    return 0;
}
