/* SPDX-License-Identifier: Apache-2.0 */
/* peers - see peers.h. */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/schema.h"

static uint32_t pick(struct sim_peers *sim, uint32_t below)
{
    return (uint32_t)rng_below(sim->rng, below);
}

/* ---- books ---- */

static struct sim_name *find(struct sim_names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i].text, text) == 0) {
            return &names->names[i];
        }
    }
    return NULL;
}

/* Makes it if it is new; NULL if the book is full. */
static struct sim_name *enter(struct sim_names *names, const char *text)
{
    struct sim_name *name = find(names, text);

    if (name == NULL && names->count < SIM_PEER_NAMES) {
        name = &names->names[names->count++];
        *name = (struct sim_name){.count = 0};
        (void)snprintf(name->text, sizeof name->text, "%s", text);
    }
    return name;
}

static void erase(struct sim_names *names, struct sim_name *name)
{
    *name = names->names[--names->count];
}

static struct sim_name *any(struct sim_peers *sim, struct sim_names *names)
{
    return names->count == 0 ? NULL : &names->names[rng_below(sim->rng, names->count)];
}

static void text_of(struct kee_bytes bytes, char out[40])
{
    (void)snprintf(out, 40, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

/* ---- hearing ---- */

static void hear_slots(struct sim_peer *peer, struct kee_vp_strings slots)
{
    struct kee_vp_strings before = slots, earlier;
    struct kee_bytes slot, other;
    struct sim_name *name;
    char text[40];
    uint32_t at = 0;

    while (kee_vp_strings_next(&slots, &slot)) {
        bool again = false;
        earlier = before;
        for (uint32_t i = 0; i < at; i++) {
            again =
                (kee_vp_strings_next(&earlier, &other) && kee_bytes_equal(slot, other)) || again;
        }
        at++;
        text_of(slot, text);
        if (text[0] != 'k') {
            kee_assert(find(&peer->exports, text) != NULL || text[0] == 'p');
        } else if (!again) {
            name = enter(&peer->imports, text);
            if (name != NULL) {
                name->told = name->told && name->count > 0;
                name->count++;
            }
        }
    }
}

/* Messages of one sender come in order, each once: what is sent to an object names both. */
static void check_order(struct sim_peer *peer, struct kee_bytes body)
{
    struct kee_bytes start = KEE_BYTES_LIT("#[\"d\",["), rest = body;
    uint64_t from, number;

    if (kee_bytes_has_prefix(body, start)) {
        rest = kee_bytes_of(body.data + start.size, body.size - start.size);
        kee_assert(kee_bytes_decimal(kee_bytes_cut(&rest, ','), &from) && from < SIM_SENDERS);
        kee_assert(kee_bytes_decimal(kee_bytes_cut(&rest, ']'), &number));
        kee_assert(number > peer->heard_from[from]);
        peer->heard_from[from] = number;
    }
}

static void hear_message(struct sim_peer *peer, const struct kee_peer_news *news)
{
    char text[40];

    text_of(news->target, text);
    kee_assert(text[0] != 'o' || find(&peer->exports, text) != NULL);
    check_order(peer, news->data.body);
    if (news->result.size > 0) {
        text_of(news->result, text);
        (void)enter(&peer->decided, text);
    }
}

static void hear_settled(struct sim_peer *peer, const struct kee_peer_news *news)
{
    struct sim_name *name;
    char text[40];

    text_of(news->target, text);
    name = find(&peer->imports, text);
    if (name == NULL) {
        return; /* dropped meanwhile */
    }
    kee_assert(!name->told);
    name->told = true;
    if (name->answer && name->count == 1 && news->data.slots.count == 0) {
        name->answer = false; /* it is in memory: another mention makes it anew */
        name->told = false;
    }
}

static void hear_dropped(struct sim_peer *peer, const struct kee_peer_news *news)
{
    struct sim_name *name;
    char text[40];

    text_of(news->target, text);
    name = find(&peer->exports, text);
    kee_assert(name != NULL && news->mentions <= name->count);
    name->count -= news->mentions;
    if (name->count == 0) {
        erase(&peer->exports, name);
    }
}

static void on_news(void *context, struct kee_peer_id id, const struct kee_peer_news *news,
                    const char *why)
{
    struct sim_peers *sim = context;
    struct sim_peer *peer = NULL;

    (void)why;
    for (size_t i = 0; i < SIM_PEERS; i++) {
        peer = sim->peers[i].id.n == id.n ? &sim->peers[i] : peer;
    }
    kee_assert(peer != NULL && news != NULL); /* none that is closed, none has too much */
    sim->heard++;
    hear_slots(peer, news->data.slots);
    switch (news->kind) {
    case KEE_PEER_MESSAGE:
        hear_message(peer, news);
        break;
    case KEE_PEER_SETTLED:
        hear_settled(peer, news);
        break;
    case KEE_PEER_DROPPED:
        hear_dropped(peer, news);
        break;
    }
}

/* ---- saying ---- */

struct words {
    struct kee_buf slots;
    uint32_t count;
    char names[4][40];
};

static void add_word(struct words *words, const char *text)
{
    for (uint32_t i = 0; i < words->count; i++) {
        if (strcmp(words->names[i], text) == 0) {
            return;
        }
    }
    (void)snprintf(words->names[words->count++], 40, "%s", text);
    kee_vp_put_string(&words->slots, kee_bytes_str(text));
}

/* Up to three names: imports, exports, new ones, promises of its own. but: not this one. */
static void some_words(struct sim_peers *sim, struct sim_peer *peer, const char *but,
                       struct words *words)
{
    uint32_t count = pick(sim, 4);

    *words = (struct words){.slots = KEE_BUF_EMPTY};
    for (uint32_t i = 0; i < count; i++) {
        struct sim_name *name = NULL;
        char fresh[40];

        switch (pick(sim, 5)) {
        case 0:
            name = any(sim, &peer->exports);
            break;
        case 1:
            name = any(sim, &peer->decided);
            name = name != NULL && name->text[0] == 'p' ? name : NULL;
            break;
        case 2:
            (void)snprintf(fresh, sizeof fresh, "%c+%llu", pick(sim, 2) ? 'o' : 'p',
                           (unsigned long long)++peer->next);
            add_word(words, fresh);
            break;
        default:
            name = any(sim, &peer->imports);
            break;
        }
        if (name != NULL && (but == NULL || strcmp(name->text, but) != 0)) {
            add_word(words, name->text);
        }
    }
}

/* What was said was accepted: names of its own have been mentioned once more. */
static void said(struct sim_peer *peer, const struct words *words)
{
    for (uint32_t i = 0; i < words->count; i++) {
        const char *text = words->names[i];
        struct sim_name *name = text[0] == 'o'   ? enter(&peer->exports, text)
                                : text[0] == 'p' ? enter(&peer->decided, text)
                                                 : NULL;
        if (name != NULL) {
            name->count++;
        }
    }
}

static struct kee_vp_capdata capdata(const struct words *words, const char *body)
{
    return (struct kee_vp_capdata){kee_bytes_str(body),
                                   {kee_buf_bytes(&words->slots), words->count}};
}

/* An export's name must stay in the books: none is made when they are full. */
static bool has_room(const struct sim_peer *peer)
{
    return peer->exports.count + 4 < SIM_PEER_NAMES && peer->decided.count + 4 < SIM_PEER_NAMES;
}

static void say_message(struct sim_peers *sim, struct sim_peer *peer, uint64_t sender)
{
    struct sim_name *target = any(sim, &peer->imports), *name;
    bool direct, wants = pick(sim, 2) == 0;
    struct kee_kref result = KEE_KREF_NONE;
    struct words words;
    char body[80], text[40];
    int r;

    if (pick(sim, 10) == 0) {
        target = any(sim, &peer->exports);
    }
    if (target == NULL || !has_room(peer)) {
        return;
    }
    direct = target->text[0] == 'k' && target->text[1] == 'o';
    (void)snprintf(text, sizeof text, "%s", target->text);
    some_words(sim, peer, NULL, &words);
    (void)snprintf(body, sizeof body, "#[\"%c\",[%llu,%llu]]", direct ? 'd' : 'i',
                   (unsigned long long)sender, (unsigned long long)++peer->sent);
    rig_enter(sim->rig);
    r = kee_peer_send(sim->rig->kernel, peer->id, kee_bytes_str(text), capdata(&words, body),
                      wants ? &result : NULL);
    (void)rig_well(sim->rig, r);
    kee_assert(r <= 0); /* all it has heard of and not let go of can be named */
    if (r == 0) {
        said(peer, &words);
        if (wants) {
            (void)snprintf(text, sizeof text, "kp%llu",
                           (unsigned long long)kee_kref_number(result));
            name = enter(&peer->imports, text);
            if (name != NULL) {
                name->count++;
                name->answer = true;
            }
        }
    }
    kee_buf_fini(&words.slots);
}

static void say_settle(struct sim_peers *sim, struct sim_peer *peer)
{
    struct sim_name *name = any(sim, &peer->decided);
    struct words words;
    char text[40];
    int r;

    if (name == NULL || !has_room(peer)) {
        return;
    }
    (void)snprintf(text, sizeof text, "%s", name->text);
    some_words(sim, peer, text, &words);
    rig_enter(sim->rig);
    r = kee_peer_settle(sim->rig->kernel, peer->id, kee_bytes_str(text), pick(sim, 4) == 0,
                        capdata(&words, words.count == 1 ? "#\"$0\"" : "#[1]"));
    (void)rig_well(sim->rig, r);
    kee_assert(r <= 0);
    if (r == 0) {
        erase(&peer->decided, find(&peer->decided, text));
        said(peer, &words);
        if (text[0] == 'p') { /* nobody will be told of it any more */
            rig_enter(sim->rig);
            r = kee_peer_drop(sim->rig->kernel, peer->id, kee_bytes_str(text), 1);
            (void)rig_well(sim->rig, r);
            name = find(&peer->decided, text);
            if (name != NULL) {
                erase(&peer->decided, name);
            }
        }
    }
    kee_buf_fini(&words.slots);
}

static void say_drop(struct sim_peers *sim, struct sim_peer *peer)
{
    bool own = pick(sim, 8) == 0;
    struct sim_names *book = own ? &peer->decided : &peer->imports;
    struct sim_name *name = any(sim, book);
    uint64_t count;
    int r;

    if (name == NULL || (own && name->text[0] != 'p')) {
        return;
    }
    count = own || pick(sim, 3) == 0 ? name->count : 1;
    rig_enter(sim->rig);
    r = kee_peer_drop(sim->rig->kernel, peer->id, kee_bytes_str(name->text), count);
    (void)rig_well(sim->rig, r);
    kee_assert(r <= 0);
    if (r == 0) {
        name->count -= own ? 0 : count;
        if (own || name->count == 0) {
            erase(book, name);
        }
    }
}

struct choice {
    struct sim_peers *sim;
    struct kee_kref kref;
    uint32_t seen;
};

static void choose(void *context, const struct kee_record *record)
{
    struct choice *choice = context;
    struct kee_kref kref;

    if (kee_kref_parse(record->fields[0].value, &kref) && pick(choice->sim, ++choice->seen) == 0) {
        choice->kref = kref;
    }
}

/* Anything there is. */
static struct kee_kref any_kref(struct sim_peers *sim)
{
    struct choice choice = {.sim = sim};
    uint64_t fails_at = sim->rig->store_fails_at;

    sim->rig->store_fails_at = 0; /* choosing is not what is to fail */
    kee_assert((pick(sim, 4) == 0
                    ? kee_kernel_list_promises(sim->rig->kernel, choose, &choice)
                    : kee_kernel_list_objects(sim->rig->kernel, choose, &choice)) == 0);
    sim->rig->store_fails_at = fails_at;
    return choice.kref;
}

/* Its own things are not mentioned to it. */
static bool is_own(struct sim_peers *sim, const struct sim_peer *peer, struct kee_kref kref)
{
    uint64_t fails_at = sim->rig->store_fails_at;
    struct kee_bytes value;
    struct kee_key key;
    bool own;

    sim->rig->store_fails_at = 0;
    own = kee_world_get(sim->rig->world, kee_key_peer_kref(&key, peer->id, kref), &value) == 0 &&
          value.data[1] == '+';
    sim->rig->store_fails_at = fails_at;
    return own;
}

/* It is given something, by whoever may. */
static void hold(struct sim_peers *sim, struct sim_peer *peer)
{
    struct kee_kref kref = any_kref(sim);
    struct sim_name *name;
    char text[40];
    int r;

    if (kee_kref_is_none(kref)) {
        return;
    }
    (void)snprintf(text, sizeof text, "k%c%llu", kee_kref_is_promise(kref) ? 'p' : 'o',
                   (unsigned long long)kee_kref_number(kref));
    rig_enter(sim->rig);
    r = kee_peer_hold(sim->rig->kernel, peer->id, kref);
    (void)rig_well(sim->rig, r);
    if (r == 0 && !is_own(sim, peer, kref)) {
        name = enter(&peer->imports, text);
        if (name != NULL) {
            name->told = name->told && name->count > 0;
            name->count++;
        }
    }
}

static void look(struct sim_peers *sim, struct sim_peer *peer)
{
    struct sim_name *name = any(sim, &peer->imports);
    struct kee_buf held = KEE_BUF_EMPTY;
    struct kee_vp_capdata data;
    char state;
    int r;

    if (name != NULL && name->text[1] == 'p') {
        rig_enter(sim->rig);
        r = kee_peer_look(sim->rig->kernel, peer->id, kee_bytes_str(name->text), &held, &state,
                          &data);
        (void)rig_well(sim->rig, r);
        kee_assert(r <= 0);
        if (r == 0) {
            kee_assert(!name->told || state != 'u');
            hear_slots(peer, data.slots);
        }
        kee_buf_fini(&held);
    }
}

static void serve(struct sim_peers *sim, struct sim_peer *peer)
{
    struct sim_name *name = any(sim, &peer->exports);
    struct kee_bytes service = pick(sim, 2) ? KEE_BYTES_LIT("one") : KEE_BYTES_LIT("two");
    uint32_t die = pick(sim, 8);
    struct kee_kref kref = any_kref(sim), out;
    int r = 0;

    if (kee_kref_is_none(kref)) {
        return;
    }
    rig_enter(sim->rig);
    if (die < 2) {
        r = kee_service_unregister(sim->rig->kernel, service);
    } else if (die == 2) {
        r = kee_service_hold(sim->rig->kernel, service, kref);
    } else if (die == 3) {
        r = kee_service_register_kref(sim->rig->kernel, service, kref, false, &out);
    } else if (name != NULL) {
        r = kee_service_register(sim->rig->kernel, peer->id, service, kee_bytes_str(name->text),
                                 pick(sim, 2) == 0, &out);
    }
    (void)rig_well(sim->rig, r);
}

/* ---- lives ---- */

static void open(struct sim_peers *sim, struct sim_peer *peer)
{
    struct kee_peer_options options = {.label = KEE_BYTES_LIT("simulated"),
                                       .privileged = pick(sim, 2) == 0};
    uint64_t sent = peer->sent;

    *peer = (struct sim_peer){.sent = sent, .privileged = options.privileged};
    rig_enter(sim->rig);
    if (!rig_well(sim->rig, kee_peer_open(sim->rig->kernel, &options, &peer->id))) {
        peer->id.n = 0;
    }
}

void sim_peers_act(struct sim_peers *sim, uint64_t first_sender)
{
    uint32_t which = pick(sim, SIM_PEERS);
    struct sim_peer *peer = &sim->peers[which];
    uint32_t die = pick(sim, 100);

    sim->said++;
    if (peer->id.n == 0) {
        open(sim, peer);
    } else if (die < 2) {
        rig_enter(sim->rig);
        (void)rig_well(sim->rig, kee_peer_close(sim->rig->kernel, peer->id, "the die says so"));
        peer->id.n = 0;
    } else if (die < 15) {
        hold(sim, peer);
    } else if (die < 35) {
        say_settle(sim, peer);
    } else if (die < 55) {
        say_drop(sim, peer);
    } else if (die < 60) {
        look(sim, peer);
    } else if (die < 64) {
        serve(sim, peer);
    } else {
        say_message(sim, peer, first_sender + which);
    }
}

void sim_peers_init(struct sim_peers *sim, struct rig *rig, struct rng *rng)
{
    *sim = (struct sim_peers){.rig = rig, .rng = rng};
    rig->on_news = on_news;
    rig->news_context = sim;
}

void sim_peers_crash(struct sim_peers *sim)
{
    for (size_t i = 0; i < SIM_PEERS; i++) {
        sim->peers[i].id.n = 0;
    }
}

static void count_peer(void *context, const struct kee_record *record)
{
    (void)record;
    ++*(uint64_t *)context;
}

void sim_peers_close(struct sim_peers *sim)
{
    uint64_t left = 0;
    struct kee_bytes key;

    for (size_t i = 0; i < SIM_PEERS; i++) {
        if (sim->peers[i].id.n != 0) {
            kee_assert(kee_peer_close(sim->rig->kernel, sim->peers[i].id, "the end") == 0);
            sim->peers[i].id.n = 0;
        }
    }
    rig_run(sim->rig);
    sim->rig->now_ms += KEE_PEER_LEASE_MS; /* of peers that a crash ended */
    rig_run(sim->rig);
    kee_assert(rig_audit(sim->rig) == 0);
    kee_assert(kee_kernel_list_peers(sim->rig->kernel, count_peer, &left) == 0 && left == 0);
    kee_assert(
        kee_world_next(sim->rig->world, KEE_BYTES_LIT("r"), KEE_BYTES_LIT("r"), &key, NULL) != 0);
}
