/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin - under which names a web door is known, and pages from where may talk to it.
 *
 * A page may be led here under a foreign name (its own, made to point at this machine), and would then
 * count as a page of ours: so a door answers only to digits, localhost, the name it was opened under, and
 * the names of the origins it was told.
 */
#ifndef KEE_NET_ORIGIN_H
#define KEE_NET_ORIGIN_H

#include "base/bytes.h"

/* Borrowed. */
struct kee_origins {
    const char *host;         /* as the operator named it */
    const char *const *given; /* "https://shop.example:8443", "null" */
    size_t count;
};

/* Is it of a form that browsers send: http://HOST[:PORT], https://HOST[:PORT], null? */
bool kee_origin_is_one(struct kee_bytes text);
/* Is it one that the operator gave? */
bool kee_origin_is_given(const struct kee_origins *origins, struct kee_bytes origin);
/* May a page from there, or with data NULL a program that is no browser, talk to us? host: as the request
 * has it, one of our names. */
bool kee_origin_is_welcome(const struct kee_origins *origins, struct kee_bytes origin,
                           struct kee_bytes host);
/* Is it one of our names, with or without a port? */
bool kee_host_is_ours(const struct kee_origins *origins, struct kee_bytes host);

#endif
