/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doors - which doors of a daemon are open, whose guests may come through them, and under which URLs.
 *
 *   HOME/captp.sock           0600, always: the owner's
 *   HOME/grants/NAME.sock     0600: of a grant
 *   HOME/secrets/owner        0600: 256 bits in base64url, made once; a secret is the name of a bootstrap
 *   HOME/secrets/grant-NAME   0600
 *
 * Doors of the network are opened only when asked for; through each of them every guest may come, with
 * its secret.
 *
 * Returns  0 done; <0 fault; >0 outcome REFUSED with a sentence in why.
 */
#ifndef KEE_DAEMON_DOORS_H
#define KEE_DAEMON_DOORS_H

#include "daemon/secret.h"
#include "daemon/sessions.h"
#include "net/door.h"
#include "net/web.h"
#include "os/tcp.h"

enum kee_doors_outcome { KEE_DOORS_REFUSED = 1 };

#define KEE_DOORS_MAX 8u

/* Of start. Borrowed until the doors are closed. */
struct kee_doors_options {
    const char *tcp[KEE_DOORS_MAX]; /* "HOST:PORT", ended by NULL if they are fewer */
    const char *web[KEE_DOORS_MAX];
    const char *origins[KEE_DOORS_MAX];
    const char *pages; /* a directory; NULL: none */
};

/* Who may come in, and to what. */
struct kee_guest {
    struct kee_link link;
    struct kee_doors *doors;
    struct kee_buf name;  /* "owner", or the grant's */
    struct kee_buf label; /* "owner", "grant shop" */
    bool owner;
    struct kee_kref bootstrap;
    char secret[KEE_SECRET_BYTES + 1];
    struct kee_door *door; /* at its unix socket; NULL: its path is longer than the system allows */
    struct kee_buf path;   /* of that socket */
};

struct kee_doors {
    struct kee_daemon *daemon;
    struct kee_net net;
    struct kee_link guests;
    struct kee_link places; /* doors of the network */
    const struct kee_doors_options *options;
    const struct kee_web_module *web; /* NULL until a web door is opened */
    int pages_fd, own_fd;             /* what web doors show */
};

void kee_doors_init(struct kee_doors *doors, struct kee_daemon *daemon);
/* Opens the owner's door and those that were asked for. */
int kee_doors_open(struct kee_doors *doors, const struct kee_doors_options *options,
                   struct kee_buf *why);
/* Nobody comes in any more; sessions stay. */
void kee_doors_close(struct kee_doors *doors);
/* Once the sessions are gone, too. */
void kee_doors_fini(struct kee_doors *doors);

/* A grant's socket, and its secret, which is made if there is none yet. Outcome REFUSED: a name that is
 * no good as a file's, a secret that cannot be read. From the loop, not from within the kernel. */
int kee_doors_open_grant(struct kee_daemon *daemon, struct kee_bytes name, struct kee_kref kref,
                         struct kee_buf *why);
/* Closes its socket, forgets its secret and ends its sessions. */
void kee_doors_close_grant(struct kee_daemon *daemon, struct kee_bytes name);

/* door place local of each door of the network, and the owner's */
void kee_doors_list(struct kee_doors *doors, kee_record_fn *fn, void *context);
/* door url of a guest: name "owner" or a grant's. False if there is no such guest. */
bool kee_doors_list_urls(struct kee_doors *doors, struct kee_bytes name, kee_record_fn *fn,
                         void *context);

#endif
