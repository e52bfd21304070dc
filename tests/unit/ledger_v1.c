/* A ledger of version 1 opens, keeps everything, and ties out. */
#include "ledger/chain.h"
#include "ledger_kit.h"

static const char sql[] = {
#include "schema.inc"
	0
};

static void run(sqlite3 *db, const char *text)
{
	char *error = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
}

/* Transfer `seq` of the file, from account 2 to 3, with the hash that follows. */
static void transfer(sqlite3 *db, unsigned char head[DB_HASH], struct transfer *t)
{
	char hash[2 * DB_HASH + 1], text[512];

	chain_next(head, t, head);
	hash_hex(head, DB_HASH, hash);
	snprintf(text, sizeof(text),
		 "INSERT INTO transfer (seq, id, debit, credit, amount, kind, reason, ts_ns, "
		 "period, call_id, hash) VALUES (%d, x'%032x', %d, %d, %d, 'posted', '%.*s', %d, "
		 "'2026-11', %s, x'%s')",
		 (int)t->seq, (unsigned)t->seq, (int)t->debit, (int)t->credit, (int)t->amount,
		 STR_ARG(t->reason), (int)t->ts_ns, t->call_id.p ? "zeroblob(16)" : "NULL", hash);
	run(db, text);
}

/* As the first version made it: 001.sql, an allocation, a charge, a call without a price, one of a plan. */
static void make(const struct kit *k)
{
	static const char *const end = "-- The ledger, version 2.";
	unsigned char head[DB_HASH] = { 0 }, id[16] = { 0 };
	static const char call[16];
	struct transfer t = { .seq = 1,
			      .debit = 1,
			      .credit = 5,
			      .amount = 100,
			      .ts_ns = 1,
			      .kind = S("posted"),
			      .reason = S("allocate"),
			      .period = S("2026-11"),
			      .id = { (const char *)id, sizeof(id) } };
	size_t n = (size_t)(strstr(sql, end) - sql);
	char *first = mem_text(sql, n);
	sqlite3 *db = NULL;

	assert_non_null(first);
	assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
	run(db, first);
	mem_free(first);
	run(db,
	    "INSERT INTO meta VALUES (1, zeroblob(16), 1);"
	    "INSERT INTO schema_version VALUES (1, 1);"
	    "INSERT INTO period (month) VALUES ('2026-11');"
	    "INSERT INTO account (team, kind) VALUES ('__org__', 'funding'),"
	    "('__unattributed__', 'wallet'), ('__unattributed__', 'spend'),"
	    "('__unattributed__', 'adjustments'), ('red', 'wallet'), ('red', 'spend'),"
	    "('red', 'adjustments');"
	    "INSERT INTO call (id, content, booked_ns, period, kind, ts_start, ts_end, team, "
	    "provider, model_served, response_id, stream, outcome, usage, source, billing, "
	    "cost_pico, low_pico, high_pico, why, price_entry) VALUES"
	    "(zeroblob(16), x'', 1, '2026-11', 'inference', 10, 20, 'red', 'openai', 'm', "
	    "'resp_1', 0, 'ok', '{\"in_text\":30}', 'reported', 'metered', 30, 30, 30, NULL, 'e'),"
	    "(x'01000000111111111111111111111111', x'', 1, '2026-11', 'inference', 10, 20, "
	    "'red', 'openai', 'm', 'resp_2', 0, 'ok', '{\"in_text\":7}', 'reported', "
	    "'unpriced', NULL, NULL, NULL, 'no_price', NULL),"
	    "(x'03000000111111111111111111111111', x'', 1,  '2026-11', 'inference', 10, 20, 'red', "
	    "'openai', 'm', 'resp_3', 0,"
	    "'ok', '{\"in_text\":9}', 'reported', 'subscription', 9, 9, 9, NULL, 'e')");
	run(db, "INSERT INTO charge_line VALUES (1, 'in_text', 30, 1, 1, 30), "
		"(3, 'in_text', 9, 1, 1, 9)");
	id[15] = 1;
	transfer(db, head, &t);
	id[15] = 2;
	t.seq = 2;
	t.debit = 5;
	t.credit = 6;
	t.amount = 30;
	t.reason = S("charge");
	t.call_id = (struct str){ call, sizeof(call) };
	transfer(db, head, &t);
	run(db, "UPDATE account SET balance_high = -1, balance_low = 9223372036854775807 - 99 "
		"WHERE id = 1");
	run(db, "UPDATE account SET balance_low = 70 WHERE id = 5");
	run(db, "UPDATE account SET balance_low = 30 WHERE id = 6");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_migrates(void **state)
{
	struct kit k;
	struct kit_call c;
	struct repriced got = { 0 };

	(void)state;
	kit_make(&k);
	make(&k);
	for (int i = 0; i < 2; i++) { /* and once more: nothing is left to do */
		assert_int_equal(kit_open(&k), 0);
		kit_sound(&k);
		ledger_close(&k.l);
	}
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM schema_version"), 2);
	assert_int_equal(kit_ask(&k, "SELECT max(version) FROM schema_version"), 2);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call_paid"), 3);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico FROM call_paid WHERE billing = 'metered'"),
			 30);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico IS NULL AND why = 'no_price' AND usage_why "
				     "IS NULL AND gateway = 0 FROM call_now WHERE seq = 2"),
			 1);
	assert_int_equal(kit_balance(&k, "red", "wallet"), 70);
	/* what stands there can be corrected, and joined */
	kit_call(&c, 1, "red", 7);
	assert_int_equal(ledger_reprice(k.l, &c.posting, 0, S("uid:0"), &got), 0);
	assert_int_equal(got.more, 7);
	assert_int_equal(kit_feed(&k, 9, "blue", 5), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_balance(&k, "red", "spend"), 37);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 4);
	kit_sound(&k);
	kit_done(&k);
}

/* A migration that breaks off leaves the file as it was. */
static void test_no_memory(void **state)
{
	struct kit k;

	(void)state;
	for (long n = 0;; n++) {
		int r;

		kit_make(&k);
		make(&k);
		mem_fail_after = n;
		r = kit_open(&k);
		mem_fail_after = -1;
		if (r == 0)
			break;
		assert_int_equal(kit_ask(&k, "SELECT max(version) FROM schema_version"), 1);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 3);
		kit_done(&k);
	}
	kit_sound(&k);
	kit_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrates),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
