/* db.h -- the ledger's one writing connection: statements of tbl/sql.h, settings that are asserted, errors
 * as errno, and the head of the hash chain as the open transaction sees it.
 *
 * Nothing here retries. After -EIO and the like the connection is only good for db_close(). */
#ifndef LEDGER_DB_H
#define LEDGER_DB_H

#include <sqlite3.h>
#include "base/str.h"
#include "ledger/total.h"

enum sql {
#define SQL(name, text) SQL_##name,
#include "tbl/sql.h"
#undef SQL
	SQL_COUNT
};

#define DB_HASH 32 /* bytes of a chain hash */

struct head { /* the last transfer */
	int64_t seq;
	int64_t ts_ns;
	unsigned char hash[DB_HASH];
};

struct db {
	unsigned magic;
#define DB_MAGIC 0x1ed6e001u
	sqlite3 *sql;
	sqlite3_stmt *stmt[SQL_COUNT];
	struct head head, saved;
	struct totals totals; /* as the open transaction sees them */
	unsigned char host_id[16];
	uint64_t (*now_ns)(void); /* UTC */
};

/* Opens and sets up; -EUCLEAN: not a database. `error` is filled on failure. */
int db_open(const char *path, uint64_t (*now_ns)(void), struct db **ret,
	    char error[256]) _must_use_;
int db_head(struct db *db) _must_use_; /* reads host id and head; the schema must be there */
void db_close(struct db **db);
int db_exec(struct db *db, const char *text) _must_use_;
int db_run(struct db *db, enum sql name) _must_use_; /* no parameters, no rows */
bool db_in_transaction(const struct db *db);
/* A step that is refused leaves no trace: save, then keep or undo. */
int db_save(struct db *db) _must_use_;
int db_keep(struct db *db) _must_use_;
int db_undo(struct db *db) _must_use_;
int db_back(struct db *db) _must_use_; /* the open transaction never was */

int db_errno(int rc); /* an SQLite result code as 0 or -errno */
/* The caller asked for something that cannot be; the connection is fine. */
bool db_refused(int r);

/* One use of a statement: bind in order, step, read columns, end. Errors of binding stick until the step. */
struct use {
	sqlite3_stmt *st;
	int at; /* parameters bound */
	int error;
};
struct use db_use(struct db *db, enum sql name);
int db_prepare(struct db *db) _must_use_;   /* every statement: is what it names there? */
void use_text(struct use *u, struct str s); /* absent: NULL; borrowed until use_end */
void use_blob(struct use *u, const void *p, size_t n); /* p NULL: NULL */
void use_int(struct use *u, int64_t n);
void use_null(struct use *u);
int use_step(struct use *u) _must_use_;             /* 1: a row; 0: no more; or -errno */
void use_end(struct use *u);                        /* also a _cleanup_ */
int use_done(struct use *u) _must_use_;             /* one step without rows, and end */
struct str use_col_text(struct use *u, int column); /* valid until the next step */
struct str use_col_blob(struct use *u, int column);
int64_t use_col_int(struct use *u, int column);
bool use_col_null(struct use *u, int column);

#endif
