/* Reading calls and wallets: filters, pages, lines, one whole call. */
#include "query_kit.h"

static const struct {
	struct query_filter f;
	size_t count;
} filters[] = {
	{ { 0 }, 6 },
	{ { .team = S("red") }, 3 },
	{ { .team = S("nobody") }, 0 },
	{ { .team = S("") }, 0 },
	{ { .model = S("model-1") }, 2 },
	{ { .model = S("model-") }, 0 },
	{ { .provider = S("openai"), .kind = S("inference") }, 6 },
	{ { .kind = S("other") }, 0 },
	{ { .cgroup = S("/a") }, 4 }, /* not /ab */
	{ { .cgroup = S("/a/") }, 4 },
	{ { .cgroup = S("/a/b") }, 4 },
	{ { .cgroup = S("/") }, 6 },
	{ { .cgroup = S("/a/b/c") }, 0 },
	{ { .cgroup = S("/a'--") }, 0 },
	{ { .since_ns = KIT_START + 2000 }, 4 },
	{ { .until_ns = KIT_START + 2000 }, 2 },
	{ { .since_ns = KIT_START + 2000, .until_ns = KIT_START + 3000 }, 1 },
	{ { .after_seq = 4 }, 2 },
	{ { .after_seq = 4, .newest = true }, 3 },
	{ { .limit = 5 }, 5 },
};

static void fill(struct kit *k)
{
	struct kit_call c;

	kit_make(k);
	assert_int_equal(kit_open(k), 0);
	for (unsigned i = 0; i < 6; i++) {
		kit_call(&c, i, i % 2 ? "red" : "blue", 70 + i);
		if (i >= 4)
			c.posting.cgroup = S("/ab");
		if (i == 3)
			c.usage.raw = S("{\n \"input_tokens\": 12\r\n}");
		feed(k, &c);
	}
	assert_int_equal(ledger_commit(k->l), 0);
}

static void test_filters(void **state)
{
	struct kit k;
	struct query *q;
	json_t *o;

	(void)state;
	fill(&k);
	q = open_query(&k);
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		if (call_count(q, &filters[i].f) != filters[i].count)
			fail_msg("case %zu: %zu calls", i, call_count(q, &filters[i].f));
	o = calls(q, &(struct query_filter){ .newest = true, .limit = 2 });
	assert_int_equal(NUMBER(o, "next_seq"), 5);
	json_decref(o);
	o = calls(q, &(struct query_filter){ .after_seq = 6 });
	assert_int_equal(NUMBER(o, "next_seq"), 6); /* nothing new: go on from there */
	json_decref(o);
	query_close(&q);
	kit_done(&k);
}

/* a line a record, whatever the provider put into its usage object */
static void test_lines(void **state)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	struct str rest, line;
	uint64_t next = 0;
	struct query *q;
	struct kit k;

	(void)state;
	fill(&k);
	q = open_query(&k);
	assert_int_equal(query_call_lines(q, &(struct query_filter){ 0 }, &b, &next, error), 0);
	assert_int_equal(next, 6);
	rest = buf_str(&b);
	for (unsigned i = 0; i < 6; i++) {
		json_t *o;

		assert_true(str_cut(&rest, &line, '\n'));
		o = json_loadb(line.p, line.n, 0, NULL);
		assert_non_null(o);
		assert_int_equal(NUMBER(json_object_get(o, "usage"), "in_text"), 70 + i);
		json_decref(o);
	}
	assert_int_equal(rest.n, 0);
	buf_done(&b);
	query_close(&q);
	kit_done(&k);
}

static void test_call(void **state)
{
	struct kit k;
	struct kit_call c;
	struct query *q;
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	json_t *o, *t;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	kit_call(&c, 1, "red", 70);
	c.usage.from.uid = 1000;
	c.usage.source = SOURCE_ESTIMATED;
	c.charge.why = c.usage.why = WHY_GAP;
	leaf_set(&c.usage.low, LEAF_IN_TEXT, 60);
	leaf_set(&c.usage.high, LEAF_IN_TEXT, 80);
	c.charge.low_pico = 60, c.charge.high_pico = 80;
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	q = open_query(&k);
	assert_int_equal(query_call(q, S("010000001111"), &b, error), 0);
	o = parsed(&b);
	assert_string_equal(TEXT(o, "id"), "01000000111111111111111111111111");
	assert_string_equal(TEXT(o, "why"), "gap");
	assert_string_equal(TEXT(o, "why_words"),
			    "bytes were lost between the probe and the meter");
	assert_string_equal(TEXT(o, "cost_usd"), "0.00000000007");
	assert_string_equal(TEXT(o, "comm"), "curl");
	assert_int_equal(NUMBER(o, "uid"), 1000);
	assert_int_equal(NUMBER(o, "http_status"), 200);
	assert_null(json_object_get(o, "retry_count"));
	assert_int_equal(NUMBER(json_object_get(o, "usage_low"), "in_text"), 60);
	assert_int_equal(NUMBER(json_object_get(o, "usage_high"), "in_text"), 80);
	assert_int_equal(json_array_size(json_object_get(o, "lines")), 1);
	t = json_array_get(json_object_get(json_object_get(o, "ledger"), "transfers"), 0);
	assert_string_equal(TEXT(t, "debit"), "red/wallet");
	assert_string_equal(TEXT(t, "credit"), "red/spend");
	assert_string_equal(TEXT(t, "amount"), "0.00000000007");
	json_decref(o);
	buf_done(&b);
	query_close(&q);
	kit_done(&k);
}

static void test_prefix(void **state)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	struct query *q;
	struct kit k;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(kit_feed(&k, 1, "red", 5), 0);
	assert_int_equal(kit_feed(&k, 257, "red", 5), 0); /* id 0101... */
	assert_int_equal(ledger_commit(k.l), 0);
	q = open_query(&k);
	assert_int_equal(query_call(q, S("01"), &b, error), -ENOTUNIQ);
	assert_int_equal(b.n, 0);
	assert_int_equal(query_call(q, S("01000"), &b, error), 0); /* an odd number of digits */
	buf_reset(&b);
	assert_int_equal(query_call(q, S("02"), &b, error), -ENOENT);
	assert_int_equal(query_call(q, S(""), &b, error), -EINVAL);
	assert_int_equal(query_call(q, S("xyz"), &b, error), -EINVAL);
	assert_int_equal(query_call(q, S("010000001111111111111111111111110"), &b, error), -EINVAL);
	buf_done(&b);
	query_close(&q);
	kit_done(&k);
}

static void test_wallets(void **state)
{
	struct wallet_move m = { .team = S("red"), .pico = 1000000000000, .actor = S("uid:0") };
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "", id[33];
	struct kit k;
	struct query *q;
	json_t *o, *t;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_team(k.l, m.team), 0);
	assert_int_equal(ledger_allocate(k.l, &m, id), 0);
	assert_int_equal(kit_feed(&k, 1, "red", 950000000000), 0);
	assert_int_equal(kit_feed(&k, 2, "blue", 5), 0); /* overdraft */
	assert_int_equal(ledger_commit(k.l), 0);
	q = open_query(&k);
	assert_int_equal(query_wallet(q, S("red"), &b, error), 0);
	o = parsed(&b);
	assert_string_equal(TEXT(o, "balance"), "0.05");
	assert_string_equal(TEXT(o, "allocated"), "1");
	assert_string_equal(TEXT(o, "spent"), "0.95");
	assert_string_equal(TEXT(o, "adjusted"), "0");
	assert_string_equal(TEXT(o, "status"), "low");
	json_decref(o);
	assert_int_equal(query_wallet(q, S("blue"), &b, error), 0);
	o = parsed(&b);
	assert_string_equal(TEXT(o, "balance"), "-0.000000000005");
	assert_string_equal(TEXT(o, "status"), "overdrawn");
	json_decref(o);
	assert_int_equal(query_wallets(q, STR_NONE, &b, error), 0);
	o = parsed(&b);
	/* red, blue, and the one for what no rule claims */
	assert_int_equal(json_array_size(json_object_get(o, "wallets")), 3);
	json_decref(o);
	assert_int_equal(query_transactions(q, S("red"), 0, &b, error), 0);
	o = parsed(&b);
	assert_int_equal(json_array_size(json_object_get(o, "transactions")), 2);
	t = json_array_get(json_object_get(o, "transactions"), 1);
	assert_string_equal(TEXT(t, "debit"), "__org__/funding");
	assert_string_equal(TEXT(t, "id"), id);
	assert_string_equal(TEXT(t, "actor"), "uid:0");
	json_decref(o);
	assert_int_equal(query_wallet(q, S("nobody"), &b, error), -ENOENT);
	buf_reset(&b);
	assert_int_equal(query_transactions(q, S("nobody"), 0, &b, error), -ENOENT);
	buf_done(&b);
	query_close(&q);
	kit_sound(&k); /* reading changed nothing */
	kit_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_call),    cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_wallets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
