#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "base/obj.h"
#include "report/record.h"

static void assert_record(const struct posting *p, const char *want)
{
	struct buf b = { .limit = LIMIT_RECORD_BYTES };

	assert_int_equal(record_json(p, &b), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	assert_string_equal(b.p, want);
	buf_done(&b);
}

static void live_call(void **state)
{
	struct usage u = {
		.from = { .cgroup = 9, .tgid = 42, .uid = 0, .comm = "sixteen-bytes-xy" },
		.start_ns = 1000000000ull * 86400,
		.end_ns = 1000000000ull * 86400 + 1,
		.kind = KIND_INFERENCE,
		.outcome = OUTCOME_OK,
		.source = SOURCE_REPORTED,
		.status = 200,
		.retry = 0,
		.provider = S("openai"),
		.host = S("api.openai.com"),
		.operation = S("chat"),
		.model_requested = S("a\"b"),
		.raw = S("{\"n\":1.50}"),
		.credential = S("cred:0123456789ab")
	};
	struct charge c = { .usage = &u,
			    .billing = BILLING_METERED,
			    .book = S("b 1"),
			    .entry = S("e"),
			    .match = S("exact"),
			    .tier = S("standard"),
			    .band = S("all"),
			    .count = 1,
			    .line = { { LEAF_IN_TEXT, 3, { 1250000, 1 }, 3750000 } },
			    .pico = 3750000 };
	struct posting p = { .charge = &c, .id = { 0xab, 1 }, .cgroup = S("/x"), .team = S("t") };

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	leaf_set(&u.used, LEAF_OUT_TEXT, 0);
	assert_record(
		&p,
		"{\"id\":\"ab010000000000000000000000000000\",\"kind\":\"inference\","
		"\"ts_start\":\"1970-01-02T00:00:00.000000000Z\",\"ts_end\":\"1970-01-02T00:00:00."
		"000000001Z\","
		"\"cgroup\":\"/"
		"x\",\"cgroup_id\":9,\"pid\":42,\"comm\":\"sixteen-bytes-xy\",\"uid\":0,\"team\":"
		"\"t\","
		"\"provider\":\"openai\",\"server_address\":\"api.openai.com\",\"operation\":"
		"\"chat\","
		"\"model_requested\":\"a\\\"b\",\"stream\":false,\"http_status\":200,\"retry_"
		"count\":0,"
		"\"outcome\":\"ok\",\"usage\":{\"in_text\":3,\"out_text\":0},\"raw_usage\":{\"n\":"
		"1.50},"
		"\"usage_source\":\"reported\",\"billing\":\"metered\",\"price\":{\"book\":\"b "
		"1\",\"entry\":\"e\","
		"\"match\":\"exact\",\"tier\":\"standard\",\"band\":\"all\"},\"lines\":[{\"leaf\":"
		"\"in_text\","
		"\"quantity\":3,\"rate\":\"0.00000125\",\"per\":1,\"amount_usd\":\"0.00000375\"}],"
		"\"cost_usd\":\"0.00000375\",\"credential\":\"cred:0123456789ab\"}");
}

/* Absent means unknown: never 0, never null. */
static void unpriced_call(void **state)
{
	struct usage u = { .kind = KIND_INFERENCE,
			   .outcome = OUTCOME_ABORTED,
			   .source = SOURCE_ESTIMATED,
			   .status = -1,
			   .retry = -1,
			   .provider = S("unknown") };
	struct charge c = { .usage = &u, .billing = BILLING_UNPRICED, .why = WHY_NO_PRICE };
	struct posting p = { .charge = &c, .source_id = S("x-1") };

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 2);
	leaf_set(&u.low, LEAF_IN_TEXT, 1);
	leaf_set(&u.high, LEAF_IN_TEXT, 4);
	assert_record(&p,
		      "{\"id\":\"00000000000000000000000000000000\",\"source_id\":\"x-1\",\"kind\":"
		      "\"inference\","
		      "\"provider\":\"unknown\",\"outcome\":\"aborted\",\"usage\":{\"in_text\":2},"
		      "\"usage_source\":\"estimated\",\"usage_low\":{\"in_text\":1},\"usage_high\":"
		      "{\"in_text\":4},"
		      "\"why\":\"no_price\",\"billing\":\"unpriced\"}");
}

static bool says(const struct posting *p, const char *what)
{
	struct buf b = { .limit = LIMIT_RECORD_BYTES };
	bool found;

	assert_int_equal(record_json(p, &b), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	found = strstr(b.p, what) != NULL;
	buf_done(&b);
	return found;
}

/* What stands beside a cost; and what stands in its place, which is never called one. */
static void beside_the_cost(void **state)
{
	struct usage u = { .kind = KIND_INFERENCE,
			   .source = SOURCE_REPORTED,
			   .status = 200,
			   .retry = -1,
			   .later = LATER_FETCHED,
			   .reported_cost = S("0.00000400") };
	struct charge c = { .usage = &u,
			    .billing = BILLING_METERED,
			    .entry = S("e"),
			    .contract = S("acme"),
			    .flags = 1u << FLAG_CACHE_RATE | 1u << FLAG_COST_DIFFERS,
			    .count = 1,
			    .line = { { LEAF_IN_TEXT, 3, { 1250000, 1 }, 3750000 } },
			    .pico = 3750000,
			    .list_pico = 7500000 };
	struct posting p = { .charge = &c };

	(void)state;
	assert_true(says(&p, "\"later\":\"fetched\""));
	assert_true(says(&p, "\"flags\":[\"cache_rate_missing\",\"cost_differs\"]"));
	assert_true(says(&p, "\"contract\":\"acme\""));
	assert_true(says(&p, "\"list_cost_usd\":\"0.0000075\""));
	assert_true(says(&p, "\"reported_cost_usd\":\"0.00000400\",\"reported_difference_usd\":"
			     "\"0.00000025\""));
	u.reported_cost = S("0.000001");
	assert_true(says(&p, "\"reported_difference_usd\":\"-0.00000275\""));
	u.reported_cost = S("0.0000000000001"); /* finer than we can say */
	assert_false(says(&p, "reported_difference_usd"));
	u.reported_cost = S("no number");
	assert_false(says(&p, "reported_difference_usd"));
	u.later = LATER_RESULT;
	assert_true(says(&p, "\"later\":\"result\""));
	u.later = LATER_NOT;
	c.contract = STR_NONE;
	c.flags = 0;
	assert_false(says(&p, "later") || says(&p, "list_cost") || says(&p, "flags"));

	c.billing = BILLING_SUBSCRIPTION;
	assert_true(says(&p, "\"equivalent_cost_usd\":\"0.00000375\""));
	assert_true(says(&p, "\"lines\":[{"));
	assert_false(says(&p, "\"cost_usd\""));
	c.entry = STR_NONE; /* nobody knows what it would have been */
	c.count = 0;
	c.pico = 0;
	assert_false(says(&p, "cost_usd\":\"0"));
	c.billing = BILLING_UNPRICED;
	c.shadow_pico = 5;
	assert_true(says(&p, "\"shadow_cost_usd\":\"0.000000000005\""));
	assert_false(says(&p, "\"cost_usd\""));
}

static void limits(void **state)
{
	struct usage u = { .status = -1, .retry = -1 };
	struct charge c = { .usage = &u };
	struct posting p = { .charge = &c };
	struct buf b = { .limit = 20 };

	(void)state;
	assert_int_equal(record_json(&p, &b), -EMSGSIZE);
	buf_done(&b);
	b.limit = LIMIT_RECORD_BYTES;
	mem_fail_after = 0;
	assert_int_equal(record_json(&p, &b), -ENOMEM);
	mem_fail_after = -1;
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_call),
		cmocka_unit_test(unpriced_call),
		cmocka_unit_test(beside_the_cost),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
