/* SPDX-License-Identifier: Apache-2.0 */
/* web_files - where the module of web doors is, and the files they show; see doors_internal.h. */
#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "daemon/doors_internal.h"
#include "os/file.h"
#include "os/module.h"
#include "os/process.h"

static void cut_to_directory(struct kee_buf *path)
{
    while (path->size > 0 && path->data[path->size - 1] != '/') {
        path->size--;
    }
}

/* Beside the program of vats, or where the build puts it. */
static int load_module(struct kee_doors *doors, struct kee_buf *why)
{
    static const char *const places[] = {"keeve-web.so", "../net/keeve-web.so"};
    struct kee_buf path = KEE_BUF_EMPTY;
    kee_web_module_fn *module = NULL;
    int r = KEE_DOORS_REFUSED;

    for (size_t i = 0; i < sizeof places / sizeof *places && r > 0; i++) {
        kee_buf_clear(&path);
        kee_buf_put_bytes(&path, kee_buf_bytes(&doors->daemon->own.vat_program));
        cut_to_directory(&path);
        kee_buf_put_str(&path, places[i]);
        if (path.failed) {
            r = kee_fault(KEE_FAULT_MEMORY, "web door");
        } else if (kee_file_is_executable(kee_buf_cstr(&path))) {
            kee_buf_put_str(why, "the web door cannot be opened: ");
            /* What a module gives is one pointer to data; POSIX has it hold a function's. */
            *(void **)&module = kee_module_symbol(kee_buf_cstr(&path), KEE_WEB_SYMBOL, why);
            if (module == NULL) {
                break;
            }
            kee_buf_clear(why);
            doors->web = module();
            r = 0;
        }
    }
    if (r > 0 && why->size == 0) {
        kee_buf_put_str(why, "the web door cannot be opened: expected keeve-web.so beside "
                             "keeve-vat, found none; it is built when libwebsockets is installed");
    }
    kee_buf_fini(&path);
    return r;
}

/* The client and its page. A web door works without them. */
static int open_own(struct kee_doors *doors)
{
    static const char *const places[] = {"../share/keeve/web", "../../js/client"};
    struct kee_buf path = KEE_BUF_EMPTY, unfit = KEE_BUF_EMPTY;
    int r = kee_process_self_path(&path);

    cut_to_directory(&path);
    for (size_t i = 0; i < sizeof places / sizeof *places && r == 0 && doors->own_fd < 0; i++) {
        size_t size = path.size;
        kee_buf_put_str(&path, places[i]);
        r = kee_buf_status(&path);
        if (r == 0 && kee_file_open_directory(&doors->own_fd, kee_buf_cstr(&path), &unfit) < 0) {
            kee_fault_clear();
        }
        path.size = size;
    }
    kee_buf_fini(&path);
    kee_buf_fini(&unfit);
    return r;
}

int kee_web_load(struct kee_doors *doors, struct kee_buf *why)
{
    const char *pages = doors->options->pages;
    int r = 0;

    if (doors->web != NULL) {
        return 0;
    }
    if (pages != NULL) {
        r = kee_file_open_directory(&doors->pages_fd, pages, why);
    }
    if (r == 0) {
        r = open_own(doors);
    }
    if (r == 0) {
        r = load_module(doors, why);
    }
    return r > 0 ? KEE_DOORS_REFUSED : r;
}
