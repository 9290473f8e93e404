/* SPDX-License-Identifier: Apache-2.0 */
/* clock - see clock.h. */
#include "os/clock.h"

#include <time.h>

uint64_t kee_clock_wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t kee_clock_steady_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void kee_clock_sleep_ms(uint32_t delay_ms)
{
    struct timespec t = {.tv_sec = delay_ms / 1000, .tv_nsec = (long)(delay_ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}
