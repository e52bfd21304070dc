/* price_rates.c -- what a leaf costs: another leaf's rate, places, hours, tiers; what a plan pays; nothing known. */
#include "pricekit.h"

static const char yaml[] = HEAD NO_GATES
	"unpriced: {policy: shadow, shadow_rate: {in_text: \"30/Mtok\", out_text: \"150/Mtok\", "
	"n_image: \"1/image\"}}\n"
	"providers:\n"
	"  - {id: late, priced_at: end}\n"
	"  - {id: hop, fallback: [{provider: p}, {provider: deepseek}]}\n"
	"models:\n"
	"  - provider: p\n    id: plain\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {in_text: \"1/tok\", out_text: "
	"\"2/tok\"}}}, " FROM "}\n"
	"  - provider: p\n    id: rich\n    prices:\n"
	"      - {from: 2026-01-01, missing_tier: standard, rates: {all: {standard: {in_text: "
	"\"1/tok\", "
	"in_cache_read: \"0.1/tok\", in_cache_write_5m: \"1.25/tok\", in_audio: \"8/tok\", "
	"out_text: \"2/tok\", "
	"out_reasoning: \"3/tok\"}}}, counts: {n_web_search: \"10/kcall\"}, " FROM ",\n"
	"         uplift: [{when: {region: us, sku: zone}, mul: 3}, {when: {region: [us, EU]}, "
	"mul: 11/10, on: tokens},\n"
	"           {when: {region: global}, mul: 1}, {when: {region: \"*\"}, mul: 2}]}\n"
	"  - provider: p\n    id: writes\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {in_text: \"1/tok\", in_cache_write: "
	"\"2/tok\", in_image: "
	"\"5/tok\"}}}, " FROM "}\n"
	"  - {provider: p, id: pictures, prices: [{from: 2026-01-01, rates: {all: {standard: "
	"{in_text: "
	"\"1/tok\"},\n     hd: {n_image: \"2/image\", n_request: \"1/call\"}}}, counts: {n_image: "
	"\"1/image\"}, " FROM "}]}\n"
	"  - provider: p\n    id: output\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {out_text: \"1/tok\"}}}, " FROM "}\n"
	/* pricing.md section 3, case 37; a holiday of our own */
	"  - provider: deepseek\n    id: v4\n    prices:\n"
	"      - {from: 2026-01-01, until: \"2026-08-16T16:00:00Z\", rates: {all: {standard: "
	"{in_text: \"0.435/Mtok\"}}}, " FROM "}\n"
	"      - {from: \"2026-08-16T16:00:00Z\", rates: {all: {standard: {in_text: "
	"\"0.66/Mtok\"}}}, " FROM ",\n"
	"         counts: {n_web_search: \"1/call\"},\n"
	"         windows: [{name: peak, tz: Asia/Shanghai, days: [mon, tue, wed, thu, fri],\n"
	"           time: [\"09:00-12:00\", \"14:00-18:00\"], holidays: [2026-10-01], mul: 2/1, "
	"on: tokens}]}\n"
	"  - provider: late\n    id: m\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {in_text: \"1/tok\"}}}, " FROM ",\n"
	"         windows: [{name: night, tz: \"-03:30\", days: [sun], time: [\"22:00-24:00\"], "
	"mul: 1/2},\n"
	"                   {name: day, tz: UTC, time: [\"00:00-12:00\"], mul: 5}]}\n";

static struct book *book;

static int open_book(void **state)
{
	(void)state;
	book = book_from(yaml);
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	book_free(&book);
	return 0;
}

static void collapse(void **state)
{
	static const struct {
		const char *model;
		enum leaf leaf;
		const char *cost, *flags; /* of one token */
	} rows[] = {
		{ "plain", LEAF_IN_CACHE_READ, "1", "cache_rate_missing" },
		{ "rich", LEAF_IN_CACHE_READ, "0.1", "" },
		{ "plain", LEAF_IN_CACHE_WRITE, "1", "parent_rate" },
		{ "rich", LEAF_IN_CACHE_WRITE, "1.25", "cache_ttl_unknown" },
		{ "writes", LEAF_IN_CACHE_WRITE, "2", "" },
		{ "rich", LEAF_IN_CACHE_WRITE_5M, "1.25", "" },
		{ "writes", LEAF_IN_CACHE_WRITE_5M, "2", "" },
		{ "plain", LEAF_IN_CACHE_WRITE_5M, "1", "parent_rate" },
		{ "rich", LEAF_IN_CACHE_WRITE_1H, "1.25", "parent_rate" },
		{ "writes", LEAF_IN_CACHE_WRITE_1H, "2", "parent_rate" },
		{ "plain", LEAF_IN_CACHE_WRITE_1H, "1", "parent_rate" },
		{ "plain", LEAF_IN_AUDIO, "1", "parent_rate" },
		{ "rich", LEAF_IN_AUDIO, "8", "" },
		{ "rich", LEAF_IN_AUDIO_CACHED, "8", "cache_rate_missing" },
		{ "plain", LEAF_IN_AUDIO_CACHED, "1", "cache_rate_missing parent_rate" },
		{ "plain", LEAF_IN_IMAGE, "1", "" },
		{ "plain", LEAF_IN_IMAGE_CACHED, "1", "cache_rate_missing" },
		{ "rich", LEAF_IN_IMAGE_CACHED, "0.1",
		  "" }, /* images are text here, so are cached ones */
		{ "writes", LEAF_IN_IMAGE_CACHED, "5", "cache_rate_missing" },
		{ "plain", LEAF_IN_VIDEO, "1", "" },
		{ "plain", LEAF_IN_TOOL, "1", "" },
		{ "plain", LEAF_OUT_REASONING, "2", "" },
		{ "rich", LEAF_OUT_REASONING, "3", "" },
		{ "plain", LEAF_OUT_AUDIO, "2", "parent_rate" },
		{ "plain", LEAF_OUT_IMAGE, "2", "parent_rate" },
		{ "plain", LEAF_OUT_VIDEO, "2", "parent_rate" },
		{ "plain", LEAF_OUT_CITATION, "2", "parent_rate" },
		{ "rich", LEAF_N_WEB_SEARCH, "0.01", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = call("p", rows[i].model);
		struct charge c;

		leaf_set(&u.used, rows[i].leaf, 1);
		c = price(book, &u);
		assert_charge(&c, rows[i].cost);
		assert_flags(c.flags, rows[i].flags);
		assert_true(c.list_pico == c.pico);
	}
}

static void no_rate(void **state)
{
	static const enum leaf none[] = { LEAF_N_WEB_SEARCH, LEAF_N_IMAGE, LEAF_N_AUDIO_MS };
	struct usage u = call("p", "plain");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		u.used = (struct leaves){ 0 };
		leaf_set(&u.used, none[i], 1);
		assert_unpriced(book, &u, WHY_NO_RATE);
		leaf_set(&u.used, none[i], 0);
		assert_cost(book, &u, "0"); /* none were used */
	}
	u.model_served = S("output");
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 1);
	assert_unpriced(book, &u, WHY_NO_RATE);
}

static void tiers(void **state)
{
	struct usage u = call("p", "rich");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	u.tier = S("flex");
	c = price(book, &u);
	assert_charge(&c, "1");
	assert_flags(c.flags, "standard_tier");
	assert_text(c.tier, "standard");
	u.model_served = S("plain");
	assert_unpriced(book, &u, WHY_NO_TIER);
}

/* A tier may have counts of its own; else they are the same in every tier. */
static void counts(void **state)
{
	struct usage u = call("p", "pictures");

	(void)state;
	leaf_set(&u.used, LEAF_N_IMAGE, 3);
	assert_cost(book, &u, "3");
	u.tier = S("hd");
	assert_cost(book, &u, "7"); /* and one for the request */
	leaf_set(&u.used, LEAF_N_REQUEST, 2);
	assert_cost(book, &u, "8");
}

static void places(void **state)
{
	static const struct {
		const char *provider, *region, *cost;
	} rows[] = {
		{ "p", "", "1.01" },
		{ "p", "us", "1.11" },
		{ "p", "eu", "1.11" },
		{ "p", "global", "1.01" },
		{ "p", "mars", "2.01" },
		/* a region of the hop is none of p's */
		{ "hop", "us", "1.01" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = call(rows[i].provider, "rich");
		struct charge c;

		u.region = str_of(rows[i].region);
		leaf_set(&u.used, LEAF_IN_TEXT, 1);
		leaf_set(&u.used, LEAF_N_WEB_SEARCH, 1); /* an uplift is on tokens */
		c = price(book, &u);
		assert_charge(&c, rows[i].cost);
		assert_text(c.region, rows[i].provider[0] == 'h' ? "" : rows[i].region);
	}
}

static void hours(void **state)
{
	static const struct {
		const char *at, *cost, *band; /* of a million tokens and a search */
	} rows[] = {
		{ "2026-07-01T02:00:00Z", NULL, "all" }, /* another entry: no window, no search */
		{ "2026-08-16T15:59:59.999999999Z", NULL, "all" },
		{ "2026-08-16T16:00:00Z", "1.66", "all" },
		{ "2026-08-17T00:59:59.999999999Z", "1.66", "all" },
		{ "2026-08-17T01:00:00Z", "2.32", "all/peak" },
		{ "2026-08-17T03:59:59.999999999Z", "2.32", "all/peak" },
		{ "2026-08-17T04:00:00Z", "1.66", "all" },
		{ "2026-08-17T05:59:59Z", "1.66", "all" },
		{ "2026-08-17T06:00:00Z", "2.32", "all/peak" },
		{ "2026-08-17T09:59:59Z", "2.32", "all/peak" },
		{ "2026-08-17T10:00:00Z", "1.66", "all" },
		{ "2026-09-18T02:00:00Z", "2.32", "all/peak" }, /* a Friday */
		{ "2026-09-19T02:00:00Z", "1.66", "all" },      /* a Saturday */
		{ "2026-09-20T02:00:00Z", "1.66", "all" },
		{ "2026-09-30T02:00:00Z", "2.32", "all/peak" },
		{ "2026-10-01T02:00:00Z", "1.66", "all" }, /* the holiday */
		{ "2026-10-02T02:00:00Z", "2.32", "all/peak" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = call(i % 2 ? "deepseek" : "hop", "v4");
		struct charge c;

		u.start_ns = at(rows[i].at);
		u.end_ns = u.start_ns +
			   5 * 3600 * NS_PER_SEC; /* asked for at the start, so no matter */
		leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
		if (rows[i].cost)
			leaf_set(&u.used, LEAF_N_WEB_SEARCH, 1);
		c = price(book, &u);
		assert_charge(&c, rows[i].cost ? rows[i].cost : "0.435");
		assert_text(c.band, rows[i].band);
	}
}

/* Two prices of one day are two entries to a reader, too. */
static void one_day(void **state)
{
	struct book *b = book_from(
		HEAD "models:\n  - provider: p\n    id: a\n    prices:\n"
		     "      - {from: 2026-11-22, until: \"2026-11-22T12:00:00Z\", rates: {all: "
		     "{standard: {in_text: \"1/Mtok\"}}}, " FROM "}\n"
		     "      - {from: \"2026-11-22T20:00:00+08:00\", rates: {all: {standard: "
		     "{in_text: \"2/Mtok\"}}}, " FROM "}\n");
	struct usage u = call("p", "a");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
	u.start_ns = at("2026-11-22T12:00:00Z") - 1;
	c = price(b, &u);
	assert_charge(&c, "1");
	assert_text(c.entry, "p/a@2026-11-22");
	u.start_ns++;
	c = price(b, &u);
	assert_charge(&c, "2");
	assert_text(c.entry, "p/a@2026-11-22T20:00:00+08:00");
	book_free(&b);
}

static void own_calendar(void **state)
{
	struct usage u = call("late", "m");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 2);
	u.start_ns = at("2026-11-22T13:00:00Z");
	u.end_ns = at(
		"2026-11-23T01:29:59Z"); /* Sunday 21:59:59 there, night in UTC: by the end of it */
	assert_cost(book, &u, "10");
	u.end_ns = at("2026-11-23T01:30:00Z");
	assert_cost(book, &u, "1"); /* both hold: the first */
	u.end_ns = at("2026-11-23T03:29:59Z");
	assert_cost(book, &u, "1");
	u.end_ns = at("2026-11-23T03:30:00Z");
	assert_cost(book, &u, "10");
	u.end_ns = at("2026-11-23T12:00:00Z");
	assert_cost(book, &u, "2");
	u.end_ns = at("1970-01-01");
	assert_unpriced(book, &u, WHY_NO_PRICE_DATE);
}

static void subscription(void **state)
{
	struct usage u = call("p", "plain");
	struct charge c;

	(void)state;
	u.billing = BILLING_SUBSCRIPTION;
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	c = price(book, &u);
	assert_int_equal(c.billing, BILLING_SUBSCRIPTION);
	assert_int_equal(c.count, 1);
	assert_pico(c.pico, "3");
	assert_text(c.entry, "p/plain@2026-01-01");
	u.model_served = S("none");
	c = price(book, &u);
	assert_int_equal(c.billing, BILLING_SUBSCRIPTION); /* it is paid all the same */
	assert_int_equal(c.why, WHY_NO_PRICE);
	assert_int_equal(c.count, 0);
	assert_true(c.pico == 0 && c.shadow_pico == 0);
	u.kind = KIND_OTHER;
	assert_int_equal(price(book, &u).billing, BILLING_UNPRICED);
}

static void shadow(void **state)
{
	struct usage u = call("p", "none");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 1000);
	leaf_set(&u.used, LEAF_OUT_TEXT, 1000);
	leaf_set(&u.used, LEAF_N_IMAGE, 1);
	leaf_set(&u.used, LEAF_N_PAGE, 1); /* no rate, and no need of one */
	assert_unpriced(book, &u, WHY_NO_PRICE);
	c = price(book, &u);
	assert_pico(c.shadow_pico, "1.18");
	assert_flags(c.flags, "");
	u.billing = BILLING_UNPRICED; /* what nobody lists, too */
	u.why = WHY_UNKNOWN_HOST;
	assert_pico(price(book, &u).shadow_pico, "1.18");
	u.kind = KIND_ERROR;
	assert_pico(price(book, &u).shadow_pico, "0");
	u = call("p", "plain");
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	assert_pico(price(book, &u).shadow_pico, "0");
	leaf_set(&u.used, LEAF_IN_TEXT, UINT64_MAX);
	c = price(book, &u);
	assert_int_equal(c.why, WHY_OVERFLOW);
	assert_pico(c.shadow_pico, "0");
}

/* What the provider states stands beside the lines; more than two millionths apart is flagged. */
static void reported(void **state)
{
	static const struct {
		const char *cost, *flags;
	} rows[] = {
		{ "", "" },
		{ "3", "" },
		{ "3.000002", "" },
		{ "2.9999980000000001", "" },
		{ "3.000002000001", "cost_differs" },
		{ "2.9", "cost_differs" },
		{ "0", "cost_differs" },
		{ "-3", "cost_differs" },
		{ "3e30", "cost_differs" },
	};
	struct usage u = call("p", "plain");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct charge c;

		u.reported_cost = str_of(rows[i].cost);
		c = price(book, &u);
		assert_charge(&c, "3");
		assert_flags(c.flags, rows[i].flags);
	}
	u.model_served = S("none"); /* nothing to compare with */
	assert_flags(price(book, &u).flags, "");
}

static void outlet_fails(void **state)
{
	struct usage u = call("p", "plain");
	struct price *p = NULL;
	struct out o = { .fail = -ENOSPC };

	(void)state;
	assert_int_equal(price_new(book, (struct charge_sink){ keep_charge, &o }, &p), 0);
	assert_int_equal(price_feed(p, &u), -ENOSPC);
	price_free(&p);
	assert_null(p);
	price_free(&p);
	mem_fail_after = 0;
	assert_int_equal(price_new(book, (struct charge_sink){ keep_charge, &o }, &p), -ENOMEM);
	mem_fail_after = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collapse),     cmocka_unit_test(no_rate),
		cmocka_unit_test(tiers),        cmocka_unit_test(counts),
		cmocka_unit_test(places),       cmocka_unit_test(hours),
		cmocka_unit_test(own_calendar), cmocka_unit_test(subscription),
		cmocka_unit_test(one_day),      cmocka_unit_test(shadow),
		cmocka_unit_test(reported),     cmocka_unit_test(outlet_fails),
	};

	return cmocka_run_group_tests(tests, open_book, close_book);
}
