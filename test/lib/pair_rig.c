/* SPDX-License-Identifier: Apache-2.0 */
#include "pair_rig.h"

#include <stdio.h>

#include "cm.h"

void pair_init(struct pair *pair)
{
    struct rig_delivery delivery;
    struct rig_reply reply;
    char result[40];

    rig_init(&pair->rig);
    rig_launch(&pair->rig, "alice bob", 1);
    assert_true(rig_take(&pair->rig, 1, &delivery));
    assert_int_equal(delivery.kind, KEE_VP_MESSAGE);
    assert_bytes_text(delivery.target, "o+0");
    assert_bytes_text(delivery.body, "#[\"bootstrap\",[{\"alice\":\"$0.Alleged: vatRoot\","
                                     "\"bob\":\"$1.Alleged: vatRoot\"},{}]]");
    assert_int_equal(delivery.slots.count, 2);
    rig_text(delivery.result, result);
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"up\"", NULL);
    rig_reply_end(&pair->rig, 1, &reply, NULL);
    rig_run(&pair->rig);
    assert_non_null(rig_answer(&pair->rig, 1));
    assert_string_equal(rig_answer(&pair->rig, 1)->body, "#\"up\"");
    rig_root(&pair->rig, 1, pair->a);
    rig_root(&pair->rig, 2, pair->b);
    assert_int_equal(rig_audit(&pair->rig), 0);
}

void pair_fini(struct pair *pair)
{
    assert_int_equal(rig_audit(&pair->rig), 0);
    rig_fini(&pair->rig);
}

void pair_give(struct pair *pair)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&pair->rig, pair->a, "#[\"go\",[\"$0\"]]", pair->b, 0), 0);
    rig_run(&pair->rig);
    assert_true(rig_take(&pair->rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+d10/1", NULL);
    rig_reply_end(&pair->rig, 1, &reply, NULL);
    rig_run(&pair->rig);
    assert_true(rig_ok(&pair->rig, 2));
    rig_run(&pair->rig);
}

void pair_last_object(void *context, const struct kee_record *record)
{
    (void)snprintf(context, 24, "%.*s", (int)record->fields[0].value.size,
                   (const char *)record->fields[0].value.data);
}
