/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - a daemon that has vats in C too: what `keeve start --foreground` runs, with the programs of
 * natives.c and limits to choose.
 *
 * usage: host HOME DIRECTORY-OF-KEEVE-VAT FLAVOUR [DEADLINE-MS STEPS-PER-CRANK]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "daemon/daemon.h"
#include "lib/native.h"
#include "natives.h"

static void say_ready(void *context)
{
    (void)context;
    puts("ready");
    (void)fflush(stdout);
}

static int make_natives(struct kee_carrier *carrier)
{
    const struct keeve_native *const *programs = conformance_programs();
    struct kee_natives *natives = NULL;
    int r = kee_natives_new(&natives);

    for (size_t i = 0; r == 0 && programs[i] != NULL; i++) {
        r = kee_natives_register(natives, programs[i]);
    }
    if (r == 0) {
        kee_natives_carrier(natives, carrier);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct kee_carrier carrier;
    struct kee_daemon_options options = {.natives = &carrier};
    struct kee_buf why = KEE_BUF_EMPTY;
    int r;

    if ((argc != 4 && argc != 6) || !kee_flavour_parse(kee_bytes_str(argv[3]), &options.flavour)) {
        fprintf(stderr, "usage: host HOME DIRECTORY FLAVOUR [DEADLINE-MS STEPS-PER-CRANK]\n");
        return 2;
    }
    options.own.home = argv[1];
    options.own.helper_dir = argv[2];
    options.allow_inline = options.flavour == KEE_FLAVOUR_INLINE;
    options.deadline_ms = argc == 6 ? strtoull(argv[4], NULL, 10) : 0;
    options.steps_per_crank_max = argc == 6 ? strtoull(argv[5], NULL, 10) : 0;
    r = make_natives(&carrier);
    if (r == 0) {
        r = kee_daemon_run(&options, say_ready, NULL, &why);
    }
    if (r != 0) {
        fprintf(stderr, "host: %s\n", r < 0 ? kee_fault_text() : kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    return r != 0;
}
