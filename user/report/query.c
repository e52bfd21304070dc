#include <stdio.h>
#include "base/obj.h"
#include "ledger/sum.h"
#include "report/query_db.h"

#define BUSY_MS       2000
#define STEPS_A_CHECK 20000 /* virtual machine steps between looks at the clock */
#define PATH_ROOM     4096

static int too_slow(void *ctx)
{
	const struct query *q = ctx;

	return clock_boot_ns() > q->deadline_ns;
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

static int prepare_connection(struct query *q)
{
	int code;

	sqlite3_busy_timeout(q->db, BUSY_MS);
	sqlite3_progress_handler(q->db, STEPS_A_CHECK, too_slow, q);
	code = sqlite3_exec(q->db, "PRAGMA query_only = 1", NULL, NULL, NULL);
	/* are they there? No row is looked for: where a table has none that would take a look at all of the others */
	if (code == SQLITE_OK)
		code = sqlite3_exec(q->db, "SELECT 1 FROM call_paid, transfer, gap LIMIT 0", NULL,
				    NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function(q->db, "tokens", 2,
					       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, fn_tokens,
					       NULL, NULL);
	return code == SQLITE_OK ? sum_pico_register(q->db) : query_errno(code);
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
	query_hurry(q);
	r = query_errno(sqlite3_open_v2(
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
