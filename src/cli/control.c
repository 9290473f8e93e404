/* SPDX-License-Identifier: Apache-2.0 */
/* control - see control.h. */
#include "cli/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "os/blocking.h"
#include "os/unix_socket.h"

/* A line of the protocol is at most this long; docs/formats/control.md. */
#define LINE_BYTES_MAX (64u * 1024 * 1024)

struct kee_control {
    int fd;
    json_int_t next_id;
    struct kee_buf in;
    size_t scanned; /* no line end before this place */
    struct kee_buf code;
    struct kee_buf message;
};

int kee_control_open(struct kee_control **out, const char *home)
{
    struct kee_control *control = calloc(1, sizeof *control);
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = 0;

    if (control == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a connection to the daemon");
        return KEE_FAULT_MEMORY;
    }
    control->fd = -1;
    control->next_id = 1;
    kee_buf_printf(&path, "%s/control.sock", home);
    r = kee_buf_status(&path);
    if (r == 0) {
        r = kee_unix_connect(&control->fd, kee_cli_text(&path));
    }
    if (r == 0 && control->fd < 0) {
        r = KEE_CONTROL_NO_DAEMON;
    }
    kee_buf_fini(&path);
    if (r != 0) {
        kee_control_free(control);
        return r;
    }
    *out = control;
    return 0;
}

void kee_control_free(struct kee_control *control)
{
    if (control == NULL) {
        return;
    }
    kee_fd_close(control->fd);
    kee_buf_fini(&control->in);
    kee_buf_fini(&control->code);
    kee_buf_fini(&control->message);
    free(control);
}

const char *kee_control_code(const struct kee_control *control)
{
    return kee_cli_text((struct kee_buf *)&control->code);
}

const char *kee_control_message(const struct kee_control *control)
{
    return kee_cli_text((struct kee_buf *)&control->message);
}

static int lost(struct kee_control *control)
{
    kee_buf_clear(&control->code);
    kee_buf_clear(&control->message);
    kee_buf_put_str(&control->code, "LOST");
    kee_buf_put_str(&control->message, "the daemon ended before it answered");
    return KEE_CONTROL_LOST;
}

static int write_request(struct kee_control *control, json_int_t id, const char *method,
                         json_t *params)
{
    json_t *request = json_pack("{s:I,s:s}", "id", id, "method", method);
    char *text = NULL;
    struct kee_buf line = KEE_BUF_EMPTY;
    int r = 0;

    if (request == NULL || (params != NULL && json_object_set_new(request, "params", params) < 0)) {
        r = kee_fault(KEE_FAULT_MEMORY, "a request to the daemon");
    } else {
        text = json_dumps(request, JSON_COMPACT);
        kee_buf_put_str(&line, text == NULL ? "" : text);
        kee_buf_put_char(&line, '\n');
        r = text == NULL ? kee_fault(KEE_FAULT_MEMORY, "a request's text") : kee_buf_status(&line);
    }
    if (r == 0) {
        r = kee_fd_write_all(control->fd, kee_buf_bytes(&line));
        r = r == KEE_FD_GONE ? lost(control) : r;
    }
    free(text);
    kee_buf_fini(&line);
    json_decref(request);
    return r;
}

/* The next line, as JSON. */
static int read_message(struct kee_control *control, json_t **out)
{
    uint8_t chunk[65536];
    json_error_t error;

    for (;;) {
        uint8_t *end = control->in.size == control->scanned
                           ? NULL
                           : memchr(control->in.data + control->scanned, '\n',
                                    control->in.size - control->scanned);
        size_t n;
        int r;
        if (end != NULL) {
            size_t size = (size_t)(end - control->in.data);
            *out = json_loadb((const char *)control->in.data, size, JSON_ALLOW_NUL, &error);
            kee_buf_consume(&control->in, size + 1);
            control->scanned = 0;
            return *out != NULL ? 0
                                : kee_fault(KEE_FAULT_SYSTEM, "the daemon's answer is not JSON: %s",
                                            error.text);
        }
        control->scanned = control->in.size;
        if (control->in.size > LINE_BYTES_MAX) {
            return kee_fault(KEE_FAULT_SYSTEM, "the daemon's answer is longer than %u bytes",
                             LINE_BYTES_MAX);
        }
        r = kee_fd_read(control->fd, chunk, sizeof chunk, &n);
        if (r < 0) {
            return r;
        }
        if (r == KEE_FD_GONE || n == 0) {
            return lost(control);
        }
        kee_buf_put(&control->in, chunk, n);
        if (kee_buf_status(&control->in) < 0) {
            return kee_fault(KEE_FAULT_MEMORY, "the daemon's answer");
        }
    }
}

static int take_error(struct kee_control *control, const json_t *error)
{
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));

    kee_buf_clear(&control->code);
    kee_buf_clear(&control->message);
    kee_buf_put_str(&control->code, code == NULL ? "FAULT" : code);
    kee_buf_put_str(&control->message, message == NULL ? "no reason given" : message);
    return KEE_CONTROL_DECLINED;
}

/* What came while the answer to id was awaited. What is none would be waited on for ever: a fault. */
static int take_message(struct kee_control *control, const json_t *message, json_int_t id,
                        kee_control_event_fn *on_event, void *context, json_t **result, bool *done)
{
    const json_t *of = json_object_get(message, "id");
    const json_t *event = json_object_get(message, "event");
    const json_t *error = json_object_get(message, "error");
    json_t *value = json_object_get(message, "result");

    if (json_is_object(error) && (json_is_null(of) || json_is_integer(of))) {
        return take_error(control, error);
    }
    if (json_is_integer(of) && json_integer_value(of) > 0 && json_integer_value(of) < id) {
        return 0; /* what is left of a stream that was stopped */
    }
    if (!json_is_integer(of) || json_integer_value(of) != id ||
        (event == NULL && !json_is_object(value) && !json_is_array(value))) {
        return kee_fault(KEE_FAULT_SYSTEM, "what the daemon said is no answer");
    }
    if (event != NULL) {
        *done = on_event != NULL && !on_event(context, event);
    } else {
        *result = json_incref(value);
        *done = true;
    }
    return 0;
}

int kee_control_call(struct kee_control *control, const char *method, json_t *params,
                     kee_control_event_fn *on_event, void *context, json_t **result)
{
    json_int_t id = control->next_id++;
    int r = write_request(control, id, method, params);
    bool done = false;

    *result = NULL;
    while (r == 0 && !done) {
        json_t *message = NULL;

        r = read_message(control, &message);
        if (r == 0) {
            r = take_message(control, message, id, on_event, context, result, &done);
        }
        json_decref(message);
    }
    return r;
}

int kee_cli_call_stream(struct kee_cli *cli, const char *method, json_t *params,
                        kee_control_event_fn *on_event, void *context, json_t **result)
{
    struct kee_control *control = NULL;
    int status = KEE_EXIT_OK;
    int r = kee_control_open(&control, cli->home);

    *result = NULL;
    if (r != 0) {
        json_decref(params);
    } else {
        r = kee_control_call(control, method, params, on_event, context, result);
    }
    if (r == KEE_CONTROL_NO_DAEMON) {
        status =
            kee_cli_error("no daemon is running for %s; start it with: keeve start", cli->home);
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_control_message(control));
    } else if (r < 0) {
        status = kee_cli_fault();
    }
    kee_control_free(control);
    return status;
}

int kee_cli_call(struct kee_cli *cli, const char *method, json_t *params, json_t **result)
{
    int status = kee_cli_call_stream(cli, method, params, NULL, NULL, result);

    if (status == KEE_EXIT_OK && *result == NULL) {
        return kee_cli_error("the daemon's answer to %s has no result", method);
    }
    return status;
}

int kee_cli_need_no_daemon(const struct kee_cli *cli, const char *why)
{
    struct kee_control *control = NULL;
    int r = kee_control_open(&control, cli->home);

    kee_control_free(control);
    if (r < 0) {
        return kee_cli_fault();
    }
    return r > 0 ? KEE_EXIT_OK : kee_cli_error("a daemon is running for %s; %s", cli->home, why);
}
