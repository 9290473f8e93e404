/* SPDX-License-Identifier: Apache-2.0 */
/* terminal - is standard output one, and how wide. */
#ifndef KEE_OS_TERMINAL_H
#define KEE_OS_TERMINAL_H

/* Columns of the terminal that standard output is; 80 if it does not say; 0 if it is none. */
unsigned kee_terminal_columns(void);

#endif
