/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vat/liveslots/vatstore.h against a kernel and a model that are plain arrays. */
#include "cm.h"

#include <stdio.h>

#include "base/limits.h"
#include "vat/liveslots/vatstore.h"
#include "vatproto/vatproto.h"

#define KEYS 60

/* Rows k00 to k59; "" is an absent one. */
struct rows {
    char value[KEYS][24];
    unsigned asked;
};

static struct kee_bytes key_text(int n, char text[16])
{
    snprintf(text, 16, "k%02d", n);
    return kee_bytes_str(text);
}

static int source_get(void *context, struct kee_bytes key, struct kee_buf *value)
{
    struct rows *rows = context;
    char text[16];
    rows->asked++;
    for (int n = 0; n < KEYS; n++) {
        if (kee_bytes_equal(key_text(n, text), key) && rows->value[n][0] != '\0') {
            kee_buf_put_str(value, rows->value[n]);
            return 1;
        }
    }
    return 0;
}

static int rows_next(const struct rows *rows, struct kee_bytes prior)
{
    char text[16];
    for (int n = 0; n < KEYS; n++) {
        if (rows->value[n][0] != '\0' && kee_bytes_compare(key_text(n, text), prior) > 0) {
            return n;
        }
    }
    return -1;
}

static int source_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                       struct kee_buf *value)
{
    struct rows *rows = context;
    char text[16];
    int n = rows_next(rows, prior);
    rows->asked++;
    if (n < 0) {
        return 0;
    }
    kee_buf_put_bytes(key, key_text(n, text));
    kee_buf_put_str(value, rows->value[n]);
    return 1;
}

static struct kee_vatstore *store_over(struct rows *rows)
{
    struct kee_vatstore *store;
    const struct kee_vatstore_source source = {rows, source_get, source_next};
    assert_int_equal(kee_vatstore_new(&store, &source), 0);
    return store;
}

/* Applies flushed changes to the kernel's rows; gives their number. */
static uint32_t apply(struct kee_vatstore *store, struct rows *kernel)
{
    struct kee_buf out = KEE_BUF_EMPTY;
    kee_vatstore_flush(store, &out);
    struct kee_vp_reader reader = {kee_buf_bytes(&out), false};
    uint32_t count = kee_vp_take_u32(&reader);
    for (uint32_t i = 0; i < count; i++) {
        bool set = kee_vp_take_u8(&reader) == 1;
        struct kee_bytes key = kee_vp_take_string(&reader);
        struct kee_bytes value = set ? kee_vp_take_string(&reader) : kee_bytes_of(NULL, 0);
        assert_int_equal(key.size, 3);
        int n = (key.data[1] - '0') * 10 + (key.data[2] - '0');
        snprintf(kernel->value[n], sizeof(kernel->value[n]), "%.*s", (int)value.size,
                 value.data == NULL ? "" : (const char *)value.data);
    }
    assert_true(kee_vp_reader_end(&reader));
    kee_buf_fini(&out);
    return count;
}

static void check_get(struct kee_vatstore *store, const struct rows *model, int n)
{
    char text[16];
    struct kee_bytes value;
    int r = kee_vatstore_get(store, key_text(n, text), &value);
    assert_int_equal(r, model->value[n][0] != '\0');
    assert_bytes_text(value, model->value[n]);
}

static void check_next(struct kee_vatstore *store, const struct rows *model, int n)
{
    char text[16], expected[16];
    struct kee_bytes key, value;
    struct kee_bytes prior = n < 0 ? kee_bytes_str("k") : key_text(n, text);
    int found = rows_next(model, prior);
    int r = kee_vatstore_next(store, kee_bytes_of(NULL, 0), prior, &key, &value);
    assert_int_equal(r, found >= 0);
    if (found >= 0) {
        assert_true(kee_bytes_equal(key, key_text(found, expected)));
        assert_bytes_text(value, model->value[found]);
    }
}

/* Whatever the order of reads, writes, walks and crank ends: the same as a plain table. */
static void agrees_with_a_model(void **state)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct rows kernel = {0}, model;
        unsigned random = seed * 7919;
        for (int n = 0; n < KEYS; n += 3) {
            snprintf(kernel.value[n], sizeof(kernel.value[n]), "old%d", n);
        }
        model = kernel;
        struct kee_vatstore *store = store_over(&kernel);
        for (int step = 0; step < 300; step++) {
            random = random * 1103515245u + 12345u;
            int n = (int)((random >> 8) % KEYS);
            char text[16];
            switch ((random >> 16) % 8) {
            case 0:
            case 1:
                snprintf(model.value[n], sizeof(model.value[n]), "new%d", step % 5);
                assert_int_equal(
                    kee_vatstore_set(store, key_text(n, text), kee_bytes_str(model.value[n])), 0);
                break;
            case 2:
                model.value[n][0] = '\0';
                assert_int_equal(kee_vatstore_delete(store, key_text(n, text)), 0);
                break;
            case 3:
            case 4:
                check_get(store, &model, n);
                break;
            case 5:
            case 6:
                check_next(store, &model, n - 1);
                break;
            default:
                apply(store, &kernel);
                assert_memory_equal(kernel.value[n], model.value[n], 1);
                break;
            }
            kee_vatstore_audit(store);
        }
        apply(store, &kernel);
        for (int n = 0; n < KEYS; n++) {
            assert_string_equal(kernel.value[n], model.value[n]);
        }
        kee_vatstore_free(store);
    }
}

static void only_net_changes_are_flushed(void **state)
{
    struct rows kernel = {0};
    snprintf(kernel.value[1], sizeof(kernel.value[1]), "one");
    struct kee_vatstore *store = store_over(&kernel);
    check_get(store, &kernel, 1);
    check_get(store, &kernel, 2);
    /* Changed and changed back; made and deleted; set twice. */
    kee_vatstore_set(store, kee_bytes_str("k01"), kee_bytes_str("two"));
    kee_vatstore_set(store, kee_bytes_str("k01"), kee_bytes_str("one"));
    kee_vatstore_set(store, kee_bytes_str("k02"), kee_bytes_str("x"));
    kee_vatstore_delete(store, kee_bytes_str("k02"));
    kee_vatstore_set(store, kee_bytes_str("k03"), kee_bytes_str("a"));
    kee_vatstore_set(store, kee_bytes_str("k03"), kee_bytes_str("b"));
    assert_int_equal(apply(store, &kernel), 1);
    assert_string_equal(kernel.value[3], "b");
    assert_int_equal(apply(store, &kernel), 0);
    kee_vatstore_free(store);
}

static void a_walk_asks_the_kernel_once(void **state)
{
    struct rows kernel = {0};
    for (int n = 0; n < 10; n++) {
        snprintf(kernel.value[n], sizeof(kernel.value[n]), "v%d", n);
    }
    struct kee_vatstore *store = store_over(&kernel);
    for (int n = -1; n < 10; n++) {
        check_next(store, &kernel, n);
    }
    unsigned asked = kernel.asked;
    assert_int_equal(asked, 11);
    for (int n = -1; n < 10; n++) {
        check_next(store, &kernel, n);
        if (n >= 0) {
            check_get(store, &kernel, n);
        }
    }
    /* A key inside a known gap is known to be absent. */
    check_get(store, &kernel, 20);
    assert_int_equal(kernel.asked, asked);
    kee_vatstore_free(store);
}

static void many_rows_are_let_go(void **state)
{
    struct rows kernel = {0};
    struct kee_vatstore *store = store_over(&kernel);
    static char big[1000];
    memset(big, 'x', sizeof(big));
    for (int crank = 0; crank < 40; crank++) {
        struct kee_buf out = KEE_BUF_EMPTY;
        for (int n = 0; n < 100; n++) {
            char key[16];
            snprintf(key, sizeof(key), "z%02d.%02d", crank, n);
            kee_vatstore_set(store, kee_bytes_str(key), kee_bytes_of(big, sizeof(big)));
        }
        kee_vatstore_flush(store, &out);
        kee_buf_fini(&out);
        kee_vatstore_audit(store);
    }
    struct kee_bytes value;
    unsigned asked = kernel.asked;
    /* The latest rows are still here, the first ones have to be asked for. */
    assert_int_equal(kee_vatstore_get(store, kee_bytes_str("z39.99"), &value), 1);
    assert_int_equal(kernel.asked, asked);
    assert_int_equal(kee_vatstore_get(store, kee_bytes_str("z00.00"), &value), 0);
    assert_int_equal(kernel.asked, asked + 1);
    kee_vatstore_free(store);
}

static void a_key_too_long_spoils_the_crank(void **state)
{
    struct rows kernel = {0};
    struct kee_vatstore *store = store_over(&kernel);
    static char key[KEE_LIMIT_KEY_BYTES + 1];
    memset(key, 'k', sizeof(key));
    kee_vatstore_set(store, kee_bytes_of(key, KEE_LIMIT_KEY_BYTES - 32), kee_bytes_str("fits"));
    assert_false(kee_vatstore_overfull(store));
    kee_vatstore_set(store, kee_bytes_of(key, KEE_LIMIT_KEY_BYTES - 31), kee_bytes_str("does not"));
    assert_true(kee_vatstore_overfull(store));
    kee_vatstore_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(agrees_with_a_model),
        TEST(only_net_changes_are_flushed),
        TEST(a_walk_asks_the_kernel_once),
        TEST(many_rows_are_let_go),
        TEST(a_key_too_long_spoils_the_crank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
