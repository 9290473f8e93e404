/* SPDX-License-Identifier: Apache-2.0 */
/* capdata - a value as the {"body","slots"} of the control protocol. */
#ifndef KEE_CLI_CAPDATA_H
#define KEE_CLI_CAPDATA_H

#include <jansson.h>

#include "value/value.h"

/* Gives an enum kee_exit, having said what was wrong; the caller decrefs *out. */
int kee_capdata_json(const struct kee_value *value, struct kee_arena *arena, json_t **out);

#endif
