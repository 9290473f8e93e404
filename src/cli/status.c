/* SPDX-License-Identifier: Apache-2.0 */
/* status - keeve status. */
#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/print.h"

static void put_duration(struct kee_buf *buf, json_int_t ms)
{
    json_int_t seconds = ms / 1000;

    if (seconds >= 86400) {
        kee_buf_printf(buf, "%lld d %lld h", (long long)(seconds / 86400),
                       (long long)(seconds % 86400 / 3600));
    } else if (seconds >= 3600) {
        kee_buf_printf(buf, "%lld h %lld min", (long long)(seconds / 3600),
                       (long long)(seconds % 3600 / 60));
    } else {
        kee_buf_printf(buf, "%lld min %lld s", (long long)(seconds / 60),
                       (long long)(seconds % 60));
    }
}

static long long number(const json_t *status, const char *name)
{
    return (long long)json_integer_value(json_object_get(status, name));
}

static const char *text(const json_t *status, const char *name)
{
    const char *found = json_string_value(json_object_get(status, name));

    return found == NULL ? "-" : found;
}

static void print_subcluster(const json_t *subcluster)
{
    const char *name;
    json_t *vat;

    printf("\n%s  %s, bootstrap %s\n", text(subcluster, "id"), text(subcluster, "state"),
           text(subcluster, "bootstrap"));
    json_object_foreach(json_object_get(subcluster, "vats"), name, vat)
    {
        struct kee_buf visible = KEE_BUF_EMPTY;
        kee_buf_put_visible(&visible, kee_bytes_str(name));
        printf("    %-16s %-5s root %s\n", kee_cli_text(&visible), text(vat, "vat"),
               text(vat, "root"));
        kee_buf_fini(&visible);
    }
}

static void print_cycles(const json_t *cycles)
{
    printf("cycles      %lld collections, %lld objects found unreachable", number(cycles, "epochs"),
           number(cycles, "unreachable"));
    if (strcmp(text(cycles, "state"), "none") != 0) {
        printf("; now %s", text(cycles, "state"));
    }
    printf("\n");
}

static void print_doors(const json_t *status)
{
    const json_t *door;
    size_t index;

    json_array_foreach(json_object_get(status, "doors"), index, door)
    {
        bool web = strcmp(text(door, "door"), "web") == 0;
        printf("%-10s  %-4s %s%s%s%s\n", index == 0 ? "doors" : "", text(door, "door"),
               web ? "http://" : "", text(door, "place"), web ? "/" : "",
               strcmp(text(door, "local"), "no") == 0
                   ? "  OPEN TO OTHER MACHINES, without encryption"
                   : "");
    }
    printf("sessions    %lld\n", number(status, "sessions"));
}

static void print_status(const json_t *status)
{
    struct kee_buf uptime = KEE_BUF_EMPTY;
    json_t *subcluster;
    size_t index;

    put_duration(&uptime, json_integer_value(json_object_get(status, "uptime_ms")));
    printf("state       %s\n", text(status, "state"));
    printf("home        %s\n", text(status, "home"));
    printf("daemon      version %s, process %lld, up %s\n", text(status, "version"),
           number(status, "pid"), kee_cli_text(&uptime));
    printf("jail        %s\n", json_is_true(json_object_get(status, "jail"))
                                   ? "on"
                                   : "OFF: workers run without limits on system calls");
    if (strcmp(text(status, "flavour"), "process") != 0) {
        printf("flavour     %s, of vats launched without one\n", text(status, "flavour"));
    }
    if (json_is_true(json_object_get(status, "inline"))) {
        puts("inline      ALLOWED: vats of that flavour run in the daemon, without a jail");
    }
    printf("durability  %s, %lld syncs\n", text(status, "durability"),
           number(status, "store_syncs"));
    printf("vats        %lld, %lld awake\n", number(status, "vats"), number(status, "awake"));
    printf("queued      %lld\n", number(status, "queued"));
    printf("cranks      %lld\n", number(status, "cranks"));
    print_cycles(json_object_get(status, "cycles"));
    print_doors(status);
    json_array_foreach(json_object_get(status, "subclusters"), index, subcluster)
    {
        print_subcluster(subcluster);
    }
    kee_buf_fini(&uptime);
}

int kee_cmd_status(struct kee_cli *cli)
{
    json_t *result = NULL;
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call(cli, "status", NULL, &result);
    if (status == KEE_EXIT_OK && cli->json) {
        kee_print_json(result);
    } else if (status == KEE_EXIT_OK) {
        print_status(result);
    }
    json_decref(result);
    return status;
}
