/* SPDX-License-Identifier: Apache-2.0 */
/* version - of the library these headers belong to. */
#ifndef KEEVE_VERSION_H
#define KEEVE_VERSION_H

#define KEEVE_VERSION "0.1.0"

#endif
