/* SPDX-License-Identifier: Apache-2.0 */
/* doors - see doors.h. */
#include "daemon/doors.h"

#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/daemon_internal.h"
#include "daemon/doors_internal.h"
#include "os/file.h"
#include "os/unix_socket.h"

#define GRANT_NAME_BYTES_MAX 64u
#define WRONG_SECRET_REST_MS 100u

/* A door of the network. */
struct place {
    struct kee_link link;
    const char *kind; /* "tcp", "web" */
    struct kee_doors *doors;
    struct kee_tcp_listener listener;
    struct kee_door *door;
    struct kee_web *web; /* of a web door */
    struct kee_tcp_place asked;
};

void kee_doors_init(struct kee_doors *doors, struct kee_daemon *daemon)
{
    *doors = (struct kee_doors){.daemon = daemon, .pages_fd = -1, .own_fd = -1};
    kee_net_init(&doors->net, daemon->own.loop);
    kee_list_init(&doors->guests);
    kee_list_init(&doors->places);
}

/* ---- who knocks ---- */

static void on_note(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void *knock_at_own(void *context, struct kee_bytes secret)
{
    (void)secret; /* whoever can open the file is the guest */
    return context;
}

static void enter_own(void *context, void *who, struct kee_channel *channel)
{
    struct kee_guest *guest = context;

    (void)who;
    kee_sessions_enter(&guest->doors->daemon->sessions, guest, "unix", channel);
}

static const struct kee_door_handler own_handler = {knock_at_own, enter_own, on_note};

/* All secrets are compared, each whole: how long it takes says nothing. */
static void *knock_at_place(void *context, struct kee_bytes secret)
{
    struct place *place = context;
    struct kee_guest *found = NULL;

    if (secret.size != KEE_SECRET_BYTES) {
        return NULL;
    }
    for (struct kee_link *at = place->doors->guests.next; at != &place->doors->guests;
         at = at->next) {
        struct kee_guest *guest = KEE_CONTAINER(at, struct kee_guest, link);
        if (sodium_memcmp(guest->secret, secret.data, KEE_SECRET_BYTES) == 0) {
            found = guest;
        }
    }
    return found;
}

static void enter_place(void *context, void *who, struct kee_channel *channel)
{
    struct place *place = context;

    kee_sessions_enter(&place->doors->daemon->sessions, who, place->kind, channel);
}

static void note_place(void *context, const char *text)
{
    struct place *place = context;

    kee_privileges_log(&place->doors->daemon->own, "door", "door=%s why=\"%s\"", place->kind, text);
}

static const struct kee_door_handler place_handler = {knock_at_place, enter_place, note_place};

/* ---- guests ---- */

static void guest_free(struct kee_guest *guest)
{
    kee_list_remove(&guest->link);
    if (guest->door != NULL) {
        kee_door_free(guest->door);
        kee_file_remove(kee_buf_cstr(&guest->path));
    }
    sodium_memzero(guest->secret, sizeof guest->secret);
    kee_buf_fini(&guest->name);
    kee_buf_fini(&guest->label);
    kee_buf_fini(&guest->path);
    free(guest);
}

static int open_own_door(struct kee_guest *guest)
{
    int listener;
    int r = kee_unix_listen(&listener, kee_buf_cstr(&guest->path));

    return r < 0
               ? r
               : kee_door_new_unix(&guest->door, &guest->doors->net, listener, &own_handler, guest);
}

/* Adds a guest with a secret of its own. A path that is too long for a socket costs a grant that door
 * alone. */
static int add_guest(struct kee_doors *doors, struct kee_bytes name, struct kee_kref bootstrap,
                     bool owner, struct kee_buf *why)
{
    struct kee_guest *guest = calloc(1, sizeof *guest);
    const char *home = doors->daemon->own.home;
    struct kee_buf file = KEE_BUF_EMPTY;
    int r;

    if (guest == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "guest");
    }
    guest->doors = doors;
    guest->owner = owner;
    guest->bootstrap = bootstrap;
    kee_list_append(&doors->guests, &guest->link);
    kee_buf_put_bytes(&guest->name, name);
    kee_buf_printf(&guest->label, "%s%.*s", owner ? "" : "grant ", (int)name.size,
                   (const char *)name.data);
    kee_buf_printf(&file, "%s%.*s", owner ? "" : "grant-", (int)name.size, (const char *)name.data);
    if (owner) {
        kee_buf_printf(&guest->path, "%s/captp.sock", home);
    } else {
        kee_buf_printf(&guest->path, "%s/grants/%.*s.sock", home, (int)name.size,
                       (const char *)name.data);
    }
    r = guest->name.failed || guest->label.failed || file.failed || guest->path.failed
            ? kee_fault(KEE_FAULT_MEMORY, "guest")
            : kee_secret_of(guest->secret, home, kee_buf_cstr(&file), why);
    if (r == 0 && (owner || guest->path.size <= KEE_UNIX_PATH_BYTES_MAX)) {
        r = open_own_door(guest);
    }
    kee_buf_fini(&file);
    if (r != 0) {
        guest_free(guest);
    }
    return r > 0 ? KEE_DOORS_REFUSED : r;
}

static struct kee_guest *find_guest(struct kee_doors *doors, struct kee_bytes name, bool owner)
{
    for (struct kee_link *at = doors->guests.next; at != &doors->guests; at = at->next) {
        struct kee_guest *guest = KEE_CONTAINER(at, struct kee_guest, link);
        if (guest->owner == owner && kee_bytes_equal(kee_buf_bytes(&guest->name), name)) {
            return guest;
        }
    }
    return NULL;
}

static bool is_file_name(struct kee_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.')) {
            return false;
        }
    }
    return name.size > 0 && name.size <= GRANT_NAME_BYTES_MAX && name.data[0] != '.' &&
           name.data[0] != '-';
}

int kee_doors_open_grant(struct kee_daemon *daemon, struct kee_bytes name, struct kee_kref kref,
                         struct kee_buf *why)
{
    struct kee_buf directory = KEE_BUF_EMPTY;
    int r;

    if (!is_file_name(name)) {
        kee_buf_printf(why, "the name of a grant: expected letters, digits, '-', '_' and '.', at "
                            "most 64, the first a letter or a digit");
        return KEE_DOORS_REFUSED;
    }
    if (find_guest(&daemon->doors, name, false) != NULL) {
        kee_buf_printf(why, "there is a grant %.*s already", (int)name.size,
                       (const char *)name.data);
        return KEE_DOORS_REFUSED;
    }
    kee_buf_printf(&directory, "%s/grants", daemon->own.home);
    r = directory.failed ? kee_fault(KEE_FAULT_MEMORY, "grant")
                         : kee_file_home(kee_buf_cstr(&directory), why);
    kee_buf_fini(&directory);
    return r == 0  ? add_guest(&daemon->doors, name, kref, false, why)
           : r > 0 ? KEE_DOORS_REFUSED
                   : r;
}

void kee_doors_close_grant(struct kee_daemon *daemon, struct kee_bytes name)
{
    struct kee_guest *guest = find_guest(&daemon->doors, name, false);
    struct kee_buf file = KEE_BUF_EMPTY;

    if (guest == NULL) {
        return;
    }
    kee_sessions_cut(&daemon->sessions, guest, "the grant was taken back");
    kee_buf_printf(&file, "%s/secrets/grant-%.*s", daemon->own.home, (int)guest->name.size,
                   (const char *)guest->name.data);
    if (!file.failed) {
        kee_file_remove(kee_buf_cstr(&file));
    }
    kee_buf_fini(&file);
    guest_free(guest);
}

/* ---- places ---- */

/* Nobody comes any more; who is in stays. */
static void place_shut(struct place *place)
{
    kee_door_free(place->door);
    place->door = NULL;
}

static void place_free(struct place *place)
{
    kee_list_remove(&place->link);
    place_shut(place);
    if (place->web != NULL) {
        place->doors->web->close(place->web);
    }
    free(place);
}

static void take_visitor(void *context, int fd)
{
    struct place *place = context;

    place->doors->web->take(place->web, fd);
}

/* Guesses at a web door are answered at once, but then nobody comes for a moment. */
static void *knock_at_web(void *context, struct kee_bytes secret)
{
    struct place *place = context;
    void *who = knock_at_place(context, secret);

    if (who == NULL && place->door != NULL) {
        kee_door_rest(place->door, WRONG_SECRET_REST_MS);
    }
    return who;
}

static const struct kee_door_handler web_handler = {knock_at_web, enter_place, note_place};

static int open_web(struct place *place, struct kee_buf *why)
{
    struct kee_doors *doors = place->doors;
    struct kee_web_options options = {
        .loop = kee_loop_uv(doors->daemon->own.loop),
        .origins = {.host = place->asked.host, .given = doors->options->origins},
        .pages_fd = doors->pages_fd,
        .own_fd = doors->own_fd,
        .handler = &web_handler,
        .context = place,
    };
    char text[256] = "";
    int r = kee_web_load(doors, why);

    if (r != 0) {
        return r;
    }
    while (options.origins.count < KEE_DOORS_MAX &&
           options.origins.given[options.origins.count] != NULL) {
        options.origins.count++;
    }
    options.pages_fd = doors->pages_fd;
    options.own_fd = doors->own_fd;
    place->web = doors->web->open(&options, text, sizeof text);
    if (place->web == NULL) {
        kee_buf_printf(why, "the web door cannot be opened: %s", text);
        return KEE_DOORS_REFUSED;
    }
    return 0;
}

/* Takes the listener. */
static int open_place_door(struct place *place, struct kee_buf *why)
{
    struct kee_doors *doors = place->doors;
    int r;

    if (strcmp(place->kind, "tcp") == 0) {
        return kee_door_new_tcp(&place->door, &doors->net, place->listener.fd, &place_handler,
                                place);
    }
    r = open_web(place, why);
    if (r != 0) {
        kee_unix_close(place->listener.fd);
        return r;
    }
    return kee_door_new_web(&place->door, &doors->net, place->listener.fd, take_visitor,
                            &web_handler, place);
}

static int open_place(struct kee_doors *doors, const char *kind, const char *text,
                      struct kee_buf *why)
{
    struct place *place = calloc(1, sizeof *place);
    int r;

    if (place == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "door");
    }
    place->kind = kind;
    place->doors = doors;
    kee_list_append(&doors->places, &place->link);
    if (!kee_tcp_place_parse(&place->asked, kee_bytes_str(text))) {
        kee_buf_printf(why, "--%s: expected HOST:PORT such as 127.0.0.1:0, found \"%s\"", kind,
                       text);
        return KEE_DOORS_REFUSED;
    }
    r = kee_tcp_listen(&place->listener, &place->asked, why);
    if (r == 0) {
        r = open_place_door(place, why);
    }
    return r > 0 ? KEE_DOORS_REFUSED : r;
}

int kee_doors_open(struct kee_doors *doors, const struct kee_doors_options *options,
                   struct kee_buf *why)
{
    int r = add_guest(doors, KEE_BYTES_LIT("owner"), KEE_KREF_NONE, true, why);

    doors->options = options;
    for (size_t i = 0; i < KEE_DOORS_MAX && options->tcp[i] != NULL && r == 0; i++) {
        r = open_place(doors, "tcp", options->tcp[i], why);
    }
    for (size_t i = 0; i < KEE_DOORS_MAX && options->web[i] != NULL && r == 0; i++) {
        r = open_place(doors, "web", options->web[i], why);
    }
    return r;
}

void kee_doors_close(struct kee_doors *doors)
{
    for (struct kee_link *at = doors->places.next; at != &doors->places; at = at->next) {
        place_shut(KEE_CONTAINER(at, struct place, link));
    }
    while (!kee_list_is_empty(&doors->guests)) {
        guest_free(KEE_CONTAINER(doors->guests.next, struct kee_guest, link));
    }
}

void kee_doors_fini(struct kee_doors *doors)
{
    kee_doors_close(doors);
    kee_net_fini(&doors->net);
    while (!kee_list_is_empty(&doors->places)) {
        place_free(KEE_CONTAINER(doors->places.next, struct place, link));
    }
    kee_unix_close(doors->pages_fd);
    kee_unix_close(doors->own_fd);
}

/* ---- listings ---- */

static void put_place(struct kee_buf *out, const struct place *place)
{
    kee_tcp_place_put(out, &place->listener.place);
}

void kee_doors_list(struct kee_doors *doors, kee_record_fn *fn, void *context)
{
    struct kee_guest *owner = find_guest(doors, KEE_BYTES_LIT("owner"), true);

    if (owner != NULL) {
        fn(context,
           &(struct kee_record){.kind = "door",
                                .count = 3,
                                .fields = {{.name = "door", .value = KEE_BYTES_LIT("unix")},
                                           {.name = "place", .value = kee_buf_bytes(&owner->path)},
                                           {.name = "local", .value = KEE_BYTES_LIT("yes")}}});
    }
    for (struct kee_link *at = doors->places.next; at != &doors->places; at = at->next) {
        const struct place *place = KEE_CONTAINER(at, struct place, link);
        struct kee_buf text = KEE_BUF_EMPTY;
        put_place(&text, place);
        fn(context, &(struct kee_record){
                        .kind = "door",
                        .count = 3,
                        .fields = {{.name = "door", .value = kee_bytes_str(place->kind)},
                                   {.name = "place", .value = kee_buf_bytes(&text)},
                                   {.name = "local",
                                    .value = place->listener.is_local ? KEE_BYTES_LIT("yes")
                                                                      : KEE_BYTES_LIT("no")}}});
        kee_buf_fini(&text);
    }
}

static void tell_url(const char *door, struct kee_buf *url, kee_record_fn *fn, void *context)
{
    fn(context, &(struct kee_record){.kind = "url",
                                     .count = 2,
                                     .fields = {{.name = "door", .value = kee_bytes_str(door)},
                                                {.name = "url", .value = kee_buf_bytes(url)}}});
    kee_buf_fini(url);
}

bool kee_doors_list_urls(struct kee_doors *doors, struct kee_bytes name, kee_record_fn *fn,
                         void *context)
{
    bool owner = kee_bytes_equal(name, KEE_BYTES_LIT("owner"));
    struct kee_guest *guest = find_guest(doors, name, owner);
    struct kee_buf url = KEE_BUF_EMPTY;

    if (guest == NULL) {
        return false;
    }
    if (guest->door != NULL) {
        kee_buf_printf(&url, "unix:%s", kee_buf_cstr(&guest->path));
        tell_url("unix", &url, fn, context);
    }
    for (struct kee_link *at = doors->places.next; at != &doors->places; at = at->next) {
        const struct place *place = KEE_CONTAINER(at, struct place, link);
        bool web = strcmp(place->kind, "web") == 0;
        kee_buf_put_str(&url, web ? "ws://" : "tcp://");
        put_place(&url, place);
        kee_buf_printf(&url, "%s%s", web ? "/captp/" : "/", guest->secret);
        tell_url(place->kind, &url, fn, context);
    }
    return true;
}
