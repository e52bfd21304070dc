/* query_db.h -- what the files of user/report/ share: one read of the ledger, from statement to text. */
#ifndef REPORT_QUERY_DB_H
#define REPORT_QUERY_DB_H

#include <sqlite3.h>
#include "base/clock.h"
#include "base/jsonw.h"
#include "report/query.h"

#define QUERY_SQL 16384 /* most bytes of a statement */

struct query { /* of query.c */
	unsigned magic;
#define QUERY_MAGIC 0x51525931u
	sqlite3 *db;
	uint64_t deadline_ns; /* CLOCK_BOOTTIME */
};

int query_errno(int code) _must_use_; /* of SQLite's */
void query_hurry(struct query *q);    /* the 30 s begin now */

/* All reads between these two see one state of the ledger and end together after 30 s. */
int query_begin(struct query *q) _must_use_;
void query_end(struct query *q);

int query_prepare(struct query *q, struct str sql, sqlite3_stmt **ret) _must_use_;
void query_finish(sqlite3_stmt **s); /* a cleanup handler */
/* 1: a row; 0: no more; or a negative errno. */
int query_step(struct query *q, sqlite3_stmt *s) _must_use_;
/* Writes what SQLite complains about into `error` (may be NULL) where r is its doing; returns r. */
int query_said(struct query *q, int r, char error[QUERY_ERROR]);
int query_refuse(char error[QUERY_ERROR], const char *format, ...) _printf_(2, 3); /* -EINVAL */

/* Conditions on `call` for a filter, "WHERE ..." with every value as a parameter; then the values. */
int query_where(const struct query_filter *f, struct buf *sql) _must_use_;
int query_bind(sqlite3_stmt *s, const struct query_filter *f) _must_use_;

/* Columns; absent (NULL) is an absent str, 0. Valid until the next step. */
struct str query_text(sqlite3_stmt *s, int column);
struct str query_blob(sqlite3_stmt *s, int column);
uint64_t query_u64(sqlite3_stmt *s, int column);
int query_sum(sqlite3_stmt *s, int column, __int128 *ret) _must_use_; /* of sum_pico(); NULL is 0 */

/* "key": a sum of counts */
int query_write_count(struct jsonw *w, const char *key, sqlite3_stmt *s, int column) _must_use_;
/* The array of /v1/usage's "unpriced", as a value. */
int query_unpriced_list(struct query *q, const struct query_filter *f, struct jsonw *w) _must_use_;

/* Takes the next "name": number off the text of call.usage, which the ledger wrote; false at its end. */
bool query_leaf(struct str *rest, struct str *ret_name, uint64_t *ret_n);

/* Rows of `transfer` as they are shown; add a condition on `t`. */
#define QUERY_TRANSFERS                                                                            \
	"SELECT t.seq, t.id, d.team || '/' || d.kind, c.team || '/' || c.kind, t.amount, t.kind, " \
	"t.refers_to, t.reason, t.ts_ns, t.call_id, t.actor FROM transfer t "                      \
	"JOIN account d ON d.id = t.debit JOIN account c ON c.id = t.credit"
void query_write_transfer(sqlite3_stmt *s, struct jsonw *w);

/* "key": a time, an amount in dollars */
void query_key_time(struct jsonw *w, const char *key, uint64_t ns);
void query_key_usd(struct jsonw *w, const char *key, __int128 pico);
void query_key_hex(struct jsonw *w, const char *key, struct str blob);

#endif
