/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of services: durable names of peers' objects, and launches that are given them. */
#include "peer_bed.h"

static int offer(struct bed *bed, struct kee_peer_id peer, const char *name, const char *object,
                 char kref[24])
{
    struct kee_kref out;
    int r;

    r = kee_service_register(bed->rig.kernel, peer, kee_bytes_str(name), kee_bytes_str(object),
                             false, &out);
    if (r == 0) {
        (void)snprintf(kref, 24, "ko%llu", (unsigned long long)kee_kref_number(out));
    }
    return r;
}

static void a_service_is_found(void **state)
{
    struct bed bed;
    struct kee_kref found;
    bool system_only = true;
    char kref[24], again[24];

    (void)state;
    begin(&bed);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", kref), 0);
    assert_int_equal(kee_service_find(bed.rig.kernel, KEE_BYTES_LIT("adder"), &found, &system_only),
                     0);
    assert_true(kee_kref_equal(found, rig_kref(kref)));
    assert_false(system_only);
    assert_int_equal(kee_service_find(bed.rig.kernel, KEE_BYTES_LIT("other"), &found, &system_only),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", again), 0); /* the same is the same */
    assert_string_equal(kref, again);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+2", again), KEE_KERNEL_STATE);
    assert_int_equal(offer(&bed, bed.r1, "a b", "o+2", again), KEE_KERNEL_BAD);
    assert_int_equal(offer(&bed, bed.r1, "", "o+2", again), KEE_KERNEL_BAD);
    assert_int_equal(offer(&bed, bed.r1, "it", "p+2", again), KEE_KERNEL_BAD);
    assert_int_equal(offer(&bed, bed.r1, "it", bed.root, again), KEE_KERNEL_BAD);
    check(&bed);
    end(&bed);
}

/* v2 is launched with the service, calls it, and its host is another one after a restart. */
static void a_service_outlives_its_host(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_buf names = KEE_BUF_EMPTY;
    char kref[24], again[24], object[40], root[40];

    (void)state;
    begin(&bed);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", kref), 0);
    kee_vp_put_string(&names, KEE_BYTES_LIT("adder"));
    bed.rig.services = (struct kee_vp_strings){kee_buf_bytes(&names), 1};
    rig_launch(&bed.rig, "bob", 0);
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"bootstrap\",[{\"bob\":\"$0.Alleged: vatRoot\"},"
                              "{\"adder\":\"$1.Alleged: adder\"}]]");
    (void)slot(&d, 1, object);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, object, "#[\"add\",[1]]", NULL, NULL);
    rig_reply_end(&bed.rig, 2, &reply, "vom.rc.o-50=1");
    assert_string_equal(object, "o-50");
    check(&bed);
    HEARS(&bed, "message o+1 from v2: #[\"add\",[1]]");

    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "bye"), 0);
    assert_int_equal(rig_send(&bed.rig, kref, "#[\"add\",[2]]", NULL, 7), 0);
    check(&bed);
    assert_non_null(strstr(rig_answer(&bed.rig, 7)->body,
                           "[KERNEL:PEER_GONE] nobody provides the service 'adder' now"));
    assert_int_equal(kee_world_flush(bed.rig.world), 0);
    rig_crash(&bed.rig);
    check(&bed);
    assert_int_equal(rig_send(&bed.rig, kref, "#[\"add\",[2]]", NULL, 8), 0);
    check(&bed);
    assert_non_null(strstr(rig_answer(&bed.rig, 8)->body, "nobody provides the service 'adder'"));

    /* The new host has sent its object elsewhere before: what it registers becomes the old one. */
    bed.r1 = peer_rig_open(&bed.peers, "again");
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, bed.root), 0);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", "o+9", NULL), 0);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+9", again), 0);
    assert_string_equal(again, kref);
    check(&bed);
    assert_int_equal(rig_send(&bed.rig, kref, "#[\"add\",[3]]", NULL, 0), 0);
    rig_root(&bed.rig, 2, root);
    assert_int_equal(rig_send(&bed.rig, root, "#[\"go\",[]]", NULL, 0), 0);
    check(&bed);
    HEARS(&bed, "message o+9 from console: #[\"add\",[3]]");
    assert_true(rig_ok(&bed.rig, 2)); /* START */
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"add\",[4]]", NULL, NULL);
    rig_reply_end(&bed.rig, 2, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+9 from v2: #[\"add\",[4]]");
    assert_true(rig_ok(&bed.rig, 1)); /* START; what o+9 was first waits for v1 */
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"add\",[5]]", NULL, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, object);
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, object);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+9 from v1: #[\"add\",[5]]");
    assert_int_equal(bed.peers.count, 0); /* it is dropped by nobody: the service has it */
    kee_buf_fini(&names);
    end(&bed);
}

/* What a host gave out before, and offers again while the old one is not swept yet. */
static void a_service_moves_at_once(void **state)
{
    struct bed bed;
    struct kee_peer_id r2;
    char kref[24], again[24];

    (void)state;
    begin(&bed);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", kref), 0);
    r2 = peer_rig_open(&bed.peers, "next");
    assert_int_equal(offer(&bed, r2, "adder", "o+1", again), KEE_KERNEL_STATE);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "bye"), 0);
    assert_int_equal(offer(&bed, r2, "adder", "o+1", again), 0);
    assert_string_equal(again, kref);
    assert_int_equal(rig_audit(&bed.rig), 0);
    check(&bed);
    bed.r1 = r2;
    end(&bed);
}

/* Whoever takes a service over may have been its client. */
static void a_client_becomes_the_host(void **state)
{
    struct bed bed;
    struct kee_peer_id r2;
    char kref[24], again[24];

    (void)state;
    begin(&bed);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", kref), 0);
    r2 = peer_rig_open(&bed.peers, "next");
    assert_int_equal(peer_rig_hold(&bed.peers, r2, kref), 0);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "bye"), 0);
    assert_int_equal(offer(&bed, r2, "adder", "o+1", again), 0);
    assert_string_equal(again, kref);
    check(&bed);
    /* It may still name it as it was given it, and let go of that. */
    assert_int_equal(peer_rig_send(&bed.peers, r2, kref, "#[\"a\",[]]", NULL, NULL), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, r2, kref, 1), 0);
    check(&bed);
    bed.r1 = r2;
    HEARS(&bed, "message o+1 from r2: #[\"a\",[]]");
    end(&bed);
}

static void a_name_that_goes_takes_its_object_along(void **state)
{
    struct bed bed;
    char kref[24];

    (void)state;
    begin(&bed);
    assert_int_equal(offer(&bed, bed.r1, "adder", "o+1", kref), 0);
    assert_int_equal(kee_service_unregister(bed.rig.kernel, KEE_BYTES_LIT("other")),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(rig_order(&bed.rig, kee_kernel_hold, rig_kref(kref)), 0);
    assert_int_equal(kee_service_unregister(bed.rig.kernel, KEE_BYTES_LIT("adder")), 0);
    check(&bed);
    HEARS(&bed, "dropped o+1 after 0");
    assert_int_equal(rig_send(&bed.rig, kref, "#[\"add\",[2]]", NULL, 7), 0);
    check(&bed);
    assert_int_equal(rig_answer(&bed.rig, 7)->status, KEE_ANSWER_REJECTED);
    end(&bed);
}

/* Without the service nothing is launched; one for the system is as if it were not there. */
static void a_launch_needs_its_services(void **state)
{
    struct kee_launch_vat vat = {.name = KEE_BYTES_LIT("bob"),
                                 .code_name = KEE_BYTES_LIT("bob.js"),
                                 .code = KEE_BYTES_LIT("1"),
                                 .parameters = {.body = KEE_BYTES_LIT("#{}")}};
    struct kee_launch launch = {.config = KEE_BYTES_LIT("{}"),
                                .bootstrap = KEE_BYTES_LIT("bob"),
                                .vats = &vat,
                                .vat_count = 1};
    struct kee_buf names = KEE_BUF_EMPTY;
    struct kee_kref kref;
    struct bed bed;

    (void)state;
    begin(&bed);
    kee_vp_put_string(&names, KEE_BYTES_LIT("kernelFacet"));
    launch.services = (struct kee_vp_strings){kee_buf_bytes(&names), 1};
    assert_int_equal(kee_kernel_launch(bed.rig.kernel, &launch, 3), KEE_KERNEL_NO_SUCH);
    assert_string_equal(kee_kernel_why(bed.rig.kernel),
                        "no registered kernel service 'kernelFacet'");
    assert_int_equal(kee_service_register(bed.rig.kernel, bed.r1, KEE_BYTES_LIT("kernelFacet"),
                                          KEE_BYTES_LIT("o+1"), true, &kref),
                     0);
    assert_int_equal(kee_kernel_launch(bed.rig.kernel, &launch, 3), KEE_KERNEL_NO_SUCH);
    assert_string_equal(kee_kernel_why(bed.rig.kernel),
                        "no registered kernel service 'kernelFacet'");
    launch.system = true;
    assert_int_equal(kee_kernel_launch(bed.rig.kernel, &launch, 3), 0);
    rig_run(&bed.rig);
    /* It goes while the vat starts: the launch is taken back. */
    assert_int_equal(kee_service_unregister(bed.rig.kernel, KEE_BYTES_LIT("kernelFacet")), 0);
    assert_true(rig_ok(&bed.rig, 2));
    check(&bed);
    assert_int_equal(rig_answer(&bed.rig, 3)->status, KEE_ANSWER_DECLINED);
    assert_string_equal(rig_answer(&bed.rig, 3)->why, "no registered kernel service 'kernelFacet'");
    HEARS(&bed, "dropped o+1 after 0");
    kee_buf_fini(&names);
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_is_found),
        TEST(a_service_outlives_its_host),
        TEST(a_service_moves_at_once),
        TEST(a_client_becomes_the_host),
        TEST(a_name_that_goes_takes_its_object_along),
        TEST(a_launch_needs_its_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
