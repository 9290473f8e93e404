/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lib/imports.h. */
#include "cm.h"

#include "lib/imports.h"

/* Specifiers of text, joined by blanks. */
static void finds(const char *text, const char *expected)
{
    struct kee_buf found = KEE_BUF_EMPTY;
    struct kee_bytes rest = kee_bytes_str(text);
    struct kee_bytes specifier;

    while (kee_imports_next(&rest, &specifier)) {
        if (found.size > 0) {
            kee_buf_put_char(&found, ' ');
        }
        kee_buf_put_bytes(&found, specifier);
    }
    assert_bytes_text(found, expected);
    kee_buf_fini(&found);
}

static void imports_are_found(void **state)
{
    finds("", "");
    finds("import './a.js';", "./a.js");
    finds("import x, { y as z } from \"../b.js\"; export * from'./c.js'", "../b.js ./c.js");
    finds("import * as n from // why\n  /* not */ './d.js';", "./d.js");
    finds("const m = await import( './e.js' );", "./e.js");
    finds("import d from './d.json' with { type: 'json' };", "./d.json");
}

static void other_text_is_passed_over(void **state)
{
    finds("import { E } from '@endo/far'; const s = './a.js';", "");
    finds("a.import('./a.js'); xfrom './b.js'; from_ './c.js'", "");
    finds("import './a", "");
    finds("import './a\n.js'", "");
    finds("import './\\x61.js'", "");
    finds("from /* './a.js'", "");
    /* What is none, but looks like one, is taken. */
    finds("// see from './z.js'", "./z.js");
}

static void resolves(const char *module, const char *specifier, const char *expected)
{
    struct kee_buf path = KEE_BUF_EMPTY;
    bool good = kee_imports_resolve(&path, kee_bytes_str(module), kee_bytes_str(specifier));

    assert_int_equal(good, expected != NULL);
    if (good) {
        assert_bytes_text(path, expected);
    }
    kee_buf_fini(&path);
}

static void paths_stay_below_the_root(void **state)
{
    resolves("a.js", "./b.js", "b.js");
    resolves("x/y/a.js", "../b.js", "x/b.js");
    resolves("x/y/a.js", "../../z/./b.js", "z/b.js");
    resolves("x/a.js", ".//b.js", "x/b.js");
    resolves("a.js", "../b.js", NULL);
    resolves("x/a.js", "../../b.js", NULL);
    resolves("x/a.js", "./y/../../../x/b.js", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_are_found),
        cmocka_unit_test(other_text_is_passed_over),
        cmocka_unit_test(paths_stay_below_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
