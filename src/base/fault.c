/* SPDX-License-Identifier: Apache-2.0 */
/* fault - see fault.h. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static _Thread_local struct {
    char text[512];
    int size;
    bool open; /* the line has begun */
    unsigned long starved;
} last;

void kee_fault_open(int code)
{
    if (code == KEE_FAULT_MEMORY) {
        last.starved++;
    }
    if (code == KEE_FAULT_MEMORY && last.size == 0) {
        last.size = snprintf(last.text, sizeof last.text, "out of memory: ");
        last.open = true;
    }
}

unsigned long kee_fault_starved(void)
{
    return last.starved;
}

void kee_fault_starve(void)
{
    last.starved++;
}

void kee_fault_note(const char *format, ...)
{
    va_list args;
    int room = (int)sizeof last.text - last.size;
    int n;

    if (last.size > 0 && room > 8 && !last.open) {
        last.size += snprintf(last.text + last.size, (size_t)room, "; in ");
        room = (int)sizeof last.text - last.size;
    }
    last.open = false;
    if (room > 8) {
        va_start(args, format);
        n = vsnprintf(last.text + last.size, (size_t)room, format, args);
        va_end(args);
        last.size += n < 0 ? 0 : (n >= room ? room - 1 : n);
    }
}

const char *kee_fault_text(void)
{
    return last.size > 0 ? last.text : "no fault";
}

void kee_fault_clear(void)
{
    last.size = 0;
    last.text[0] = 0;
}
