/* SPDX-License-Identifier: Apache-2.0 */
/* io - the channels there are, and their methods; see io.h. */
#include "daemon/io.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/io_internal.h"
#include "os/blocking.h"

/* ---- units ---- */

/* How many bytes of what was read are the next unit; *skip more follow that are no part of it. False:
 * it is not whole yet. */
static bool next_unit(const struct kee_io *io, size_t *size, size_t *skip)
{
    struct kee_bytes all = kee_buf_bytes(&io->bytes);
    const uint8_t *newline;

    *skip = 0;
    if (all.size == 0) {
        return false;
    }
    switch (io->unit) {
    case KEE_CHANNEL_LINE:
        newline = memchr(all.data, '\n', all.size);
        *size = newline == NULL ? all.size : (size_t)(newline - all.data);
        *skip = newline == NULL ? 0 : 1;
        if (newline != NULL && *size > 0 && all.data[*size - 1] == '\r') {
            (*size)--;
            (*skip)++;
        }
        return newline != NULL || io->ended || all.size >= KEE_LIMIT_CHANNEL_BYTES;
    case KEE_CHANNEL_CHARS:
        *size = kee_utf8_size(all);
        if (*size == 0) { /* the beginning of a character, or none at all */
            *size = 1;
            return io->ended || all.size >= 4;
        }
        return true;
    default:
        *size = all.size;
        return true;
    }
}

/* Text for a vat: a byte each, or UTF-8 in which what is none is replaced. */
static void put_text(struct kee_buf *out, struct kee_bytes bytes, bool each)
{
    while (bytes.size > 0) {
        size_t size = each ? (bytes.data[0] < 0x80 ? 1 : 0) : kee_utf8_size(bytes);
        if (size > 0) {
            kee_buf_put(out, bytes.data, size);
        } else if (each) {
            kee_buf_put_u8(out, (uint8_t)(0xc0 | bytes.data[0] >> 6));
            kee_buf_put_u8(out, (uint8_t)(0x80 | (bytes.data[0] & 0x3f)));
            size = 1;
        } else {
            kee_buf_put_str(out, "\xef\xbf\xbd");
            size = 1;
        }
        bytes = kee_bytes_of(bytes.data + size, bytes.size - size);
    }
}

/* A string piece ends with a whole character, if more may come. */
static size_t whole_characters(const struct kee_io *io, size_t size)
{
    size_t at = size;

    if (io->unit != KEE_CHANNEL_STRING || io->ended) {
        return size;
    }
    while (at > 0 && size - at < 3 && (io->bytes.data[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    if (at > 0 && io->bytes.data[at - 1] >= 0xc0 &&
        kee_utf8_size(kee_bytes_of(io->bytes.data + at - 1, size - at + 1)) == 0) {
        return at - 1;
    }
    return size;
}

static int return_unit(struct kee_io *io, struct kee_order *order, size_t size, size_t skip)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    put_text(&text, kee_bytes_of(io->bytes.data, size), io->unit == KEE_CHANNEL_BYTES);
    r = kee_buf_status(&text);
    kee_buf_consume(&io->bytes, size + skip);
    if (r == 0) {
        r = kee_order_return(order, kee_order_text(order, kee_buf_bytes(&text)));
    } else {
        kee_order_free(order);
    }
    kee_buf_fini(&text);
    return r;
}

static int return_null(struct kee_order *order)
{
    return kee_order_return(order, kee_value_new(&order->arena, KEE_VALUE_NULL));
}

/* ---- orders that wait ---- */

static struct kee_order *take_first(struct kee_io *io, struct kee_link *list)
{
    struct kee_order *order = KEE_CONTAINER(list->next, struct kee_order, link);

    kee_list_remove(&order->link);
    io->waiting--;
    return order;
}

static int serve_readers(struct kee_io *io)
{
    size_t size = 0, skip = 0;
    bool told = false;
    int r = 0;

    while (r >= 0 && !kee_list_is_empty(&io->readers)) {
        bool found = next_unit(io, &size, &skip);
        size = found ? whole_characters(io, size) : 0;
        if (found && (size > 0 || skip > 0)) {
            r = return_unit(io, take_first(io, &io->readers), size, skip);
        } else if (io->ended && io->bytes.size == 0) {
            r = return_null(take_first(io, &io->readers));
            told = true;
        } else {
            break;
        }
    }
    io->ended = io->ended && !told; /* whoever reads afterwards asks for what comes next */
    return r < 0 ? r : 0;
}

static int write_one(struct kee_io *io, struct kee_order *order, bool *full);

static int serve_writers(struct kee_io *io)
{
    bool full = io->stream != NULL && kee_stream_backlog(io->stream) > KEE_LIMIT_CHANNEL_BYTES;
    int r = 0;

    while (r >= 0 && !full && !kee_list_is_empty(&io->writers)) {
        r = write_one(io, take_first(io, &io->writers), &full);
    }
    return r < 0 ? r : 0;
}

int kee_io_go_on(struct kee_io *io)
{
    int r = serve_readers(io);

    return r != 0 ? r : serve_writers(io);
}

static int wait_in(struct kee_io *io, struct kee_order *order, struct kee_link *list)
{
    if (io->waiting >= KEE_LIMIT_CHANNEL_ORDERS) {
        return kee_order_reject(order, "Error", "the channel %s is asked for too much at once",
                                kee_buf_cstr(&io->name));
    }
    io->waiting++;
    kee_list_append(list, &order->link);
    return 0;
}

/* Opens what carries the channel, if that is not there; an order that cannot be done for it is
 * answered. */
static int need_carrier(struct kee_io *io, struct kee_order *order, bool reading)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int r = 0;

    if (io->broken.size > 0) {
        return kee_order_reject(order, "Error", "%s", kee_buf_cstr(&io->broken));
    }
    if (reading && (io->ended || io->bytes.size > 0)) {
        return 0; /* what there was is to be told first */
    }
    if (io->type == KEE_CHANNEL_NETWORK && io->stream == NULL) {
        r = kee_io_connect(io, &why);
        if (r > 0) {
            r = kee_order_reject(order, "Error", "%s", kee_buf_cstr(&why));
        } else if (r < 0) {
            kee_order_free(order);
        }
    }
    kee_buf_fini(&why);
    return r;
}

static int refuse(struct kee_order *order, const struct kee_io *io, const char *what)
{
    return kee_order_reject(order, "Error", "the channel %.*s is not for %s", (int)io->name.size,
                            (const char *)io->name.data, what);
}

static int read_unit(struct kee_order *order)
{
    struct kee_io *io = order->object;
    int r;

    if (!io->in) {
        return refuse(order, io, "reading");
    }
    if (io->type == KEE_CHANNEL_FILE) {
        io->ended = false; /* it may have grown */
    }
    r = need_carrier(io, order, true);
    r = r != 0 ? r : wait_in(io, order, &io->readers);
    if (r != 0) {
        return r;
    }
    r = serve_readers(io);
    if (r == 0 && !kee_list_is_empty(&io->readers)) {
        r = kee_io_fill(io);
        r = r != 0 ? r : serve_readers(io);
    }
    return r;
}

/* What a vat wrote, as bytes. False: a character is no byte. */
static bool put_bytes(const struct kee_io *io, struct kee_bytes text, struct kee_buf *out)
{
    if (io->unit != KEE_CHANNEL_BYTES) {
        kee_buf_put_bytes(out, text);
        if (io->unit == KEE_CHANNEL_LINE && io->type != KEE_CHANNEL_CONSOLE) {
            kee_buf_put_char(out, '\n');
        }
        return true;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x80) { /* two bytes of UTF-8 hold what is below 0x100 */
            if ((c & 0xfc) != 0xc0 || i + 1 == text.size) {
                return false;
            }
            c = (uint8_t)(c << 6 | (text.data[++i] & 0x3f));
        }
        kee_buf_put_u8(out, c);
    }
    return true;
}

static int write_one(struct kee_io *io, struct kee_order *order, bool *full)
{
    struct kee_buf bytes = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    int r;

    if (!put_bytes(io, kee_order_arg(order, 0)->as.text, &bytes)) {
        kee_buf_fini(&bytes);
        return kee_order_expected(order, "text", "characters up to U+00FF, which are a byte each",
                                  kee_order_arg(order, 0));
    }
    if (!kee_id_parse(order->from, 'v', &io->writer.n)) {
        io->writer.n = 0;
    }
    r = kee_buf_status(&bytes);
    r = r != 0 ? r : kee_io_put(io, kee_buf_bytes(&bytes), full, &why);
    if (r < 0) {
        kee_order_free(order);
    } else {
        r = r == 0 ? kee_order_return_nothing(order)
                   : kee_order_reject(order, "Error", "%s", kee_buf_cstr(&why));
    }
    kee_buf_fini(&bytes);
    kee_buf_fini(&why);
    return r;
}

static int write_text(struct kee_order *order)
{
    struct kee_io *io = order->object;
    struct kee_bytes text;
    int r;

    if (!io->out) {
        return refuse(order, io, "writing");
    }
    r = kee_order_take_string(order, 0, "text", &text);
    r = r != 0 ? r : need_carrier(io, order, false);
    r = r != 0 ? r : wait_in(io, order, &io->writers);
    return r != 0 ? r : serve_writers(io);
}

const struct kee_order_method kee_io_methods[] = {
    {"read", "()", 0, read_unit},
    {"write", "(text)", 1, write_text},
    {NULL, NULL, 0, NULL},
};

/* ---- the channels there are ---- */

/* why NULL: they are not answered any more. */
static int end_orders(struct kee_io *io, struct kee_link *list, const char *why)
{
    int r = 0;

    while (!kee_list_is_empty(list)) {
        struct kee_order *order = take_first(io, list);
        if (why != NULL && r >= 0) {
            r = kee_order_reject(order, "Error", "%s", why);
        } else {
            kee_order_free(order);
        }
    }
    return r < 0 ? r : 0;
}

int kee_io_fail(struct kee_io *io, const char *why)
{
    return io->bytes.size > 0 ? 0 : end_orders(io, &io->readers, why);
}

static int io_free(struct kee_io *io, bool tell)
{
    const char *why = tell ? "the channel is closed" : NULL;
    int r = end_orders(io, &io->readers, why);
    int ended = end_orders(io, &io->writers, r < 0 ? NULL : why);

    r = r < 0 ? r : ended;
    if (tell && r >= 0 && !kee_kref_is_none(io->kref)) {
        r = kee_facade_remove_object(io->daemon, kee_buf_bytes(&io->service), io->kref);
    }
    kee_list_remove(&io->link);
    kee_io_disconnect(io);
    kee_buf_fini(&io->name);
    kee_buf_fini(&io->service);
    kee_buf_fini(&io->place);
    kee_buf_fini(&io->broken);
    kee_buf_fini(&io->bytes);
    free(io);
    return r;
}

static int io_new(struct kee_daemon *daemon, struct kee_subcluster_id subcluster,
                  const struct kee_config_channel *channel, struct kee_io **out)
{
    struct kee_io *io = calloc(1, sizeof *io);
    int r;

    if (io == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a channel");
    }
    *io = (struct kee_io){.daemon = daemon,
                          .subcluster = subcluster,
                          .type = channel->type,
                          .unit = channel->unit,
                          .in = channel->in,
                          .out = channel->out,
                          .in_fd = -1,
                          .out_fd = -1,
                          .listener = -1};
    kee_list_init(&io->readers);
    kee_list_init(&io->writers);
    kee_list_init(&io->link);
    kee_buf_put_bytes(&io->name, channel->name);
    kee_buf_put_bytes(&io->place, channel->place);
    r = kee_buf_status(&io->name);
    r = r != 0 ? r : kee_buf_status(&io->place);
    if (r != 0) {
        (void)io_free(io, false);
        return r;
    }
    kee_list_append(&daemon->channels, &io->link);
    *out = io;
    return 0;
}

static int bind(struct kee_io *io, struct kee_subcluster_id subcluster)
{
    int r;

    io->subcluster = subcluster;
    kee_buf_clear(&io->service);
    kee_buf_printf(&io->service, "io:s%llu:", (unsigned long long)subcluster.n);
    kee_buf_put_bytes(&io->service, kee_buf_bytes(&io->name));
    r = kee_buf_status(&io->service);
    return r != 0 ? r
                  : kee_facade_add_object(io->daemon, kee_io_methods, io,
                                          kee_buf_bytes(&io->service), &io->kref);
}

int kee_io_open(struct kee_daemon *daemon, const struct kee_config *config, struct kee_buf *why)
{
    struct kee_io *io = NULL;
    int closed, r = 0;

    for (size_t i = 0; r == 0 && i < config->channel_count; i++) {
        r = io_new(daemon, KEE_IO_UNBOUND, &config->channels[i], &io);
        if (r == 0 && io->type != KEE_CHANNEL_NETWORK) {
            r = kee_io_connect(io, why);
        }
    }
    if (r > 0) {
        closed = kee_io_close(daemon, KEE_IO_UNBOUND);
        r = closed < 0 ? closed : r;
    }
    return r;
}

int kee_io_bind(struct kee_daemon *daemon, struct kee_subcluster_id subcluster)
{
    int r = 0;

    for (struct kee_link *link = daemon->channels.next; r == 0 && link != &daemon->channels;
         link = link->next) {
        struct kee_io *io = KEE_CONTAINER(link, struct kee_io, link);
        if (io->subcluster.n == KEE_IO_UNBOUND.n) {
            r = bind(io, subcluster);
        }
    }
    return r;
}

int kee_io_close(struct kee_daemon *daemon, struct kee_subcluster_id subcluster)
{
    int r = 0;

    for (struct kee_link *link = daemon->channels.next; link != &daemon->channels;) {
        struct kee_io *io = KEE_CONTAINER(link, struct kee_io, link);
        link = link->next;
        if (subcluster.n == 0 || io->subcluster.n == subcluster.n) {
            int closed = io_free(io, subcluster.n != 0 && r >= 0);
            r = r < 0 ? r : closed;
        }
    }
    return r;
}

void kee_io_stray(struct kee_daemon *daemon, struct kee_subcluster_id subcluster)
{
    for (struct kee_link *link = daemon->channels.next;
         subcluster.n != 0 && link != &daemon->channels; link = link->next) {
        struct kee_io *io = KEE_CONTAINER(link, struct kee_io, link);
        if (io->subcluster.n == subcluster.n) {
            io->stray = true;
            daemon->channels_stray = true;
        }
    }
}

int kee_io_round(struct kee_daemon *daemon)
{
    int r = 0;

    if (!daemon->channels_stray) {
        return 0;
    }
    daemon->channels_stray = false;
    for (struct kee_link *link = daemon->channels.next; r == 0 && link != &daemon->channels;) {
        struct kee_io *io = KEE_CONTAINER(link, struct kee_io, link);
        link = link->next;
        if (io->stray) {
            r = io_free(io, true);
        }
    }
    return r;
}

/* ---- at a start ---- */

static void add_field(void *context, const struct kee_record *record)
{
    struct kee_buf *ids = context;
    struct kee_bytes value = record->fields[0].value;

    kee_vp_put_string(ids, value); /* of a subcluster its id, of a service its name */
}

/* A channel that leads nowhere any more says so to those who use it. */
static int rebind_channel(struct kee_daemon *daemon, struct kee_subcluster_id id,
                          const struct kee_config_channel *channel)
{
    struct kee_io *io = NULL;
    int r = io_new(daemon, id, channel, &io);

    if (r != 0) {
        return r;
    }
    if (channel->type != KEE_CHANNEL_NETWORK) {
        r = kee_io_connect(io, &io->broken);
    }
    return r < 0 ? r : bind(io, id);
}

static int rebind_one(struct kee_daemon *daemon, struct kee_subcluster_id id)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_config config = {0};
    json_t *json = NULL;
    int r = kee_kernel_config(daemon->core.kernel, id, &text);

    if (r == 0) {
        json = json_loadb((const char *)text.data, text.size, 0, NULL);
        r = json == NULL ? 0 : kee_config_read_channels(&config, json, &why);
    }
    for (size_t i = 0; r == 0 && i < config.channel_count; i++) {
        r = rebind_channel(daemon, id, &config.channels[i]);
    }
    if (r > 0) {
        kee_privileges_log(&daemon->own, "note", "text=\"channels of s%llu: %s\"",
                           (unsigned long long)id.n, why.failed ? "" : kee_buf_cstr(&why));
        r = 0;
    }
    kee_config_fini(&config);
    json_decref(json);
    kee_buf_fini(&text);
    kee_buf_fini(&why);
    return r;
}

static bool is_open(const struct kee_daemon *daemon, struct kee_bytes service)
{
    for (const struct kee_link *link = daemon->channels.next; link != &daemon->channels;
         link = link->next) {
        if (kee_bytes_equal(kee_buf_bytes(&KEE_CONTAINER(link, struct kee_io, link)->service),
                            service)) {
            return true;
        }
    }
    return false;
}

/* A launch that did not come to its end, or a subcluster that has gone, left its names. */
static int drop_names(struct kee_daemon *daemon)
{
    struct kee_buf names = KEE_BUF_EMPTY;
    struct kee_vp_strings rest;
    struct kee_bytes name;
    int r = kee_kernel_list_services(daemon->core.kernel, add_field, &names);

    r = r != 0 ? r : kee_buf_status(&names);
    rest = (struct kee_vp_strings){kee_buf_bytes(&names), UINT32_MAX};
    while (r >= 0 && rest.raw.size > 0 && kee_vp_strings_next(&rest, &name)) {
        if (kee_bytes_has_prefix(name, KEE_BYTES_LIT("io:")) && !is_open(daemon, name)) {
            r = kee_service_unregister(daemon->core.kernel, name);
        }
    }
    kee_buf_fini(&names);
    return r < 0 ? r : 0;
}

int kee_io_rebind(struct kee_daemon *daemon)
{
    struct kee_buf ids = KEE_BUF_EMPTY;
    struct kee_vp_strings rest;
    struct kee_subcluster_id id;
    struct kee_bytes text;
    int r = kee_kernel_list_subclusters(daemon->core.kernel, add_field, &ids);

    r = r != 0 ? r : kee_buf_status(&ids);
    rest = (struct kee_vp_strings){kee_buf_bytes(&ids), UINT32_MAX};
    while (r == 0 && rest.raw.size > 0 && kee_vp_strings_next(&rest, &text)) {
        if (kee_id_parse(text, 's', &id.n)) {
            r = rebind_one(daemon, id);
        }
    }
    kee_buf_fini(&ids);
    return r != 0 ? r : drop_names(daemon);
}
