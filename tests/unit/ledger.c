/* The ledger: what is booked, what is refused, what happens twice. */
#include <fcntl.h>
#include <sys/stat.h>
#include "ledger_kit.h"

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) TLS_##row,
#include "tbl/tls.h"
#undef TLS
};

static void test_books(void **state)
{
	struct kit k;
	struct stat st;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(stat(k.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(kit_feed(&k, i, i % 2 ? "red" : "blue", 100 + i), 0);
	assert_int_equal(ledger_batch(k.l), 20);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 0); /* not before the commit */
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(ledger_batch(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 20);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM charge_line"), 20);
	assert_int_equal(kit_ask(&k, "SELECT max(seq) FROM transfer"), 20);
	assert_int_equal(kit_balance(&k, "red", "wallet"), -1100); /* overdraft is recorded */
	assert_int_equal(kit_balance(&k, "red", "spend"), 1100);
	assert_int_equal(kit_balance(&k, "blue", "spend"), 1090);
	assert_int_equal(k.counters.n[CNT_POSTED], 20);
	assert_int_equal(kit_ask(&k, "SELECT usage = '{\"in_text\":100}' FROM call WHERE seq = 1"),
			 1);
	assert_int_equal(
		kit_ask(&k, "SELECT raw_usage = '{\"input_tokens\": 12}' FROM call WHERE seq = 1"),
		1);
	assert_int_equal(
		kit_ask(&k,
			"SELECT retry_count IS NULL AND http_status = 200 FROM call WHERE seq = 1"),
		1);
	assert_int_equal(kit_ask(&k, "SELECT joined_to IS NULL AND comm = 'curl' AND why IS NULL "
				     "FROM call WHERE seq = 1"),
			 1);
	assert_int_equal(
		kit_ask(&k,
			"SELECT count(*) FROM period WHERE month = '2026-11' AND state = 'open'"),
		1);
	kit_sound(&k);
	kit_done(&k);
}

static void test_again(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	for (int round = 0; round < 3;
	     round++) { /* in one batch, after a commit, after a restart */
		for (int i = 0; i < 2; i++)
			assert_int_equal(kit_feed(&k, 1, "red", 70), 0);
		assert_int_equal(ledger_commit(k.l), 0);
		if (round == 1) {
			ledger_close(&k.l);
			assert_int_equal(kit_open(&k), 0);
		}
	}
	assert_int_equal(k.counters.n[CNT_POST_AGAIN], 5);
	assert_int_equal(k.counters.n[CNT_POSTED], 1);
	/* the same id, one token more */
	kit_call(&c, 1, "red", 71);
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	/* the same id, another team */
	assert_int_equal(kit_feed(&k, 1, "blue", 70), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(k.counters.n[CNT_POST_CONFLICT], 2);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 1);
	assert_int_equal(kit_balance(&k, "red", "spend"), 70);
	kit_sound(&k);
	kit_done(&k);
}

static void test_no_money(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	kit_call(&c, 1, "red", 5); /* unknown is not zero */
	c.charge.billing = BILLING_UNPRICED;
	c.charge.why = WHY_NO_PRICE;
	c.charge.count = 0;
	c.charge.pico = c.charge.low_pico = c.charge.high_pico = 0;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 2, "red", 0); /* free tokens: lines, no transfer */
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 3, "red", 9); /* shown, not debited */
	c.charge.billing = BILLING_SUBSCRIPTION;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 4, "red", 0); /* nobody knows what it would have been */
	c.charge.billing = BILLING_SUBSCRIPTION;
	c.charge.entry = STR_NONE;
	c.charge.count = 0;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 4);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico IS NULL FROM call WHERE seq = 4"), 1);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 0);
	assert_int_equal(
		kit_ask(&k,
			"SELECT cost_pico IS NULL AND why = 'no_price' FROM call WHERE seq = 1"),
		1);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM charge_line WHERE call_seq = 1"), 0);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico FROM call WHERE seq = 2"), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM charge_line WHERE call_seq = 2"), 1);
	assert_int_equal(kit_ask(&k, "SELECT cost_pico FROM call WHERE seq = 3"), 9);
	kit_sound(&k);
	kit_done(&k);
}

static void test_refused(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	kit_call(&c, 1, "red", 5);
	c.charge.pico = 6; /* not the sum of its lines */
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 2, "red", 5);
	c.usage.kind = KIND_OTHER; /* costs nothing */
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 3, "red", 5);
	c.usage.end_ns = UINT64_MAX;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 4, "", 5);
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 5, "red", 5);
	c.charge.line[0].pico = -5;
	c.charge.pico = -5;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(kit_feed(&k, 6, "red", 5), 0);
	assert_int_equal(k.counters.n[CNT_POST_REFUSED], 5);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 1);
	kit_sound(&k);
	kit_done(&k);
}

static void test_text(void **state)
{
	static char longer[5000];
	struct kit k;
	struct kit_call c;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	kit_call(&c, 1, "red", 5);
	c.usage.model_requested = (struct str){ "a\xff\0b\xed\xa0\x80\xc3\xa4", 9 };
	c.usage.request_id = (struct str){ longer, sizeof(longer) };
	c.usage.tier = S("");
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT model_requested = 'a' || char(65533, 65533) || 'b' || "
				     "char(65533, 65533, 65533, 228) FROM call"),
			 1);
	assert_int_equal(kit_ask(&k, "SELECT length(request_id) FROM call"), 1024);
	assert_int_equal(kit_ask(&k, "SELECT service_tier = '' AND region IS NULL FROM call"), 1);
	kit_done(&k);
}

static void test_joined(void **state)
{
	static const unsigned char first[8] = "epoch--1", second[8] = "epoch--2";
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, first, KIT_START), 0);
	kit_call(&c, 1, "red", 50);
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	/* exact, in the same epoch: another call, whatever it says of itself */
	c.posting.id[15] = 2;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	/* not exact: the tail of a call that was seen before the meter restarted */
	c.posting.id[15] = 3;
	c.usage.source = SOURCE_PARTIAL;
	c.usage.why = c.charge.why = WHY_MIDSTREAM;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_balance(&k, "red", "spend"), 100);
	/* exact, in another epoch */
	assert_int_equal(ledger_epoch_begin(k.l, second, KIT_START + 5), 0);
	kit_call(&c, 1, "red", 50);
	c.posting.id[15] = 4;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	/* exact, in another epoch, and at another time: a server that repeats its ids serves nothing free */
	kit_call(&c, 9, "blue", 50);
	c.posting.id[15] = 6;
	c.usage.response_id = S("resp_1");
	c.usage.start_ns += 10 * NS_PER_SEC;
	c.usage.end_ns += 10 * NS_PER_SEC;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	/* the same response id of another provider is another call */
	kit_call(&c, 1, "red", 50);
	c.posting.id[15] = 5;
	c.usage.provider = S("anthropic");
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 6);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM transfer"), 4);
	assert_int_equal(kit_balance(&k, "blue", "spend"), 50);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call WHERE joined_to = (SELECT id FROM "
				     "call WHERE seq = 1) "
				     "AND seq IN (3, 4)"),
			 2);
	assert_int_equal(k.counters.n[CNT_POST_JOINED], 2);
	assert_int_equal(kit_balance(&k, "red", "spend"), 150);
	kit_sound(&k);
	kit_done(&k);
}

/* The two sides of a gateway are one call; a server that says the same id again is not. */
static void test_legs(void **state)
{
	static const unsigned char epoch[8] = "epoch--1";
	static const struct {
		unsigned id; /* the server's */
		const char *host;
		uint32_t tgid;
		uint64_t later_ns;
		bool joined;
		bool plain;
		int64_t pico;
	} row[] = {
		{ 1, "api.openai.com", 42, 0, false, false, 50 },
		{ 1, "127.0.0.1", 43, 0, true, false, 50 }, /* who asked the gateway */
		{ 1, "127.0.0.1", 0, 0, true, false, 50 },  /* and was there before us */
		{ 1, "api.openai.com", 44, 0, false, false,
		  50 }, /* the same server again: another call */
		{ 1, "127.0.0.1", 45, 10 * NS_PER_SEC, false, false, 50 }, /* not at that time */
		{ 2, "api.openai.com", 42, 0, false, false, 50 },
		{ 2, "127.0.0.1", 42, 0, false, false,
		  50 }, /* a process does not pass on to itself */
		{ 3, "127.0.0.1", 43, 0, false, true, 50 }, /* who asked, booked first */
		{ 3, "api.openai.com", 42, 0, true, false, 50 },
		/* a server of one's own that says the id of a real answer while that comes pays for nothing */
		{ 4, "127.0.0.1", 43, 0, false, true, 1 },
		{ 4, "api.openai.com", 42, 0, false, false, 50 },
		{ 5, "eu.api.openai.com", 43, 0, false, false, 1 },
		{ 5, "api.openai.com", 42, 0, false, false, 50 },
		{ 6, "api.openai.com", 42, 0, false, false, 50 },
		{ 6, "127.0.0.1", 43, 0, true, true, 70 }, /* a gateway that tells less */
	};
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, epoch, KIT_START), 0);
	for (unsigned i = 0; i < COUNT_OF(row); i++) {
		kit_call(&c, row[i].id, "red", row[i].pico);
		c.posting.id[15] = (unsigned char)(i + 1);
		c.usage.host = str_of(row[i].host);
		c.usage.from.row = row[i].plain ? TLS_PLAIN : 0;
		c.usage.from.tgid = row[i].tgid;
		c.usage.start_ns += row[i].later_ns;
		c.usage.end_ns += row[i].later_ns;
		assert_int_equal(ledger_feed(k.l, &c.posting), 0);
		assert_int_equal(ledger_commit(k.l), 0);
		assert_int_equal(kit_ask(&k, "SELECT joined_to IS NOT NULL FROM call ORDER BY seq "
					     "DESC LIMIT 1"),
				 row[i].joined);
	}
	assert_int_equal(kit_balance(&k, "red", "spend"), 9 * 50 + 1 + 1);
	assert_int_equal(k.counters.n[CNT_POST_JOINED], 4);
	kit_sound(&k);
	kit_done(&k);
}

/* What has no price is not paid by a side that cost nothing. */
static void test_leg_unpriced(void **state)
{
	static const unsigned char epoch[8] = "epoch--1";
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, epoch, KIT_START), 0);
	kit_call(&c, 7, "red", 0);
	c.usage.host = S("127.0.0.1");
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 7, "red", 0);
	c.posting.id[15] = 99;
	c.usage.host = S("api.openai.com");
	c.usage.from.tgid = 43;
	c.usage.why = c.charge.why = WHY_NO_PRICE;
	c.charge.billing = BILLING_UNPRICED;
	c.charge.count = 0;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(k.counters.n[CNT_POST_JOINED], 0);
	kit_sound(&k);
	kit_done(&k);
}

/* Who reads an answer's id off its first event cannot have it paid by a call that he made up, and break it off. */
static void test_broken_off(void **state)
{
	static const unsigned char epoch[8] = "epoch--1";
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, epoch, KIT_START), 0);
	kit_call(&c, 1, "red", 1);
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_call(&c, 1, "red", 50);
	c.posting.id[15] = 2;
	c.usage.source = SOURCE_PARTIAL;
	c.usage.why = c.charge.why = WHY_ABORTED;
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_balance(&k, "red", "spend"), 51);
	kit_sound(&k);
	kit_done(&k);
}

static void test_repeat(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	for (unsigned i = 1; i <= 3; i++) {
		kit_call(&c, i, "red", 1);
		c.usage.request_hash = i == 2 ? S("beef") : S("cafe");
		assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	}
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call WHERE repeat_of IS NOT NULL"), 1);
	assert_int_equal(kit_ask(&k, "SELECT repeat_of = (SELECT id FROM call WHERE seq = 1) FROM "
				     "call WHERE seq = 3"),
			 1);
	kit_done(&k);
}

static void test_time(void **state)
{
	struct kit k;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(kit_feed(&k, 1, "red", 1), 0);
	kit_clock -= 86400ull * NS_PER_SEC; /* a day back */
	assert_int_equal(kit_feed(&k, 2, "red", 1), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(
		kit_ask(&k, "SELECT count(*) FROM transfer a JOIN transfer b ON b.seq = a.seq + 1 "
			    "AND b.ts_ns < a.ts_ns"),
		0);
	kit_sound(&k);
	kit_done(&k);
}

static void test_closed_month(void **state)
{
	struct kit k;
	struct kit_call c;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	kit_do(&k, "INSERT INTO period VALUES ('2026-10', 'closed', 1)");
	kit_call(&c, 1, "red", 9);
	c.usage.start_ns -= 30 * 86400ull * NS_PER_SEC; /* October */
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	kit_do(&k, "SELECT 1");
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT period = '2026-11' FROM call"), 1);
	assert_int_equal(kit_ask(&k, "SELECT period = '2026-11' AND reason = 'charge of a closed "
				     "month' FROM transfer"),
			 1);
	kit_do(&k, "UPDATE period SET state = 'closed'");
	kit_call(&c, 2, "red", 9);
	assert_int_equal(ledger_feed(k.l, &c.posting), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT period = '2026-12' FROM call WHERE seq = 2"), 1);
	kit_sound(&k);
	kit_done(&k);
}

static void test_epochs(void **state)
{
	static const unsigned char one[8] = "epoch--1", two[8] = "epoch--2";
	struct kit k;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_heartbeat(k.l, 5), -EINVAL); /* of what? */
	assert_int_equal(ledger_epoch_begin(k.l, one, 1000), 0);
	assert_int_equal(ledger_epoch_ready(k.l, 1100), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM gap"), 0); /* no gap on the first */
	assert_int_equal(kit_feed(&k, 1, "red", 1), 0);
	assert_int_equal(ledger_heartbeat(k.l, 1500), 0);
	assert_int_equal(
		kit_ask(&k, "SELECT count(*) FROM call WHERE epoch = CAST('epoch--1' AS BLOB)"), 1);
	assert_int_equal(ledger_heartbeat(k.l, 1400), 0);
	assert_int_equal(kit_ask(&k, "SELECT heartbeat_ns FROM epoch"), 1500); /* never back */
	ledger_close(&k.l);

	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_heartbeat(k.l, 1600),
			 0); /* the meter restarted: the epoch goes on */
	assert_int_equal(ledger_epoch_begin(k.l, two, 9000), 0);
	assert_int_equal(
		kit_ask(&k, "SELECT count(*) FROM gap WHERE from_ns = 1600 AND until_ns IS NULL"),
		1);
	ledger_close(&k.l); /* died before it was ready */
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, (const unsigned char *)"epoch--3", 9900), 0);
	assert_int_equal(ledger_epoch_ready(k.l, 9950), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM gap"), 1);
	assert_int_equal(kit_ask(&k, "SELECT until_ns FROM gap WHERE from_ns = 1600"), 9950);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ledger_gap(k.l, 20000, 30000, S("a role restarted")), 0);
	assert_int_equal(ledger_gap(k.l, 50000, 40000, S("the clock went back")), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM gap"), 3);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM gap WHERE until_ns < from_ns"), 0);
	/* so also between two epochs: what is certain is the time from this start until ready */
	assert_int_equal(ledger_epoch_begin(k.l, (const unsigned char *)"epoch--4", 700), 0);
	assert_int_equal(ledger_epoch_ready(k.l, 750), 0);
	assert_int_equal(kit_ask(&k, "SELECT until_ns FROM gap WHERE from_ns = 700"), 750);
	kit_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_books),      cmocka_unit_test(test_again),
		cmocka_unit_test(test_no_money),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text),       cmocka_unit_test(test_joined),
		cmocka_unit_test(test_legs),       cmocka_unit_test(test_leg_unpriced),
		cmocka_unit_test(test_broken_off), cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_time),       cmocka_unit_test(test_closed_month),
		cmocka_unit_test(test_epochs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
