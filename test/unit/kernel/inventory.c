/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/inventory.c: objects granted by name are held, named at every start, let go at the end. */
#include "cm.h"

#include <stdio.h>

#include "base/limits.h"
#include "kernel_rig.h"

/* v1 and v2 launched; v2 has exported o+d10/1 to v1 and o+7, so that the kernel knows both. */
struct fixture {
    struct rig rig;
    char durable[24], ephemeral[24];
};

static void find(void *context, const struct kee_record *record)
{
    struct fixture *f = context;
    char kref[24] = "", vref[24] = "";

    for (size_t i = 0; i < record->count; i++) {
        const struct kee_field *field = &record->fields[i];
        char *out = strcmp(field->name, "kref") == 0   ? kref
                    : strcmp(field->name, "vref") == 0 ? vref
                                                       : NULL;
        if (out != NULL) {
            (void)snprintf(out, 24, "%.*s", (int)field->value.size,
                           (const char *)field->value.data);
        }
    }
    if (strcmp(vref, "o+d10/1") == 0) {
        (void)snprintf(f->durable, sizeof f->durable, "%s", kref);
    } else if (strcmp(vref, "o+7") == 0) {
        (void)snprintf(f->ephemeral, sizeof f->ephemeral, "%s", kref);
    }
}

static void fixture_init(struct fixture *f)
{
    struct rig_delivery delivery;
    struct rig_reply reply;
    char root[24];

    rig_init(&f->rig);
    rig_launch(&f->rig, "alice bob", 0);
    assert_true(rig_ok(&f->rig, 1));
    rig_run(&f->rig);
    rig_root(&f->rig, 2, root);
    assert_int_equal(rig_send(&f->rig, root, "#[\"go\",[\"$0\"]]", root, 9), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 2, &delivery));
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_resolve(&reply, "p-60", false, "#[\"$0\",\"$1\"]", "o+d10/1 o+7");
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
    assert_non_null(rig_answer(&f->rig, 9)); /* the console holds both */
    assert_int_equal(kee_kernel_list_clist(f->rig.kernel, (struct kee_vat_id){2}, find, f), 0);
    assert_string_not_equal(f->durable, "");
    assert_string_not_equal(f->ephemeral, "");
}

static void fixture_fini(struct fixture *f)
{
    assert_int_equal(rig_audit(&f->rig), 0);
    rig_fini(&f->rig);
}

/* inventory: "name kref name kref", in pairs. */
static int launch(struct rig *rig, const char *inventory, uint64_t call)
{
    struct kee_buf raw = KEE_BUF_EMPTY;
    struct kee_launch_vat vat = {.name = KEE_BYTES_LIT("x"),
                                 .code_name = KEE_BYTES_LIT("x.js"),
                                 .code = KEE_BYTES_LIT("7"),
                                 .parameters = {.body = KEE_BYTES_LIT("#{}")}};
    struct kee_launch launch = {.config = KEE_BYTES_LIT("{}"),
                                .bootstrap = KEE_BYTES_LIT("x"),
                                .vats = &vat,
                                .vat_count = 1};
    struct kee_bytes rest = kee_bytes_str(inventory);
    int r;

    while (rest.size > 0) {
        kee_vp_put_string(&raw, kee_bytes_cut(&rest, ' '));
        vat.inventory.count++;
    }
    vat.inventory.raw = kee_buf_bytes(&raw);
    r = kee_kernel_launch(rig->kernel, &launch, call);
    kee_buf_fini(&raw);
    return r;
}

/* What the START that waits for the vat says it is granted, as "name vref name vref". */
static void granted(struct rig *rig, uint64_t vat, char out[200])
{
    struct kee_vp_start start;
    struct kee_bytes fields, text;
    uint8_t type;
    size_t size;

    out[0] = 0;
    assert_int_equal(kee_vp_frame_cut(kee_buf_bytes(&rig->vats[vat].in), &type, &fields, &size), 1);
    assert_int_equal(type, KEE_VP_START);
    assert_true(kee_vp_start_take(fields, &start));
    while (kee_vp_strings_next(&start.inventory, &text)) {
        size_t at = strlen(out);
        (void)snprintf(out + at, 200 - at, "%s%.*s", at > 0 ? " " : "", (int)text.size,
                       (const char *)text.data);
    }
}

static void launch_both(struct fixture *f, uint64_t call)
{
    char text[100];

    (void)snprintf(text, sizeof text, "one %s two %s again %s", f->durable, f->ephemeral,
                   f->durable);
    assert_int_equal(launch(&f->rig, text, call), 0);
    rig_run(&f->rig);
}

struct holders {
    char text[400];
};

static void on_holder(void *context, const struct kee_record *record)
{
    struct holders *holders = context;
    size_t at = strlen(holders->text);

    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, "how") == 0 ||
            strcmp(record->fields[i].name, "as") == 0) {
            at = strlen(holders->text);
            (void)snprintf(holders->text + at, sizeof holders->text - at, "%.*s;",
                           (int)record->fields[i].value.size,
                           (const char *)record->fields[i].value.data);
        }
    }
}

static void each_start_names_what_was_granted(void **state)
{
    struct fixture f;
    char text[200];

    fixture_init(&f);
    launch_both(&f, 0);
    granted(&f.rig, 3, text);
    assert_string_equal(text, "one o-50 two o-51 again o-50");
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_true(rig_ok(&f.rig, 3));
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 3)); /* bootstrap */
    rig_run(&f.rig);
    assert_int_equal(kee_kernel_restart_vat(f.rig.kernel, (struct kee_vat_id){3}, "a test"), 0);
    assert_int_equal(rig_audit(&f.rig), 0);
    rig_run(&f.rig);
    granted(&f.rig, 3, text);
    assert_string_equal(text, "one o-52 two o-53 again o-52");
    fixture_fini(&f);
}

static void it_outlives_a_crash_and_the_hold_of_the_console(void **state)
{
    struct fixture f;
    struct holders holders = {""};
    char text[200], root[24];

    fixture_init(&f);
    launch_both(&f, 0);
    assert_true(rig_ok(&f.rig, 3));
    rig_run(&f.rig);
    assert_int_equal(kee_world_flush(f.rig.world), 0);
    rig_crash(&f.rig);
    rig_run(&f.rig); /* the sweeps: restarts, holds of the older boot */
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, rig_kref(f.durable), on_holder, &holders),
                     0);
    assert_non_null(strstr(holders.text, "inventory;one;"));
    assert_non_null(strstr(holders.text, "inventory;again;"));
    rig_root(&f.rig, 3, root);
    assert_int_equal(rig_send(&f.rig, root, "#[\"hi\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    granted(&f.rig, 3, text);
    assert_memory_equal(text, "one o-", 6);
    fixture_fini(&f);
}

static void it_is_let_go_with_the_vat(void **state)
{
    struct fixture f;
    struct holders holders = {""};

    fixture_init(&f);
    launch_both(&f, 0);
    assert_true(rig_ok(&f.rig, 3));
    rig_run(&f.rig);
    assert_int_equal(kee_kernel_terminate_vat(f.rig.kernel, (struct kee_vat_id){3}), 0);
    rig_run(&f.rig);
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, rig_kref(f.durable), on_holder, &holders),
                     0);
    assert_null(strstr(holders.text, "inventory"));
    assert_int_equal(rig_audit(&f.rig), 0);

    /* And with one that does not start. */
    launch_both(&f, 44);
    {
        struct rig_delivery d;
        struct rig_reply reply;
        assert_true(rig_take(&f.rig, 4, &d));
        rig_reply_begin(&reply, d.number, "thrown");
        rig_reply_end(&f.rig, 4, &reply, NULL);
        rig_run(&f.rig);
    }
    assert_int_equal(rig_answer(&f.rig, 44)->status, KEE_ANSWER_DECLINED);
    fixture_fini(&f);
}

static void what_cannot_be_granted_is_refused(void **state)
{
    static const struct {
        const char *name, *kref, *why;
        int outcome;
    } cases[] = {
        {"1x", "ko1", "not beginning with a digit, found \"1x\"", KEE_KERNEL_BAD},
        {"a-b", "ko1", "found \"a-b\"", KEE_KERNEL_BAD},
        {"", "ko1", "found \"\"", KEE_KERNEL_BAD},
        {"a,b", "ko1", "found \"a,b\"", KEE_KERNEL_BAD},
        {"a", "kp1", "expected an object such as ko4, found \"kp1\"", KEE_KERNEL_BAD},
        {"a", "x", "expected an object such as ko4, found \"x\"", KEE_KERNEL_BAD},
        {"a", "ko99999", "there is no ko99999", KEE_KERNEL_NO_SUCH},
    };
    struct fixture f;
    struct kee_buf many = KEE_BUF_EMPTY;

    fixture_init(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "%s %s", cases[i].name, cases[i].kref);
        assert_int_equal(launch(&f.rig, text, 0), cases[i].outcome);
        assert_non_null(strstr(kee_kernel_why(f.rig.kernel), cases[i].why));
    }
    for (unsigned i = 0; i <= KEE_LIMIT_INVENTORY; i++) {
        kee_buf_printf(&many, "%sn%u %s", i > 0 ? " " : "", i, f.durable);
    }
    assert_int_equal(launch(&f.rig, kee_buf_cstr(&many), 0), KEE_KERNEL_BAD);
    kee_buf_fini(&many);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_start_names_what_was_granted),
        cmocka_unit_test(it_outlives_a_crash_and_the_hold_of_the_console),
        cmocka_unit_test(it_is_let_go_with_the_vat),
        cmocka_unit_test(what_cannot_be_granted_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
