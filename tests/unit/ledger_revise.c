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
	struct repriced got = { -1, false, false };

	assert_int_equal(ledger_reprice(k->l, &c->posting, revision, S("uid:0"), &got), 0);
	assert_false(got.joined);
	assert_true(got.charged || got.more == 0);
	return got.more;
}

static void test_reprice(void **state)
{
	struct kit k;
	struct kit_call c;
	struct repriced more;

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

/* Nothing had a price when it was booked, or not all of it; then prices come. */
static const struct {
	struct leg leg[2];
	bool between;     /* another epoch begins */
	int64_t price[2]; /* that each gets then; -1: it has one, or gets none */
	int64_t red, gw;
	unsigned calls, joined;
} priced_later[] = {
	/* both sides of a gateway that is not marked: once, and never to who says that it is cheap */
	{ { { 1, 't', "gw", -1 }, { 1, 'q', "red", -1 } }, false, { 50, 50 }, 0, 50, 1, 1 },
	{ { { 2, 'q', "red", -1 }, { 2, 't', "gw", -1 } }, false, { 50, 50 }, 50, 0, 1, 1 },
	{ { { 3, 'q', "red", -1 }, { 3, 't', "gw", -1 } }, false, { 1, 50 }, 1, 50, 2, 0 },
	{ { { 4, 'q', "red", -1 }, { 4, 't', "gw", 50 } }, false, { 50, -1 }, 0, 50, 1, 1 },
	{ { { 5, 't', "gw", -1 }, { 5, 'q', "red", 50 } }, false, { 50, -1 }, 50, 0, 1, 1 },
	{ { { 6, 't', "gw", -1 }, { 6, 'q', "red", 50 } }, false, { 60, -1 }, 50, 60, 2, 0 },
	/* two epochs saw it; the meter joined it midway: joined as it is booked, where none has a price or both have */
	{ { { 7, 't', "red", -1 }, { 7, 't', "red", -1 } }, true, { 50, -1 }, 50, 0, 1, 0 },
	{ { { 8, 't', "red", -1 }, { 8, 't', "red", 50 } }, true, { 50, -1 }, 50, 0, 1, 1 },
	{ { { 9, 't', "red", -1 }, { 9, 'm', "red", -1 } }, false, { 50, -1 }, 50, 0, 1, 0 },
	{ { { 10, 'm', "red", -1 }, { 10, 't', "red", 50 } }, false, { 50, -1 }, 50, 0, 1, 1 },
	/* two calls */
	{ { { 11, 't', "red", -1 }, { 11, 't', "red", -1 } }, false, { 50, 50 }, 100, 0, 2, 0 },
	/* a gateway that is marked: the provider's side is paid, by who asked */
	{ { { 12, 'g', "gw", -1 }, { 12, 'p', "red", 5 } }, false, { 50, -1 }, 50, 0, 1, 1 },
	{ { { 13, 'p', "red", 5 }, { 13, 'g', "gw", -1 } }, false, { -1, 50 }, 50, 0, 1, 1 },
	{ { { 14, 'g', "gw", -1 }, { 14, 'p', "red", -1 } }, false, { 50, -1 }, 50, 0, 1, 0 },
	{ { { 15, 'g', "gw", -1 }, { 15, 'p', "gw", 5 } }, false, { 50, -1 }, 0, 50, 1, 1 },
	/* its rest was seen after a restart, with a price by then: once, but never to a rest that cost less */
	{ { { 16, 't', "red", -1 }, { 16, 'm', "red", 50 } }, false, { 50, -1 }, 50, 0, 1, 1 },
	{ { { 17, 't', "red", -1 }, { 17, 'm', "red", 5 } }, false, { 50, -1 }, 55, 0, 2, 0 },
};

/* Gives a price to those of row `i` that get one; how many were joined. */
static unsigned price_row(struct kit *k, size_t i, int64_t *more)
{
	unsigned joined = 0;

	for (unsigned n = 0; n < 2; n++) {
		struct leg l = priced_later[i].leg[n];
		struct repriced got;
		struct kit_call c;

		l.pico = priced_later[i].price[n];
		leg_call(&c, &l, 1 + n);
		if (l.pico < 0)
			continue;
		assert_int_equal(ledger_reprice(k->l, &c.posting, 0, S("uid:0"), &got), 0);
		joined += got.joined;
		*more += got.more;
	}
	return joined;
}

static void test_priced_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(priced_later); i++) {
		int64_t more = 0, would = 0, spent = 0;
		struct kit k;

		start(&k);
		assert_int_equal(ledger_team(k.l, S("red")), 0);
		assert_int_equal(ledger_team(k.l, S("gw")), 0);
		leg(&k, &priced_later[i].leg[0], 1);
		if (priced_later[i].between)
			again(&k, second);
		leg(&k, &priced_later[i].leg[1], 2);
		spent = SPENT(&k, "red") + SPENT(&k, "gw");
		/* a rehearsal says the same, and leaves nothing */
		assert_int_equal(ledger_rehearse(k.l, true), 0);
		assert_int_equal(price_row(&k, i, &would), priced_later[i].joined);
		assert_int_equal(ledger_rehearse(k.l, false), 0);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM revision"), 0);
		assert_int_equal(SPENT(&k, "red") + SPENT(&k, "gw"), spent);
		assert_int_equal(price_row(&k, i, &more), priced_later[i].joined);
		assert_int_equal(would, more);
		if (kit_ask(&k, "SELECT count(*) FROM call_paid") != priced_later[i].calls ||
		    SPENT(&k, "red") != priced_later[i].red ||
		    SPENT(&k, "gw") != priced_later[i].gw)
			fail_msg("row %zu: %lld calls, red pays %lld, gw %lld", i,
				 (long long)kit_ask(&k, "SELECT count(*) FROM call_paid"),
				 (long long)SPENT(&k, "red"), (long long)SPENT(&k, "gw"));
		assert_int_equal(SPENT(&k, "red") + SPENT(&k, "gw") - spent, more);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call_now n JOIN revision r ON "
					     "r.call_seq = n.seq AND r.reason = 'joined' AND "
					     "(r.amount <> 0 OR r.told_by IS NOT n.joined_to)"),
				 0);
		end(&k);
	}
}

/* What is in the open batch stays there when a rehearsal ends that never began. */
static void test_rehearsal(void **state)
{
	struct kit_call c;
	struct kit k;

	(void)state;
	start(&k);
	kit_call(&c, 1, "red", 10);
	feed(&k, &c);
	assert_int_equal(ledger_rehearse(k.l, false), 0);
	kit_call(&c, 2, "red", 10);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 2);
	assert_int_equal(SPENT(&k, "red"), 20);
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
	assert_int_equal(ledger_total_before(k->l, NULL, str_of(contract), KIT_START,
					     KIT_START + NS_PER_SEC, &once),
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

/* What had come together when a call was first charged is known for good: by the order of charges, not of calls. */
static void test_total_before(void **state)
{
	static const struct {
		/* c: booked with its price; u: without one; q: queued; f: its answer is fetched; r: a price for it; w: another */
		char how;
		unsigned call;
		int64_t pico, before; /* -1: it is not charged here */
	} step[] = {
		{ 'c', 5, 50, 0 },  { 'c', 2, 20, 50 },  { 'u', 1, 0, -1 },  { 'q', 7, 0, -1 },
		{ 'c', 9, 9, 70 },  { 'f', 7, 100, 79 }, { 'r', 1, 7, 179 }, { 'c', 3, 30, 186 },
		{ 'w', 2, 25, 50 }, /* it is worth more now: those behind it see that */
	};
	struct kit_call c;
	struct kit k;

	(void)state;
	start(&k);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < COUNT_OF(step); i++) {
			struct total t;
			unsigned fetch = step[i].how == 'f' ? 99 : 0;

			under(&c, step[i].call, step[i].pico, "a");
			if (step[i].how == 'q')
				queued(&c, step[i].call, "red");
			if (step[i].how == 'u')
				unpriced(&c, WHY_NO_PRICE);
			if (step[i].how == 'f')
				c.usage.later = LATER_FETCHED;
			assert_int_equal(ledger_total_before(k.l, c.posting.id, S("a"), KIT_START,
							     KIT_START + NS_PER_SEC, &t),
					 0);
			if (step[i].before >= 0)
				assert_true(t.net ==
					    step[i].before +
						    (round && i && step[i].call != 2 ? 5 : 0));
			c.posting.id[15] += (unsigned char)fetch;
			if (round)
				continue;
			if (step[i].how == 'r' || step[i].how == 'w')
				(void)repriced(&k, &c, 0);
			else
				feed(&k, &c);
		}
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gateway),      cmocka_unit_test(test_gateway_late),
		cmocka_unit_test(test_reprice),      cmocka_unit_test(test_stays),
		cmocka_unit_test(test_totals),       cmocka_unit_test(test_total_before),
		cmocka_unit_test(test_priced_later), cmocka_unit_test(test_rehearsal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
