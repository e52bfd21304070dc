#include <stdio.h>
#include "base/obj.h"
#include "ledger/db.h"
#include "ledger/sum.h"

/* Readers never block us in WAL; a stranger's sqlite3 might: the batch waits for it, traffic does not. */
#define BUSY_MS 250

static const char *const text_of[] = {
#define SQL(name, text) text,
#include "tbl/sql.h"
#undef SQL
};

static const struct {
	int rc, r;
} codes[] = {
	{ SQLITE_OK, 0 },
	{ SQLITE_ROW, 0 },
	{ SQLITE_DONE, 0 },
	{ SQLITE_NOMEM, -ENOMEM },
	{ SQLITE_FULL, -ENOSPC },
	{ SQLITE_BUSY, -EBUSY },
	{ SQLITE_LOCKED, -EBUSY },
	{ SQLITE_READONLY, -EROFS },
	{ SQLITE_CORRUPT, -EUCLEAN },
	{ SQLITE_NOTADB, -EUCLEAN },
	{ SQLITE_PERM, -EACCES },
	{ SQLITE_AUTH, -EACCES },
	{ SQLITE_CANTOPEN, -ENXIO },
	{ SQLITE_TOOBIG, -ERANGE },
	{ SQLITE_CONSTRAINT, -EPROTO },
};

int db_errno(int rc)
{
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (codes[i].rc == (rc & 0xff)) /* extended codes keep the primary one there */
			return codes[i].r;
	return -EIO;
}

bool db_refused(int r)
{
	return r == -EINVAL || r == -ERANGE || r == -EOVERFLOW || r == -EEXIST || r == -ENOENT ||
	       r == -EPROTO;
}

int db_exec(struct db *db, const char *text)
{
	return db_errno(sqlite3_exec(db->sql, text, NULL, NULL, NULL));
}

/* What a PRAGMA answers when asked, as a number; -1 when it does not answer. */
static int64_t pragma(struct db *db, const char *text)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db->sql, text, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int set_up(struct db *db)
{
	int keep = 1, r;

	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Without its own key, readers without write permission cannot open a WAL that went away. */
	r = sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (r != SQLITE_OK)
		return db_errno(r);
	r = db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
			"PRAGMA mmap_size = 0; PRAGMA cache_size = -8192");
	if (r < 0)
		return r;
	/* NORMAL loses acknowledged commits at a power cut; a bill may not. */
	if (pragma(db, "PRAGMA synchronous") != 2 || pragma(db, "PRAGMA foreign_keys") != 1)
		return -EIO;
	return 0;
}

int db_open(const char *path, uint64_t (*now_ns)(void), struct db **ret, char error[256])
{
	_cleanup_(db_close) struct db *db = obj_new(db, DB_MAGIC);
	int rc, r;

	if (!db) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	db->now_ns = now_ns;
	rc = sqlite3_open_v2(path, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	r = rc == SQLITE_OK ? set_up(db) : db_errno(rc);
	if (r == 0)
		r = sum_pico_register(db->sql);
	if (r < 0) {
		snprintf(error, 256, "%s: %s", path,
			 db->sql ? sqlite3_errmsg(db->sql) : "out of memory");
		return r;
	}
	*ret = take(db);
	return 0;
}

int db_head(struct db *db)
{
	_cleanup_(use_end) struct use host = db_use(db, SQL_HOST_ID);
	_cleanup_(use_end) struct use last = db_use(db, SQL_HEAD);
	struct str s;
	int r = use_step(&host);

	if (r < 0)
		return r;
	s = r > 0 ? use_col_blob(&host, 0) : STR_NONE;
	if (s.n != sizeof(db->host_id))
		return -EUCLEAN;
	memcpy(db->host_id, s.p, s.n);

	db->head = (struct head){ 0 };
	r = use_step(&last);
	if (r <= 0)
		return r;
	s = use_col_blob(&last, 2);
	if (s.n != DB_HASH)
		return -EUCLEAN;
	db->head.seq = use_col_int(&last, 0);
	db->head.ts_ns = use_col_int(&last, 1);
	memcpy(db->head.hash, s.p, s.n);
	return 0;
}

void db_close(struct db **dbp)
{
	struct db *db = obj_take(dbp, DB_MAGIC);

	if (!db)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->sql);
	mem_free(db);
}

int db_run(struct db *db, enum sql name)
{
	struct use u = db_use(db, name);

	return use_done(&u);
}

bool db_in_transaction(const struct db *db)
{
	return !sqlite3_get_autocommit(db->sql);
}

int db_save(struct db *db)
{
	db->saved = db->head;
	return db_run(db, SQL_SAVE);
}

int db_keep(struct db *db)
{
	return db_run(db, SQL_RELEASE);
}

int db_undo(struct db *db)
{
	int r;

	db->head = db->saved;
	total_forget(&db->totals);
	r = db_run(db, SQL_UNDO);
	return r < 0 ? r : db_run(db, SQL_RELEASE);
}

int db_back(struct db *db)
{
	int r = db_run(db, SQL_ROLLBACK);

	total_forget(&db->totals);
	return r < 0 ? r : db_head(db);
}

/* ---- one use of a statement ---- */

struct use db_use(struct db *db, enum sql name)
{
	struct use u = { .at = 0 };

	obj_check(db, DB_MAGIC);
	if (!db->stmt[name])
		u.error = db_errno(sqlite3_prepare_v3(db->sql, text_of[name], -1,
						      SQLITE_PREPARE_PERSISTENT, &db->stmt[name],
						      NULL));
	u.st = db->stmt[name];
	return u;
}

int db_prepare(struct db *db)
{
	int r = 0;

	for (int i = 0; r == 0 && i < SQL_COUNT; i++)
		r = db_use(db, i).error;
	return r;
}

static void bound(struct use *u, int rc)
{
	if (rc != SQLITE_OK && u->error == 0)
		u->error = db_errno(rc);
}

void use_text(struct use *u, struct str s)
{
	u->at++;
	if (u->st)
		bound(u,
		      s.p ? sqlite3_bind_text64(u->st, u->at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8)
			  : sqlite3_bind_null(u->st, u->at));
}

void use_blob(struct use *u, const void *p, size_t n)
{
	u->at++;
	if (u->st)
		bound(u, p ? sqlite3_bind_blob64(u->st, u->at, p, n, SQLITE_STATIC)
			   : sqlite3_bind_null(u->st, u->at));
}

void use_int(struct use *u, int64_t n)
{
	u->at++;
	if (u->st)
		bound(u, sqlite3_bind_int64(u->st, u->at, n));
}

void use_null(struct use *u)
{
	u->at++;
	if (u->st)
		bound(u, sqlite3_bind_null(u->st, u->at));
}

int use_step(struct use *u)
{
	int rc;

	if (u->error < 0)
		return u->error;
	rc = sqlite3_step(u->st);
	return rc == SQLITE_ROW ? 1 : db_errno(rc);
}

void use_end(struct use *u)
{
	if (u->st) {
		sqlite3_reset(u->st);
		sqlite3_clear_bindings(u->st);
	}
	u->st = NULL;
}

int use_done(struct use *u)
{
	int r = use_step(u);

	use_end(u);
	return MIN(r, 0);
}

struct str use_col_text(struct use *u, int column)
{
	const char *p = (const char *)sqlite3_column_text(u->st, column);

	return (struct str){ p, p ? (size_t)sqlite3_column_bytes(u->st, column) : 0 };
}

struct str use_col_blob(struct use *u, int column)
{
	const char *p = sqlite3_column_blob(u->st, column);

	return (struct str){ p, p ? (size_t)sqlite3_column_bytes(u->st, column) : 0 };
}

int64_t use_col_int(struct use *u, int column)
{
	return sqlite3_column_int64(u->st, column);
}

bool use_col_null(struct use *u, int column)
{
	return sqlite3_column_type(u->st, column) == SQLITE_NULL;
}
