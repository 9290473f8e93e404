/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats - what vats keep, as the daemon counts it (docs/formats/control.md, stats). Give an enum
 * kee_exit, after saying on standard error what went wrong; the caller decrefs *out.
 */
#ifndef KEE_CLI_STATS_H
#define KEE_CLI_STATS_H

#include "cli/control.h"

/* One object of counts. */
int kee_stats_of(struct kee_cli *cli, const char *vat, json_t **out);
/* An array of them, each with the name of its vat. */
int kee_stats_of_all(struct kee_cli *cli, json_t **out);

#endif
