#include <stdarg.h>
#include <stdio.h>
#include "base/hash.h"
#include "base/limit.h"
#include "base/obj.h"
#include "ledger/sum.h"
#include "report/query_db.h"

#define READ_NS       (30 * NS_PER_SEC) /* a reader that stays longer keeps the WAL from shrinking */
#define BUSY_MS       2000
#define STEPS_A_CHECK 20000 /* virtual machine steps between looks at the clock */
#define PATH_ROOM     4096

struct query {
	unsigned magic;
#define QUERY_MAGIC 0x51525931u
	sqlite3 *db;
	uint64_t deadline_ns; /* CLOCK_BOOTTIME */
};

static int too_slow(void *ctx)
{
	const struct query *q = ctx;

	return clock_boot_ns() > q->deadline_ns;
}

bool query_leaf(struct str *rest, struct str *ret_name, uint64_t *ret_n)
{
	size_t digits = 0;

	if (!str_cut(rest, ret_name, '"') || !str_cut(rest, ret_name, '"'))
		return false;
	while (rest->n && (rest->p[0] == ':' || rest->p[0] == ' '))
		*rest = str_skip(*rest, 1);
	while (digits < rest->n && rest->p[digits] >= '0' && rest->p[digits] <= '9')
		digits++;
	return str_u64(str_head(*rest, digits), ret_n) == 0;
}

/* tokens(usage, 'in_'): the sum of the leaves whose name begins so; NULL when there is none. */
static void fn_tokens(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct str s = { (const char *)sqlite3_value_text(argv[0]), 0 };
	struct str head = { (const char *)sqlite3_value_text(argv[1]), 0 };
	struct str name;
	uint64_t sum = 0, n;
	bool any = false;

	(void)argc;
	s.n = s.p ? (size_t)sqlite3_value_bytes(argv[0]) : 0;
	head.n = head.p ? (size_t)sqlite3_value_bytes(argv[1]) : 0;
	while (query_leaf(&s, &name, &n)) {
		if (!str_starts(name, head))
			continue;
		any = true;
		if (__builtin_add_overflow(sum, n, &sum) || sum > INT64_MAX)
			sum = INT64_MAX;
	}
	if (any)
		sqlite3_result_int64(ctx, (sqlite3_int64)sum);
	else
		sqlite3_result_null(ctx);
}

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -ETIME;
	default:
		return -EAGAIN;
	}
}

static int prepare_connection(struct query *q)
{
	int code;

	sqlite3_busy_timeout(q->db, BUSY_MS);
	sqlite3_progress_handler(q->db, STEPS_A_CHECK, too_slow, q);
	code = sqlite3_exec(q->db, "PRAGMA query_only = 1", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(q->db, "SELECT 1 FROM call, transfer, gap LIMIT 1", NULL, NULL,
				    NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function(q->db, "tokens", 2,
					       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, fn_tokens,
					       NULL, NULL);
	return code == SQLITE_OK ? sum_pico_register(q->db) : to_errno(code);
}

/* A path as the path of a file: URI: what means something there is escaped. */
static int uri_of(const char *path, struct buf *uri)
{
	int r = buf_add(uri, S("file:"));

	for (; r == 0 && *path; path++)
		r = strchr("?#%", *path) ? buf_printf(uri, "%%%02x", (unsigned char)*path)
					 : buf_put(uri, *path);
	if (r == 0)
		r = buf_add(uri, S("?mode=ro"));
	return r == 0 ? buf_put(uri, '\0') : r;
}

int query_open(const char *path, struct query **ret, char error[QUERY_ERROR])
{
	_cleanup_(query_close) struct query *q = obj_new(q, QUERY_MAGIC);
	_cleanup_(buf_done) struct buf uri = { .limit = PATH_ROOM };
	int r;

	if (!q)
		return -ENOMEM;
	r = uri_of(path, &uri);
	if (r < 0)
		return r;
	q->deadline_ns = clock_boot_ns() + READ_NS;
	r = to_errno(sqlite3_open_v2(
		uri.p, &q->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL));
	if (r == 0)
		r = prepare_connection(q);
	if (r < 0) {
		snprintf(error, QUERY_ERROR, "the ledger cannot be read now: %s",
			 q->db ? sqlite3_errmsg(q->db) : "no memory");
		return r;
	}
	*ret = take(q);
	return 0;
}

void query_close(struct query **qq)
{
	struct query *q = obj_take(qq, QUERY_MAGIC);

	if (!q)
		return;
	sqlite3_close(q->db);
	mem_free(q);
}

sqlite3 *query_handle(struct query *q)
{
	obj_check(q, QUERY_MAGIC);
	return q->db;
}

int query_begin(struct query *q)
{
	obj_check(q, QUERY_MAGIC);
	q->deadline_ns = clock_boot_ns() + READ_NS;
	return to_errno(sqlite3_exec(q->db, "BEGIN", NULL, NULL, NULL));
}

void query_end(struct query *q)
{
	/* Never cut: a read left open would pin the WAL. */
	q->deadline_ns = UINT64_MAX;
	if (!sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
}

int query_prepare(struct query *q, struct str sql, sqlite3_stmt **ret)
{
	return to_errno(sqlite3_prepare_v2(q->db, sql.p, (int)sql.n, ret, NULL));
}

void query_finish(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
	*s = NULL;
}

int query_step(struct query *q, sqlite3_stmt *s)
{
	int code = sqlite3_step(s);

	(void)q;
	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : to_errno(code);
}

int query_said(struct query *q, int r, char error[QUERY_ERROR])
{
	if (r == -EAGAIN && !error[0])
		snprintf(error, QUERY_ERROR, "the ledger cannot be read now: %s",
			 sqlite3_errmsg(q->db));
	return r;
}

int query_refuse(char error[QUERY_ERROR], const char *format, ...)
{
	va_list va;

	va_start(va, format);
	vsnprintf(error, QUERY_ERROR, format, va);
	va_end(va);
	return -EINVAL;
}

/* ---- columns ---- */

struct str query_text(sqlite3_stmt *s, int column)
{
	const char *p = (const char *)sqlite3_column_text(s, column);

	return p ? (struct str){ p, (size_t)sqlite3_column_bytes(s, column) } : STR_NONE;
}

struct str query_blob(sqlite3_stmt *s, int column)
{
	const char *p = sqlite3_column_blob(s, column);

	return p ? (struct str){ p, (size_t)sqlite3_column_bytes(s, column) } : STR_NONE;
}

uint64_t query_u64(sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

int query_sum(sqlite3_stmt *s, int column, __int128 *ret)
{
	struct str text = query_text(s, column);

	*ret = 0;
	return text.p ? sum_parse(text, ret) : 0;
}

void query_key_time(struct jsonw *w, const char *key, uint64_t ns)
{
	char text[CLOCK_TEXT];

	if (ns)
		jsonw_key_str(w, key, clock_text(ns, text));
}

void query_key_usd(struct jsonw *w, const char *key, __int128 pico)
{
	char text[DEC_TEXT];

	jsonw_key_str(w, key, dec_text(pico, text));
}

void query_key_hex(struct jsonw *w, const char *key, struct str blob)
{
	char hex[2 * CALL_ID + 1];

	if (!blob.p || blob.n != CALL_ID)
		return;
	hash_hex((const unsigned char *)blob.p, blob.n, hex);
	jsonw_key_str(w, key, str_of(hex));
}
