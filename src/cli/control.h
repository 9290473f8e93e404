/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - the client side of docs/formats/control.md, one request at a time, blocking.
 *
 * Returns  0 done; an outcome; <0 fault: what came is not the protocol, or memory is out.
 */
#ifndef KEE_CLI_CONTROL_H
#define KEE_CLI_CONTROL_H

#include <jansson.h>

#include "cli/command.h"

enum kee_control_outcome {
    KEE_CONTROL_NO_DAEMON = 1,
    KEE_CONTROL_DECLINED, /* code and message below */
    KEE_CONTROL_LOST,     /* the daemon ended before it answered; message below */
};

struct kee_control;

int kee_control_open(struct kee_control **out, const char *home);
void kee_control_free(struct kee_control *control);

/* Called for each event of a stream; gives false to stop listening. Borrows event. */
typedef bool kee_control_event_fn(void *context, const json_t *event);

/* params may be NULL; it is taken. on_event may be NULL. The caller decrefs *result, which is NULL if
 * on_event stopped. */
int kee_control_call(struct kee_control *control, const char *method, json_t *params,
                     kee_control_event_fn *on_event, void *context, json_t **result);
/* Of the last DECLINED or LOST. */
const char *kee_control_code(const struct kee_control *control);
const char *kee_control_message(const struct kee_control *control);

/* What nearly every command does: connect to the daemon of cli->home, call, report what went wrong on
 * standard error. Gives an enum kee_exit; *result is set only on OK and may be NULL if on_event
 * stopped. */
int kee_cli_call_stream(struct kee_cli *cli, const char *method, json_t *params,
                        kee_control_event_fn *on_event, void *context, json_t **result);
int kee_cli_call(struct kee_cli *cli, const char *method, json_t *params, json_t **result);

/* For what needs the home at rest: an error that ends with why if a daemon is running there. Gives an
 * enum kee_exit. */
int kee_cli_need_no_daemon(const struct kee_cli *cli, const char *why);

#endif
