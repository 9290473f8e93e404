/* SPDX-License-Identifier: Apache-2.0 */
/* limits - every bound of the system, each with its reason. */
#ifndef KEE_BASE_LIMITS_H
#define KEE_BASE_LIMITS_H

/* A frame between kernel and worker. Holds one crank with all its writes; a larger crank fails. */
#define KEE_LIMIT_FRAME_BYTES (64u * 1024 * 1024)
/* One body (message, result, parameters): what a sender can make a receiver decode at once. */
#define KEE_LIMIT_BODY_BYTES (8u * 1024 * 1024)
/* References in one body. */
#define KEE_LIMIT_SLOTS 65536u
/* A vref, as text: the longest durable facet with 20-digit numbers fits. */
#define KEE_LIMIT_VREF_BYTES 80u
/* A store key, prefix included; SQLite and PostgreSQL index such keys whole. */
#define KEE_LIMIT_KEY_BYTES 1024u
/* A store value. */
#define KEE_LIMIT_VALUE_BYTES (16u * 1024 * 1024)
/* Clean rows that a world keeps in memory: what the vats at work read again and again, not the store. */
#define KEE_LIMIT_WORLD_CACHE_BYTES (4u * 1024 * 1024)
/* The code of one vat. */
#define KEE_LIMIT_BUNDLE_BYTES (32u * 1024 * 1024)
/* Deliveries sent ahead to one worker: enough to hide a core crossing, few enough to stay fair. */
#define KEE_LIMIT_SENT_AHEAD 16u
/* Nesting of a passable value: each level costs a C frame in the codecs. */
#define KEE_LIMIT_VALUE_DEPTH 256u
/* Times a message is tried when its crank ends the worker. */
#define KEE_LIMIT_TRIES 2u
/* Ids are reserved durably in blocks of this size and spent in memory. */
#define KEE_LIMIT_ID_BLOCK 4096u

#endif
