/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/list.h. */
#include "cm.h"

#include "base/list.h"

struct item {
    int n;
    struct kee_link link;
};

static int digits_of(struct kee_link *head)
{
    int all = 0;

    for (struct kee_link *at = head->next; at != head; at = at->next) {
        assert_ptr_equal(at->next->prev, at);
        assert_ptr_equal(at->prev->next, at);
        all = all * 10 + KEE_CONTAINER(at, struct item, link)->n;
    }
    return all;
}

static void items_stand_where_they_were_put(void **state)
{
    struct kee_link head;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};

    kee_list_init(&head);
    assert_true(kee_list_is_empty(&head));
    kee_list_append(&head, &a.link);
    kee_list_append(&head, &b.link);
    kee_list_prepend(&head, &c.link);
    assert_int_equal(digits_of(&head), 312);
    kee_list_remove(&a.link);
    assert_int_equal(digits_of(&head), 32);
    kee_list_remove(&a.link); /* again: harmless */
    assert_int_equal(digits_of(&head), 32);
    kee_list_remove(&c.link);
    kee_list_remove(&b.link);
    assert_true(kee_list_is_empty(&head));
    kee_list_append(&head, &a.link); /* a removed item can come back */
    assert_int_equal(digits_of(&head), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(items_stand_where_they_were_put)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
