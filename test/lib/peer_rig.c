/* SPDX-License-Identifier: Apache-2.0 */
/* peer_rig - see peer_rig.h. */
#include "peer_rig.h"

#include <stdio.h>

#include "base/assert.h"

static void put(struct peer_rig *peers, char *out, const char *text, struct kee_bytes bytes)
{
    size_t at = strlen(out), room = sizeof peers->heard[0].text - at;

    (void)snprintf(out + at, room, "%s%.*s", text, (int)bytes.size, (const char *)bytes.data);
}

static void put_news(struct peer_rig *peers, char *out, const struct kee_peer_news *news)
{
    struct kee_vp_strings slots = news->data.slots;
    struct kee_bytes slot;
    char number[40];

    switch (news->kind) {
    case KEE_PEER_MESSAGE:
        put(peers, out, "message ", news->target);
        put(peers, out, " from ", news->from);
        if (news->result.size > 0) {
            put(peers, out, " result ", news->result);
        }
        break;
    case KEE_PEER_SETTLED:
        put(peers, out, news->rejected ? "rejected " : "fulfilled ", news->target);
        break;
    case KEE_PEER_DROPPED:
        put(peers, out, "dropped ", news->target);
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)news->mentions);
        put(peers, out, " after ", kee_bytes_str(number));
        return;
    }
    put(peers, out, ": ", news->data.body);
    while (kee_vp_strings_next(&slots, &slot)) {
        put(peers, out, " ", slot);
    }
}

static void on_news(void *context, struct kee_peer_id peer, const struct kee_peer_news *news,
                    const char *why)
{
    struct peer_rig *peers = context;
    size_t i = (peers->first + peers->count) % PEER_RIG_LINES;

    kee_assert(peers->count < PEER_RIG_LINES);
    peers->count++;
    peers->heard[i].peer = peer.n;
    peers->heard[i].text[0] = 0;
    if (news != NULL) {
        put_news(peers, peers->heard[i].text, news);
    } else {
        put(peers, peers->heard[i].text, "lost: ", kee_bytes_str(why));
    }
}

void peer_rig_init(struct peer_rig *peers, struct rig *rig)
{
    peers->rig = rig;
    peers->first = peers->count = 0;
    rig->on_news = on_news;
    rig->news_context = peers;
}

struct kee_peer_id peer_rig_open(struct peer_rig *peers, const char *label)
{
    struct kee_peer_options options = {.label = kee_bytes_str(label)};
    struct kee_peer_id id;

    rig_enter(peers->rig);
    if (!rig_well(peers->rig, kee_peer_open(peers->rig->kernel, &options, &id))) {
        id.n = 0;
    }
    return id;
}

const char *peer_rig_take(struct peer_rig *peers, struct kee_peer_id peer)
{
    size_t i = peers->first;

    if (peers->count == 0 || peers->heard[i].peer != peer.n) {
        return NULL;
    }
    peers->first = (i + 1) % PEER_RIG_LINES;
    peers->count--;
    return peers->heard[i].text;
}

static struct kee_vp_capdata capdata(struct kee_buf *buf, const char *body, const char *slots)
{
    struct kee_bytes rest = kee_bytes_str(slots == NULL ? "" : slots);
    struct kee_vp_capdata out = {.body = kee_bytes_str(body)};

    while (rest.size > 0) {
        kee_vp_put_string(buf, kee_bytes_cut(&rest, ' '));
        out.slots.count++;
    }
    out.slots.raw = kee_buf_bytes(buf);
    return out;
}

int peer_rig_send(struct peer_rig *peers, struct kee_peer_id peer, const char *target,
                  const char *body, const char *slots, char result[24])
{
    struct kee_buf buf = KEE_BUF_EMPTY;
    struct kee_vp_capdata methargs = capdata(&buf, body, slots);
    struct kee_kref kref;
    int r;

    rig_enter(peers->rig);
    r = kee_peer_send(peers->rig->kernel, peer, kee_bytes_str(target), methargs,
                      result == NULL ? NULL : &kref);
    (void)rig_well(peers->rig, r);
    if (r == 0 && result != NULL) {
        (void)snprintf(result, 24, "kp%llu", (unsigned long long)kee_kref_number(kref));
    }
    kee_buf_fini(&buf);
    return r;
}

int peer_rig_settle(struct peer_rig *peers, struct kee_peer_id peer, const char *promise,
                    bool rejected, const char *body, const char *slots)
{
    struct kee_buf buf = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = capdata(&buf, body, slots);
    int r;

    rig_enter(peers->rig);
    r = kee_peer_settle(peers->rig->kernel, peer, kee_bytes_str(promise), rejected, data);
    (void)rig_well(peers->rig, r);
    kee_buf_fini(&buf);
    return r;
}

int peer_rig_drop(struct peer_rig *peers, struct kee_peer_id peer, const char *name, uint64_t count)
{
    int r;

    rig_enter(peers->rig);
    r = kee_peer_drop(peers->rig->kernel, peer, kee_bytes_str(name), count);
    (void)rig_well(peers->rig, r);
    return r;
}

int peer_rig_hold(struct peer_rig *peers, struct kee_peer_id peer, const char *kref)
{
    int r;

    rig_enter(peers->rig);
    r = kee_peer_hold(peers->rig->kernel, peer, rig_kref(kref));
    (void)rig_well(peers->rig, r);
    return r;
}
