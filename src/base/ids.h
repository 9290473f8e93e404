/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids - the kernel's names for things. Each is a struct of its own, so that one cannot be taken for
 * another; turning a vref into a kref is the c-list's work and nobody else's.
 *
 *   kref   koN object, kpN promise, kdN device   vat  vN   subcluster  sN   peer  rN
 *
 * Numbers start at 1 and are never reused. 0 means none.
 */
#ifndef KEE_BASE_IDS_H
#define KEE_BASE_IDS_H

#include "base/bytes.h"

enum kee_kref_kind { KEE_KREF_OBJECT = 0, KEE_KREF_PROMISE = 1, KEE_KREF_DEVICE = 2 };

struct kee_kref {
    uint64_t bits; /* number * 4 + kind; 0 is no reference */
};
struct kee_vat_id {
    uint64_t n;
};
struct kee_subcluster_id {
    uint64_t n;
};
struct kee_peer_id {
    uint64_t n;
};
/* A vat or a peer: who may own objects and decide promises. */
struct kee_endpoint_id {
    uint64_t bits; /* number * 2, and 1 more of a peer; 0 is nobody */
};

#define KEE_KREF_NONE ((struct kee_kref){0})

static inline struct kee_kref kee_kref_make(enum kee_kref_kind kind, uint64_t n)
{
    return (struct kee_kref){n * 4 + (uint64_t)kind};
}
static inline enum kee_kref_kind kee_kref_kind(struct kee_kref kref)
{
    return (enum kee_kref_kind)(kref.bits & 3);
}
static inline uint64_t kee_kref_number(struct kee_kref kref)
{
    return kref.bits >> 2;
}
static inline bool kee_kref_is_none(struct kee_kref kref)
{
    return kref.bits == 0;
}
static inline bool kee_kref_equal(struct kee_kref a, struct kee_kref b)
{
    return a.bits == b.bits;
}
static inline bool kee_kref_is_promise(struct kee_kref kref)
{
    return !kee_kref_is_none(kref) && kee_kref_kind(kref) == KEE_KREF_PROMISE;
}

#define KEE_ENDPOINT_NONE ((struct kee_endpoint_id){0})

static inline struct kee_endpoint_id kee_endpoint_of_vat(struct kee_vat_id vat)
{
    return (struct kee_endpoint_id){vat.n * 2};
}
static inline struct kee_endpoint_id kee_endpoint_of_peer(struct kee_peer_id peer)
{
    return (struct kee_endpoint_id){peer.n == 0 ? 0 : peer.n * 2 + 1};
}
static inline bool kee_endpoint_is_none(struct kee_endpoint_id id)
{
    return id.bits == 0;
}
static inline bool kee_endpoint_equal(struct kee_endpoint_id a, struct kee_endpoint_id b)
{
    return a.bits == b.bits;
}
/* The vat it is, or the peer; none if it is the other. */
static inline struct kee_vat_id kee_endpoint_vat(struct kee_endpoint_id id)
{
    return (struct kee_vat_id){(id.bits & 1) == 0 ? id.bits / 2 : 0};
}
static inline struct kee_peer_id kee_endpoint_peer(struct kee_endpoint_id id)
{
    return (struct kee_peer_id){(id.bits & 1) != 0 ? id.bits / 2 : 0};
}
static inline bool kee_endpoint_is_vat(struct kee_endpoint_id id, struct kee_vat_id vat)
{
    return vat.n != 0 && id.bits == vat.n * 2;
}
static inline bool kee_endpoint_is_peer(struct kee_endpoint_id id, struct kee_peer_id peer)
{
    return peer.n != 0 && id.bits == peer.n * 2 + 1;
}
/* Reads "v3" or "r2"; false if text is neither. */
bool kee_endpoint_parse(struct kee_bytes text, struct kee_endpoint_id *out);
/* Nobody is written "-". */
void kee_buf_put_endpoint(struct kee_buf *buf, struct kee_endpoint_id id);

/* Reads "ko12" and the like; false if text is not wholly one kref. */
bool kee_kref_parse(struct kee_bytes text, struct kee_kref *out);
void kee_buf_put_kref(struct kee_buf *buf, struct kee_kref kref);

/* Reads "v3", "s3" or "r3": letter is 'v', 's' or 'r'. */
bool kee_id_parse(struct kee_bytes text, char letter, uint64_t *out);

/*
 * A vref is text in the vat's own grammar; see docs/formats/references.md:
 *   o+N o-N p+N p-N d-N   o+vK/I o+dK/I   o+vK/I:F o+dK/I:F
 */
struct kee_vref {
    struct kee_bytes text; /* borrowed */
};

enum kee_vref_type { KEE_VREF_OBJECT = 'o', KEE_VREF_PROMISE = 'p', KEE_VREF_DEVICE = 'd' };

struct kee_vref_parts {
    enum kee_vref_type type;
    bool exported;   /* '+': the vat made the number */
    bool is_virtual; /* o+v or o+d */
    bool is_durable; /* o+d */
    bool has_facet;
    uint64_t id;       /* N, or K of a virtual or durable one */
    uint64_t instance; /* I */
    uint64_t facet;    /* F */
};

/* Splits a vref; false if it is not wholly one. */
bool kee_vref_parse(struct kee_bytes text, struct kee_vref_parts *out);

#endif
