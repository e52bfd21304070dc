/* The reader of the ledger: what it sums, and what it refuses. */
#include "query_kit.h"
#include "report/query_db.h"

#define DAY_NS 86400000000000ull

static json_t *report(struct query *q, const struct query_filter *f, const char *keys)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	int r = query_report(q, f, str_of(keys), &b, error);

	if (r < 0)
		fail_msg("%d: %s", r, error);
	return parsed(&b);
}

static json_t *row(json_t *report_, size_t i)
{
	return json_array_get(json_object_get(report_, "rows"), i);
}

static void fill(struct kit *k)
{
	struct kit_call c;

	kit_make(k);
	assert_int_equal(kit_open(k), 0);
	/* three calls of nearly 9.2 million dollars: SQL's SUM would overflow */
	for (unsigned i = 0; i < 3; i++) {
		kit_call(&c, i, "red", INT64_MAX - 7);
		c.usage.used = (struct leaves){ 0 };
		leaf_set(&c.usage.used, LEAF_IN_TEXT, 100);
		leaf_set(&c.usage.used, LEAF_IN_CACHE_READ, 11);
		leaf_set(&c.usage.used, LEAF_OUT_REASONING, 5);
		leaf_set(&c.usage.used, LEAF_N_WEB_SEARCH, 1000);
		c.charge.line[0].quantity = (uint64_t)INT64_MAX - 7;
		feed(k, &c);
	}
	kit_call(&c, 10, "blue", 250000000000); /* estimated, a quarter dollar */
	c.usage.source = SOURCE_ESTIMATED;
	c.charge.why = c.usage.why = WHY_STREAM_NO_USAGE;
	feed(k, &c);
	kit_call(&c, 11, "blue", 5); /* unpriced */
	c.charge.billing = BILLING_UNPRICED;
	c.charge.why = WHY_NO_PRICE;
	c.charge.count = 0;
	c.charge.pico = c.charge.low_pico = c.charge.high_pico = 0;
	c.charge.shadow_pico = 77;
	feed(k, &c);
	kit_call(&c, 12, "green", 9); /* shown with the call, paid by nobody */
	c.charge.billing = BILLING_SUBSCRIPTION;
	feed(k, &c);
	kit_call(&c, 13, "blue", 0); /* a list of models: no request */
	c.usage.kind = KIND_OTHER;
	c.usage.used = (struct leaves){ 0 };
	c.usage.raw = STR_NONE;
	c.charge.billing = BILLING_UNPRICED;
	c.charge.why = WHY_NOT_INFERENCE;
	c.charge.count = 0;
	feed(k, &c);
	assert_int_equal(ledger_commit(k->l), 0);
}

static void test_report(void **state)
{
	const struct query_filter all = { 0 };
	struct kit k;
	struct query *q;
	json_t *o, *u;

	(void)state;
	fill(&k);
	q = open_query(&k);
	o = report(q, &all, "team");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 3);
	assert_string_equal(TEXT(row(o, 0), "team"), "red"); /* the dearest first */
	assert_int_equal(NUMBER(row(o, 0), "requests"), 3);
	assert_int_equal(NUMBER(row(o, 0), "input_tokens"), 333);
	assert_int_equal(NUMBER(row(o, 0), "output_tokens"), 15);
	/* 3 * (2^63 - 8) pico */
	assert_string_equal(TEXT(row(o, 0), "cost_usd"), "27670116.1105643274");
	assert_string_equal(TEXT(row(o, 0), "estimated_usd"), "0");
	assert_string_equal(TEXT(row(o, 0), "reserved_usd"), "0");
	assert_string_equal(TEXT(row(o, 1), "team"), "blue");
	assert_int_equal(NUMBER(row(o, 1), "requests"), 2);
	assert_int_equal(NUMBER(row(o, 1), "unpriced_requests"), 1);
	assert_string_equal(TEXT(row(o, 1), "cost_usd"), "0.25");
	assert_string_equal(TEXT(row(o, 1), "estimated_usd"), "0.25");
	assert_string_equal(TEXT(row(o, 2), "team"), "green");
	assert_string_equal(TEXT(row(o, 2), "cost_usd"), "0");
	/* in no sum of money */
	assert_string_equal(TEXT(row(o, 2), "equivalent_usd"), "0.000000000009");
	assert_string_equal(TEXT(row(o, 1), "equivalent_usd"), "0");
	assert_string_equal(TEXT(row(o, 1), "shadow_usd"), "0.000000000077");
	assert_string_equal(TEXT(json_object_get(o, "total"), "equivalent_usd"), "0.000000000009");
	u = json_array_get(json_object_get(o, "unpriced"), 0);
	assert_int_equal(json_array_size(json_object_get(o, "unpriced")), 1);
	assert_string_equal(TEXT(u, "provider"), "openai");
	assert_string_equal(TEXT(u, "model"), "model-2");
	assert_string_equal(TEXT(u, "why"), "no_price");
	assert_int_equal(NUMBER(u, "requests"), 1);
	assert_int_equal(NUMBER(u, "input_tokens"), 5);
	assert_string_equal(TEXT(u, "shadow_usd"), "0.000000000077");
	assert_int_equal(NUMBER(json_object_get(o, "total"), "requests"), 6);
	assert_string_equal(TEXT(json_object_get(o, "total"), "cost_usd"), "27670116.3605643274");
	json_decref(o);
	query_close(&q);
	kit_done(&k);
}

static void test_groups(void **state)
{
	const struct query_filter all = { 0 };
	struct kit k;
	struct query *q;
	json_t *o;

	(void)state;
	fill(&k);
	q = open_query(&k);
	o = report(q, &all, "kind,team");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 4);
	assert_int_equal(NUMBER(json_object_get(o, "total"), "requests"), 7);
	assert_int_equal(NUMBER(json_object_get(o, "total"), "unpriced_requests"), 1);
	json_decref(o);

	o = report(q, &all, "day, model");
	assert_string_equal(TEXT(row(o, 0), "day"), "2026-11-26");
	assert_non_null(TEXT(row(o, 0), "model"));
	json_decref(o);

	o = report(q, &(struct query_filter){ .team = S("blue") }, "");
	assert_int_equal(NUMBER(json_object_get(o, "total"), "requests"), 2);
	json_decref(o);
	o = report(q, &(struct query_filter){ .until_ns = KIT_START + 1 }, "team");
	assert_int_equal(NUMBER(json_object_get(o, "total"), "requests"),
			 1); /* call 0 began then */
	json_decref(o);
	query_close(&q);
	kit_done(&k);
}

static void test_joined(void **state)
{
	const struct query_filter all = { 0 };
	struct kit k;
	struct kit_call c;
	struct query *q;
	json_t *o;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_epoch_begin(k.l, (const unsigned char *)"12345678", KIT_START), 0);
	kit_call(&c, 1, "red", 70);
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(ledger_epoch_begin(k.l, (const unsigned char *)"abcdefgh", KIT_START), 0);
	kit_call(&c, 2, "red", 70); /* the same answer, seen by another epoch */
	c.usage.response_id = S("resp_1");
	feed(&k, &c);
	assert_int_equal(ledger_commit(k.l), 0);
	if (kit_ask(&k, "SELECT count(*) FROM call WHERE joined_to IS NOT NULL") == 1) {
		q = open_query(&k);
		o = report(q, &all, "team");
		assert_int_equal(NUMBER(json_object_get(o, "total"), "requests"), 1);
		assert_string_equal(TEXT(json_object_get(o, "total"), "cost_usd"), "0.00000000007");
		json_decref(o);
		assert_int_equal(call_count(q, &all), 2); /* both observations are listed */
		query_close(&q);
	} else {
		fail_msg("the second observation was not joined to the first");
	}
	kit_sound(&k);
	kit_done(&k);
}

static void test_keys_refused(void **state)
{
	static const char *const bad[] = { "nope", "team,nope", "team,team", "team;DROP TABLE call",
					   ",",    "team,",     "cost_pico" };
	const struct query_filter all = { 0 };
	struct kit k;
	struct query *q;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	q = open_query(&k);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf b = { .limit = LIMIT_API_ANSWER };
		char error[QUERY_ERROR] = "";
		int r = query_report(q, &all, str_of(bad[i]), &b, error);

		if (strcmp(bad[i], "team,") == 0) /* a comma too many at the end is no harm */
			assert_int_equal(r, 0);
		else {
			assert_int_equal(r, -EINVAL);
			assert_true(error[0] != '\0');
		}
		buf_done(&b);
	}
	query_close(&q);
	kit_done(&k);
}

static size_t gap_count(struct query *q, uint64_t since, uint64_t until)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	json_t *o;
	size_t n;

	assert_int_equal(query_gaps(q, since, until, &b, error), 0);
	o = parsed(&b);
	n = json_array_size(json_object_get(o, "gaps"));
	json_decref(o);
	return n;
}

static void test_gaps(void **state)
{
	struct kit k;
	struct query *q;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(ledger_gap(k.l, 1000, 2000, S("a role restarted")), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	q = open_query(&k);
	assert_int_equal(gap_count(q, 0, 0), 1);
	assert_int_equal(gap_count(q, 0, 1000), 0); /* until is not part of a window */
	assert_int_equal(gap_count(q, 0, 1001), 1);
	assert_int_equal(gap_count(q, 1999, 5000), 1);
	assert_int_equal(gap_count(q, 2000, 5000), 0);
	query_close(&q);
	kit_done(&k);
}

static long long report_total(struct query *q)
{
	json_t *o = report(q, &(struct query_filter){ 0 }, "team");
	long long n = NUMBER(json_object_get(o, "total"), "requests");

	json_decref(o);
	return n;
}

/* Nobody can write through it, and nobody can stay in it. */
static void test_read_only(void **state)
{
	static const char endless[] =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
		"SELECT count(*) FROM n";
	struct kit k;
	struct query *q;
	sqlite3_stmt *s = NULL;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	q = open_query(&k);
	assert_int_not_equal(sqlite3_exec(q->db, "DELETE FROM gap", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(q->db, "CREATE TABLE t (i)", NULL, NULL, NULL),
			     SQLITE_OK);
	assert_int_equal(query_begin(q), 0);
	assert_true(q->deadline_ns > clock_boot_ns());
	assert_int_equal(query_prepare(q, str_of(endless), &s), 0);
	q->deadline_ns = 0; /* the 30 s are over */
	assert_int_equal(query_step(q, s), -ETIME);
	query_finish(&s);
	query_end(q);
	assert_true(
		sqlite3_get_autocommit(q->db)); /* nothing is left open, so the WAL can shrink */
	assert_int_equal(report_total(q), 0);
	query_close(&q);
	kit_done(&k);
}

static void test_no_ledger(void **state)
{
	char error[QUERY_ERROR] = "";
	struct query *q = NULL;

	(void)state;
	assert_int_equal(query_open("/nonexistent/ledger.db", &q, error), -EAGAIN);
	assert_true(error[0] != '\0');
	assert_null(q);
}

static void test_no_memory(void **state)
{
	const struct query_filter all = { 0 };
	struct kit k;
	struct query *q;
	bool done = false;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(kit_feed(&k, 1, "red", 70), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	q = open_query(&k);
	for (long n = 0; !done; n++) {
		struct buf b = { .limit = LIMIT_API_ANSWER };
		char error[QUERY_ERROR] = "";
		int r;

		mem_fail_after = n;
		r = query_report(q, &all, S("team"), &b, error);
		done = mem_fail_after >= 0 && r == 0;
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(r == 0, done);
		buf_done(&b);
	}
	query_close(&q);
	kit_done(&k);
}

static void test_window(void **state)
{
	/* Thursday 2026-11-26T10:00:00Z */
	const uint64_t now = KIT_START + 10 * 3600000000000ull;
	static const struct {
		const char *text, *since, *until;
	} cases[] = {
		{ "today", "2026-11-26", "2026-11-27" },
		{ "yesterday", "2026-11-25", "2026-11-26" },
		{ "week", "2026-11-23", "2026-11-30" },
		{ "lastweek", "2026-11-16", "2026-11-23" },
		{ "month", "2026-11-01", "2026-12-01" },
		{ "lastmonth", "2026-10-01", "2026-11-01" },
		{ "10h", "2026-11-26", "2026-11-26T10:00:00Z" },
		{ "7d", "2026-11-19T10:00:00Z", "2026-11-26T10:00:00Z" },
		{ "2026-11-01T02:00:00+02:00,2026-11-02", "2026-11-01", "2026-11-02" },
		{ "1795651200,1795737600", "2026-11-26", "2026-11-27" },
	};
	static const char *const bad[] = { "",
					   "sometime",
					   "0d",
					   "d",
					   "7",
					   "7y",
					   "-7d",
					   "2026",
					   ",",
					   "now,",
					   "2026-11-02,2026-11-01",
					   "7d,7d",
					   "99999999999999999999d",
					   "2026-13-01,2026-14-01" };
	uint64_t since, until, want;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (query_window(str_of(cases[i].text), now, &since, &until) < 0)
			fail_msg("%s is refused", cases[i].text);
		assert_int_equal(clock_parse(str_of(cases[i].since), &want), 0);
		assert_int_equal(since, want);
		assert_int_equal(clock_parse(str_of(cases[i].until), &want), 0);
		assert_int_equal(until, want);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (query_window(str_of(bad[i]), now, &since, &until) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	/* January has a month before it */
	assert_int_equal(clock_parse(S("2027-01-05"), &want), 0);
	assert_int_equal(query_window(S("lastmonth"), want, &since, &until), 0);
	assert_int_equal(clock_parse(S("2026-12-01"), &want), 0);
	assert_int_equal(since, want);
	assert_int_equal(query_window(S("all"), now, &since, &until), 0);
	assert_int_equal(since | until, 0);
	assert_int_equal(query_time(S("1d"), now, &since), 0);
	assert_int_equal(since, now - DAY_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_joined),    cmocka_unit_test(test_keys_refused),
		cmocka_unit_test(test_gaps),      cmocka_unit_test(test_no_ledger),
		cmocka_unit_test(test_read_only), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
