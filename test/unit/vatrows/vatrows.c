/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vatrows/vatrows.h: what a row leads to, and that text inside a body leads nowhere. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "vatrows/vatrows.h"

/* All slots of a value, with commas between. */
static const char *slots_of(const char *value, char out[200])
{
    struct kee_vatrow_slots slots = kee_vatrow_slots_of(kee_bytes_str(value));
    struct kee_bytes vref;

    out[0] = 0;
    while (kee_vatrow_slots_next(&slots, &vref)) {
        size_t at = strlen(out);
        (void)snprintf(out + at, 200 - at, "%s%.*s", at > 0 ? "," : "", (int)vref.size,
                       (const char *)vref.data);
    }
    return out;
}

static void slots_of_every_field_are_found(void **state)
{
    static const struct {
        const char *value, *slots;
    } rows[] = {
        {"{\"body\":\"#1\",\"slots\":[]}", ""},
        {"{\"body\":\"#1\",\"slots\":[\"o-5\"]}", "o-5"},
        {"{\"a\":{\"body\":\"#1\",\"slots\":[\"o-5\",\"o+d10/1:2\"]},\"b\":{\"body\":\"#2\","
         "\"slots\":[\"o-6\"]}}",
         "o-5,o+d10/1:2,o-6"},
        /* a field of that name, and bodies that look like slots */
        {"{\"slots\":{\"body\":\"#1\",\"slots\":[\"o-7\"]}}", "o-7"},
        {"{\"body\":\"#{\\\"slots\\\":[\\\"o-8\\\"]}\",\"slots\":[\"o-9\"]}", "o-9"},
        {"{\"body\":\"#\\\\\",\"slots\":[\"o-9\"]}", "o-9"},
        {"{\"body\":\"#\\\\\\\"slots\\\":[\\\"o-1\\\"]\",\"slots\":[\"o-9\"]}", "o-9"},
        /* a descriptor of a kind */
        {"{\"kindID\":\"10\",\"tag\":\"t\",\"stateShapeCapData\":{\"body\":\"#\",\"slots\":[\"o-"
         "3\"]}}",
         "o-3"},
        /* no such rows */
        {"", ""},
        {"12", ""},
        {"{\"slots\":[\"o-1", ""},
        {"{\"slots\":[\"o-1\"", "o-1"},
        {"\"slots\":[\"o-1\",\"o-2\\", "o-1"},
        {"\"\\", ""},
        {"\"", ""},
    };
    char out[200];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(slots_of(rows[i].value, out), rows[i].slots);
    }
}

static struct kee_vatrow read_row(const char *key)
{
    struct kee_vatrow row;

    kee_vatrow_read(kee_bytes_str(key), &row);
    return row;
}

static void keys_say_what_a_row_is(void **state)
{
    struct kee_vatrow row = read_row("vom.o+d10/3");

    assert_int_equal(row.sort, KEE_VATROW_STATE);
    assert_true(row.own.is_durable && row.own.id == 10 && row.own.instance == 3);
    row = read_row("vom.o+v7/1");
    assert_true(row.sort == KEE_VATROW_STATE && !row.own.is_durable);
    row = read_row("vc.5.skey");
    assert_true(row.sort == KEE_VATROW_ENTRY && row.store == 5 && row.key.size == 0);
    row = read_row("vc.5.r0000000003:o+d10/1:2");
    assert_true(row.sort == KEE_VATROW_ENTRY && row.store == 5);
    assert_true(kee_bytes_equal(row.key, kee_bytes_str("o+d10/1:2")));
    assert_int_equal(read_row("vc.5.|schemata").sort, KEE_VATROW_ENTRY);
    assert_int_equal(read_row("vom.dkind.10.descriptor").sort, KEE_VATROW_KIND);
    assert_int_equal(read_row("baggageID").sort, KEE_VATROW_TABLE);
    assert_int_equal(read_row("watchedPromiseTableID").sort, KEE_VATROW_TABLE);
    for (size_t i = 0; kee_vatrow_root(i) != NULL; i++) {
        assert_int_not_equal(read_row(kee_vatrow_root(i)).sort, KEE_VATROW_OTHER);
    }
}

static void other_keys_lead_nowhere(void **state)
{
    static const char *const keys[] = {
        "",         "x",          "vom.rc.o+d10/1", "vom.es.o+d10/1",
        "vom.o+3",  "vom.o+d10",  "vom.o+d/1",      "vc.",
        "vc.x.s",   "baggageIDs", "vom.ir.o-3|1",   "vom.vkind.9.descriptor",
        "vom.o-12", "idCounters"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(read_row(keys[i]).sort, KEE_VATROW_OTHER);
    }
}

static void the_table_of_stores(void **state)
{
    struct kee_vatrow_stores stores;
    bool weak;

    kee_vatrow_stores_read(
        kee_bytes_str("{\"scalarMapStore\":2,\"scalarWeakMapStore\":3,\"scalarSetStore\":14}"),
        &stores);
    assert_int_equal(stores.count, 3);
    assert_true(kee_vatrow_is_store(&stores, 2, &weak) && !weak);
    assert_true(kee_vatrow_is_store(&stores, 3, &weak) && weak);
    assert_true(kee_vatrow_is_store(&stores, 14, &weak) && !weak);
    assert_false(kee_vatrow_is_store(&stores, 1, &weak));
    kee_vatrow_stores_read(kee_bytes_str("{\"a\":,\"b\":\"1\",\"c\""), &stores);
    assert_int_equal(stores.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_of_every_field_are_found),
        cmocka_unit_test(keys_say_what_a_row_is),
        cmocka_unit_test(other_keys_lead_nowhere),
        cmocka_unit_test(the_table_of_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
