/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeve-vat - runs the code of vats: zygote, worker, maker of the boot image, prober of the jail.
 *
 * What authority there is, is here: the arguments, the image file, the descriptor given by the parent.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "keeve/version.h"
#include "vat/engine/check.h"
#include "vat/engine/engine.h"
#include "vat/engine/image.h"
#include "vat/engine/jail.h"
#include "vat/engine/zygote.h"

static const char usage[] =
    "keeve-vat runs the code of vats. The daemon starts it; by hand it is good for a look.\n"
    "\n"
    "  keeve-vat --zygote FD [--unjailed] [--image FILE]   serve fork requests over FD\n"
    "  keeve-vat --worker FD [--unjailed] [--image FILE]   be one worker, frames over FD\n"
    "  keeve-vat --check FILE [--unjailed] [--image FILE]  does the code load? JSON on stdout\n"
    "  keeve-vat --make-image FILE BOOT.js                 write a boot image\n"
    "  keeve-vat --probe open|connect|fork|exec [--unjailed]\n"
    "                                                      enter the jail and try\n"
    "  keeve-vat --version\n"
    "\n"
    "Example: keeve-vat --probe open\n"
    "The boot image is keeve-vat.image beside the program unless named.\n";

struct options {
    const char *mode;  /* "--zygote" and the like */
    const char *first; /* what follows it */
    const char *second;
    const char *image;
    bool jailed;
};

static bool parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.jailed = true};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--unjailed") == 0) {
            out->jailed = false;
        } else if (strcmp(argv[i], "--image") == 0 && i + 1 < argc) {
            out->image = argv[++i];
        } else if (out->mode == NULL) {
            out->mode = argv[i];
        } else if (out->first == NULL) {
            out->first = argv[i];
        } else if (out->second == NULL) {
            out->second = argv[i];
        } else {
            return false;
        }
    }
    return out->mode != NULL;
}

/* keeve-vat.image in the directory of this program. */
static bool default_image(char *out, size_t size)
{
    char program[PATH_MAX];
    char *slash;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0) {
        return false;
    }
    program[n] = '\0';
    slash = strrchr(program, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return (size_t)snprintf(out, size, "%s/keeve-vat.image", program) < size;
}

/* What is open is to be closed whatever is returned. */
static bool boot(const struct options *options, struct kee_zygote *out)
{
    char path[PATH_MAX];
    char why[512] = "";
    int r;
    *out = (struct kee_zygote){.jailed = options->jailed};
    if (options->image == NULL && !default_image(path, sizeof path)) {
        fprintf(stderr, "keeve-vat: where is the boot image? Name it with --image\n");
        return false;
    }
    r = kee_image_open(&out->image, options->image == NULL ? path : options->image, why,
                       sizeof why);
    r = r != 0 ? r : kee_image_engine(&out->engine, out->image, why, sizeof why);
    if (r != 0) {
        fprintf(stderr, "keeve-vat: %s\n", r < 0 ? kee_fault_text() : why);
    }
    return r == 0;
}

static void close_zygote(struct kee_zygote *zygote)
{
    kee_engine_free(zygote->engine);
    kee_image_close(zygote->image);
}

static int run_vats(const struct options *options)
{
    struct kee_zygote zygote;
    uint64_t fd;
    int status = 1;
    if (options->first == NULL || options->second != NULL ||
        !kee_bytes_decimal(kee_bytes_str(options->first), &fd) || fd > INT_MAX) {
        fprintf(stderr, "keeve-vat: %s wants the number of a descriptor\n", options->mode);
        return 2;
    }
    if (options->jailed && !kee_jail_available()) {
        fprintf(stderr,
                "keeve-vat: this system has no system call filter (seccomp), so vats cannot "
                "be confined; --unjailed runs them without\n");
        return 1;
    }
    if (boot(options, &zygote)) {
        status = strcmp(options->mode, "--zygote") == 0
                     ? kee_zygote_run(&zygote, (int)fd)
                     : kee_zygote_become_worker(&zygote, (int)fd, false);
    }
    close_zygote(&zygote);
    return status;
}

static int check(const struct options *options)
{
    struct kee_zygote zygote;
    if (options->first == NULL || !boot(options, &zygote)) {
        return 2;
    }
    return kee_check_run(zygote.engine, options->first, options->jailed);
}

static int make_image(const struct options *options)
{
    if (options->first == NULL || options->second == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    if (kee_image_make(options->first, options->second) != 0) {
        fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    /* Local time would read a file at the first Date of a vat. */
    setenv("TZ", "UTC0", 1);
    tzset();
    kee_engine_process_init();
    if (strcmp(options.mode, "--zygote") == 0 || strcmp(options.mode, "--worker") == 0) {
        return run_vats(&options);
    }
    if (strcmp(options.mode, "--check") == 0) {
        return check(&options);
    }
    if (strcmp(options.mode, "--make-image") == 0) {
        return make_image(&options);
    }
    if (strcmp(options.mode, "--probe") == 0 && options.first != NULL) {
        return kee_jail_probe(options.first, options.jailed);
    }
    if (strcmp(options.mode, "--version") == 0) {
        printf("keeve-vat %s\n", KEEVE_VERSION);
        return 0;
    }
    if (strcmp(options.mode, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
