/* SPDX-License-Identifier: Apache-2.0 */
/* limits - every bound of the system, each with its reason. "<< 20" reads: mebibytes. */
#ifndef KEE_BASE_LIMITS_H
#define KEE_BASE_LIMITS_H

/* A frame between kernel and worker. Holds one crank with all its writes; a larger crank fails. */
#define KEE_LIMIT_FRAME_BYTES (64u << 20)
/* One body (message, result, parameters): what a sender can make a receiver decode at once. */
#define KEE_LIMIT_BODY_BYTES (8u << 20)
/* References in one body. */
#define KEE_LIMIT_SLOTS 65536u
/* A vref, as text: the longest durable facet with 20-digit numbers fits. */
#define KEE_LIMIT_VREF_BYTES 80u
/* A store key, prefix included; SQLite and PostgreSQL index such keys whole. */
#define KEE_LIMIT_KEY_BYTES 1024u
/* A store value. */
#define KEE_LIMIT_VALUE_BYTES (16u << 20)
/* Clean rows that a world keeps in memory: what the vats at work read again and again, not the store. */
#define KEE_LIMIT_WORLD_CACHE_BYTES (4u << 20)
/* The code of one vat. */
#define KEE_LIMIT_BUNDLE_BYTES (32u << 20)
/* Files of a bundle's archive, and their bytes once unpacked: what a small archive can make a worker
 * unpack before its heap limit speaks. */
#define KEE_LIMIT_ARCHIVE_FILES 16384u
#define KEE_LIMIT_ARCHIVE_BYTES (128u << 20)
/* Files the daemon reads for one vat that imports by relative paths. */
#define KEE_LIMIT_MODULE_FILES 4096u
/* Virtual objects one bringOutYourDead buries: the crank keeps within its deadline and its frame. */
#define KEE_LIMIT_DEAD_PER_REAP 8192u
/* Rows of earlier heaps, and rows that may be such, one bringOutYourDead looks at. */
#define KEE_LIMIT_REMAINS_PER_REAP 2048u
/* Vats in one process of the flavour shared: what one crash costs, and how long one waits for others. */
#define KEE_LIMIT_SHARED_VATS 32u
/* Deliveries sent ahead to one worker: enough to hide a core crossing, few enough to stay fair. */
#define KEE_LIMIT_SENT_AHEAD 16u
/* Promises one notification tells of, and the bytes after which it takes in no more: all that an outcome
 * leads to is told at once, but for outcomes that lead to very many. */
#define KEE_LIMIT_NOTIFY_PROMISES 512u
#define KEE_LIMIT_NOTIFY_BYTES (1u << 20)
/* Nesting of a passable value: each level costs a C frame in the codecs. */
#define KEE_LIMIT_VALUE_DEPTH 256u
/* Times a message is tried when its crank ends the worker. */
#define KEE_LIMIT_TRIES 2u
/* Ids are reserved durably in blocks of this size and spent in memory. */
#define KEE_LIMIT_ID_BLOCK 4096u
/* What may wait for a worker that does not read: the frames sent ahead, several of them large. */
#define KEE_LIMIT_WORKER_BACKLOG_BYTES (256u << 20)
/* A line of the control protocol; holds a launch with its configuration, or one large body. */
#define KEE_LIMIT_CONTROL_LINE_BYTES (64u << 20)
/* Requests under way on one control connection; further ones wait unread in the socket. */
#define KEE_LIMIT_CONTROL_REQUESTS 1024u
/* Control connections: clients are people and their scripts. */
#define KEE_LIMIT_CONTROL_CLIENTS 1024u
/* What may wait for a control client that does not read, before its requests are no longer read. */
#define KEE_LIMIT_CONTROL_BACKLOG_BYTES (4u << 20)
/* What may wait for a client that follows a stream and does not read; then the stream is ended. */
#define KEE_LIMIT_CONTROL_STREAM_BYTES (64u << 20)
/* Console lines kept for `logs`, and the bytes kept of one. */
#define KEE_LIMIT_LOG_LINES 1000u
#define KEE_LIMIT_LOG_LINE_BYTES 4096u
/* A cluster configuration; and the vats and names in it. */
#define KEE_LIMIT_CONFIG_BYTES (8u << 20)
#define KEE_LIMIT_CONFIG_VATS 4096u
/* Objects a vat is granted by name: named anew in its c-list at every start. */
#define KEE_LIMIT_INVENTORY 256u
#define KEE_LIMIT_INVENTORY_NAME_BYTES 64u
/* I/O channels of a subcluster: each may be an open descriptor of the daemon. */
#define KEE_LIMIT_CHANNELS 64u
#define KEE_LIMIT_CHANNEL_NAME_BYTES 64u
/* What a channel has read and nobody has asked for, and the longest line it can give. */
#define KEE_LIMIT_CHANNEL_BYTES (1u << 20)
/* Reads and writes of one channel that wait. */
#define KEE_LIMIT_CHANNEL_ORDERS 1024u
/* The code of all vats of one launch: the daemon holds it until the launch is in the store. */
#define KEE_LIMIT_CONFIG_CODE_BYTES (256u << 20)

/* One message of a host session: a body of the largest size as JSON in JSON, which may double it. */
#define KEE_LIMIT_CAPTP_TEXT_BYTES (16u << 20)
/* A name that a host session's other side makes: of a question, an object or a promise. */
#define KEE_LIMIT_CAPTP_NAME_BYTES 128u
/* Questions of a host session's other side that are not answered; beyond it the session ends. */
#define KEE_LIMIT_CAPTP_QUESTIONS 100000u
/* Answers that were returned and may still be spoken to by messages under way. */
#define KEE_LIMIT_CAPTP_RETURNED 4096u
/* Of each other kind of thing that is over and may still be named by a message under way. */
#define KEE_LIMIT_CAPTP_KEPT 1000u

/* Rows of a peer's c-list: what one host session makes the kernel hold for it. */
#define KEE_LIMIT_PEER_ROWS 1000000u
/* For how long after opening the kernel what hosts held before is held on: time for them to come back. */
#define KEE_PEER_LEASE_MS 10000u
/* News that a peer has not heard: what one crank of a vat, or a host that does not read, can make the
 * daemon keep in memory. */
#define KEE_LIMIT_PEER_BACKLOG_BYTES (64u << 20)
#define KEE_LIMIT_PEER_LABEL_BYTES 100u
/* A name that a peer makes, "o+3" or "p+3": as long as those of the other side of a session. */
#define KEE_LIMIT_PEER_NAME_BYTES KEE_LIMIT_CAPTP_NAME_BYTES
/* Settled results without references that are kept in memory for a peer instead of in rows. */
#define KEE_LIMIT_PEER_ANSWERS 512u
#define KEE_LIMIT_PEER_ANSWER_BYTES 2048u
/* Services of one launch. */
#define KEE_LIMIT_LAUNCH_SERVICES 256u
/* The name of a service. */
#define KEE_LIMIT_SERVICE_NAME_BYTES 200u

/* What may wait for a session whose host does not read; then the session is cut. */
#define KEE_LIMIT_SESSION_UNREAD_BYTES (64u << 20)
/* And before what it says is no longer read. */
#define KEE_LIMIT_SESSION_BACKLOG_BYTES (1u << 20)
/* Sessions of the daemon: each costs a descriptor and some kilobytes. */
#define KEE_LIMIT_SESSIONS 4096u
/* Connections to one door of which it is not known yet who they are, and for how long they may be so. */
#define KEE_LIMIT_DOOR_STRANGERS 512u
#define KEE_LIMIT_DOOR_STRANGER_MS 10000u
/* What a stranger may say to make itself known: a secret. */
#define KEE_LIMIT_DOOR_SECRET_BYTES 1024u
/* How long one with a wrong secret is kept waiting: fewer guesses, at no cost to anyone else. */
#define KEE_LIMIT_DOOR_WRONG_MS 1000u
/* A request of the web: its line and headers. */
#define KEE_LIMIT_HTTP_HEAD_BYTES 8192u
/* A text up to this size is joined with what goes before and after it. */
#define KEE_LIMIT_CHANNEL_JOIN_BYTES (64u * 1024)

/* Rows of its store that a worker keeps although the crank did not write them. */
#define KEE_LIMIT_VATSTORE_CACHE (1024u * 1024)
/* Facets of a kind: a letter each in the row of what the kernel knows of an object. */
#define KEE_LIMIT_FACETS 256u
/* Answers a client in C keeps for questions that the other side does not drop, to be named as targets. */
#define KEE_LIMIT_CLIENT_ANSWERS 65536u

#endif
