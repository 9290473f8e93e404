/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of os/file.h. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static char directory[] = "/tmp/keeve-unit-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void reading_is_bounded_and_says_why_not(void **state)
{
    struct kee_buf out = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;

    assert_int_equal(kee_file_write(path_of("a"), kee_bytes_str("12345")), 0);
    assert_int_equal(kee_file_read(path_of("a"), 5, &out, &why), 0);
    assert_bytes_text(out, "12345");
    assert_int_equal(kee_file_read(path_of("a"), 4, &out, &why), KEE_FILE_UNFIT);
    assert_non_null(strstr(kee_buf_cstr(&why), "/a: larger than the limit of 4 bytes"));
    kee_buf_clear(&why);
    assert_int_equal(kee_file_read(directory, 4, &out, &why), KEE_FILE_UNFIT);
    assert_non_null(strstr(kee_buf_cstr(&why), "is a directory"));
    kee_buf_clear(&why);
    assert_int_equal(kee_file_read(path_of("none"), 4, &out, &why), KEE_FILE_ABSENT);
    assert_non_null(strstr(kee_buf_cstr(&why), "No such file"));
    kee_buf_clear(&why);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(kee_file_read(path_of("pipe"), 4, &out, &why), KEE_FILE_UNFIT);
    kee_file_remove(path_of("pipe"));
    kee_file_remove(path_of("a"));
    kee_buf_fini(&out);
    kee_buf_fini(&why);
}

static void a_home_is_made_private_and_must_stay_so(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct stat status;

    assert_int_equal(kee_file_home(path_of("home"), &why), 0);
    assert_int_equal(stat(path_of("home"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(kee_file_home(path_of("home"), &why), 0);
    assert_int_equal(chmod(path_of("home"), 0750), 0);
    assert_int_equal(kee_file_home(path_of("home"), &why), KEE_FILE_UNFIT);
    assert_non_null(strstr(kee_buf_cstr(&why), "has mode 0750"));
    kee_buf_clear(&why);
    if (geteuid() == 0) {
        assert_int_equal(chmod(path_of("home"), 0700), 0);
        assert_int_equal(chown(path_of("home"), 12345, (gid_t)-1), 0);
        assert_int_equal(kee_file_home(path_of("home"), &why), KEE_FILE_UNFIT);
        assert_non_null(strstr(kee_buf_cstr(&why), "belongs to user 12345"));
        kee_buf_clear(&why);
    }
    assert_int_equal(rmdir(path_of("home")), 0);
    assert_int_equal(kee_file_home(path_of("no/such/parent"), &why), KEE_FILE_UNFIT);
    kee_buf_clear(&why);
    assert_int_equal(kee_file_write(path_of("home"), kee_bytes_str("")), 0);
    assert_int_equal(kee_file_home(path_of("home"), &why), KEE_FILE_UNFIT);
    kee_file_remove(path_of("home"));
    kee_buf_fini(&why);
}

static void a_lock_is_held_by_one(void **state)
{
    int first, second;

    assert_int_equal(kee_file_lock(&first, path_of("lock")), 0);
    assert_int_equal(kee_file_lock(&second, path_of("lock")), KEE_FILE_UNFIT);
    kee_file_close(first);
    assert_int_equal(kee_file_lock(&second, path_of("lock")), 0);
    kee_file_close(second);
    kee_file_remove(path_of("lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reading_is_bounded_and_says_why_not),
        TEST(a_home_is_made_private_and_must_stay_so),
        TEST(a_lock_is_held_by_one),
    };
    int r;

    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    r = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(directory);
    return r;
}
