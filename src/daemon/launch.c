/* SPDX-License-Identifier: Apache-2.0 */
/* launch - see launch.h. */
#include "daemon/launch.h"

#include "base/fault.h"
#include "daemon/facade.h"
#include "daemon/io.h"
#include "lib/config.h"
#include "value/body.h"

/* The facade is made when the first one asks for it. */
static int bind_facade(struct kee_daemon *daemon, struct kee_vp_strings services)
{
    struct kee_bytes name;
    bool wanted = false;

    while (kee_vp_strings_next(&services, &name)) {
        wanted = wanted || kee_bytes_equal(name, KEE_BYTES_LIT("kernelFacet")) ||
                 kee_bytes_equal(name, KEE_BYTES_LIT("kernelRegistry"));
    }
    return wanted ? kee_facade_bind(daemon) : 0;
}

/* The channels first: what cannot be opened keeps the vats from starting. */
static int begin(struct kee_daemon *daemon, uint64_t call, const struct kee_config *config,
                 struct kee_subcluster_id *out, struct kee_buf *why)
{
    int closed, r = bind_facade(daemon, config->launch.services);

    r = r != 0 ? r : kee_io_open(daemon, config, why);
    if (r != 0) {
        return r;
    }
    r = kee_kernel_launch(daemon->core.kernel, &config->launch, call);
    if (r > 0) {
        kee_buf_clear(why);
        kee_buf_put_str(why, kee_kernel_why(daemon->core.kernel));
        closed = kee_io_close(daemon, KEE_IO_UNBOUND);
        return closed < 0 ? closed : r;
    }
    *out = kee_kernel_launch_of(daemon->core.kernel, call);
    return r < 0 ? r : kee_io_bind(daemon, *out);
}

int kee_daemon_begin_launch(struct kee_daemon *daemon, const struct kee_launch_order *order,
                            json_t **warnings, struct kee_subcluster_id *out, struct kee_buf *why)
{
    struct kee_config config;
    int r = kee_config_read(&config, order->config, order->directory, why);

    *out = (struct kee_subcluster_id){0};
    if (r == 0) {
        config.launch.system = order->system;
        config.launch.asker = order->asker;
        r = begin(daemon, order->call, &config, out, why);
    }
    *warnings = json_incref(config.warnings);
    kee_config_fini(&config);
    return r;
}

/* The subcluster stays: its vats run, and its state can be looked at. An error that names no references
 * is shown as people write it, all else as it came. */
void kee_daemon_put_bootstrap_rejected(struct kee_buf *message, const struct kee_answer *answer)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    struct kee_bytes shown = answer->data.body;

    kee_buf_printf(message, "s%llu was launched, but its bootstrap was rejected: ",
                   (unsigned long long)answer->subcluster.n);
    if (kee_body_decode((struct kee_body){.text = shown}, &arena, &value, &why) == 0 &&
        value->kind == KEE_VALUE_ERROR) {
        kee_buf_printf(message, "%.*s: ", (int)value->as.error.name.size,
                       (const char *)value->as.error.name.data);
        shown = value->as.error.message;
    }
    kee_buf_printf(message, "%.*s", (int)(shown.size > 1000 ? 1000 : shown.size),
                   (const char *)shown.data);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
}
