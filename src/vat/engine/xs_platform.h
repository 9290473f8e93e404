/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xs_platform - what the engine's sources include as their platform. Linux only; no debugger, no
 * sockets, no files. The functions it promises are in xs_platform.c.
 */
#ifndef KEE_VAT_XS_PLATFORM_H
#define KEE_VAT_XS_PLATFORM_H

#undef mxLinux
#define mxLinux 1
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#undef mxLittleEndian
#define mxLittleEndian 1
#undef mxBigEndian
#define mxBigEndian 0
#else
#error "the engine's image and frames are little-endian"
#endif

#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <arpa/inet.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the engine is refused is counted: see kee_engine_crank(). */
void *kee_engine_malloc(size_t size);
void *kee_engine_calloc(size_t count, size_t size);
void *kee_engine_realloc(void *old, size_t size);
/* Ends the crank under way in machine for want of memory. */
void kee_engine_starved(void *machine);
#define c_malloc kee_engine_malloc
#define c_malloc_uint32 kee_engine_malloc
#define c_calloc kee_engine_calloc
#define c_realloc kee_engine_realloc

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1
#define mx32bitID 1
#define mxCESU8 1

/* Fields of ours in every machine. The engine that owns the machine is its context. None of them is
 * part of an image: after reading they are zero. */
#define mxMachinePlatform                                                                          \
    int abortStatus;                                                                               \
    int promiseJobs; /* jobs were queued since the last drain */                                   \
    void *waiterCondition;                                                                         \
    void *waiterData;                                                                              \
    void *waiterLink;                                                                              \
    void *lastJob;   /* tail of the job queue: patches/xs-promise-jobs.patch */                    \
    void *liveslots; /* struct kee_ls of this machine, set by kee_ls_new */

#define mxUseDefaultBuildKeys 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1
#define mxUseDefaultCStackLimit 0

#endif
