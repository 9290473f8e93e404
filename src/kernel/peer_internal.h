/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_internal - peers, services and outputs, as the files of the kernel share them; part of internal.h.
 *
 *   peer.c        open, close; messages and settlements said    news.c      what peers are told
 *   peer_hold.c   holding, letting go, looking                  output.c    what waits for the disk
 *   peer_clist.c  names and krefs, mentions                     service.c   durable names of objects
 *   peer_over.c   objects nothing reaches; the end of a peer    peer_view.c listings
 */
#ifndef KEE_KERNEL_PEER_INTERNAL_H
#define KEE_KERNEL_PEER_INTERNAL_H

#include "kernel/internal.h"

/* An answer of a call, or a peer's news, that waits for its batch. */
struct kee_output {
    struct kee_link link;
    uint64_t batch;
    struct kee_peer_id peer; /* who is to hear it; 0: an answer */
    struct kee_buf text;     /* what the rest points into */
    uint64_t call;
    struct kee_answer answer;
    struct kee_peer_news news;
    bool counted;                  /* in the backlog of its peer */
    bool lost;                     /* no news: the peer is ended, for the reason in text */
    struct kee_peer_answer *keeps; /* what the peer keeps once the crank is committed; owned */
};

/* What a message of a peer's came to, if it is data: its rows are gone, for the sake of the disk. */
struct kee_peer_answer {
    struct kee_link link;
    struct kee_kref promise;
    bool rejected;
    struct kee_buf body;
};

struct kee_peer {
    struct kee_peer_id id;
    char label[KEE_LIMIT_PEER_LABEL_BYTES + 1];
    bool privileged;
    bool parks; /* what is sent to promises it is to settle waits until it has */
    uint64_t rows_max;
    uint64_t rows, rows_before; /* of its c-list: now, and before the crank under way */
    uint64_t backlog_bytes;     /* of its news that it has not heard */
    uint64_t backlog;           /* and their number */
    bool doomed;                /* if the crank under way is committed, the peer is ended */
    bool over;                  /* it hears nothing more; its rows go */
    bool stored, stored_before; /* its own row is there: from the first of its c-list to the last */
    char why[200];              /* doomed or over */
    struct kee_output *last;    /* to tell that it is ended; owned until it is under way */
    struct kee_link touched;    /* in kernel->peers_touched during a crank that changed the above */
    struct kee_link answers;    /* struct kee_peer_answer, oldest first */
    struct kee_map answers_by;  /* kref bits -> the same; with room for all there may be */
    struct kee_key swept_at;
    bool leased; /* of an older boot: what it imports is held until kernel->lease_over_ms */
    bool keeps;  /* leased, and there is such a row */
    bool waits;  /* for the end of the lease: nothing else is left of it */
};

/* ---- what waits for the disk (output.c) ---- */

/* One of the crank under way, for a call, or for a peer; NULL: no memory. */
struct kee_output *kee_output_new(struct kee_kernel *kernel, uint64_t call, struct kee_peer *peer);
void kee_output_free(struct kee_kernel *kernel, struct kee_output *output);
/* Its text is complete: it counts in the backlog of its peer. */
void kee_output_counts(struct kee_kernel *kernel, struct kee_output *output);
void kee_outputs_commit(struct kee_kernel *kernel);
void kee_outputs_undo(struct kee_kernel *kernel);
void kee_outputs_free(struct kee_kernel *kernel);
/* The last one is of the batch that is filling. */
bool kee_outputs_wait(const struct kee_kernel *kernel);
/* What a peer has not heard is not to be heard. */
void kee_outputs_forget(struct kee_kernel *kernel, struct kee_peer *peer);

/* ---- peers (peer.c, peer_clist.c, news.c, peer_sweep.c) ---- */

struct kee_peer_row {
    struct kee_bytes name; /* in the buffer given */
    uint64_t mentions;
    bool is_answer;
};

int kee_peers_open(struct kee_kernel *kernel);
void kee_peers_free(struct kee_kernel *kernel);
void kee_peers_commit(struct kee_kernel *kernel);
void kee_peers_undo(struct kee_kernel *kernel);
/* At the end of a crank: objects of peers that nothing reaches. */
int kee_peers_drop_objects(struct kee_kernel *kernel);
int kee_peers_sweep(struct kee_kernel *kernel, bool *more);
/* The peer, if it is open and not to be ended by the crank under way; else NULL. */
struct kee_peer *kee_peer_hearing(const struct kee_kernel *kernel, struct kee_peer_id id);
/* Whatever is changed of a peer in a crank is changed after this. */
void kee_peer_touch(struct kee_kernel *kernel, struct kee_peer *peer);
/* The crank under way, if it is committed, ends the peer. */
void kee_peer_doom(struct kee_kernel *kernel, struct kee_peer *peer, const char *why);
int kee_peer_new(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes label,
                 struct kee_peer **out);
void kee_peer_free(struct kee_peer *peer);
/* Outcome STATE: it is over. */
int kee_peer_need(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_peer **out);
/* Why a message to something of a peer that is over is refused. */
int kee_peer_gone_text(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref target,
                       struct kee_buf *out);

/* The row of a kref; KEE_STORE_ABSENT. */
int kee_peer_row_get(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref kref,
                     struct kee_buf *hold, struct kee_peer_row *out);
int kee_peer_row_parse(struct kee_bytes key, struct kee_bytes value, struct kee_peer_row *out);
int kee_peer_row_add(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     const struct kee_peer_row *row, bool fresh);
int kee_peer_row_change(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        const struct kee_peer_row *row);
/* An import's row goes, or an export's two; counts are the caller's. *was_last: of an export, that the
 * peer's name stands for nothing any more. */
int kee_peer_row_remove(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        const struct kee_peer_row *row, bool *was_last);
/* What does the peer mean by name? Makes an object or promise of it if the peer made the name. Outcomes
 * BAD, NO_SUCH, STATE. */
int kee_peer_kref_of(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                     struct kee_kref *out);
/* The same of all slots, as a LIST; a name of the peer's own is counted as mentioned once. */
int kee_peer_krefs_of(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_vp_strings slots,
                      struct kee_buf *out);
/* Mentions a thing to the peer, and puts its name, if name is not NULL. again: it has been counted. */
int kee_peer_mention(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     bool again, struct kee_buf *name);
/* Mentions all of a LIST, each once, and puts the names as strings of a frame. */
int kee_peer_mention_list(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes list,
                          struct kee_buf *out, uint32_t *count);
/* A promise for the result of what the peer sends: mentioned, held, and its row there. */
int kee_peer_result_new(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref *out);
/* The result of what the peer is told: its row, made if missing; appends the peer's name for it. */
int kee_peer_result_add(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        struct kee_buf *name);
/* What a name that the peer made stands for; KEE_STORE_ABSENT. */
int kee_peer_own_find(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                      struct kee_kref *out);
/* It stands for this from now on, and for what it stood for before in the second place. */
int kee_peer_own_prepend(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                         struct kee_kref first);
/* The promise's row goes; if it is the peer's to settle it is rejected, with "[KERNEL:PEER_GONE] WHY". */
int kee_peer_release_promise(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                             const char *why);
/* An object of the peer's is so no longer; the peer hears of it, if it is open. */
int kee_peer_take_export(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref kref);
/* The answer that is kept under this name, or NULL. */
struct kee_peer_answer *kee_peer_answer(const struct kee_peer *peer, struct kee_kref promise);
/* Before kee_peer_keep_answer(), which cannot fail. */
int kee_peer_ready_to_keep(struct kee_peer *peer);
/* Takes answer. */
void kee_peer_keep_answer(struct kee_kernel *kernel, struct kee_peer_id id,
                          struct kee_peer_answer *answer);
void kee_peer_answer_free(struct kee_peer *peer, struct kee_peer_answer *answer);

enum { KEE_TELL_GONE = 1 };

/* News for a peer. The message's result is the peer's to settle afterwards. Outcome GONE: the peer hears
 * nothing more. */
int kee_tell_message(struct kee_kernel *kernel, struct kee_peer_id peer,
                     const struct kee_item *item);
int kee_tell_settled(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref promise,
                     bool rejected, struct kee_bytes slots, struct kee_bytes body);
int kee_tell_dropped(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     const struct kee_peer_row *row);
/* At the end of a crank: how promises settled that were mentioned to peers in it. */
int kee_tell_rest(struct kee_kernel *kernel);

/* ---- services (service.c) ---- */

/* Appends the name of the service that this object is; KEE_STORE_ABSENT if it is none. */
int kee_service_of(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *out);

#endif
