#include "ledger/db.h"
#include "ledger/sum.h"

struct sum { /* SQLite hands it out zeroed, one for each group, aligned to 8 bytes only */
	__int128 pico;
	uint64_t count;
	bool failed;
} __attribute__((packed, aligned(8)));

struct str sum_text(__int128 pico, char out[static SUM_TEXT])
{
	unsigned __int128 left = pico < 0 ? -(unsigned __int128)pico : (unsigned __int128)pico;
	char *end = out + SUM_TEXT - 1, *p = end;

	*p = '\0';
	do {
		*--p = (char)('0' + (int)(left % 10));
		left /= 10;
	} while (left);
	if (pico < 0)
		*--p = '-';
	memmove(out, p, (size_t)(end - p) + 1);
	return (struct str){ out, (size_t)(end - p) };
}

int sum_parse(struct str text, __int128 *ret)
{
	bool minus = text.n && text.p[0] == '-';
	__int128 n = 0;

	text = str_skip(text, minus);
	if (text.n == 0)
		return -EBADMSG;
	for (size_t i = 0; i < text.n; i++) {
		int digit = text.p[i] - '0';

		if (digit < 0 || digit > 9)
			return -EBADMSG;
		if (__builtin_mul_overflow(n, (__int128)10, &n) ||
		    __builtin_add_overflow(n, (__int128)(minus ? -digit : digit), &n))
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

static void sum_fail(sqlite3_context *ctx, struct sum *s, const char *what)
{
	s->failed = true;
	sqlite3_result_error(ctx, what, -1);
}

static void sum_step(sqlite3_context *ctx, int count, sqlite3_value **value)
{
	struct sum *s = sqlite3_aggregate_context(ctx, sizeof(*s));
	__int128 sum;

	assert(count == 1);
	if (!s) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (s->failed || sqlite3_value_type(value[0]) == SQLITE_NULL)
		return;
	if (sqlite3_value_type(value[0]) != SQLITE_INTEGER) {
		sum_fail(ctx, s, "sum_pico: an amount is not an integer");
		return;
	}
	s->count++;
	if (__builtin_add_overflow(s->pico, (__int128)sqlite3_value_int64(value[0]), &sum))
		sum_fail(ctx, s, "sum_pico: overflow");
	else
		s->pico = sum;
}

static void sum_final(sqlite3_context *ctx)
{
	struct sum *s = sqlite3_aggregate_context(ctx, 0); /* NULL: not one row */
	char text[SUM_TEXT];
	struct str out;

	if (!s || s->count == 0 || s->failed)
		return;
	out = sum_text(s->pico, text);
	sqlite3_result_text(ctx, out.p, (int)out.n, SQLITE_TRANSIENT);
}

int sum_pico_register(sqlite3 *db)
{
	return db_errno(sqlite3_create_function_v2(
		db, "sum_pico", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
		NULL, sum_step, sum_final, NULL));
}
