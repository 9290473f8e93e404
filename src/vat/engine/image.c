/* SPDX-License-Identifier: Apache-2.0 */
/* image - see image.h. */
#include "vat/engine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "keeve/version.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/host.h"
#include "vat/liveslots/liveslots.h"

#define MAGIC "keeve image\n"
/* The engine's own, inside. */
#define SIGNATURE "keeve"
/* Free room in a machine just read: the first crank should need no growth. */
#define ROOM_SLOTS 8192
#define ROOM_CHUNKS (192 * 1024)

struct stream {
    struct kee_buf *out; /* writing */
    struct kee_bytes in; /* reading: what is left */
};

static int stream_write(void *context, void *address, size_t size)
{
    struct stream *stream = context;
    kee_buf_put(stream->out, address, size);
    return kee_buf_status(stream->out) == 0 ? 0 : ENOMEM;
}

static int stream_read(void *context, void *address, size_t size)
{
    struct stream *stream = context;
    if (size > stream->in.size) {
        return EIO;
    }
    memcpy(address, stream->in.data, size);
    stream->in.data += size;
    stream->in.size -= size;
    return 0;
}

static void init_snapshot(txSnapshot *snapshot, struct stream *stream, txCallback *callbacks)
{
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->signature = (char *)(uintptr_t)SIGNATURE;
    snapshot->signatureLength = sizeof SIGNATURE - 1;
    snapshot->callbacks = callbacks;
    snapshot->callbacksLength = (int)kee_host_callbacks(callbacks, KEE_HOST_CALLBACKS_MAX);
    snapshot->read = stream_read;
    snapshot->write = stream_write;
    snapshot->stream = stream;
}

static void describe_build(struct kee_buf *out)
{
    txCallback callbacks[KEE_HOST_CALLBACKS_MAX];
    kee_buf_printf(out, "keeve %s, XS %d.%d.%d, slot %zu, %zu host functions", KEEVE_VERSION,
                   XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION, sizeof(txSlot),
                   kee_host_callbacks(callbacks, KEE_HOST_CALLBACKS_MAX));
}

static int read_file(const char *path, struct kee_buf *out)
{
    struct stat status;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return kee_fault(KEE_FAULT_SYSTEM, "cannot read %s: %s", path, strerror(error));
    }
    if (kee_buf_reserve(out, (size_t)status.st_size + 1) == 0) {
        while ((n = read(fd, out->data + out->size, out->room - out->size - 1)) > 0) {
            out->size += (size_t)n;
        }
    }
    close(fd);
    if (n < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    }
    return kee_buf_status(out);
}

static int write_file(const char *path, struct kee_bytes bytes)
{
    char temporary[4096];
    int fd;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary) {
        return kee_fault(KEE_FAULT_SYSTEM, "path too long: %s", path);
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "cannot write %s: %s", temporary, strerror(errno));
    }
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0) {
            int error = errno;
            close(fd);
            unlink(temporary);
            return kee_fault(KEE_FAULT_SYSTEM, "cannot write %s: %s", temporary, strerror(error));
        }
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
    if (close(fd) != 0 || rename(temporary, path) != 0) {
        int error = errno;
        unlink(temporary);
        return kee_fault(KEE_FAULT_SYSTEM, "cannot write %s: %s", path, strerror(error));
    }
    return 0;
}

/* Making. */

struct boot {
    struct kee_bytes text;
};

static void install(void *context, txMachine *the)
{
    kee_host_install(the);
}

static void evaluate_boot(void *context, txMachine *the)
{
    struct boot *boot = context;
    mxPushUndefined();
    mxPush(mxGlobal);
    fxGetID(the, mxID(_eval));
    mxCall();
    mxPushStringC((txString)(uintptr_t)boot->text.data);
    mxRunCount(1);
    mxPop();
}

static void log_to_stderr(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    fprintf(stderr, "boot: %.*s\n", (int)text.size, (const char *)text.data);
}

static int boot_machine(struct kee_engine *engine, struct kee_bytes text)
{
    const struct kee_engine_host host = {.log = log_to_stderr};
    struct boot boot = {.text = text};
    const struct kee_engine_crank first = {.run = install};
    const struct kee_engine_crank second = {.context = &boot, .run = evaluate_boot};
    kee_engine_set_host(engine, &host);
    if (kee_engine_crank(engine, &first) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "installing the host functions: %s",
                         kee_engine_failure(engine));
    }
    if (kee_engine_crank(engine, &second) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "evaluating boot.js: %s", kee_engine_failure(engine));
    }
    kee_ls_packages_loaded(engine->machine);
    return 0;
}

/* The reader makes its heap as large as the writer's was; boot needed more than what lives now. */
static void shrink(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    kee_engine_collect(engine);
    kee_engine_reset_steps(engine);
    the->maximumHeapCount = the->currentHeapCount + ROOM_SLOTS;
    the->maximumChunksSize = the->currentChunksSize + ROOM_CHUNKS;
}

static int write_snapshot(struct kee_engine *engine, struct kee_buf *out)
{
    txCallback callbacks[KEE_HOST_CALLBACKS_MAX];
    struct stream stream = {.out = out};
    txSnapshot snapshot;
    init_snapshot(&snapshot, &stream, callbacks);
    shrink(engine);
    if (!fxWriteSnapshot(engine->machine, &snapshot)) {
        /* 22: the heap refers to a C function that is not in the table. */
        return kee_fault(KEE_FAULT_SYSTEM, "writing the image: engine error %d", snapshot.error);
    }
    return 0;
}

int kee_image_make(const char *path, const char *boot_path)
{
    struct kee_engine *engine = NULL;
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_buf image = KEE_BUF_EMPTY;
    struct kee_buf build = KEE_BUF_EMPTY;
    int r = read_file(boot_path, &text);
    if (r != 0) {
        goto out;
    }
    kee_buf_cstr(&text);
    r = kee_engine_new(&engine);
    if (r != 0) {
        goto out;
    }
    r = boot_machine(engine, kee_buf_bytes(&text));
    if (r != 0) {
        goto out;
    }
    describe_build(&build);
    kee_buf_put_str(&image, MAGIC);
    kee_buf_put_u32(&image, (uint32_t)build.size);
    kee_buf_put_bytes(&image, kee_buf_bytes(&build));
    r = write_snapshot(engine, &image);
    if (r == 0) {
        r = kee_buf_status(&image);
    }
    if (r == 0) {
        r = write_file(path, kee_buf_bytes(&image));
    }
out:
    kee_engine_free(engine);
    kee_buf_fini(&text);
    kee_buf_fini(&image);
    kee_buf_fini(&build);
    return r;
}

/* Reading. */

/* Cuts the head off *rest; false, with why filled, if it is not ours. */
static bool check_head(struct kee_bytes *rest, const char *path, char *why, size_t why_size)
{
    struct kee_buf build = KEE_BUF_EMPTY;
    struct kee_bytes found = {0};
    uint32_t size = 0;
    size_t magic = strlen(MAGIC);
    bool same;
    describe_build(&build);
    if (rest->size >= magic + sizeof size && memcmp(rest->data, MAGIC, magic) == 0) {
        memcpy(&size, rest->data + magic, sizeof size);
        if (size <= rest->size - magic - sizeof size) {
            found = kee_bytes_of(rest->data + magic + sizeof size, size);
        }
    }
    same = kee_bytes_equal(found, kee_buf_bytes(&build));
    if (same) {
        rest->data = found.data + found.size;
        rest->size -= magic + sizeof size + found.size;
    } else if (found.data == NULL) {
        snprintf(why, why_size, "%s is not a boot image; expected one of %s", path,
                 kee_buf_cstr(&build));
    } else {
        snprintf(why, why_size, "the boot image %s was made by %.*s; expected %s", path,
                 (int)found.size, (const char *)found.data, kee_buf_cstr(&build));
    }
    kee_buf_fini(&build);
    return same;
}

static int read_snapshot(struct kee_engine **out, struct kee_bytes bytes)
{
    txCallback callbacks[KEE_HOST_CALLBACKS_MAX];
    struct stream stream = {.in = bytes};
    txSnapshot snapshot;
    struct kee_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "new engine");
    }
    init_snapshot(&snapshot, &stream, callbacks);
    engine->machine = fxReadSnapshot(&snapshot, (txString) "keeve", engine);
    if (engine->machine == NULL) {
        bool memory =
            snapshot.error == ENOMEM || engine->making_failed == XS_NOT_ENOUGH_MEMORY_EXIT;
        free(engine);
        return memory ? kee_fault(KEE_FAULT_MEMORY, "a machine from the boot image")
                      : KEE_IMAGE_FOREIGN;
    }
    engine->live_slots = engine->machine->currentHeapCount;
    engine->live_chunks = engine->machine->currentChunksSize;
    *out = engine;
    return 0;
}

struct kee_image {
    void *bytes;
    size_t size;
    struct kee_bytes snapshot; /* in bytes */
    char path[];
};

/* Maps the file: its pages are shared by all processes that read it. */
static int map_file(struct kee_image *image)
{
    struct stat status;
    int fd = open(image->path, O_RDONLY | O_CLOEXEC);
    int error;
    if (fd >= 0 && fstat(fd, &status) == 0) {
        image->size = (size_t)status.st_size;
        image->bytes = image->size == 0
                           ? NULL
                           : mmap(NULL, image->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (image->bytes != MAP_FAILED) {
            close(fd);
            return 0;
        }
    }
    error = errno;
    image->bytes = NULL;
    if (fd >= 0) {
        close(fd);
    }
    return kee_fault(KEE_FAULT_SYSTEM, "cannot read %s: %s", image->path, strerror(error));
}

int kee_image_open(struct kee_image **out, const char *path, char *why, size_t why_size)
{
    struct kee_image *image = calloc(1, sizeof *image + strlen(path) + 1);
    int r;
    if (image == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "boot image");
    }
    memcpy(image->path, path, strlen(path) + 1);
    r = map_file(image);
    if (r == 0) {
        image->snapshot = kee_bytes_of(image->bytes, image->size);
        r = check_head(&image->snapshot, path, why, why_size) ? 0 : KEE_IMAGE_FOREIGN;
    }
    if (r != 0) {
        kee_image_close(image);
        return r;
    }
    *out = image;
    return 0;
}

void kee_image_close(struct kee_image *image)
{
    if (image != NULL) {
        if (image->bytes != NULL) {
            munmap(image->bytes, image->size);
        }
        free(image);
    }
}

int kee_image_engine(struct kee_engine **out, const struct kee_image *image, char *why,
                     size_t why_size)
{
    int r = read_snapshot(out, image->snapshot);
    if (r == KEE_IMAGE_FOREIGN) {
        snprintf(why, why_size, "the boot image %s is damaged; build it again", image->path);
    }
    return r;
}
