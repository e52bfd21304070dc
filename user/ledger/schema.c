#include <stdio.h>
#include <unistd.h>
#include "base/hash.h"
#include "ledger/schema.h"

#define APPLICATION 0x53624d74 /* PRAGMA application_id of 001.sql */

/* Each file of user/ledger/ begins with this and its number. */
static const char mark[] = "-- The ledger, version ";

static const char sql[] = {
#include "schema.inc"
	0
};

int schema_sniff(int fd, const char *path, char error[256])
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0) {
		snprintf(error, 256, "%s cannot be read", path);
		return -errno;
	}
	if (n == 0 || (n == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0))
		return 0;
	snprintf(error, 256,
		 "%s is not a ledger, or its first page is damaged: it was left as it is. "
		 "Move it away or name another with `state`",
		 path);
	return -EUCLEAN;
}

static int number(struct db *db, const char *text, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sql, text, -1, &st, NULL);

	*ret = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return db_errno(rc);
}

static int say(struct db *db, int r, const char *path, const char *what, char error[256])
{
	snprintf(error, 256, "%s: %s: %s", path, what,
		 r == -EUCLEAN ? "the file is damaged; it was left as it is"
			       : sqlite3_errmsg(db->sql));
	return r;
}

/* The part of `sql` that makes `version`. */
static struct str part(int version)
{
	char want[64];
	const char *start, *end;

	snprintf(want, sizeof(want), "%s%d.", mark, version);
	start = strstr(sql, want);
	if (!start)
		return STR_NONE;
	end = strstr(start + strlen(want), mark);
	return (struct str){ start, end ? (size_t)(end - start) : strlen(start) };
}

/* Runs each statement of `text`; sqlite3_exec() would want a copy with a NUL. */
static int run(struct db *db, struct str text)
{
	const char *p = text.p, *end = text.p + text.n;
	sqlite3_stmt *st;
	int rc;

	while (p < end) {
		st = NULL;
		rc = sqlite3_prepare_v2(db->sql, p, (int)(end - p), &st, &p);
		if (rc != SQLITE_OK)
			return db_errno(rc);
		if (!st) /* comments and white space */
			break;
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			;
		sqlite3_finalize(st);
		if (rc != SQLITE_DONE)
			return db_errno(rc);
	}
	return 0;
}

static int stamp(struct db *db, int version)
{
	unsigned char host_id[16];
	char text[512], hex[33];
	uint64_t now = db->now_ns();
	int r = 0;

	if (version == 1) {
		hash_random(host_id, sizeof(host_id));
		hash_hex(host_id, sizeof(host_id), hex);
		snprintf(text, sizeof(text),
			 "INSERT INTO meta (one, host_id, created_ns) VALUES (1, x'%s', %llu);"
			 "INSERT INTO account (team, kind) VALUES ('__org__', 'funding'),"
			 "('__unattributed__', 'wallet'), ('__unattributed__', 'spend'),"
			 "('__unattributed__', 'adjustments')",
			 hex, (unsigned long long)now);
		r = db_exec(db, text);
	}
	if (r < 0)
		return r;
	snprintf(text, sizeof(text),
		 "INSERT INTO schema_version (version, applied_ns) VALUES (%d, %llu)", version,
		 (unsigned long long)now);
	return db_exec(db, text);
}

static int migrate(struct db *db, int64_t from)
{
	int r = db_exec(db, "BEGIN IMMEDIATE");

	for (int v = (int)from + 1; r == 0 && v <= SCHEMA_VERSION; v++) {
		assert(part(v).p);
		r = run(db, part(v));
		if (r == 0)
			r = stamp(db, v);
	}
	if (r == 0)
		r = db_exec(db, "COMMIT");
	return r;
}

int schema_ready(struct db *db, const char *path, char error[256])
{
	int64_t app, tables, version;
	int r = number(db, "SELECT count(*) FROM sqlite_schema", &tables);

	if (r == 0)
		r = number(db, "PRAGMA application_id", &app);
	if (r < 0)
		return say(db, r, path, "cannot be read", error);
	if (tables > 0 && app != APPLICATION) {
		snprintf(error, 256, "%s is a database of another program: it was left as it is",
			 path);
		return -EUCLEAN;
	}
	version = 0;
	if (tables > 0)
		r = number(db, "SELECT max(version) FROM schema_version", &version);
	if (r < 0 || (tables > 0 && version < 1))
		return say(db, r < 0 ? r : -EUCLEAN, path, "has no version", error);
	if (version > SCHEMA_VERSION) {
		snprintf(error, 256,
			 "%s was made by a newer submeter (schema %lld, this one knows %d): "
			 "install that version or restore a backup",
			 path, (long long)version, SCHEMA_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (version < SCHEMA_VERSION)
		r = migrate(db, version);
	if (r < 0)
		return say(db, r, path, "cannot be brought up to date", error);
	/* a column that is not there would be found out in the middle of a batch */
	r = db_prepare(db);
	if (r < 0 && sqlite3_errcode(db->sql) == SQLITE_ERROR) {
		snprintf(error, 256,
			 "%s: %s: other tables than this submeter makes, though of its version; "
			 "it was left as it is",
			 path, sqlite3_errmsg(db->sql));
		return -EPROTONOSUPPORT;
	}
	return r < 0 ? say(db, r, path, "cannot be read", error) : 0;
}

int schema_sound(struct db *db, const char *path, char error[256])
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sql, "PRAGMA quick_check(1)", -1, &st, NULL), r;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	r = rc == SQLITE_ROW ? 0 : db_errno(rc);
	if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		r = -EUCLEAN;
	sqlite3_finalize(st);
	return r < 0 ? say(db, r, path, "cannot be trusted", error) : 0;
}
