/* SPDX-License-Identifier: Apache-2.0 */
/* clock - the two clocks of the system. */
#ifndef KEE_OS_CLOCK_H
#define KEE_OS_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970; may jump. */
uint64_t kee_clock_wall_ms(void);
/* Microseconds since some start; never goes back. */
uint64_t kee_clock_steady_us(void);
void kee_clock_sleep_ms(uint32_t delay_ms);

#endif
