/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of this directory share.
 *
 *   dispatch.c   deliveries in, DONE tails out       hp*.c     HandledPromise
 *   marshal*.c   values <-> body and slots           tables.c  values <-> vrefs
 *   pass_style.c what a value passes as              gc.c      drops, at bringOutYourDead only
 *   ---- written against this header: ----
 *   vatstore.c kinds*.c collections*.c baggage.c refcounts.c   (the kee_vom_* functions at the end)
 *
 * Rules of C on the engine
 *   - A JavaScript error is a longjmp (fxJump). A frame that may be jumped over owns nothing: bytes
 *     live in buffers of struct kee_ls, values on the engine's stack.
 *   - Slots never move; chunks (strings, bigints, array items) move at each allocation. A txString
 *     may be read until the next call that can allocate, a txSlot * as long as something reachable
 *     keeps the slot alive.
 *   - Values are passed on the engine's stack, the-> stack growing downwards: "pushes" leaves one
 *     more value at the->stack; "value" arguments are borrowed and must be rooted by the caller.
 *   - "throws" raises a JavaScript error; "runs JS" may call user code (getters, traps), after which
 *     nothing the callee could have changed may be assumed.
 *   - No C pointer of ours stands in the heap, so that the heap can be a boot image; host functions
 *     find struct kee_ls through the machine (kee_ls_of).
 */
#ifndef KEE_VAT_LIVESLOTS_INTERNAL_H
#define KEE_VAT_LIVESLOTS_INTERNAL_H

#include "vat/engine/xs.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "vat/liveslots/liveslots.h"
#include "vatproto/vatproto.h"

/* ---- Hidden slots ----
 *
 * An instance may carry internal slots of ours: flag XS_INTERNAL_FLAG, and one of these in ID. They
 * stand in the leading run of internal slots, which property lookup and ownKeys skip; WeakMap entries
 * may stand in the same run. The numbers are far above any id of the engine's key table. */
enum kee_tag {
    KEE_TAG_ROOT = 0x7eed0001,     /* on the Promise constructor: leads to our root instance */
    KEE_TAG_VREF = 0x7eed0002,     /* integer: index into kee_ls.entries */
    KEE_TAG_HP = 0x7eed0003,       /* on a promise: its state, see hp.h */
    KEE_TAG_HANDLER = 0x7eed0004,  /* on a presence made by resolveWithPresence: its handler */
    KEE_TAG_PROMISE = 0x7eed0005,  /* on a presence: the promise HandledPromise.resolve gives */
    KEE_TAG_ERROR_ID = 0x7eed0006, /* on an error that came by marshal: its errorId */
    KEE_TAG_KNOWN = 0x7eed0007,    /* on a promise: the kernel was told once how it settled */
    KEE_TAG_WEAK = 0x7eed0008,     /* on a WeakMap or WeakSet: its entries under vrefs */
    KEE_TAG_MEMO = 0x7eed0009,     /* the id of the list of a WeakMap that goes by identity */
    KEE_TAG_VOM = 0x7eed0010,      /* 0x7eed0010 to 0x7eed001f belong to kinds and collections */
    KEE_TAG_RAW = 0x7eed0040,      /* 0x7eed0040 to 0x7eed004f belong to src/vat/raw */
};

/* The slot with this tag on instance, or NULL. Never runs JS, also on proxies. */
txSlot *kee_tag_find(txSlot *instance, txID tag);
/* The slot with this tag, made (kind undefined) when missing. */
txSlot *kee_tag_make(txMachine *the, txSlot *instance, txID tag);

/* ---- Text of a vref ---- */

struct kee_ls_vref {
    uint8_t size;
    char text[KEE_LIMIT_VREF_BYTES];
};

static inline struct kee_bytes kee_ls_vref_bytes(const struct kee_ls_vref *vref)
{
    return kee_bytes_of(vref->text, vref->size);
}

/* ---- Entries: one for each base vref the vat has in memory ----
 *
 * A base vref is a vref without facet. The entry's slot stands on a rooted list and refers to the
 * object: strongly (XS_REFERENCE_KIND) while held > 0, weakly (XS_WEAK_REF_KIND) otherwise. Weak ones
 * are cleared only by the collection that bringOutYourDead makes. */
enum kee_ls_kind {
    KEE_LS_FREE = 0,
    KEE_LS_REMOTABLE, /* o+N */
    KEE_LS_PRESENCE,  /* o-N */
    KEE_LS_PROMISE,   /* p+N p-N */
    KEE_LS_DEVICE,    /* d-N */
    KEE_LS_VIRTUAL,   /* o+vK/I o+dK/I, the representative or the cohort of facets */
};

/* Entries are made so many at a time: they stay, and one by one among rows that come and go they would
 * keep the pages of those. */
#define KEE_LS_ENTRY_BLOCK 256u

struct kee_ls_entry {
    enum kee_ls_kind kind;
    bool negative;              /* the number was made by the kernel */
    bool durable;               /* o+d, of a VIRTUAL */
    bool exported_reachable;    /* REMOTABLE: the kernel may reach it (one hold) */
    bool exported_recognizable; /* REMOTABLE: the kernel may know the name */
    bool imported;              /* PROMISE: the kernel will tell how it settles (one hold) */
    bool exported;              /* PROMISE: we tell the kernel how it settles (one hold) */
    bool in_batch;              /* PROMISE: among the resolutions being told */
    bool gone_from_kernel;      /* PROMISE: settled and said; kept by name for virtual data only */
    bool told_asleep;           /* VIRTUAL: its kind has heard that it leaves memory */
    uint32_t index;             /* into kee_ls.entries */
    uint32_t held;              /* reasons to keep the object: flags above, virtual data */
    uint32_t data_refs;         /* of held: references from virtual data (REMOTABLE and PROMISE) */
    uint64_t number;            /* N, or K of a virtual one */
    uint64_t instance;          /* I */
    txSlot *slot;               /* on the rooted list */
};

/* The three counters whose values must survive a restart; vatdata loads and writes them back. */
struct kee_ls_ids {
    uint64_t export_id;     /* next o+N, next kind id; 1 in a new vat */
    uint64_t collection_id; /* next collection; 1 in a new vat */
    uint64_t promise_id;    /* next p+N; 5 in a new vat */
    bool dirty;
};

struct kee_vom; /* vatdata's own state */
struct kee_raw;
struct kee_ls_capdata;

/* A promise that was just told; see linger.c. */
#define KEE_LINGERING 32u
struct kee_lingering {
    struct kee_ls_vref vref;
    txSlot *slot; /* rooted; a reference while it lingers */
};

struct kee_ls {
    txMachine *machine;
    const struct kee_ls_host *host;
    struct kee_ls_entry **entries; /* [0] is never used */
    uint32_t entry_count;          /* made so far, free ones included */
    uint32_t entry_room;
    uint32_t entry_free; /* a free one, chained by their number; 0 is none */
    struct kee_map by_vref;
    struct kee_ls_ids ids;
    struct kee_vom *vom;
    txSlot
        *root; /* the root instance, see root.h: what hangs from it lives as long as the machine */
    /* The crank at hand. */
    struct kee_buf syscalls;
    uint32_t syscall_count;
    bool starting;   /* this crank is START */
    bool started;    /* the root object is known */
    bool collecting; /* promises imported now go to the list below instead of being subscribed to */
    struct kee_buf imported;     /* vrefs: u32 size | bytes */
    char error[512];             /* why the crank failed; "" */
    struct kee_buf text;         /* scratch for messages */
    struct kee_buf members;      /* of the marshal writer: members of the records it is inside of */
    struct kee_map slot_map;     /* of the marshal writer: instance to slot index + 1 */
    struct kee_buf reader_slots; /* of the marshal readers at work: struct kee_bytes, each */
    struct kee_buf resolutions;  /* of promises.c: the batch being told */
    struct kee_buf names;        /* of promises.c and gc.c: vrefs being sorted */
    struct kee_link capdatas;    /* in use in this crank */
    struct kee_link capdatas_free;
    uint64_t vat;
    uint64_t error_id; /* of the next error that goes out */
    struct kee_ls_gc *gc;
    struct kee_ls_weak *weak;
    struct kee_lingering lingering[KEE_LINGERING];
    uint32_t linger_next;
    bool lingers;        /* any does */
    struct kee_raw *raw; /* of a vat without liveslots (src/vat/raw), else NULL */
};

/* The liveslots of this machine; NULL while the boot image is made. */
static inline struct kee_ls *kee_ls_of(txMachine *the)
{
    return (struct kee_ls *)the->liveslots;
}

/* Walks the tables and compares them with the heap. NULL, or what is wrong. */
const char *kee_ls_audit(const struct kee_ls *ls);

/* ---- Errors ---- */

/* Throws. which is an XS_*_ERROR; the text may be long (fxThrowMessage cuts at 256 bytes). */
void kee_ls_throw(txMachine *the, txError which, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* Out of memory in a C table: ends the process, as the engine does when its heap is full. */
void kee_ls_check(txMachine *the, int status);

/* ---- Values and vrefs ---- */

/* Which vref does value have already? Never allocates a new one, never runs JS. */
bool kee_ls_vref_of(txMachine *the, txSlot *value, struct kee_ls_vref *out);
/* The same, or a new export: o+N for a remotable, p+N for a promise. Throws if value is neither. */
void kee_ls_slot_for_value(txMachine *the, txSlot *value, struct kee_ls_vref *out);
/* Pushes what vref means: a presence, remotable, promise or representative; makes presences, imported
 * promises (subscribing) and representatives that are not in memory. iface may be empty. Throws. */
void kee_ls_value_of_vref(txMachine *the, struct kee_bytes vref, struct kee_bytes iface);
/* The entry of a base vref, or NULL if nothing of that name is in memory. */
struct kee_ls_entry *kee_ls_entry_of(struct kee_ls *ls, struct kee_bytes vref);
/* The live object of an entry, or NULL when a collection has taken it. */
txSlot *kee_ls_entry_object(const struct kee_ls_entry *entry);
void kee_ls_entry_vref(const struct kee_ls_entry *entry, struct kee_ls_vref *out);
/* Says that object is the representative (or cohort) of a base vref o+v or o+d; weakly held. A cohort's
 * facets keep it alive, and their vrefs are told by kee_vom_vref_of(). Allocates, throws. */
struct kee_ls_entry *kee_ls_register(txMachine *the, struct kee_bytes base_vref, txSlot *object);
/* Forgets entry; the object lives on without a name. */
void kee_ls_forget(struct kee_ls *ls, struct kee_ls_entry *entry);
/* Virtual data refers to a remotable or promise once more, or once less (returns true when that was
 * the last such reference). For other kinds of entry the stored counts do this. */
void kee_ls_data_hold(struct kee_ls *ls, struct kee_ls_entry *entry);
bool kee_ls_data_release(struct kee_ls *ls, struct kee_ls_entry *entry);
/* Says that the kernel is about to learn these vrefs: remotables and representatives become exported
 * reachable. Then maybe_export: follows a promise not known to the kernel, whose settling is then
 * told by a resolve. Returns whether it was new. */
void kee_ls_retain_exports(txMachine *the, struct kee_vp_strings slots);
bool kee_ls_maybe_export_promise(txMachine *the, struct kee_bytes vref);
/* Pushes the promise p±N, imported without subscribing if not in memory (watched promises at start). */
void kee_ls_revive_promise(txMachine *the, struct kee_bytes vref);
void kee_ls_subscribe(struct kee_ls *ls, struct kee_bytes vref);

uint64_t kee_ls_next_export_id(struct kee_ls *ls);
uint64_t kee_ls_next_collection_id(struct kee_ls *ls);
uint64_t kee_ls_next_promise_id(struct kee_ls *ls);

/* ---- Marshal ---- */

/* Bytes of one capdata, owned by kee_ls until the end of the crank, or until given back. */
struct kee_ls_capdata {
    struct kee_link link;
    struct kee_buf body;
    struct kee_buf slots; /* as in frames: u32 size | bytes, each */
    uint32_t slot_count;
};

struct kee_ls_capdata *kee_ls_capdata_new(txMachine *the);
void kee_ls_capdata_done(struct kee_ls *ls,
                         struct kee_ls_capdata *capdata); /* gives it back early */
static inline struct kee_vp_strings kee_ls_capdata_slots(const struct kee_ls_capdata *capdata)
{
    return (struct kee_vp_strings){kee_buf_bytes(&capdata->slots), capdata->slot_count};
}

/* Writes a hardened passable value as smallcaps. Throws when it is not passable, naming the path. Runs
 * JS only through proxies and getters, which it refuses or reads once. Allocates vrefs for what is
 * new, but tells the kernel nothing: see kee_ls_retain_exports(). */
void kee_ls_serialize(txMachine *the, txSlot *value, struct kee_ls_capdata *out);
/* Pushes the value of a body (smallcaps or capdata), hardened. Throws on anything malformed. */
void kee_ls_unserialize(txMachine *the, struct kee_bytes body, struct kee_vp_strings slots);

/* Hardens value and all it reaches, as the global harden does. Throws. */
void kee_ls_harden(txMachine *the, txSlot *value);
bool kee_ls_is_hardened(const txSlot *instance);

enum kee_ls_style {
    KEE_STYLE_UNDEFINED,
    KEE_STYLE_NULL,
    KEE_STYLE_BOOLEAN,
    KEE_STYLE_NUMBER,
    KEE_STYLE_BIGINT,
    KEE_STYLE_STRING,
    KEE_STYLE_SYMBOL,
    KEE_STYLE_COPY_ARRAY,
    KEE_STYLE_COPY_RECORD,
    KEE_STYLE_TAGGED,
    KEE_STYLE_ERROR,
    KEE_STYLE_REMOTABLE,
    KEE_STYLE_PROMISE,
};

/* What the value itself passes as; its members are not looked into. Throws if it cannot pass. */
enum kee_ls_style kee_ls_pass_style(txMachine *the, txSlot *value);
/* Pushes the interface text of a remotable ("Alleged: name"), or undefined. Throws. */
void kee_ls_push_interface(txMachine *the, txSlot *remotable);
/* Makes a frozen prototype that marks its heirs as remotables of that interface; pushes it. */
void kee_ls_push_remotable_proto(txMachine *the, struct kee_bytes iface);

/* ---- Strings ---- */

/* Appends the string as UTF-8; a lone surrogate becomes its three bytes (as in CESU-8). */
void kee_ls_put_string(struct kee_buf *buf, const txSlot *string);
/* Pushes a string from UTF-8. Throws a SyntaxError if the bytes are no UTF-8. */
void kee_ls_push_string(txMachine *the, struct kee_bytes text);
/* The id of a property or symbol of that name, made when new. */
txID kee_ls_id(txMachine *the, const char *name);

/* ---- Host functions ---- */

/* A row of a table of functions that may stand in the heap. Every C callback must be in such a table:
 * kee_ls_callbacks() gives them to the boot image. */
struct kee_ls_function {
    txCallback callback;
    int length;
    const char *name;
};

/* Pushes a new frozen object whose methods are the rows. */
void kee_ls_push_functions(txMachine *the, const struct kee_ls_function *rows, size_t count);

/* ---- Syscalls ---- */

/* Opens the next syscall of the crank: the caller appends the fields after it. */
struct kee_buf *kee_ls_syscall(struct kee_ls *ls, enum kee_vp_syscall call);
void kee_ls_put_capdata(struct kee_buf *buf, const struct kee_ls_capdata *capdata);

/* The crank is over for this vat: the first reason is kept, later ones are dropped. */
void kee_ls_fail(struct kee_ls *ls, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Code that has nobody to throw to: the pending exception goes to the log, after what. */
void kee_ls_log_exception(txMachine *the, const char *what);

/* ---- Garbage ---- */

/* The next bringOutYourDead shall look whether anything still reaches (knows) this vref. */
void kee_ls_possibly_dead(struct kee_ls *ls, struct kee_bytes base_vref);
void kee_ls_possibly_retired(struct kee_ls *ls, struct kee_bytes vref);

/* ---- What vatdata provides ---- */

enum kee_vom_export { KEE_VOM_NONE, KEE_VOM_RECOGNIZABLE, KEE_VOM_REACHABLE };

/* The C functions of vatdata that may stand in the heap, for the image. */
const struct kee_ls_function *kee_vom_functions(size_t *count);
/* When the image is made: prototypes and shared functions, if any are wanted in it. */
void kee_vom_install(txMachine *the);
/* In a fresh worker; ls->ids are loaded later, by kee_vom_start(). */
int kee_vom_new(struct kee_ls *ls);
void kee_vom_free(struct kee_ls *ls);
/* A crank begins: nothing read or written yet. rows: at START, what the kernel sent ahead. */
void kee_vom_begin(struct kee_ls *ls);
void kee_vom_prefetch(struct kee_ls *ls, struct kee_vp_strings rows);
/* START, before user code: id counters, kind handles, store kinds, baggage. Throws. */
void kee_vom_start(txMachine *the);
void kee_vom_push_baggage(txMachine *the);
/* Pushes the frozen VatData object; its members are spread into vatPowers as well. */
void kee_vom_push_vatdata(txMachine *the);
/* START, after the root object is known: watched promises; every durable kind must be defined. Throws. */
void kee_vom_started(txMachine *the);
/* Pushes the representative (or facet) of o+v.. o+d.., reading its state row when needed. Throws. */
void kee_vom_value_of_vref(txMachine *the, struct kee_bytes vref,
                           const struct kee_vref_parts *parts);
/* Is instance a representative or facet? Gives its vref. Never runs JS. */
bool kee_vom_vref_of(txMachine *the, txSlot *instance, struct kee_ls_vref *out);
/* Is value the maker of a durable kind? Then it gets the name of one. Allocates, throws. */
bool kee_vom_name_maker(txMachine *the, txSlot *value, struct kee_ls_vref *out);
void kee_vom_set_export_status(txMachine *the, struct kee_bytes vref, enum kee_vom_export status);
/* Is the object of a base vref held by stored data (or, if virtual, by the kernel)? */
bool kee_vom_is_reachable(txMachine *the, struct kee_bytes base_vref);
/* Does a weak collection know the vref? */
bool kee_vom_is_recognizable(txMachine *the, struct kee_bytes vref);
/* Nothing reaches the virtual object: deletes its state. Calls retire for each facet the kernel still
 * knows. Returns true when that may have freed more. */
bool kee_vom_delete_virtual(txMachine *the, struct kee_bytes base_vref,
                            void (*retire)(struct kee_ls *ls, struct kee_bytes vref));
/* Nothing reaches the virtual object, though others like it refer to it: lets go of its state, of all it
 * refers to, and of its being exported, calling abandon for each facet the kernel knows. False, and
 * nothing done, if its kind is not known: then it was of a heap that is gone. */
bool kee_vom_empty_virtual(txMachine *the, struct kee_bytes base_vref,
                           void (*abandon)(struct kee_ls *ls, struct kee_bytes vref));
/* The object of entry leaves memory: tells its kind, if that wants to hear it. True if it was told. */
bool kee_vom_will_sleep(txMachine *the, struct kee_ls_entry *entry);
/* A bringOutYourDead begins: names what earlier incarnations left without a pillar. */
void kee_vom_find_loose(txMachine *the);
/* The vref has ceased to be: weak collections drop their entries. True when that may have freed more. */
bool kee_vom_cease_recognition(txMachine *the, struct kee_bytes vref);
/* At quiescence: writes dirty state and id counters into the store changes. Throws. */
void kee_vom_flush(txMachine *the);
/* Appends u32 count and the store changes of the crank, in the form of the DONE frame. */
void kee_vom_put_changes(struct kee_ls *ls, struct kee_buf *out);

#endif
