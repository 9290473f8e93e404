/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/ids.h. */
#include "cm.h"

#include "base/ids.h"

static void krefs_read_back(void **state)
{
    static const char *const texts[] = {"ko1", "kp31", "kd2", "ko4611686018427387903"};
    struct kee_buf buf = KEE_BUF_EMPTY;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct kee_kref kref = KEE_KREF_NONE;
        assert_true(kee_kref_parse(kee_bytes_str(texts[i]), &kref));
        assert_int_equal(kee_kref_is_promise(kref), texts[i][1] == 'p');
        kee_buf_clear(&buf);
        kee_buf_put_kref(&buf, kref);
        assert_bytes_text(buf, texts[i]);
    }
    kee_buf_fini(&buf);
}

static void what_is_no_kref_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "k",
        "ko",
        "ko0",
        "ko01",
        "ko-1",
        "ko1 ",
        " ko1",
        "kx1",
        "o+1",
        "Ko1",
        "kO1",
        "ko1a",
        "ko4611686018427387904",
        "kp99999999999999999999",
    };
    struct kee_kref kref = kee_kref_make(KEE_KREF_OBJECT, 9);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(kee_kref_parse(kee_bytes_str(texts[i]), &kref));
    }
    assert_int_equal(kee_kref_number(kref), 9);
    assert_false(kee_kref_parse(kee_bytes_of("ko1\0", 4), &kref)); /* a NUL is no digit */
}

static void vat_and_subcluster_ids(void **state)
{
    uint64_t n = 0;

    assert_true(kee_id_parse(kee_bytes_str("v12"), 'v', &n));
    assert_int_equal(n, 12);
    assert_true(kee_id_parse(kee_bytes_str("s1"), 's', &n));
    assert_int_equal(n, 1);
    assert_false(kee_id_parse(kee_bytes_str("s1"), 'v', &n));
    assert_false(kee_id_parse(kee_bytes_str("v0"), 'v', &n));
    assert_false(kee_id_parse(kee_bytes_str("v"), 'v', &n));
    assert_false(kee_id_parse(kee_bytes_str("v1x"), 'v', &n));
}

static void endpoints_read_back(void **state)
{
    static const char *const bad[] = {"", "r", "r0", "s1", "rv1", "r1 ", "r18446744073709551615"};
    struct kee_endpoint_id id;
    struct kee_buf text = KEE_BUF_EMPTY;

    (void)state;
    assert_true(kee_endpoint_parse(KEE_BYTES_LIT("v3"), &id));
    assert_true(kee_endpoint_is_vat(id, (struct kee_vat_id){3}));
    assert_int_equal(kee_endpoint_vat(id).n, 3);
    assert_int_equal(kee_endpoint_peer(id).n, 0);
    kee_buf_put_endpoint(&text, id);
    assert_true(kee_endpoint_parse(KEE_BYTES_LIT("r3"), &id));
    assert_true(kee_endpoint_is_peer(id, (struct kee_peer_id){3}));
    assert_false(kee_endpoint_is_vat(id, (struct kee_vat_id){3}));
    assert_int_equal(kee_endpoint_vat(id).n, 0);
    assert_int_equal(kee_endpoint_peer(id).n, 3);
    kee_buf_put_endpoint(&text, id);
    kee_buf_put_endpoint(&text, KEE_ENDPOINT_NONE);
    assert_string_equal(kee_buf_cstr(&text), "v3r3-");
    assert_true(kee_endpoint_is_none(kee_endpoint_of_peer((struct kee_peer_id){0})));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(kee_endpoint_parse(kee_bytes_str(bad[i]), &id));
    }
    kee_buf_fini(&text);
}

static void check_vref(const char *text, struct kee_vref_parts expected)
{
    struct kee_vref_parts parts;

    if (!kee_vref_parse(kee_bytes_str(text), &parts)) {
        fail_msg("%s was refused", text);
    }
    assert_int_equal(parts.type, expected.type);
    assert_int_equal(parts.exported, expected.exported);
    assert_int_equal(parts.is_virtual, expected.is_virtual);
    assert_int_equal(parts.is_durable, expected.is_durable);
    assert_int_equal(parts.has_facet, expected.has_facet);
    assert_int_equal(parts.id, expected.id);
    assert_int_equal(parts.instance, expected.instance);
    assert_int_equal(parts.facet, expected.facet);
}

static void vrefs_come_apart(void **state)
{
    check_vref("o+0", (struct kee_vref_parts){.type = KEE_VREF_OBJECT, .exported = true});
    check_vref("o-50", (struct kee_vref_parts){.type = KEE_VREF_OBJECT, .id = 50});
    check_vref("p+4", (struct kee_vref_parts){.type = KEE_VREF_PROMISE, .exported = true, .id = 4});
    check_vref("p-61", (struct kee_vref_parts){.type = KEE_VREF_PROMISE, .id = 61});
    check_vref("d-70", (struct kee_vref_parts){.type = KEE_VREF_DEVICE, .id = 70});
    check_vref("o+v10/7", (struct kee_vref_parts){.type = KEE_VREF_OBJECT,
                                                  .exported = true,
                                                  .is_virtual = true,
                                                  .id = 10,
                                                  .instance = 7});
    check_vref("o+d10/7:1", (struct kee_vref_parts){.type = KEE_VREF_OBJECT,
                                                    .exported = true,
                                                    .is_virtual = true,
                                                    .is_durable = true,
                                                    .has_facet = true,
                                                    .id = 10,
                                                    .instance = 7,
                                                    .facet = 1});
}

static void what_is_no_vref_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "o",
        "o+",
        "o*1",
        "x+1",
        "o+01",
        "o+1 ",
        "o+v1",
        "o+d/1",
        "o+d1/",
        "o+d1/1:",
        "o-v1/1",
        "p+v1/1",
        "p+d1/1:0",
        "o+vv1/1",
        "o+d1/1:2:3",
        "o+d1/2/3",
        "o+-1",
        "o+99999999999999999999",
    };
    struct kee_vref_parts parts;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (kee_vref_parse(kee_bytes_str(texts[i]), &parts)) {
            fail_msg("%s was taken for a vref", texts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(krefs_read_back),  TEST(what_is_no_kref_is_refused), TEST(vat_and_subcluster_ids),
        TEST(vrefs_come_apart), TEST(what_is_no_vref_is_refused), TEST(endpoints_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
