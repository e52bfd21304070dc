/* Wallets: money in, once per key; and sums that SQL's own would overflow. */
#include "ledger/sum.h"
#include "ledger_kit.h"

static struct wallet_move move_of(const char *team, int64_t pico, const char *key)
{
	return (struct wallet_move){ .team = str_of(team),
				     .pico = pico,
				     .key = str_of(key),
				     .reason = S("Q4"),
				     .actor = S("uid:0") };
}

static void test_allocate(void **state)
{
	struct kit k;
	struct wallet_move m = move_of("red", 5000, NULL);
	char id[33] = "", other[33] = "";

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_allocate(k.l, &m, id), -ENOENT); /* a typo makes no wallet */
	assert_string_equal(id, "");
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM account WHERE team = 'red'"), 3);
	assert_int_equal(ledger_allocate(k.l, &m, id), 0);
	assert_int_equal(strlen(id), 32);
	assert_int_equal(ledger_allocate(k.l, &m, other), 0); /* without a key it is another */
	assert_string_not_equal(id, other);
	assert_int_equal(kit_balance(&k, "red", "wallet"), 10000);
	assert_int_equal(kit_balance(&k, "__org__", "funding"), -10000);
	assert_int_equal(kit_feed(&k, 1, "red", 12000), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_balance(&k, "red", "wallet"), -2000);
	m = move_of("__unattributed__", 1, NULL);
	assert_int_equal(ledger_allocate(k.l, &m, id), 0);
	kit_sound(&k);
	kit_done(&k);
}

static void test_key(void **state)
{
	struct kit k;
	struct wallet_move m = move_of("red", 5000, "order-7");
	char id[33] = "", again[33] = "";

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	assert_int_equal(ledger_team(k.l, S("blue")), 0);
	assert_int_equal(ledger_allocate(k.l, &m, id), 0);
	ledger_close(&k.l);
	assert_int_equal(kit_open(&k), 0);
	m.actor = S("uid:7"); /* who asks again may be another */
	assert_int_equal(ledger_allocate(k.l, &m, again), 0);
	assert_string_equal(id, again);
	m.pico++;
	assert_int_equal(ledger_allocate(k.l, &m, again), -EEXIST);
	m = move_of("blue", 5000, "order-7");
	assert_int_equal(ledger_allocate(k.l, &m, again), -EEXIST);
	m = move_of("red", 5000, "order-7");
	m.reason = S("Q1");
	assert_int_equal(ledger_allocate(k.l, &m, again), -EEXIST);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 1);
	assert_int_equal(kit_balance(&k, "red", "wallet"), 5000);
	kit_sound(&k);
	kit_done(&k);
}

static void test_invalid(void **state)
{
	static char longer[2000];
	struct kit k;
	struct wallet_move m;
	char id[33];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	assert_int_equal(ledger_team(k.l, S("")), -EINVAL);
	assert_int_equal(ledger_team(k.l, S("\xff")), -EINVAL);
	assert_int_equal(ledger_team(k.l, str_of(longer)), -EINVAL);
	m = move_of("red", 0, NULL);
	assert_int_equal(ledger_allocate(k.l, &m, id), -EINVAL);
	m = move_of("red", -5, NULL);
	assert_int_equal(ledger_allocate(k.l, &m, id), -EINVAL);
	m = move_of("", 5, NULL);
	assert_int_equal(ledger_allocate(k.l, &m, id), -EINVAL);
	m = move_of("red", 5, longer);
	assert_int_equal(ledger_allocate(k.l, &m, id), -EINVAL);
	m = move_of("red", 5, "a\xc0\x80");
	assert_int_equal(ledger_allocate(k.l, &m, id), -EINVAL);
	/* a refusal leaves the open batch as it was */
	assert_int_equal(kit_feed(&k, 1, "red", 7), 0);
	m = move_of("nobody", 5, NULL);
	assert_int_equal(ledger_allocate(k.l, &m, id), -ENOENT);
	assert_int_equal(ledger_batch(k.l), 1);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_balance(&k, "red", "spend"), 7);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 1);
	kit_sound(&k);
	kit_done(&k);
}

/* A hundred million dollars: past 64 bits of pico-dollars. */
static void test_large(void **state)
{
	struct kit k;
	struct wallet_move m = move_of("red", INT64_MAX, NULL);
	char id[33];

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	for (int i = 0; i < 11; i++)
		assert_int_equal(ledger_allocate(k.l, &m, id), 0);
	assert_int_equal(
		kit_ask(&k,
			"SELECT balance_high FROM account WHERE team = 'red' AND kind = 'wallet'"),
		10);
	assert_int_equal(kit_ask(&k, "SELECT balance_high FROM account WHERE kind = 'funding'"),
			 -11);
	kit_sound(&k);
	kit_done(&k);
}

static const char *ask_sum(sqlite3 *db, const char *sql, char out[64])
{
	sqlite3_stmt *st;
	int rc;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		snprintf(out, 64, "error");
	else
		snprintf(out, 64, "%s",
			 sqlite3_column_type(st, 0) == SQLITE_NULL
				 ? "NULL"
				 : (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return out;
}

static void test_sum(void **state)
{
	static const struct {
		const char *sql, *want;
	} rows[] = {
		{ "SELECT sum_pico(v) FROM (SELECT 1 AS v WHERE 0)", "NULL" },
		{ "SELECT sum_pico(NULL)", "NULL" },
		{ "SELECT sum_pico(column1) FROM (VALUES (NULL), (0))", "0" },
		{ "SELECT sum_pico(column1) FROM (VALUES (5), (-7), (NULL))", "-2" },
		{ "SELECT sum_pico(column1) FROM (VALUES (9223372036854775807), "
		  "(9223372036854775807), (2))",
		  "18446744073709551616" },
		{ "SELECT sum_pico(column1) FROM (VALUES (-9223372036854775807), "
		  "(-9223372036854775807))",
		  "-18446744073709551614" },
		{ "SELECT sum_pico(1.5)", "error" },
		{ "SELECT sum_pico('7')", "error" },
	};
	sqlite3 *db;
	char out[64];

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sum_pico_register(db), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(ask_sum(db, rows[i].sql, out), rows[i].want);
	sqlite3_close(db);
}

static void test_sum_text(void **state)
{
	static const char *const texts[] = { "0", "-1", "7",
					     "170141183460469231731687303715884105727",
					     "-170141183460469231731687303715884105728" };
	char out[SUM_TEXT];
	__int128 n;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(sum_parse(str_of(texts[i]), &n), 0);
		assert_string_equal(sum_text(n, out).p, texts[i]);
	}
	assert_int_equal(sum_parse(S(""), &n), -EBADMSG);
	assert_int_equal(sum_parse(S("-"), &n), -EBADMSG);
	assert_int_equal(sum_parse(S("1.0"), &n), -EBADMSG);
	assert_int_equal(sum_parse(S("170141183460469231731687303715884105728"), &n), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocate), cmocka_unit_test(test_key),
		cmocka_unit_test(test_invalid),  cmocka_unit_test(test_large),
		cmocka_unit_test(test_sum),      cmocka_unit_test(test_sum_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
