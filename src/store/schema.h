/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - every key of a world, drawn. Version 1. Keys and values are text; N, M are decimal
 * numbers without leading zeros, SEQ is 16 hex digits, so that queue keys sort by age. A field that
 * is empty is written "-". LIST is comma-separated.
 *
 *   version                 1
 *   ids                     next numbers, reserved in blocks: VAT SUBCLUSTER OBJECT PROMISE SEQ BOOT
 *                           PEER (not written before there were peers: then 1)
 *
 *   sN                      STATE BOOTSTRAP-vM          STATE: launching, running
 *   sN.config               the configuration, JSON text
 *   sN.v.vM                 name of the member
 *   launching.sN            (empty) a launch that has not been answered; taken back at open
 *
 *   vN                      SUBCLUSTER INCARNATION ROOT-koM NEXT-o- NEXT-p- CODE-HASH STATE
 *                           [FLAVOUR] [raw]
 *                           STATE: new (never started), live, dying; FLAVOUR: unless process;
 *                           raw: a vat without liveslots
 *   vN.name                 its name in the configuration
 *   vN.code                 where its code came from
 *   vN.globals              LIST of granted names
 *   vN.inventory            LIST of NAME KREF: granted objects, held; no row if there are none
 *   vN.parameters           BODY (no slots)
 *   vN.c.KREF               VREF FLAG                   the c-list; FLAG: r reachable, _ recognizable
 *   vN.c.VREF               KREF                        its inverse
 *   vN.s.KEY                the vat's own store         (liveslots keys: docs/formats/vat-rows.md)
 *   awake.vN                BOOT in which it got a worker; older than this boot: to be restarted
 *   dying.vN                (empty) being swept away
 *   code.HASH               source or bundle text, by SHA-256
 *   code.HASH.vN            (empty) vat N uses it
 *
 *   rN                      BOOT LABEL                  a peer that has a c-list; over with its BOOT
 *   rN.c.KREF               NAME MENTIONS [a]           its c-list; NAME of an import: the KREF itself;
 *                           a: the result of a message it sent, which goes when it is settled with data
 *   rN.c.NAME               LIST of KREFs               its inverse, of what the peer named: the first is
 *                           what the name means now, the others are older krefs of the same object
 *   service.NAME            KREF [system] [held]        a durable name, which holds the object; held: and
 *                           does nothing else
 *
 *   koN                     OWNER REACHABLE RECOGNIZABLE [revoked]
 *                           OWNER: vM, rM, or -rM when the peer that it was of is over
 *   koN.i.vM                (empty) vat M imports it: the c-list's rows turned round
 *   kpN                     STATE REFERENCES DECIDER SUBSCRIBERS-LIST
 *                           STATE: u, q (unsettled, messages are parked), f, r
 *                           DECIDER: vM, rM, or >vM when the message it is the result of waits in vM's
 *                           queue
 *   kpN.d                   SLOTS-LIST BODY             once settled
 *   kpN.q.SEQ               ITEM                        parked until it settles
 *   q.vN.SEQ                ITEM                        waiting for delivery to vN
 *   hold.KREF               BOOT: held by the console in it; released in a later one
 *   pin.KREF                (empty) held by the operator until unpinned
 *   survivors               exported objects that the last epoch reached; see kernel/cycle.h
 *   gc.vN.KREF              (empty) counts of an object that vN exports or imports fell: to be looked at
 *                           when the vat is awake and idle
 *
 *   ITEM, message           m FROM TRIES TARGET RESULT SLOTS-LIST BODY       FROM: vN, rN or console
 *   ITEM, notification      n FROM TRIES kpN
 *
 * Partitions: koN belongs to its owner, kpN to its decider, q.vN to its receiver, vN.* to the vat.
 */
#ifndef KEE_STORE_SCHEMA_H
#define KEE_STORE_SCHEMA_H

#include "base/assert.h"
#include "base/ids.h"
#include "base/limits.h"

#define KEE_SCHEMA_VERSION "1"
#define KEE_SCHEMA_SEQ_DIGITS 16

/* A key being put together, on the caller's stack. */
struct kee_key {
    size_t size;
    uint8_t text[KEE_LIMIT_KEY_BYTES];
};

static inline struct kee_bytes kee_key_view(const struct kee_key *key)
{
    return kee_bytes_of(key->text, key->size);
}

static inline void kee_key_add(struct kee_key *key, struct kee_bytes piece)
{
    kee_assert(key->size + piece.size <= sizeof key->text); /* callers bound what vats choose */
    memcpy(key->text + key->size, piece.data, piece.size);
    key->size += piece.size;
}

static inline void kee_key_add_number(struct kee_key *key, uint64_t n)
{
    uint8_t digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    kee_key_add(key, kee_bytes_of(digits + at, sizeof digits - at));
}

static inline void kee_key_add_kref(struct kee_key *key, struct kee_kref kref)
{
    static const char *const heads[] = {"ko", "kp", "kd", "??"};

    kee_key_add(key, kee_bytes_of(heads[kee_kref_kind(kref)], 2));
    kee_key_add_number(key, kee_kref_number(kref));
}

static inline void kee_key_add_seq(struct kee_key *key, uint64_t seq)
{
    uint8_t digits[KEE_SCHEMA_SEQ_DIGITS];

    for (size_t i = sizeof digits; i-- > 0; seq >>= 4) {
        digits[i] = (uint8_t) "0123456789abcdef"[seq & 15];
    }
    kee_key_add(key, kee_bytes_of(digits, sizeof digits));
}

/* "v12" + tail: the row of a vat ("") or one of its parts (".name"). */
static inline struct kee_bytes kee_key_vat(struct kee_key *key, struct kee_vat_id vat,
                                           const char *tail)
{
    key->size = 0;
    kee_key_add(key, KEE_BYTES_LIT("v"));
    kee_key_add_number(key, vat.n);
    kee_key_add(key, kee_bytes_str(tail));
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_subcluster(struct kee_key *key, struct kee_subcluster_id id,
                                                  const char *tail)
{
    key->size = 0;
    kee_key_add(key, KEE_BYTES_LIT("s"));
    kee_key_add_number(key, id.n);
    kee_key_add(key, kee_bytes_str(tail));
    return kee_key_view(key);
}

/* head + "v12": "awake.v12", "dying.v12", "q.v12". */
static inline struct kee_bytes kee_key_of_vat(struct kee_key *key, const char *head,
                                              struct kee_vat_id vat)
{
    key->size = 0;
    kee_key_add(key, kee_bytes_str(head));
    kee_key_add(key, KEE_BYTES_LIT("v"));
    kee_key_add_number(key, vat.n);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_clist(struct kee_key *key, struct kee_vat_id vat,
                                             struct kee_bytes ref)
{
    (void)kee_key_vat(key, vat, ".c.");
    kee_key_add(key, ref);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_clist_kref(struct kee_key *key, struct kee_vat_id vat,
                                                  struct kee_kref kref)
{
    (void)kee_key_vat(key, vat, ".c.");
    kee_key_add_kref(key, kref);
    return kee_key_view(key);
}

/* "r3" + tail: the row of a peer (""), or what its parts begin with (".c."). */
static inline struct kee_bytes kee_key_peer(struct kee_key *key, struct kee_peer_id peer,
                                            const char *tail)
{
    key->size = 0;
    kee_key_add(key, KEE_BYTES_LIT("r"));
    kee_key_add_number(key, peer.n);
    kee_key_add(key, kee_bytes_str(tail));
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_peer_name(struct kee_key *key, struct kee_peer_id peer,
                                                 struct kee_bytes name)
{
    (void)kee_key_peer(key, peer, ".c.");
    kee_key_add(key, name);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_peer_kref(struct kee_key *key, struct kee_peer_id peer,
                                                 struct kee_kref kref)
{
    (void)kee_key_peer(key, peer, ".c.");
    kee_key_add_kref(key, kref);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_service(struct kee_key *key, struct kee_bytes name)
{
    key->size = 0;
    kee_key_add(key, KEE_BYTES_LIT("service."));
    kee_key_add(key, name);
    return kee_key_view(key);
}

/* head + kref + tail: ("", ko4, "") the row; ("gc.", ko4, ""); ("", kp4, ".d"). */
static inline struct kee_bytes kee_key_kref(struct kee_key *key, const char *head,
                                            struct kee_kref kref, const char *tail)
{
    key->size = 0;
    kee_key_add(key, kee_bytes_str(head));
    kee_key_add_kref(key, kref);
    kee_key_add(key, kee_bytes_str(tail));
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_importer(struct kee_key *key, struct kee_kref object,
                                                struct kee_vat_id vat)
{
    (void)kee_key_kref(key, "", object, ".i.v");
    kee_key_add_number(key, vat.n);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_gc(struct kee_key *key, struct kee_vat_id owner,
                                          struct kee_kref kref)
{
    (void)kee_key_of_vat(key, "gc.", owner);
    kee_key_add(key, KEE_BYTES_LIT("."));
    kee_key_add_kref(key, kref);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_queue(struct kee_key *key, struct kee_vat_id vat,
                                             uint64_t seq)
{
    (void)kee_key_of_vat(key, "q.", vat);
    kee_key_add(key, KEE_BYTES_LIT("."));
    kee_key_add_seq(key, seq);
    return kee_key_view(key);
}

static inline struct kee_bytes kee_key_parked(struct kee_key *key, struct kee_kref promise,
                                              uint64_t seq)
{
    (void)kee_key_kref(key, "", promise, ".q.");
    kee_key_add_seq(key, seq);
    return kee_key_view(key);
}

/* Reads what is wholly a SEQ; false if it is none, as the end of a damaged key may be. */
static inline bool kee_seq_parse(struct kee_bytes text, uint64_t *out)
{
    uint64_t seq = 0;

    if (text.size != KEE_SCHEMA_SEQ_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            return false;
        }
        seq = seq << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = seq;
    return true;
}

#endif
