/* The ledger: who pays for what a gateway asked, prices that came later, and what came together under a contract. */
#include "ledger_scenes.h"

static const struct {
	struct leg leg[3];
	int64_t red, gw; /* what each team pays */
	unsigned calls;  /* that count */
} passed_on[] = {
	{ { { 1, 'g', "gw", 50 }, { 1, 'p', "red", -1 } }, 50, 0, 1 },
	{ { { 2, 'p', "red", -1 }, { 2, 'g', "gw", 50 } }, 50, 0, 1 }, /* the other first */
	{ { { 3, 'g', "gw", 50 }, { 3, 'p', "red", 70 } }, 50, 0, 1 }, /* both priced */
	{ { { 4, 'p', "red", 70 }, { 4, 'g', "gw", 50 } }, 50, 0, 1 },
	{ { { 5, 'p', "red", 1 }, { 5, 'g', "gw", 50 } }, 50, 0, 1 },
	{ { { 6, 'g', "gw", 50 }, { 6, 'p', "red", -1 }, { 6, 'p', "blue", -1 } }, 50, 0, 2 },
	{ { { 7, 'g', "gw", 50 } }, 0, 50, 1 }, /* nobody was seen to ask */
	{ { { 8, 'g', "gw", -1 }, { 8, 'p', "red", -1 } }, 0, 0, 1 },
	/* the price of the caller's side stands where the provider's is not known */
	{ { { 9, 'g', "gw", -1 }, { 9, 'p', "red", 5 } }, 5, 0, 2 },
	{ { { 10, 'p', "red", 5 }, { 10, 'g', "gw", -1 } }, 5, 0, 2 },
	/* a gateway behind a gateway */
	{ { { 11, 'p', "red", -1 }, { 11, 'h', "gw", -1 }, { 11, 'g', "gw", 50 } }, 50, 0, 2 },
	{ { { 12, 'g', "gw", 50 }, { 12, 'p', "gw", -1 } }, 0, 50, 1 }, /* its own team asks */
	/* no gateway by the map: nobody pays another's call, and nobody gets one free */
	{ { { 13, 't', "gw", 50 }, { 13, 'p', "red", 1 } }, 0, 50, 1 },
	{ { { 14, 'p', "red", 1 }, { 14, 't', "gw", 50 } }, 1, 50, 2 },
	{ { { 15, 't', "gw", 50 }, { 15, 'p', "red", -1 } }, 0, 50, 2 },
	/* of the same price who is booked first pays, as ever */
	{ { { 16, 'p', "red", 50 }, { 16, 't', "gw", 50 } }, 50, 0, 1 },
};

static void test_gateway(void **state)
{
	int64_t red = 0, gw = 0, calls = 0;
	struct kit k;
	unsigned number = 0;

	(void)state;
	start(&k);
	for (size_t i = 0; i < COUNT_OF(passed_on); i++) {
		for (size_t n = 0; n < 3 && passed_on[i].leg[n].id; n++)
			leg(&k, &passed_on[i].leg[n], ++number);
		red += passed_on[i].red;
		gw += passed_on[i].gw;
		calls += passed_on[i].calls;
		if (kit_ask(&k, "SELECT count(*) FROM call_paid") != calls ||
		    SPENT(&k, "red") != red || (i && SPENT(&k, "gw") != gw))
			fail_msg("row %zu: %lld calls, red pays %lld, gw %lld", i,
				 (long long)kit_ask(&k, "SELECT count(*) FROM call_paid"),
				 (long long)SPENT(&k, "red"), (long long)SPENT(&k, "gw"));
	}
	assert_int_equal(kit_ask(&k, "SELECT sum(cost_pico) FROM call_paid WHERE team = 'red' AND "
				     "cgroup = 'red' AND billing = 'metered'"),
			 red);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer WHERE reason = 'gateway' AND "
				     "refers_to IS NOT NULL"),
			 kit_ask(&k, "SELECT count(*) FROM transfer WHERE reason = 'gateway'"));
	assert_true(kit_ask(&k, "SELECT count(*) FROM handover") > 0);
	end(&k);
}

/* The answer must be of that time. */
static void test_gateway_late(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	leg(&k, &(struct leg){ 1, 'g', "gw", 50 }, 1);
	kit_call(&c, 1, "red", 0);
	unpriced(&c, WHY_UNKNOWN_HOST);
	c.posting.id[15] = 2;
	c.usage.from.row = TLS_PLAIN;
	c.usage.from.tgid = 43;
	c.usage.host = S("127.0.0.1:4000");
	c.usage.start_ns += 10 * NS_PER_SEC; /* what the gateway kept, sent to another */
	c.usage.end_ns += 10 * NS_PER_SEC;
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(SPENT(&k, "gw"), 50);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM handover"), 0);
	end(&k);
}

/* ---- prices ---- */

static int64_t repriced(struct kit *k, struct kit_call *c, uint64_t revision)
{
	int64_t more = -1;

	assert_int_equal(ledger_reprice(k->l, &c->posting, revision, S("uid:0"), &more), 0);
	return more;
}

static void test_reprice(void **state)
{
	struct kit k;
	struct kit_call c;
	int64_t more;

	(void)state;
	start(&k);
	kit_call(&c, 1, "red", 70);
	unpriced(&c, WHY_NO_PRICE);
	feed(&k, &c);
	kit_call(&c, 1, "red", 70);
	assert_int_equal(repriced(&k, &c, 0), 70);
	assert_int_equal(SPENT(&k, "red"), 70);
	assert_int_equal(repriced(&k, &c, 0), 0); /* it has that revision */
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM revision"), 1);
	kit_call(&c, 1, "red", 60); /* dearer by mistake */
	assert_int_equal(repriced(&k, &c, 1), -10);
	kit_call(&c, 1, "red", 60); /* another entry, the same money: a row, no transfer */
	assert_int_equal(repriced(&k, &c, 2), 0);
	assert_int_equal(SPENT(&k, "red"), 60);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer WHERE reason = 'repriced' AND "
				     "actor = 'uid:0'"),
			 2);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico IS NULL FROM call WHERE seq = 1"), 1);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico FROM call_paid"), 60);
	assert_int_equal(kit_ask(&k, "SELECT sum(amount) FROM revision"), 60);
	/* what is another's to pay is paid there; what is not there has no price */
	leg(&k, &(struct leg){ 2, 'g', "gw", 50 }, 1);
	leg(&k, &(struct leg){ 2, 'p', "red", -1 }, 2);
	kit_call(&c, 2, "gw", 55);
	c.posting.id[15] = 1;
	assert_int_equal(repriced(&k, &c, 0), 5);
	assert_int_equal(SPENT(&k, "red"), 60 + 55);
	assert_int_equal(SPENT(&k, "gw"), 0);
	c.posting.id[15] = 2;
	assert_int_equal(ledger_reprice(k.l, &c.posting, 0, STR_NONE, &more), -ENOENT);
	c.posting.id[15] = 77;
	assert_int_equal(ledger_reprice(k.l, &c.posting, 0, STR_NONE, &more), -ENOENT);
	kit_call(&c, 1, "red", 60);
	c.charge.pico = 61; /* not its lines */
	assert_int_equal(ledger_reprice(k.l, &c.posting, 3, STR_NONE, &more), -EINVAL);
	end(&k);
}

static void test_stays(void **state)
{
	static const char *const change[] = {
		"UPDATE revision SET amount = 1",
		"DELETE FROM revision",
		"UPDATE revision_line SET amount = 1",
		"DELETE FROM revision_line",
		"UPDATE handover SET caller_seq = 1",
		"DELETE FROM handover",
		"UPDATE call SET flags = 'x' WHERE seq = 1",
	};
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	queued(&c, 1, "red");
	feed(&k, &c);
	fetched(&c, 1, 2, "red", 70);
	feed(&k, &c);
	leg(&k, &(struct leg){ 2, 'g', "gw", 50 }, 1);
	leg(&k, &(struct leg){ 2, 'p', "red", -1 }, 2);
	for (size_t i = 0; i < COUNT_OF(change); i++) {
		sqlite3 *db = NULL;

		assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, change[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
		sqlite3_close(db);
	}
	end(&k);
}

/* ---- contracts ---- */

static int64_t total(struct kit *k, const char *contract, bool list)
{
	struct total t = { -1, -1 }, once = { -2, -2 };

	assert_int_equal(
		ledger_total(k->l, str_of(contract), KIT_START, KIT_START + NS_PER_SEC, &t), 0);
	assert_int_equal(
		ledger_total_once(k->l, str_of(contract), KIT_START, KIT_START + NS_PER_SEC, &once),
		0);
	assert_true(t.net == once.net &&
		    t.list == once.list); /* what is followed is what is there */
	return (int64_t)(list ? t.list : t.net);
}

static void under(struct kit_call *c, unsigned number, int64_t pico, const char *contract)
{
	kit_call(c, number, "red", pico);
	c->charge.contract = str_of(contract);
	c->charge.list_pico = 2 * pico;
}

static void test_totals(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	start(&k);
	assert_int_equal(total(&k, "a", false), 0);
	under(&c, 1, 50, "a");
	feed(&k, &c);
	assert_int_equal(total(&k, "a", false), 50); /* not on disk yet */
	assert_int_equal(total(&k, "a", true), 100);
	assert_int_equal(total(&k, "b", false), 0);
	under(&c, 2, 7, "b");
	feed(&k, &c);
	under(&c, 3, 9, "a");
	c.usage.start_ns += NS_PER_SEC; /* after the period */
	c.usage.end_ns += NS_PER_SEC;
	feed(&k, &c);
	again(&k, second); /* told anew */
	assert_int_equal(total(&k, "a", false), 50);
	assert_int_equal(total(&k, "b", false), 7);
	under(&c, 1, 50, "a"); /* seen twice, billed once */
	c.posting.id[15] = 9;
	feed(&k, &c);
	assert_int_equal(total(&k, "a", false), 50);
	under(&c, 1, 40, "b"); /* corrected, and under another contract */
	assert_int_equal(repriced(&k, &c, 0), -10);
	assert_int_equal(total(&k, "a", false), 0);
	assert_int_equal(total(&k, "b", true), 14 + 80);
	under(&c, 5, 30, "a"); /* who asked a gateway, charged until the gateway's own call is */
	c.usage.from.row = TLS_PLAIN;
	feed(&k, &c);
	assert_int_equal(total(&k, "a", false), 30);
	under(&c, 5, 20, "b");
	c.posting.id[15] = 8;
	c.posting.gateway = true;
	c.usage.from.tgid = 44;
	feed(&k, &c);
	assert_int_equal(total(&k, "a", false), 0);
	assert_int_equal(total(&k, "b", false), 7 + 40 + 20);
	under(&c, 4, 5, "a");
	c.charge.pico = 6; /* refused */
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(total(&k, "a", false), 0);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gateway), cmocka_unit_test(test_gateway_late),
		cmocka_unit_test(test_reprice), cmocka_unit_test(test_stays),
		cmocka_unit_test(test_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
