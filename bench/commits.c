/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commits - what the disk allows: the rate of commits of a plain SQLite database in WAL mode with
 * synchronous=FULL, the setting of Keeve's default store, with some rows written in each.
 * usage: bench_commits FILE COMMITS ROWS
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(sqlite3 *db, const char *what)
{
    (void)fprintf(stderr, "bench_commits: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        die(db, sql);
    }
    return statement;
}

static void run(sqlite3 *db, sqlite3_stmt *statement)
{
    int r = sqlite3_step(statement);

    if (r != SQLITE_DONE && r != SQLITE_ROW) {
        die(db, sqlite3_sql(statement));
    }
    (void)sqlite3_reset(statement);
}

int main(int argc, char **argv)
{
    long commits = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    int rows = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
    sqlite3_stmt *begin, *put, *commit;
    sqlite3 *db = NULL;
    double start;

    if (commits < 1 || rows < 1) {
        (void)fprintf(stderr, "usage: bench_commits FILE COMMITS ROWS\n");
        return 1;
    }
    if (sqlite3_open(argv[1], &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE row (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
                     NULL, NULL, NULL) != SQLITE_OK) {
        die(db, argv[1]);
    }
    begin = prepare(db, "BEGIN IMMEDIATE");
    commit = prepare(db, "COMMIT");
    put = prepare(db,
                  "INSERT INTO row VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
    start = now();
    for (long i = 0; i < commits; i++) {
        run(db, begin);
        for (int j = 0; j < rows; j++) {
            char key[32], value[64];
            (void)snprintf(key, sizeof key, "v1.s.row.%d", (int)((i * 7919 + j) % 10000));
            (void)snprintf(value, sizeof value, "{\"count\":%ld,\"of\":\"one commit\"}", i);
            (void)sqlite3_bind_blob(put, 1, key, (int)strlen(key), SQLITE_TRANSIENT);
            (void)sqlite3_bind_blob(put, 2, value, (int)strlen(value), SQLITE_TRANSIENT);
            run(db, put);
        }
        run(db, commit);
    }
    {
        double seconds = now() - start;
        (void)printf("{\"n\":%ld,\"rows\":%d,\"seconds\":%.4f,\"rate\":%.1f}\n", commits, rows,
                     seconds, (double)commits / seconds);
    }
    (void)sqlite3_finalize(begin);
    (void)sqlite3_finalize(put);
    (void)sqlite3_finalize(commit);
    (void)sqlite3_close(db);
    return 0;
}
