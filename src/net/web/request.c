/* SPDX-License-Identifier: Apache-2.0 */
/* request - what a visit asks for: a file, or to become a WebSocket. */
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "net/page.h"
#include "net/web/web_internal.h"
#include "os/file.h"

#define PATH_OF_SESSIONS "/captp/"
#define PIECE_BYTES (32u * 1024)
#define HEAD_BYTES 4096u
#define SEND_SECONDS 30

/* A header, or what stands for the path; data NULL if there is none. */
static struct kee_bytes header(struct visit *visit, enum lws_token_indexes token,
                               struct kee_buf *hold)
{
    int size = lws_hdr_total_length(visit->wsi, token);
    char *at;

    if (size <= 0) {
        return kee_bytes_of(NULL, 0);
    }
    if (kee_buf_reserve(hold, (size_t)size + 1) < 0) {
        kee_fault_clear();
        return kee_bytes_of("", 0); /* there, and of no use */
    }
    at = (char *)hold->data + hold->size;
    if (lws_hdr_copy(visit->wsi, at, size + 1, token) != size) {
        return kee_bytes_of("", 0);
    }
    return kee_bytes_of(at, (size_t)size);
}

struct request {
    struct kee_buf holds[3];
    struct kee_bytes path, host, origin;
    bool head_only;
    bool other; /* neither GET nor HEAD */
};

static void request_read(struct request *out, struct visit *visit)
{
    memset(out, 0, sizeof *out);
    out->head_only = lws_hdr_total_length(visit->wsi, WSI_TOKEN_HEAD_URI) > 0;
    out->path =
        header(visit, out->head_only ? WSI_TOKEN_HEAD_URI : WSI_TOKEN_GET_URI, &out->holds[0]);
    out->other = out->path.data == NULL;
    out->host = header(visit, WSI_TOKEN_HOST, &out->holds[1]);
    out->origin = header(visit, WSI_TOKEN_ORIGIN, &out->holds[2]);
}

static void request_fini(struct request *request)
{
    for (size_t i = 0; i < 3; i++) {
        kee_buf_fini(&request->holds[i]);
    }
}

/* ---- answers ---- */

struct head {
    struct lws *wsi;
    uint8_t room[LWS_PRE + HEAD_BYTES];
    uint8_t *at;
    bool failed;
};

static uint8_t *head_end(struct head *head)
{
    return head->room + sizeof head->room;
}

static void head_begin(struct head *head, struct visit *visit, unsigned status, const char *type,
                       uint64_t size)
{
    head->wsi = visit->wsi;
    head->at = head->room + LWS_PRE;
    head->failed =
        lws_add_http_common_headers(visit->wsi, status, type, size, &head->at, head_end(head)) != 0;
}

static void head_put(struct head *head, const char *name, struct kee_bytes value)
{
    head->failed = head->failed ||
                   lws_add_http_header_by_name(head->wsi, (const unsigned char *)name, value.data,
                                               (int)value.size, &head->at, head_end(head)) != 0;
}

static bool head_send(struct head *head)
{
    return !head->failed && lws_finalize_write_http_header(head->wsi, head->room + LWS_PRE,
                                                           &head->at, head_end(head)) == 0;
}

static int complete(struct visit *visit)
{
    return lws_http_transaction_completed(visit->wsi) != 0 ? -1 : 0;
}

/* One sentence, whole. False: it could not be sent. */
static bool say(struct visit *visit, unsigned status, const char *name, const char *value,
                const struct kee_buf *sentence)
{
    uint8_t body[LWS_PRE + 1024];
    size_t size = sentence->size < 1024 ? sentence->size : 1023;
    struct head head;

    memcpy(body + LWS_PRE, sentence->data, size);
    body[LWS_PRE + size] = '\n';
    head_begin(&head, visit, status, "text/plain; charset=utf-8", size + 1);
    if (name != NULL) {
        head_put(&head, name, kee_bytes_str(value));
    }
    return !sentence->failed && head_send(&head) &&
           lws_write(visit->wsi, body + LWS_PRE, size + 1, LWS_WRITE_HTTP_FINAL) >= 0;
}

static bool say_plainly(struct visit *visit, unsigned status, const char *name, const char *value,
                        const char *sentence)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    bool said;

    kee_buf_put_str(&text, sentence);
    said = say(visit, status, name, value, &text);
    kee_buf_fini(&text);
    return said;
}

static bool check_name(struct visit *visit, const struct request *request, bool *refused)
{
    *refused = !kee_host_is_ours(&visit->web->options.origins, request->host);
    return !*refused || say_plainly(visit, 403, NULL, NULL,
                                    "this door is not known by that name; its operator can add it "
                                    "with: keeve start --origin http://NAME:PORT");
}

/* ---- files ---- */

/* Our own two files come first, but for the page at "/" if there is one among the pages. */
static int open_named(const struct kee_web_options *options, const char *name, int *fd,
                      uint64_t *size)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    bool is_index = strcmp(name, "index.html") == 0;
    bool is_client = strcmp(name, "client.js") == 0;
    int r = KEE_FILE_ABSENT;

    if (is_client && options->own_fd >= 0) {
        r = kee_file_open_beneath(fd, size, options->own_fd, name, &why);
    }
    if (r != 0 && options->pages_fd >= 0) {
        r = kee_file_open_beneath(fd, size, options->pages_fd, name, &why);
    }
    if (r != 0 && is_index && options->own_fd >= 0) {
        r = kee_file_open_beneath(fd, size, options->own_fd, name, &why);
    }
    kee_fault_clear();
    kee_buf_fini(&why);
    return r;
}

/* Pages are the operator's own files, so scripts inside them are welcome; what they can talk to is this
 * door. */
static void put_policies(struct head *head, const struct visit *visit,
                         const struct request *request)
{
    struct kee_buf policy = KEE_BUF_EMPTY;

    kee_buf_printf(&policy,
                   "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' "
                   "'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws://%.*s; "
                   "object-src 'none'; base-uri 'none'",
                   (int)request->host.size, (const char *)request->host.data);
    head->failed = head->failed || policy.failed;
    head_put(head, "content-security-policy:", kee_buf_bytes(&policy));
    head_put(head, "x-content-type-options:", KEE_BYTES_LIT("nosniff"));
    head_put(head, "referrer-policy:", KEE_BYTES_LIT("no-referrer"));
    head_put(head, "cache-control:", KEE_BYTES_LIT("no-cache"));
    if (request->origin.data != NULL &&
        kee_origin_is_given(&visit->web->options.origins, request->origin)) {
        head_put(head, "access-control-allow-origin:", request->origin);
        head_put(head, "vary:", KEE_BYTES_LIT("Origin"));
    }
    kee_buf_fini(&policy);
}

static int show_file(struct visit *visit, const struct request *request)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct head head;
    uint64_t size = 0;
    int r;

    if (!kee_page_name(&name, request->path) ||
        open_named(&visit->web->options, kee_buf_cstr(&name), &visit->fd, &size) != 0) {
        kee_buf_fini(&name);
        return say_plainly(visit, 404, NULL, NULL, "there is no such page here") ? complete(visit)
                                                                                 : -1;
    }
    head_begin(&head, visit, 200, kee_page_type(kee_buf_bytes(&name)), size);
    put_policies(&head, visit, request);
    visit->left = request->head_only ? 0 : size;
    if (!head_send(&head)) {
        r = -1;
    } else if (visit->left == 0) {
        r = kee_visit_send_on(visit);
    } else {
        lws_set_timeout(visit->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_SECONDS);
        (void)lws_callback_on_writable(visit->wsi);
        r = 0;
    }
    kee_buf_fini(&name);
    return r;
}

int kee_visit_send_on(struct visit *visit)
{
    uint8_t room[LWS_PRE + PIECE_BYTES];
    size_t want = visit->left < PIECE_BYTES ? (size_t)visit->left : PIECE_BYTES;
    size_t size = 0;

    if (visit->fd < 0) {
        return 0;
    }
    if (visit->left > 0) {
        if (kee_file_read_some(visit->fd, room + LWS_PRE, want, &size) < 0 || size == 0) {
            kee_fault_clear();
            return -1; /* shorter than it was: the visitor sees that something is missing */
        }
        visit->left -= size;
        if (lws_write(visit->wsi, room + LWS_PRE, size,
                      visit->left == 0 ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) {
            return -1;
        }
        lws_set_timeout(visit->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_SECONDS);
        if (visit->left > 0) {
            (void)lws_callback_on_writable(visit->wsi);
            return 0;
        }
    }
    (void)close(visit->fd);
    visit->fd = -1;
    return complete(visit);
}

/* ---- */

static bool is_session(struct kee_bytes path)
{
    return kee_bytes_has_prefix(path, KEE_BYTES_LIT(PATH_OF_SESSIONS));
}

int kee_visit_request(struct visit *visit)
{
    struct request request;
    bool refused = false, said;
    int r;

    request_read(&request, visit);
    said = check_name(visit, &request, &refused);
    if (refused) {
        r = said ? complete(visit) : -1;
    } else if (request.other) {
        (void)say_plainly(visit, 405, "allow:", "GET, HEAD", "expected GET or HEAD");
        r = -1; /* whatever comes as its body is not looked at */
    } else if (is_session(request.path)) {
        r = say_plainly(visit, 426, "upgrade:", "websocket", "sessions are opened with a WebSocket")
                ? complete(visit)
                : -1;
    } else {
        r = show_file(visit, &request);
    }
    request_fini(&request);
    return r;
}

static bool refuse_origin(struct visit *visit, struct kee_bytes origin)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    bool said;

    kee_buf_printf(&text,
                   "pages from %.*s may not connect here; the operator can allow them with: "
                   "keeve start --origin %.*s",
                   (int)origin.size, (const char *)origin.data, (int)origin.size,
                   (const char *)origin.data);
    said = say(visit, 403, NULL, NULL, &text);
    kee_buf_fini(&text);
    return said;
}

int kee_visit_upgrade(struct visit *visit, const char *protocol)
{
    const struct kee_web_options *options = &visit->web->options;
    struct request request;
    struct kee_bytes secret;
    bool refused = false, said;
    int r = 0;

    if (strcasecmp(protocol, "websocket") != 0) {
        return -1;
    }
    request_read(&request, visit);
    secret = kee_bytes_of(request.path.data + sizeof PATH_OF_SESSIONS - 1,
                          request.path.size - (sizeof PATH_OF_SESSIONS - 1));
    said = check_name(visit, &request, &refused);
    if (refused) {
        r = said ? 1 : -1;
    } else if (request.other || !is_session(request.path)) {
        r = say_plainly(visit, 404, NULL, NULL, "there is no WebSocket here; keeve url shows where")
                ? 1
                : -1;
    } else if (!kee_origin_is_welcome(&options->origins, request.origin, request.host)) {
        r = refuse_origin(visit, request.origin) ? 1 : -1;
    } else if ((visit->who = options->handler->knock(options->context, secret)) == NULL) {
        r = say_plainly(visit, 403, NULL, NULL, "that is nobody's secret; keeve url shows the URLs")
                ? 1
                : -1;
    }
    request_fini(&request);
    return r;
}
