#include <stdarg.h>
#include <stdio.h>
#include "base/hash.h"
#include "base/obj.h"
#include "ledger/sum.h"
#include "report/query_db.h"

#define READ_NS (30 * NS_PER_SEC) /* a reader that stays longer keeps the WAL from shrinking */

int query_errno(int code)
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

void query_hurry(struct query *q)
{
	q->deadline_ns = clock_boot_ns() + READ_NS;
}

int query_begin(struct query *q)
{
	obj_check(q, QUERY_MAGIC);
	query_hurry(q);
	return query_errno(sqlite3_exec(q->db, "BEGIN", NULL, NULL, NULL));
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
	return query_errno(sqlite3_prepare_v2(q->db, sql.p, (int)sql.n, ret, NULL));
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
	return code == SQLITE_DONE ? 0 : query_errno(code);
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

/* Token counts use the same exact sum as money: a counter that wraps is a lie. */
int query_write_count(struct jsonw *w, const char *key, sqlite3_stmt *s, int column)
{
	char text[DEC_TEXT];
	__int128 n;
	int r = query_sum(s, column, &n);

	if (r < 0)
		return r;
	if (n <= INT64_MAX)
		jsonw_key_u64(w, key, (uint64_t)n);
	else
		jsonw_key_str(w, key, dec_text(n, text));
	return 0;
}

void query_key_hex(struct jsonw *w, const char *key, struct str blob)
{
	char hex[2 * CALL_ID + 1];

	if (!blob.p || blob.n != CALL_ID)
		return;
	hash_hex((const unsigned char *)blob.p, blob.n, hex);
	jsonw_key_str(w, key, str_of(hex));
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
