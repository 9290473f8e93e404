/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - drives a fuzz target without a fuzzer: each file of a corpus as it is, cut at every length
 * or, if it is longer than CUTS, at so many, and in variants from a fixed seed. Inputs are exact heap
 * copies, so that a sanitizer sees any read past the end.
 * usage: replay CORPUS_DIR [VARIANTS [CUTS]]
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 16 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);

    if (copy == NULL) {
        perror("replay");
        exit(1);
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* Changes a few places: a bit, a byte with a taste for the edges, a cut, a doubled run. */
static size_t vary(uint8_t *data, size_t size, uint64_t *seed)
{
    static const uint8_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    unsigned changes = 1 + (unsigned)(next_random(seed) % 4);

    while (changes-- > 0 && size > 0) {
        size_t at = next_random(seed) % size;
        switch (next_random(seed) % 5) {
        case 0:
            data[at] ^= (uint8_t)(1u << next_random(seed) % 8);
            break;
        case 1:
            data[at] = edges[next_random(seed) % sizeof edges];
            break;
        case 2:
            data[at] = (uint8_t)next_random(seed);
            break;
        case 3:
            size = at;
            break;
        default: {
            size_t run = size - at;
            if (size + run <= INPUT_BYTES_MAX) {
                memcpy(data + size, data + at, run);
                size += run;
            }
        }
        }
    }
    return size;
}

static int replay_file(const char *path, unsigned variants, unsigned cuts, uint64_t *seed)
{
    static uint8_t original[INPUT_BYTES_MAX], varied[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    size_t size, step;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size = fread(original, 1, sizeof original, file);
    (void)fclose(file);
    feed(original, size);
    step = size > cuts ? size / cuts : 1;
    for (size_t cut = 0; cut < size; cut += step) {
        feed(original, cut);
    }
    for (unsigned i = 0; i < variants; i++) {
        memcpy(varied, original, size);
        feed(varied, vary(varied, size, seed));
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 0x9E3779B97F4A7C15u;
    unsigned variants = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3000;
    unsigned cuts = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 4096;
    unsigned files = 0;
    struct dirent *entry;
    DIR *dir;
    int bad = 0;

    if (argc < 2 || cuts == 0 || (dir = opendir(argv[1])) == NULL) {
        (void)fprintf(stderr, "replay: a corpus directory is needed\n");
        return 1;
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        bad |= replay_file(path, variants, cuts, &seed);
        files++;
    }
    (void)closedir(dir);
    (void)printf("%u inputs, %u variants each\n", files, variants);
    return bad != 0 || files == 0;
}
