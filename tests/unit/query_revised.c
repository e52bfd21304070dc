/* Reading what was revised, passed on, or is to be priced anew: lists, reports, one whole call. */
#include "query_kit.h"
#include "ledger_scenes.h"
#include "report/row.h"

static void fill(struct kit *k)
{
	struct kit_call c;
	struct repriced got;

	start(k);
	queued(&c, 1, "red");
	feed(k, &c);
	fetched(&c, 1, 2, "blue", 70);
	feed(k, &c);
	leg(k, &(struct leg){ 2, 'g', "gw", 50 }, 3);
	leg(k, &(struct leg){ 2, 'p', "red", -1 }, 4);
	kit_call(&c, 3, "blue", 9); /* its price comes later */
	c.usage.why = WHY_ABORTED;
	c.usage.source = SOURCE_PARTIAL;
	unpriced(&c, WHY_NO_PRICE);
	c.charge.flags = 1u << FLAG_MODEL;
	feed(k, &c);
	kit_call(&c, 3, "blue", 9);
	c.usage.why = c.charge.why = WHY_ABORTED;
	c.usage.source = SOURCE_PARTIAL;
	assert_int_equal(ledger_reprice(k->l, &c.posting, 0, S("uid:7"), &got), 0);
	queued(&c, 4, "blue"); /* and this has none */
	feed(k, &c);
	kit_call(&c, 5, "blue", 3); /* every flag that there is */
	c.usage.flags = 1u << FLAG_CACHE_TTL;
	c.charge.flags = (1u << FLAG_COUNT) - 1;
	feed(k, &c);
	assert_int_equal(ledger_commit(k->l), 0);
}

static json_t *whole(struct query *q, const json_t *list, size_t i)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	json_t *o = json_array_get(list, i);

	assert_int_equal(query_call(q, str_of(TEXT(o, "id")), &b, error), 0);
	return parsed(&b);
}

static void test_calls(void **state)
{
	static const struct {
		const char *cost, *billing, *joined, *paid_by;
	} want[] = {
		{ "0.00000000007", "metered", NULL, NULL },
		{ "0.00000000007", "metered", "a", NULL },
		{ "0.00000000005", "metered", NULL, "red" },
		{ NULL, "unpriced", "a", NULL },
		{ "0.000000000009", "metered", NULL, NULL },
		{ NULL, "unpriced", NULL, NULL },
		{ "0.000000000003", "metered", NULL, NULL },
	};
	json_t *o, *list, *one, *revisions;
	struct query *q;
	struct kit k;

	(void)state;
	fill(&k);
	q = open_query(&k);
	o = calls(q, &(struct query_filter){ 0 });
	list = json_object_get(o, "calls");
	assert_int_equal(json_array_size(list), COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		one = json_array_get(list, i);
		if (want[i].cost)
			assert_string_equal(TEXT(one, "cost_usd"), want[i].cost);
		else
			assert_null(TEXT(one, "cost_usd"));
		assert_string_equal(TEXT(one, "billing"), want[i].billing);
		assert_int_equal(TEXT(one, "joined_to") != NULL, want[i].joined != NULL);
		assert_int_equal(TEXT(one, "paid_by") != NULL, want[i].paid_by != NULL);
	}
	one = json_array_get(list, 0);
	assert_string_equal(TEXT(json_object_get(one, "revised"), "booked_billing"), "unpriced");
	assert_int_equal(json_array_size(json_object_get(one, "lines")), 1);
	assert_int_equal(NUMBER(json_object_get(one, "usage"), "in_text"), 70);
	one = whole(q, list, 0);
	revisions = json_object_get(json_object_get(one, "ledger"), "revisions");
	assert_int_equal(json_array_size(revisions), 1);
	assert_string_equal(TEXT(json_array_get(revisions, 0), "reason"), "fetched");
	assert_string_equal(TEXT(json_array_get(revisions, 0), "told_by"),
			    TEXT(json_array_get(list, 1), "id"));
	json_decref(one);
	one = whole(q, list, 4);
	assert_string_equal(TEXT(one, "why"), "aborted"); /* of the usage: the price is there now */
	revisions = json_object_get(json_object_get(one, "ledger"), "revisions");
	assert_string_equal(TEXT(json_array_get(revisions, 0), "actor"), "uid:7");
	assert_string_equal(TEXT(json_array_get(revisions, 0), "amount_usd"), "0.000000000009");
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(one, "ledger"), "transfers")), 1);
	json_decref(one);
	json_decref(o);
	query_close(&q);
	end(&k);
}

static void test_report(void **state)
{
	static const struct {
		const char *team, *cost;
		unsigned requests;
	} want[] = {
		{ "red", "0.00000000012", 2 },
		{ "blue", "0.000000000012", 3 },
	};
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";
	struct query *q;
	struct kit k;
	json_t *o;

	(void)state;
	fill(&k);
	q = open_query(&k);
	assert_int_equal(query_report(q, &(struct query_filter){ 0 }, S("team,cgroup"), &b, error),
			 0);
	o = parsed(&b);
	/* red's calls lie in its own cgroup and in that of who asked the gateway */
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 3);
	json_decref(o);
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		struct query_filter f = { .team = str_of(want[i].team) };
		json_t *row;

		b = (struct buf){ .limit = LIMIT_API_ANSWER };
		assert_int_equal(query_report(q, &f, S("team"), &b, error), 0);
		o = parsed(&b);
		row = json_array_get(json_object_get(o, "rows"), 0);
		assert_string_equal(TEXT(row, "cost_usd"), want[i].cost);
		assert_int_equal(NUMBER(row, "requests"), want[i].requests);
		json_decref(o);
	}
	b = (struct buf){ .limit = LIMIT_API_ANSWER };
	assert_int_equal(
		query_report(q, &(struct query_filter){ .team = S("gw") }, S("team"), &b, error),
		0);
	o = parsed(&b);
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 0); /* others pay for it */
	json_decref(o);
	query_close(&q);
	end(&k);
}

struct seen {
	unsigned rows, stop;
	struct query_row last;
};

static int on_row(void *ctx, const struct query_row *row)
{
	struct seen *s = ctx;

	s->last = *row;
	return ++s->rows == s->stop;
}

/* What may get another price, as it was told before any. */
static void test_priced_again(void **state)
{
	char error[QUERY_ERROR] = "";
	const struct query_filter any = { 0 }, last = { .after_seq = 4 };
	struct seen s = { 0 };
	bool more = true;
	struct query *q;
	struct kit k;

	(void)state;
	fill(&k);
	q = open_query(&k);
	assert_int_equal(query_each_priced(q, &any, false, on_row, &s, &more, error), 0);
	assert_false(more);
	assert_int_equal(s.rows, 1); /* the one that is queued */
	assert_int_equal(s.last.usage.billing, BILLING_UNPRICED);
	s = (struct seen){ 0 };
	assert_int_equal(query_each_priced(q, &any, true, on_row, &s, &more, error), 0);
	assert_int_equal(s.rows, 5);
	assert_int_equal(s.last.charge.flags, (1u << FLAG_COUNT) - 1);
	assert_int_equal(s.last.usage.flags, 1u << FLAG_CACHE_TTL);
	s = (struct seen){ .stop = 1 };
	assert_int_equal(query_each_priced(q, &last, true, on_row, &s, &more, error), 0);
	assert_true(more);
	assert_int_equal(s.rows, 1);
	assert_int_equal(s.last.seq, 5);
	assert_int_equal(s.last.revision, 1);
	assert_int_equal(s.last.usage.why, WHY_ABORTED);
	assert_int_equal(s.last.usage.billing, BILLING_METERED);
	assert_int_equal(s.last.usage.flags, 0); /* the flag was its price's */
	assert_int_equal(s.last.charge.pico, 9);
	assert_int_equal(s.last.usage.used.n[LEAF_IN_TEXT], 9);
	query_close(&q);
	end(&k);
}

/* What a plan paid has no price to compare with, until there is one: no money, before and after. */
static void test_plan(void **state)
{
	char error[QUERY_ERROR] = "";
	const struct query_filter any = { 0 };
	struct repriced got;
	struct kit_call c;
	struct kit k;

	(void)state;
	start(&k);
	assert_int_equal(ledger_team(k.l, S("red")), 0);
	for (unsigned round = 0; round < 2; round++) {
		struct buf b = { .limit = LIMIT_API_ANSWER };
		struct seen s = { 0 };
		struct query *q;
		bool more = true;
		json_t *o, *total;

		kit_call(&c, 1, "red", 9);
		c.usage.billing = c.charge.billing = BILLING_SUBSCRIPTION;
		if (round) {
			assert_int_equal(ledger_reprice(k.l, &c.posting, 0, STR_NONE, &got), 0);
			assert_true(got.charged && !got.joined && got.more == 0);
		} else {
			unpriced(&c, WHY_NO_PRICE);
			c.charge.billing = BILLING_SUBSCRIPTION;
			feed(&k, &c);
			assert_int_equal(ledger_commit(k.l), 0);
		}
		q = open_query(&k);
		assert_int_equal(query_report(q, &any, S("team"), &b, error), 0);
		o = parsed(&b);
		total = json_object_get(o, "total");
		assert_int_equal(NUMBER(total, "no_equivalent_requests"), round ? 0 : 1);
		assert_int_equal(NUMBER(total, "unpriced_requests"), 0);
		assert_string_equal(TEXT(total, "equivalent_usd"), round ? "0.000000000009" : "0");
		assert_string_equal(TEXT(total, "cost_usd"), "0");
		total = json_array_get(json_object_get(o, "unpriced"), 0);
		assert_int_equal(total != NULL, !round);
		if (total)
			assert_string_equal(TEXT(total, "billing"), "subscription");
		json_decref(o);
		assert_int_equal(query_each_priced(q, &any, false, on_row, &s, &more, error), 0);
		assert_int_equal(s.rows, round ? 0 : 1);
		query_close(&q);
	}
	assert_int_equal(SPENT(&k, "red"), 0);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_priced_again),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
