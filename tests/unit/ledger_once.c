/* The ledger: what is seen again, or told later, costs once. */
#include "ledger_disk.h"
#include "ledger_scenes.h"

static void test_fetched(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	queued(&c, 1, "red");
	feed(&k, &c);
	again(&k, second); /* nothing is held in memory */
	fetched(&c, 1, 2, "blue", 0);
	unpriced(&c, WHY_BACKGROUND); /* not done yet */
	c.usage.source = SOURCE_NONE;
	feed(&k, &c);
	fetched(&c, 1, 3, "blue", 70);
	feed(&k, &c);
	fetched(&c, 1, 4, "red", 70); /* and once more */
	feed(&k, &c);
	again(&k, first);
	fetched(&c, 1, 5, "red", 70);
	feed(&k, &c);
	feed(&k, &c); /* the same exchange, posted twice */
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 70); /* who asked for it */
	assert_int_equal(SPENT(&k, "blue"), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 1);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call_paid"), 1);
	assert_int_equal(
		kit_ask(&k, "SELECT cost_pico = 70 AND billing = 'metered' AND team = 'red' AND "
			    "usage = '{\"in_text\":70}' FROM call_paid"),
		1);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico IS NULL AND why = 'background' FROM call "
				     "WHERE seq = 1"),
			 1); /* its row stayed */
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call WHERE later = 'fetched' AND "
				     "joined_to = (SELECT id FROM call WHERE seq = 1)"),
			 4);
	assert_int_equal(kit_ask(&k, "SELECT amount FROM revision_line WHERE revision_seq = 1"),
			 70);
	assert_int_equal(kit_ask(&k,
				 "SELECT period = '2026-11' AND reason = 'fetched' FROM "
				 "transfer WHERE call_id = (SELECT id FROM call WHERE seq = 1)"),
			 1);
	/* who first had a server of his own tell less pays what is missing when the answer comes */
	fetched(&c, 1, 6, "red", 75);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 75);
	fetched(&c, 1, 7, "red", 10);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 75);
	end(&k);
}

static void test_fetched_closed_month(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	queued(&c, 1, "red");
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	kit_do(&k, "UPDATE period SET state = 'closed' WHERE month = '2026-11'");
	fetched(&c, 1, 2, "red", 70);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT period = '2026-12' FROM transfer"), 1);
	end(&k);
}

static void test_not_created(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	fetched(&c, 1, 2, "red", 70);
	feed(&k, &c);
	queued(&c, 2, "red"); /* another provider's */
	c.usage.provider = S("azure");
	feed(&k, &c);
	fetched(&c, 2, 3, "red", 70);
	feed(&k, &c);
	kit_call(&c, 3, "red", 5); /* made and billed: nothing is left to bill */
	feed(&k, &c);
	fetched(&c, 3, 4, "red", 70);
	feed(&k, &c);
	fetched(&c, 4, 5, "red", 70); /* it has no id */
	c.usage.response_id = STR_NONE;
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 5);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call WHERE kind = 'other' AND billing = "
				     "'unpriced' AND cost_pico IS NULL AND price_entry IS NULL AND "
				     "why = 'not_created' AND joined_to IS NULL"),
			 3);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM charge_line WHERE call_seq IN (SELECT "
				     "seq FROM call WHERE kind = 'other')"),
			 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM revision"), 0);
	end(&k);
}

/* Usage without a price is known all the same, and may get one. */
static void test_fetched_unpriced(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	queued(&c, 1, "red");
	feed(&k, &c);
	fetched(&c, 1, 2, "red", 70);
	unpriced(&c, WHY_NO_PRICE);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT why = 'no_price' AND usage = '{\"in_text\":70}' AND "
				     "cost_pico IS NULL FROM call_paid"),
			 1);
	assert_int_equal(SPENT(&k, "red"), 0);
	fetched(&c, 1, 3, "red", 70);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 70);
	end(&k);
}

static void test_results(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	for (unsigned round = 0; round < 3; round++) { /* the same file, in two epochs */
		for (unsigned i = 1; i <= 3; i++) {
			kit_call(&c, i, round ? "blue" : "red", 10 * i);
			c.posting.id[15] = (unsigned char)(10 * round + i);
			c.usage.later = LATER_RESULT;
			c.usage.start_ns += round * 86400 * NS_PER_SEC;
			c.usage.end_ns += round * 86400 * NS_PER_SEC;
			feed(&k, &c);
		}
		if (round == 1)
			again(&k, second);
	}
	/* not the same: a server of one's own that says less first does not make the answer free */
	kit_call(&c, 1, "red", 11);
	c.posting.id[15] = 99;
	c.usage.later = LATER_RESULT;
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "red"), 10 + 20 + 30 + 11);
	assert_int_equal(SPENT(&k, "blue"), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call WHERE joined_to IS NOT NULL"), 6);
	end(&k);
}

/* Of several with one answer the one of the same time is meant, whichever was booked first. */
static void test_seen_again(void **state)
{
	static const struct {
		unsigned call, at_s;
		bool second;
		enum billing billing;
		int joined; /* seq; 0: none */
	} row[] = {
		{ 1, 0, false, BILLING_METERED, 0 },     { 1, 60, false, BILLING_METERED, 0 },
		{ 2, 0, false, BILLING_UNPRICED, 0 },    { 3, 0, false, BILLING_SUBSCRIPTION, 0 },
		{ 4, 0, false, BILLING_UNPRICED, 0 }, /* it gets a price, before it is seen again */
		{ 1, 60, true, BILLING_METERED, 2 },     { 1, 0, true, BILLING_METERED, 1 },
		{ 1, 120, true, BILLING_METERED, 0 },    { 2, 0, true, BILLING_UNPRICED, 3 },
		{ 3, 0, true, BILLING_METERED, 0 }, /* who says it is a plan's does not make it one */
		{ 3, 0, true, BILLING_SUBSCRIPTION, 4 }, { 4, 0, true, BILLING_METERED, 5 },
		{ 4, 0, true, BILLING_UNPRICED, 5 },
	};
	struct repriced got;
	struct kit_call c;
	struct kit k;

	(void)state;
	start(&k);
	for (unsigned i = 0; i < COUNT_OF(row); i++) {
		char sql[128];

		if (row[i].second && !row[i - 1].second) {
			kit_call(&c, 4, "red", 10);
			c.posting.id[15] = (unsigned char)i;
			assert_int_equal(ledger_reprice(k.l, &c.posting, 0, STR_NONE, &got), 0);
			assert_int_equal(got.more, 10);
			again(&k, second);
		}
		kit_call(&c, row[i].call, "red", 10);
		c.posting.id[15] = (unsigned char)(i + 1);
		if (row[i].billing == BILLING_UNPRICED)
			unpriced(&c, WHY_NO_PRICE);
		else
			c.charge.billing = c.usage.billing = row[i].billing;
		c.usage.start_ns += row[i].at_s * NS_PER_SEC;
		c.usage.end_ns += row[i].at_s * NS_PER_SEC;
		feed(&k, &c);
		assert_int_equal(ledger_commit(k.l), 0);
		snprintf(sql, sizeof(sql),
			 "SELECT coalesce((SELECT seq FROM call WHERE id = (SELECT joined_to FROM "
			 "call WHERE seq = %u)), 0)",
			 i + 1);
		if (kit_ask(&k, sql) != row[i].joined)
			fail_msg("row %u: %lld", i + 1, (long long)kit_ask(&k, sql));
	}
	assert_int_equal(SPENT(&k, "red"), 50);
	end(&k);
}

/* What is fetched is priced as it was asked for. */
static void test_creation(void **state)
{
	struct arena texts = { .limit = 4096 };
	struct creation made;
	struct kit_call c;
	struct usage u;
	struct kit k;

	(void)state;
	start(&k);
	queued(&c, 1, "red");
	c.usage.host = S("api.openai.com");
	c.usage.credential = S("cred:0123456789ab");
	c.usage.model_requested = S("asked-for");
	c.usage.region = S("eu");
	feed(&k, &c); /* not on disk yet */
	fetched(&c, 1, 2, "blue", 70);
	c.usage.host = S("api.openai.com");
	c.usage.credential = S("cred:ffffffffffff");
	c.usage.billing = BILLING_SUBSCRIPTION;
	u = c.usage;
	assert_int_equal(ledger_creation(k.l, &u, &texts, &made), 0);
	assert_true(made.found && !made.contract.n && made.charged.net == 0);
	assert_true(u.start_ns == KIT_START + 1000 && u.end_ns == KIT_START + 1009);
	assert_true(str_eq(u.credential, S("cred:0123456789ab")) && str_eq(u.region, S("eu")) &&
		    str_eq(u.model_requested, S("asked-for")));
	assert_true(u.billing == BILLING_SUBSCRIPTION);
	assert_true(str_eq(u.model_served, c.usage.model_served) &&
		    leaf_has(&u.used, LEAF_IN_TEXT));
	u = c.usage;
	u.host = S("plan.example.com"); /* it may be anybody's */
	assert_int_equal(ledger_creation(k.l, &u, &texts, &made), 0);
	assert_true(u.billing == BILLING_METERED && str_eq(u.host, S("api.openai.com")));
	u = c.usage;
	u.response_id = S("resp_2");
	assert_int_equal(ledger_creation(k.l, &u, &texts, &made), 0);
	assert_false(made.found);
	assert_memory_equal(&u.start_ns, &c.usage.start_ns, sizeof(u.start_ns));
	u = c.usage;
	texts.limit = texts.used;
	assert_int_equal(ledger_creation(k.l, &u, &texts, &made), -ENOMEM);
	assert_true(!made.found && u.start_ns == c.usage.start_ns);
	/* what it is charged already */
	c.charge.contract = S("acme");
	c.charge.list_pico = 140;
	feed(&k, &c);
	texts.limit = 4096;
	assert_int_equal(ledger_creation(k.l, &u, &texts, &made), 0);
	assert_true(str_eq(made.contract, S("acme")) && made.charged.net == 70 &&
		    made.charged.list == 140);
	arena_reset(&texts);
	end(&k);
}

/* Where the disk fails under it nothing is said: it is asked again, with other room for texts. */
static void test_creation_fails(void **state)
{
	unsigned failed = 0;
	int r = -1;

	(void)state;
	for (long n = 0; r < 0; n++) {
		struct arena texts = { .limit = 4096 };
		struct creation made;
		struct kit_call c;
		struct usage u;
		struct kit k;

		start(&k);
		queued(&c, 1, "red");
		c.usage.host = S("api.openai.com");
		feed(&k, &c);
		assert_int_equal(ledger_commit(k.l), 0);
		assert_int_equal(kit_feed(&k, 2, "red", 5), 0);
		disk_set(DISK_FULL, 0);
		assert_true(ledger_commit(k.l) < 0);
		fetched(&c, 1, 3, "red", 70);
		u = c.usage;
		disk_set(DISK_FULL, n);
		r = ledger_creation(k.l, &u, &texts, &made);
		disk_set(DISK_GOOD, 0);
		if (r < 0)
			assert_true(u.host.p == c.usage.host.p && u.start_ns == c.usage.start_ns &&
				    !made.found);
		failed += r < 0;
		arena_reset(&texts);
		end(&k);
	}
	assert_true(failed > 0);
}

static void test_retry(void **state)
{
	static const struct {
		const char *hash, *provider, *cgroup;
		enum outcome outcome;
		unsigned at_s; /* begins, and ends a second later */
		int retry_of;  /* seq; 0: none */
	} row[] = {
		{ "aa", "openai", "/a", OUTCOME_RATE_LIMITED, 0, 0 },
		{ "aa", "openai", "/a", OUTCOME_SERVER_ERROR, 3, 1 },
		{ "aa", "openai", "/a", OUTCOME_ABORTED, 9, 2 },
		{ "aa", "openai", "/a", OUTCOME_OK, 20, 3 },
		{ "aa", "openai", "/a", OUTCOME_OK, 21, 0 }, /* the one before was well */
		{ "bb", "openai", "/a", OUTCOME_RATE_LIMITED, 30, 0 },
		{ "bb", "azure", "/a", OUTCOME_RATE_LIMITED, 31, 0 },
		{ "bb", "azure", "/b", OUTCOME_RATE_LIMITED, 32, 0 },
		{ "bb", "azure", "/b", OUTCOME_OK, 200, 0 }, /* too late */
		{ "cc", "openai", "/a", OUTCOME_CLIENT_ERROR, 40, 0 },
		{ "cc", "openai", "/a", OUTCOME_OK, 41, 0 },
	};
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	for (unsigned i = 0; i < COUNT_OF(row); i++) {
		char sql[128];

		kit_call(&c, i + 1, "red", 1);
		c.usage.request_hash = str_of(row[i].hash);
		c.usage.provider = str_of(row[i].provider);
		c.usage.outcome = row[i].outcome;
		c.usage.retry = i == 1 ? 1 : -1;
		c.usage.start_ns = KIT_START + row[i].at_s * NS_PER_SEC;
		c.usage.first_ns = 0;
		c.usage.end_ns = c.usage.start_ns + NS_PER_SEC;
		c.posting.cgroup = str_of(row[i].cgroup);
		feed(&k, &c);
		assert_int_equal(ledger_commit(k.l), 0);
		snprintf(sql, sizeof(sql),
			 "SELECT coalesce((SELECT seq FROM call WHERE id = (SELECT retry_of FROM "
			 "call WHERE seq = %u)), 0)",
			 i + 1);
		assert_int_equal(kit_ask(&k, sql), row[i].retry_of);
	}
	assert_int_equal(kit_ask(&k, "SELECT retry_count FROM call WHERE seq = 2"), 1);
	end(&k);
}

/* Each allocation fails once: no more and no less is booked when it works. */
static void test_no_memory(void **state)
{
	bool done = false;

	(void)state;
	for (long n = 0; !done; n++) {
		struct kit_call made, c, told;
		struct kit k;
		struct repriced more;
		int r;

		start(&k);
		queued(&made, 1, "red");
		fetched(&told, 1, 2, "red", 70);
		kit_call(&c, 1, "red", 80);
		mem_fail_after = n;
		r = ledger_feed(k.l, &made.posting);
		if (r == 0)
			r = ledger_feed(k.l, &told.posting);
		if (r == 0)
			r = ledger_reprice(k.l, &c.posting, 1, STR_NONE, &more);
		done = mem_fail_after > 0;
		mem_fail_after = -1;
		assert_true(done ? r == 0 : r == 0 || r == -ENOMEM);
		assert_int_equal(ledger_feed(k.l, &made.posting), 0);
		assert_int_equal(ledger_feed(k.l, &told.posting), 0);
		assert_int_equal(ledger_reprice(k.l, &c.posting, 1, STR_NONE, &more), 0);
		assert_int_equal(SPENT(&k, "red"), 80);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM revision"), 2);
		end(&k);
	}
}

/* Less than a cent each, 2,500 times: nothing is rounded away. */
static void test_below_a_cent(void **state)
{
	enum { CALLS = 2500 };
	const int64_t each = 4000000000, all = 10 * (int64_t)1000000000000;
	struct kit k;

	(void)state;
	start(&k);
	for (unsigned i = 1; i <= CALLS; i++) {
		assert_int_equal(kit_feed(&k, i, "red", each), 0);
		if (i % 100 == 0)
			assert_int_equal(ledger_commit(k.l), 0);
	}
	assert_true(SPENT(&k, "red") == all);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetched),        cmocka_unit_test(test_fetched_closed_month),
		cmocka_unit_test(test_not_created),    cmocka_unit_test(test_fetched_unpriced),
		cmocka_unit_test(test_results),        cmocka_unit_test(test_retry),
		cmocka_unit_test(test_seen_again),     cmocka_unit_test(test_creation),
		cmocka_unit_test(test_below_a_cent),   cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_creation_fails),
	};

	disk_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
