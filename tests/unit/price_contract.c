/* price_contract.c -- what was agreed instead of the list price. */
#include "agreekit.h"

static void rules(void **state)
{
	static const struct {
		const char *rules, *model, *tier, *region, *cost, *list;
	} rows[] = {
		{ "{kind: percent, percent: \"12.5\"}", "a", "", "", "9.625", "11" },
		{ "{kind: percent, on: tokens, percent: \"12.5\"}", "a", "", "", "9.75", "11" },
		{ "{kind: percent, on: counts, percent: \"12.5\"}", "a", "", "", "10.875", "11" },
		{ "{kind: percent, percent: 100}", "a", "", "", "0", "11" },
		{ "{kind: percent, model: [b], percent: 50}", "a", "", "", "11", "11" },
		{ "{kind: percent, model: [b, A], percent: 50}", "a", "", "", "5.5", "11" },
		{ "{kind: markup, percent: 3}", "a", "", "us", "12.36", "12" },
		/* the agreed rate is what is paid: no uplift on it; other leaves stay */
		{ "{kind: override, model: a, rates: {in_text: \"4.20/Mtok\"}}", "a", "", "us",
		  "5.2", "12" },
		{ "{kind: override, model: a, rates: {n_web_search: \"1/kcall\"}}", "a", "", "",
		  "10.1", "11" },
		{ "{kind: override, model: a, tier: flex, rates: {in_text: \"4/Mtok\"}}", "a", "",
		  "", "11", "11" },
		{ "{kind: override, model: a, tier: flex, band: all, rates: {in_text: \"4/Mtok\"}}",
		  "a", "flex", "", "5", "6" },
		{ "{kind: override, model: b, rates: {in_text: \"4/Mtok\"}}", "a", "", "", "11",
		  "11" },
		/* as written, one after the other */
		{ "{kind: override, model: a, rates: {in_text: \"4/Mtok\"}}, {kind: percent, "
		  "percent: 50}, "
		  "{kind: markup, percent: 10}",
		  "a", "", "", "2.75", "11" },
		{ "{kind: percent, percent: 50}, {kind: override, model: a, rates: {in_text: "
		  "\"4/Mtok\"}}",
		  "a", "", "", "4.5", "11" },
		{ "{kind: ptu, marginal: free, on: tokens}", "a", "", "", "1", "11" },
		{ "{kind: ptu}", "a", "", "", "0", "11" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = million("p", rows[i].model);
		char yaml[2048];
		struct book *b;
		struct charge c;

		snprintf(yaml, sizeof(yaml), ONE("%s"), rows[i].rules);
		b = book_from(yaml);
		u.tier = str_of(rows[i].tier);
		u.region = str_of(rows[i].region);
		c = price(b, &u);
		assert_charge(&c, rows[i].cost);
		assert_pico(c.list_pico, rows[i].list);
		assert_text(c.contract, "c");
		assert_int_equal(c.count, 2);
		book_free(&b);
	}
}

/* What is listed at another's rate is agreed at another's, too; what has a rate of its own is not. */
static void follows(void **state)
{
	struct book *b =
		book_from(ONE("{kind: override, model: a, rates: {out_text: \"20/Mtok\"}}"));
	struct book *own = book_from(ONE("{kind: override, model: a, rates: {out_text: "
					 "\"20/Mtok\", out_reasoning: \"5/Mtok\"}}"));
	struct usage u = call("p", "a");

	(void)state;
	leaf_set(&u.used, LEAF_OUT_REASONING, 1000000);
	assert_cost(b, &u, "20");
	assert_cost(own, &u, "5");
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 1000000);
	assert_cost(b, &u, "30");
	book_free(&b);
	book_free(&own);
}

/* A line is rounded once: two steps of a third are exact before that. */
static void one_rounding(void **state)
{
	struct book *b = book_from(
		HEAD
		"models:\n  - {provider: p, id: a, prices: [{from: 2026-01-01, rates: {all: "
		"{standard: "
		"{in_text: \"0.000001/Mtok\"}}}, uplift: [{when: {region: us}, mul: 1/3}], " FROM
		"}]}\n"
		"contracts:\n  - {id: c, match: {provider: p}, from: 2026-01-01, rules: "
		"[{kind: percent, percent: 50}, {kind: markup, percent: 200}]}\n");
	struct usage u = call("p", "a");
	struct charge c;

	(void)state;
	u.region = S("us");
	leaf_set(&u.used, LEAF_IN_TEXT, 3); /* 3 x 1/3 x 1/2 x 3 = 1.5 pico, to even */
	c = price(b, &u);
	assert_true(c.pico == 2 && c.list_pico == 1);
	assert_true(c.line[0].rate.pico == 1 && c.line[0].rate.per == 2);
	u.used.n[LEAF_IN_TEXT] = 1; /* 0.5: to even */
	c = price(b, &u);
	assert_true(c.pico == 0 && c.list_pico == 0);
	book_free(&b);
}

/* The one that says most: a credential more than a host, a host more than a provider. */
static void who(void **state)
{
	struct book *b =
		book_from(BOOK "contracts:\n"
			       "  - {id: provider, match: {provider: [p, q]}, " DATES
			       "rules: [{kind: percent, percent: 10}]}\n"
			       "  - {id: both, match: {provider: p, host: h.example}, " DATES
			       "rules: [{kind: percent, percent: 20}]}\n"
			       "  - {id: key, match: {credential: [\"cred:1\", \"cred:2\"]}, " DATES
			       "rules: [{kind: percent, percent: 30}]}\n"
			       "  - {id: host, match: {host: h.example}, " DATES
			       "rules: [{kind: percent, percent: 40}]}\n"
			       "  - {id: later, match: {provider: p}, from: 2027-07-01, rules: "
			       "[{kind: percent, percent: 50}]}\n");
	static const struct {
		const char *provider, *host, *credential, *at, *contract, *cost;
	} rows[] = {
		{ "p", "", "", "2026-11-22", "provider", "9.9" },
		{ "q", "", "", "2026-11-22", "provider", "9.9" },
		{ "p", "H.example", "", "2026-11-22", "both", "8.8" },
		{ "q", "h.example", "", "2026-11-22", "host", "6.6" },
		{ "p", "h.example", "cred:2", "2026-11-22", "key", "7.7" },
		{ "p", "h.example", "cred:3", "2026-11-22", "both", "8.8" },
		{ "p", "", "", "2026-06-30T23:59:59Z", "", "11" },
		{ "p", "", "", "2026-07-01", "provider", "9.9" },
		{ "p", "", "", "2027-06-30T23:59:59Z", "provider", "9.9" },
		{ "p", "", "", "2027-07-01", "later", "5.5" },
		{ "q", "", "", "2027-07-01", "", "11" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = million(rows[i].provider, "a");
		struct charge c;

		u.host = str_of(rows[i].host);
		u.credential = str_of(rows[i].credential);
		u.start_ns = at(rows[i].at);
		c = price(b, &u);
		assert_charge(&c, rows[i].cost);
		assert_pico(c.list_pico, "11");
		assert_text(c.contract, rows[i].contract);
	}
	book_free(&b);
}

static void no_contract(void **state)
{
	struct book *b = book_from(ONE("{kind: percent, percent: 50}"));
	struct usage u = million("p", "none");
	struct charge c;

	(void)state;
	assert_unpriced(b, &u, WHY_NO_PRICE);
	u.model_served = S("a");
	u.billing = BILLING_SUBSCRIPTION; /* a plan is no contract */
	c = price(b, &u);
	assert_pico(c.pico, "11");
	assert_null(c.contract.p);
	book_free(&b);
}

static void estimated(void **state)
{
	struct book *b = book_from(ONE("{kind: percent, percent: 50}"));
	struct usage u = million("p", "a");
	struct charge c;

	(void)state;
	u.source = SOURCE_ESTIMATED;
	leaf_set(&u.low, LEAF_IN_TEXT, 500000);
	leaf_set(&u.high, LEAF_IN_TEXT, 2000000);
	c = price(b, &u);
	assert_pico(c.pico, "5.5");
	assert_pico(c.low_pico, "2.5");
	assert_pico(c.high_pico, "10");
	book_free(&b);
}

/* ---- what came together so far ----------------------------------------------------------------------------- */

#define VOLUME                                                                      \
	"{kind: volume, period: month, steps: [{upto: 22, percent: 0}, {upto: 40, " \
	"percent: 50}, {percent: 100}]}"

static void run(const char *yaml, const char *const (*rows)[3], size_t count)
{
	struct book *b = book_from(yaml);
	struct price *p = NULL;
	struct out o = { 0 };

	assert_int_equal(price_new(b, (struct charge_sink){ keep_charge, &o }, &p), 0);
	for (size_t i = 0; i < count; i++) {
		struct usage u = million(rows[i][0], "a");
		struct charge c;

		u.start_ns = at(rows[i][1]);
		c = price_with(p, &o, &u);
		assert_charge(&c, rows[i][2]);
		assert_pico(c.list_pico, "11");
	}
	price_free(&p);
	book_free(&b);
}

static void volume(void **state)
{
	static const char *const net[][3] = {
		{ "p", "2026-10-31T23:59:59Z", "11" }, /* another month */
		{ "p", "2026-11-01", "11" },
		{ "q", "2026-11-02", "11" }, /* not under the contract */
		{ "p", "2026-11-03", "11" },
		{ "p", "2026-11-04", "5.5" }, /* exactly 22: the next step, for all of the call */
		{ "p", "2026-11-05", "5.5" },
		{ "p", "2026-11-06", "5.5" },
		{ "p", "2026-11-07", "5.5" }, /* 38.5 */
		{ "p", "2026-11-08", "0" },   /* 44 */
		{ "p", "2026-12-01", "11" },
		{ "p", "2026-11-30", "0" }, /* told late */
	};
	/* the month and the contract begin together, and are two sums */
	static const char *const first[][3] = {
		{ "p", "2026-07-01", "11" },
		{ "p", "2026-07-02", "11" },
		{ "p", "2026-07-03", "5.5" },
		{ "p", "2026-08-01", "11" },
	};
	static const char *const list[][3] = {
		{ "p", "2026-10-01", "11" },  { "p", "2026-11-01", "11" },
		{ "p", "2026-11-02", "5.5" }, { "p", "2026-11-03", "5.5" },
		{ "p", "2026-11-04", "0" },
	};

	(void)state;
	run(ONE(VOLUME), net, COUNT_OF(net));
	run(ONE(VOLUME), first, COUNT_OF(first));
	run(ONE("{kind: volume, meter: list, period: contract, steps: [{upto: 22, percent: 0}, "
		"{upto: 40, "
		"percent: 50}, {percent: 100}]}"),
	    list, COUNT_OF(list));
}

static void commit(void **state)
{
	static const char *const over[][3] = {
		{ "p", "2026-10-01", "5.5" },
		{ "p", "2026-11-01", "5.5" },
		{ "p", "2026-12-01", "11" },
		{ "p", "2026-12-02", "11" },
	};
	static const char *const stays[][3] = { { "p", "2026-10-01", "5.5" },
						{ "p", "2026-11-01", "5.5" },
						{ "p", "2026-12-01", "5.5" } };

	(void)state;
	run(ONE("{kind: percent, percent: 50}, {kind: commit, amount: \"11\", period: contract, "
		"overage: list}"),
	    over, COUNT_OF(over));
	run(ONE("{kind: percent, percent: 50}, {kind: commit, amount: \"11\", period: contract}"),
	    stays, COUNT_OF(stays));
}

struct told {
	int asked, fail;
	struct price_sums sums;
	uint64_t from_ns[2], until_ns[2];
};

static int tell(void *ctx, struct str contract, uint64_t from_ns, uint64_t until_ns,
		struct price_sums *ret)
{
	struct told *t = ctx;

	assert_text(contract, "c");
	t->from_ns[t->asked % 2] = from_ns;
	t->until_ns[t->asked % 2] = until_ns;
	t->asked++;
	*ret = t->sums;
	return t->fail;
}

static void handed_in(void **state)
{
	struct book *b = book_from(ONE(VOLUME)),
		    *other = book_from(ONE("{kind: percent, percent: 50}"));
	struct told t = { .sums = { 0, 0 } };
	struct usage u = million("p", "a");
	struct price *p = NULL;
	struct out o = { 0 };
	struct charge c;

	(void)state;
	assert_int_equal(price_new(b, (struct charge_sink){ keep_charge, &o }, &p), 0);
	price_sums_from(p, tell, &t);
	for (int i = 0; i < 5; i++) { /* nothing is added up here */
		c = price_with(p, &o, &u);
		assert_charge(&c, "11");
	}
	assert_int_equal(t.asked, 10);
	assert_true(t.from_ns[0] == at("2026-11-01") && t.until_ns[0] == at("2026-12-01"));
	assert_true(t.from_ns[1] == at("2026-07-01") && t.until_ns[1] == at("2027-07-01"));
	t.sums.net = (__int128)22 * 1000000000000;
	c = price_with(p, &o, &u);
	assert_charge(&c, "5.5");
	t.sums.net = (__int128)1 << 100;
	c = price_with(p, &o, &u);
	assert_charge(&c, "0");
	t.fail = -EIO;
	assert_int_equal(price_feed(p, &u), -EIO);
	price_free(&p);
	/* who needs no sums asks for none */
	assert_int_equal(price_new(other, (struct charge_sink){ keep_charge, &o }, &p), 0);
	price_sums_from(p, tell, &t);
	c = price_with(p, &o, &u);
	assert_charge(&c, "5.5");
	assert_int_equal(t.asked, 15);
	price_free(&p);
	book_free(&b);
	book_free(&other);
}

static void no_memory(void **state)
{
	struct book *b = book_from(ONE(VOLUME));
	struct usage u = million("p", "a");
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		struct price *p = NULL;
		struct out o = { 0 };
		int r;

		mem_fail_after = n;
		r = price_new(b, (struct charge_sink){ keep_charge, &o }, &p);
		if (r == 0)
			r = price_feed(p, &u);
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(o.count, failed ? 0 : 1);
		price_free(&p);
	}
	book_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),     cmocka_unit_test(one_rounding),
		cmocka_unit_test(who),       cmocka_unit_test(no_contract),
		cmocka_unit_test(follows),   cmocka_unit_test(estimated),
		cmocka_unit_test(volume),    cmocka_unit_test(commit),
		cmocka_unit_test(handed_in), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
