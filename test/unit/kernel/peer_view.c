/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a person sees of peers: listings, who holds what, one reference, the trace. */
#include "peer_bed.h"
#include "store/schema.h"

/* Records as lines "kind name=value name=value". */
struct seen {
    char lines[40][300];
    size_t count;
};

static void see(void *context, const struct kee_record *record)
{
    struct seen *seen = context;
    char *line;

    assert_in_range(seen->count, 0, 39);
    line = seen->lines[seen->count++];
    (void)snprintf(line, sizeof seen->lines[0], "%s", record->kind);
    for (size_t i = 0; i < record->count; i++) {
        size_t at = strlen(line);
        (void)snprintf(line + at, sizeof seen->lines[0] - at, " %s=%.*s", record->fields[i].name,
                       (int)record->fields[i].value.size,
                       (const char *)record->fields[i].value.data);
    }
}

static bool has_line(const struct seen *seen, const char *line)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->lines[i], line) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < seen->count; i++) {
        print_message("  %s\n", seen->lines[i]);
    }
    return false;
}

/* v1 has been given o+1 and p+2, and has sent something of its own to o+1. */
static void begin_with_things(struct bed *bed)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    begin(bed);
    vat_begins(bed, "o+1 p+2", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"take\",[\"$0\"]]", "o+5", "p+6");
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    check(bed);
    HEARS(bed, "message o+1 from v1 result kp2: #[\"take\",[\"$0\"]] ko3");
}

static void listings(void **state)
{
    struct seen seen = {.count = 0};
    struct bed bed;

    (void)state;
    begin_with_things(&bed);
    assert_int_equal(kee_kernel_list_peers(bed.rig.kernel, see, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_true(has_line(&seen, "peer peer=r1 label=owner state=open rows=5 waiting=0"));
    seen.count = 0;
    assert_int_equal(kee_kernel_list_peer_clist(bed.rig.kernel, bed.r1, see, &seen), 0);
    assert_int_equal(seen.count, 5);
    assert_true(has_line(&seen, "clist kref=ko1 vref=ko1 direction=import mentions=1 owner=v1"));
    assert_true(has_line(&seen, "clist kref=ko2 vref=o+1 direction=export mentions=1 owner=r1"));
    assert_true(has_line(&seen, "clist kref=ko3 vref=ko3 direction=import mentions=1 owner=v1"));
    assert_true(has_line(&seen, "clist kref=kp1 vref=p+2 direction=export mentions=1 decider=r1"));
    assert_true(has_line(&seen, "clist kref=kp2 vref=kp2 direction=import mentions=0 decider=r1"));
    assert_int_equal(
        kee_kernel_list_peer_clist(bed.rig.kernel, (struct kee_peer_id){9}, see, &seen),
        KEE_KERNEL_NO_SUCH);
    seen.count = 0;
    assert_int_equal(kee_kernel_show(bed.rig.kernel, rig_kref("kp2"), see, &seen), 0);
    assert_true(
        has_line(&seen, "promise kref=kp2 state=unresolved decider=r1 subscribers=- references=2"));
    /* Who is over is listed until its rows are gone; its objects say whose they were. */
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "bye"), 0);
    seen.count = 0;
    assert_int_equal(kee_kernel_list_peers(bed.rig.kernel, see, &seen), 0);
    assert_true(has_line(&seen, "peer peer=r1 label=owner state=over rows=5 waiting=0 why=bye"));
    check(&bed);
    seen.count = 0;
    assert_int_equal(kee_kernel_list_peers(bed.rig.kernel, see, &seen), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(kee_kernel_show(bed.rig.kernel, rig_kref("ko2"), see, &seen), 0);
    assert_true(has_line(&seen, "object kref=ko2 owner=- reachable=1 recognizable=1 was_of=r1 "
                                "pinned=no revoked=no"));
    end(&bed);
}

static void holders(void **state)
{
    struct seen seen = {.count = 0};
    struct kee_kref kref;
    struct bed bed;

    (void)state;
    begin_with_things(&bed);
    assert_int_equal(kee_kernel_who_holds(bed.rig.kernel, rig_kref("ko3"), see, &seen), 0);
    assert_true(has_line(&seen, "holder holder=r1 how=c-list references=1 vref=ko3 mentions=1"));
    assert_int_equal(kee_service_register(bed.rig.kernel, bed.r1, KEE_BYTES_LIT("it"),
                                          KEE_BYTES_LIT("o+1"), false, &kref),
                     0);
    assert_int_equal(kee_service_hold(bed.rig.kernel, KEE_BYTES_LIT("also"), kref), 0);
    seen.count = 0;
    assert_int_equal(kee_kernel_who_holds(bed.rig.kernel, kref, see, &seen), 0);
    assert_true(has_line(&seen, "holder holder=r1 how=owner references=0 vref=o+1 mentions=1"));
    assert_true(has_line(&seen, "holder holder=kernel how=service references=1 as=it"));
    assert_true(has_line(&seen, "holder holder=kernel how=service references=1 as=also"));
    end(&bed);
}

static void one_reference(void **state)
{
    struct seen seen = {.count = 0};
    struct kee_endpoint_id r1, r9 = kee_endpoint_of_peer((struct kee_peer_id){9});
    struct kee_kernel *kernel;
    struct bed bed;

    (void)state;
    begin_with_things(&bed);
    kernel = bed.rig.kernel;
    r1 = kee_endpoint_of_peer(bed.r1);
    assert_int_equal(kee_kernel_describe(kernel, KEE_BYTES_LIT("o+1"), r1, see, &seen), 0);
    assert_true(has_line(&seen, "reference kref=ko2 vref=o+1 owner=r1 reachable=1 recognizable=1 "
                                "pinned=no revoked=no"));
    seen.count = 0;
    assert_int_equal(kee_kernel_describe(kernel, KEE_BYTES_LIT("kp2"), r1, see, &seen), 0);
    assert_true(has_line(
        &seen,
        "reference kref=kp2 vref=kp2 state=unresolved decider=r1 subscribers=- references=2"));
    assert_int_equal(kee_kernel_describe(kernel, KEE_BYTES_LIT("o+9"), r1, see, &seen),
                     KEE_KERNEL_NO_SUCH);
    assert_string_equal(kee_kernel_why(kernel), "r1 does not know o+9");
    assert_int_equal(kee_kernel_describe(kernel, KEE_BYTES_LIT("o+1"), r9, see, &seen),
                     KEE_KERNEL_NO_SUCH);
    assert_string_equal(kee_kernel_why(kernel), "there is no session r9");
    end(&bed);
}

/* A call can be followed by its result: from the host, through the vat, and back. */
static void the_trace_of_a_call(void **state)
{
    struct seen seen = {.count = 0};
    struct rig_delivery d;
    struct rig_reply reply;
    char result[24], vpid[40], text[400];
    struct bed bed;

    (void)state;
    begin(&bed);
    bed.rig.on_event = see;
    bed.rig.event_context = &seen;
    kee_kernel_trace(bed.rig.kernel, true);
    assert_int_equal(
        peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"add\",[\"$0\"]]", "o+1", result), 0);
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 1, &d));
    rig_text(d.result, vpid);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, vpid, false, "#7", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    rig_run(&bed.rig);
    assert_true(has_line(&seen, LINE(text,
                                     "say peer=r1 name=send target=ko1 method=add result=%s "
                                     "body=#[\"add\",[\"$0\"]] slots=ko2",
                                     result)));
    assert_true(has_line(&seen, LINE(text,
                                     "deliver vat=v1 delivery=2 type=message from=r1 "
                                     "target=ko1 method=add result=%s "
                                     "body=#[\"add\",[\"$0\"]] slots=ko2",
                                     result)));
    assert_true(
        has_line(&seen, LINE(text, "hear peer=r1 type=fulfilled promise=%s body=#7", result)));
    kee_kernel_trace(bed.rig.kernel, false);
    HEARS(&bed, LINE(text, "fulfilled %s: #7", result));
    end(&bed);
}

/* ---- the audit sees what is wrong ---- */

static void spoil(struct bed *bed, const char *key, const char *value)
{
    kee_world_begin(bed->rig.world);
    assert_int_equal(value == NULL
                         ? kee_world_delete(bed->rig.world, kee_bytes_str(key))
                         : kee_world_put(bed->rig.world, kee_bytes_str(key), kee_bytes_str(value)),
                     0);
    kee_world_commit(bed->rig.world);
}

static void the_audit_sees(const char *key, const char *value, const char *invariant)
{
    struct seen seen = {.count = 0};
    struct bed bed;
    char head[60];
    bool found = false;

    begin_with_things(&bed);
    assert_int_equal(rig_audit(&bed.rig), 0);
    spoil(&bed, key, value);
    assert_true(kee_kernel_audit(bed.rig.kernel, see, &seen) > 0);
    (void)snprintf(head, sizeof head, "violation invariant=%s ", invariant);
    for (size_t i = 0; i < seen.count; i++) {
        found = found || strncmp(seen.lines[i], head, strlen(head)) == 0;
    }
    assert_true(found);
    rig_fini(&bed.rig);
}

static void audits(void **state)
{
    (void)state;
    the_audit_sees("r1.c.ko3", NULL, "RC-1");
    the_audit_sees("r1.c.ko3", "ko3", "PE-1");
    the_audit_sees("r1.c.o+1", NULL, "PE-1");
    the_audit_sees("r1.c.o+1", "ko1", "PE-1");
    the_audit_sees("r1.c.o+7", "ko9", "PE-1");
    the_audit_sees("r1.c.kp2", "kp2 1", "PE-3");
    the_audit_sees("r1.c.ko2", NULL, "PE-4");
    the_audit_sees("r1.c.kp2", NULL, "PE-4");
    the_audit_sees("r1", NULL, "ST-1");
    the_audit_sees("r7.c.ko1", "ko1 1", "ST-1");
    the_audit_sees("service.x", "ko99", "ST-1");
    the_audit_sees("service.x", "ko1", "RC-1");
    the_audit_sees("kp2", "u 2 r1 r5", "PR-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listings), TEST(holders), TEST(one_reference), TEST(the_trace_of_a_call), TEST(audits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
