/* The routes, without HTTP: what each answers, and with which status. */
#include <jansson.h>
#include "desk/api.h"
#include "base/limit.h"
#include "ledger_kit.h"

struct fake { /* the meter, and one request's parameters */
	const char *missing;
	int r;
	uint64_t open;
	struct wallet_move move; /* the last one asked for */
	char team[64], reason[256], key[128], actor[64];
	unsigned moves;
	struct api_reprice what;   /* the last one asked for; its texts are those above */
	const char *const *params; /* name, value, ..., NULL */
};

static const char *fake_missing(void *ctx)
{
	return ((struct fake *)ctx)->missing;
}

static void fake_members(void *ctx, struct jsonw *w)
{
	(void)ctx;
	jsonw_key_u64(w, "member", 7);
}

static int fake_mark(void *ctx, uint64_t ret_mark[2])
{
	const struct fake *f = ctx;

	ret_mark[0] = UINT64_MAX, ret_mark[1] = 5;
	return f->r;
}

static int fake_idle(void *ctx, const uint64_t mark[2], uint64_t *ret_open)
{
	const struct fake *f = ctx;

	assert_true(mark[0] == UINT64_MAX && mark[1] == 5);
	*ret_open = f->open;
	return f->r;
}

static void keep(char *to, size_t room, struct str s)
{
	snprintf(to, room, STR_FMT, STR_ARG(s));
}

static int fake_allocate(void *ctx, const struct wallet_move *m, char ret_text[256])
{
	struct fake *f = ctx;

	f->move = *m;
	f->moves++;
	keep(f->team, sizeof(f->team), m->team);
	keep(f->reason, sizeof(f->reason), m->reason);
	keep(f->key, sizeof(f->key), m->key);
	keep(f->actor, sizeof(f->actor), m->actor);
	snprintf(ret_text, 256, f->r == 0 ? "00ff" : f->r == -ETIMEDOUT ? "" : "no such team");
	return f->r;
}

static int fake_reprice(void *ctx, const struct api_reprice *what, struct api_repriced *ret)
{
	struct fake *f = ctx;

	f->what = *what;
	keep(f->team, sizeof(f->team), what->provider);
	keep(f->reason, sizeof(f->reason), what->model);
	keep(f->actor, sizeof(f->actor), what->actor);
	*ret = (struct api_repriced){ .looked = 9,
				      .priced = 3,
				      .corrected = 2,
				      .unpriced = 4,
				      .next = f->open,
				      .more = -1500000000000 };
	snprintf(ret->text, sizeof(ret->text), "%s", f->r == -EAGAIN ? "not now" : "");
	return f->r;
}

static const char *fake_param(void *ctx, const char *name)
{
	const struct fake *f = ctx;

	for (size_t i = 0; f->params && f->params[i]; i += 2)
		if (strcmp(f->params[i], name) == 0)
			return f->params[i + 1];
	return NULL;
}

static struct api *make(const char *ledger, struct fake *f)
{
	const struct api_ops ops = { .ctx = f,
				     .missing = fake_missing,
				     .status = fake_members,
				     .coverage = fake_members,
				     .mark = fake_mark,
				     .idle = fake_idle,
				     .allocate = fake_allocate,
				     .reprice = fake_reprice };
	struct api *a = NULL;

	assert_int_equal(api_new(ledger, &ops, &a), 0);
	return a;
}

/* Asks and gives back the answer's JSON; every answer is some. */
static json_t *ask(struct api *a, struct fake *f, const char *method, const char *path,
		   const char *body, unsigned want)
{
	struct api_request q = { .method = str_of(method),
				 .path = str_of(path),
				 .body = str_of(body),
				 .key = S("k1"),
				 .actor = S("uid:5"),
				 .param = fake_param,
				 .ctx = f };
	struct api_reply reply;
	json_t *o;

	assert_int_equal(api_answer(a, &q, &reply), 0);
	if (reply.status != want)
		fail_msg("%s %s: %u: %.*s", method, path, reply.status, (int)reply.body.n,
			 reply.body.p);
	o = json_loadb(reply.body.p, reply.body.n, 0, NULL);
	if (!o && strcmp(reply.type, "application/json") == 0)
		fail_msg("%s %s: no JSON: %.*s", method, path, (int)reply.body.n, reply.body.p);
	if (want >= 400) {
		const json_t *e = json_object_get(o, "error");

		assert_true(strlen(json_string_value(json_object_get(e, "message"))) > 0);
		assert_true(strlen(json_string_value(json_object_get(e, "code"))) > 0);
	}
	buf_done(&reply.body);
	return o;
}

static void status_of(struct api *a, struct fake *f, const char *method, const char *path,
		      unsigned want)
{
	json_decref(ask(a, f, method, path, NULL, want));
}

static void test_paths(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned status;
	} cases[] = {
		{ "GET", "/healthz", 200 },
		{ "GET", "/readyz", 200 },
		{ "GET", "/v1/version", 200 },
		{ "GET", "/v1/status", 200 },
		{ "GET", "/v1/coverage", 200 },
		{ "GET", "/v1/calls", 200 },
		{ "GET", "/v1/events", 200 },
		{ "GET", "/v1/spend-logs", 200 },
		{ "GET", "/v1/usage", 200 },
		{ "GET", "/v1/report", 200 },
		{ "GET", "/v1/wallets", 200 },
		{ "GET", "/v1/calls/11", 404 },
		{ "GET", "/v1/events/11", 404 },
		{ "GET", "/v1/calls/no-hex", 400 },
		{ "GET", "/v1/calls/", 404 },
		{ "GET", "/v1/calls/11/12", 404 },
		{ "GET", "/v1/wallets/nobody/transactions", 404 },
		{ "GET", "/v1/wallets//transactions", 404 },
		{ "GET", "/v1/wallets/a/b/transactions", 404 },
		{ "GET", "/v1/wallets/balance", 400 },
		{ "GET", "/", 404 },
		{ "GET", "", 404 },
		{ "GET", "/v1/status/", 404 },
		{ "POST", "/v1/status", 405 },
		{ "DELETE", "/v1/calls/11", 405 },
		{ "GET", "/v1/wallets/allocate", 405 },
		{ "GET", "/v1/reprice", 405 },
		{ "GET", "/../../etc/passwd", 404 },
	};
	struct fake f = { 0 };
	struct kit k;
	struct api *a;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	a = make(k.path, &f);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		status_of(a, &f, cases[i].method, cases[i].path, cases[i].status);
	api_free(&a);
	kit_done(&k);
}

static void test_params(void **state)
{
	static const struct {
		const char *path, *name, *value;
		unsigned status;
	} cases[] = {
		{ "/v1/usage", "window", "today", 200 },
		{ "/v1/usage", "window", "never", 400 },
		{ "/v1/usage", "aggregate", "team,model", 200 },
		{ "/v1/usage", "aggregate", "shoe_size", 400 },
		{ "/v1/usage", "since", "2026-11-01T00:00:00Z", 200 },
		{ "/v1/usage", "since", "soon", 400 },
		{ "/v1/calls", "limit", "10", 200 },
		{ "/v1/calls", "limit", "10001", 400 },
		{ "/v1/calls", "limit", "-1", 400 },
		{ "/v1/calls", "limit", "ten", 400 },
		{ "/v1/calls", "until", "1h", 200 },
		{ "/v1/calls", "after", "x", 400 },
		{ "/v1/calls", "format", "jsonl", 200 },
		{ "/v1/wallets/balance", "team_id", "red", 404 },
		{ "/v1/status", "idle", "1", 400 },
		{ "/v1/status", "idle", "1:x", 400 },
		{ "/v1/status", "idle", "18446744073709551615:5", 200 },
		{ "/v1/status", "mark", "1", 200 },
	};
	static const char *const both[] = { "window", "today", "since", "1h", NULL };
	struct fake f = { 0 };
	struct kit k;
	struct api *a;

	(void)state;
	kit_make(&k);
	assert_int_equal(kit_open(&k), 0);
	a = make(k.path, &f);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *const params[] = { cases[i].name, cases[i].value, NULL };

		f.params = params;
		json_decref(ask(a, &f, "GET", cases[i].path, NULL, cases[i].status));
	}
	f.params = both;
	status_of(a, &f, "GET", "/v1/usage", 400);
	api_free(&a);
	kit_done(&k);
}

static void test_state(void **state)
{
	static const char *const mark[] = { "mark", "1", NULL };
	static const char *const idle[] = { "idle", "18446744073709551615:5", NULL };
	struct fake f = { .missing = "the meter is not running" };
	struct api *a = make("/nonexistent/ledger.db", &f);
	json_t *o;

	(void)state;
	/* state is told without a ledger, and says so */
	status_of(a, &f, "GET", "/healthz", 200);
	status_of(a, &f, "GET", "/readyz", 503);
	status_of(a, &f, "GET", "/v1/wallets", 503);
	status_of(a, &f, "GET", "/v1/usage", 503);
	o = ask(a, &f, "GET", "/v1/status", NULL, 200);
	assert_true(json_is_false(json_object_get(o, "ready")));
	assert_true(json_is_false(json_object_get(o, "ledger_readable")));
	assert_string_equal(json_string_value(json_object_get(o, "missing")), f.missing);
	assert_int_equal(json_integer_value(json_object_get(o, "member")), 7);
	json_decref(o);

	f = (struct fake){ .params = mark };
	o = ask(a, &f, "GET", "/v1/status", NULL, 200);
	assert_string_equal(json_string_value(json_object_get(o, "mark")),
			    "18446744073709551615:5");
	json_decref(o);
	f = (struct fake){ .params = idle, .r = -EAGAIN, .open = 3 };
	o = ask(a, &f, "GET", "/v1/status", NULL, 200);
	assert_true(json_is_false(json_object_get(o, "idle")));
	assert_int_equal(json_integer_value(json_object_get(o, "open_calls")), 3);
	json_decref(o);
	f.r = 0;
	f.open = 0;
	o = ask(a, &f, "GET", "/v1/status", NULL, 200);
	assert_true(json_is_true(json_object_get(o, "idle")));
	json_decref(o);
	f.r = -ETIMEDOUT;
	status_of(a, &f, "GET", "/v1/status", 503);
	api_free(&a);
}

#define POST "/v1/wallets/allocate"

static void test_amounts(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
		int64_t pico; /* of a 200 */
	} cases[] = {
		/* through a double this would be 20000.099999999999 */
		{ "{\"team_id\":\"red\",\"amount\":20000.10}", 200, 20000100000000000 },
		{ "{\"team_id\":\"red\",\"amount\":\"20000.10\",\"currency\":\"USD\"}", 200,
		  20000100000000000 },
		{ "{\"team_id\":\"red\",\"amount\":0.000000000001}", 200, 1 },
		{ "{\"amount\":9223372.036854775807,\"team_id\":\"red\"}", 200, INT64_MAX },
		{ "{\"team_id\":\"red\",\"amount\":1,\"amount\":2}", 200, 2000000000000 },
		{ "{\"team_id\":\"red\",\"amount\":9223372.036854775808}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":0.0000000000001}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":0}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":-5}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":\"five\"}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":\"\"}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":null}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":[1]}", 400, 0 },
		{ "{\"team_id\":\"red\"}", 400, 0 },
		{ "{\"amount\":1}", 400, 0 },
		{ "{\"team_id\":\"\",\"amount\":1}", 400, 0 },
		{ "{\"team_id\":5,\"amount\":1}", 400, 0 },
		{ "{\"team_id\":\"r\\u0000d\",\"amount\":1}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":1,\"currency\":\"EUR\"}", 400, 0 },
		{ "{\"team_id\":\"red\",\"amount\":1", 400, 0 },
		{ "[1]", 400, 0 },
		{ "", 400, 0 },
		{ "{\"team_id\":"
		  "\"0123456789012345678901234567890123456789012345678901234567890123\","
		  "\"amount\":1}",
		  400, 0 },
	};
	struct fake f = { 0 };
	struct api *a = make("/nonexistent/ledger.db", &f);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned before = f.moves;

		json_decref(ask(a, &f, "POST", POST, cases[i].body, cases[i].status));
		assert_int_equal(f.moves - before, cases[i].status == 200);
		if (cases[i].status == 200)
			assert_int_equal(f.move.pico, cases[i].pico);
	}
	api_free(&a);
}

static void test_allocate(void **state)
{
	static const char body[] =
		"{\"team_id\":\"red\",\"amount\":\"5.50\",\"description\":\"Q4\"}";
	struct fake f = { 0 };
	struct api *a = make("/nonexistent/ledger.db", &f);
	json_t *o = ask(a, &f, "POST", POST, body, 200);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "id")), "00ff");
	assert_string_equal(json_string_value(json_object_get(o, "amount")), "5.5");
	assert_string_equal(f.team, "red");
	assert_string_equal(f.reason, "Q4");
	assert_string_equal(f.key, "k1");
	assert_string_equal(f.actor,
			    "uid:5"); /* what the caller of api_answer() knows, not the body */
	json_decref(o);
	f.r = -ENOENT;
	json_decref(ask(a, &f, "POST", POST, body, 404));
	f.r = -EEXIST;
	json_decref(ask(a, &f, "POST", POST, body, 409));
	f.r = -ETIMEDOUT;
	json_decref(ask(a, &f, "POST", POST, body, 503));
	f.r = -EIO;
	json_decref(ask(a, &f, "POST", POST, body, 500));
	api_free(&a);
}

static void test_reprice(void **state)
{
	static const char *const wrong[] = { "",
					     "no",
					     "[]x",
					     "{\"since\": 5}",
					     "{\"since\": \"soon\"}",
					     "{\"after\": \"5\"}",
					     "{\"after\": -5}",
					     "{\"corrected\": 1}",
					     "{\"provider\": null}" };
	struct fake f = { .open = 77 };
	struct api *a = make("/nowhere", &f);
	json_t *o = ask(
		a, &f, "POST", "/v1/reprice",
		"{\"since\": \"2026-11-01\", \"until\": \"2026-11-02\", \"provider\": \"azure\", "
		"\"model\": \"m\", \"after\": 5, \"corrected\": true, \"dry_run\": true}",
		200);

	(void)state;
	assert_true(f.what.until_ns - f.what.since_ns == 86400 * NS_PER_SEC);
	assert_true(f.what.corrected && f.what.dry_run && f.what.after_seq == 5);
	assert_string_equal(f.team, "azure");
	assert_string_equal(f.reason, "m");
	assert_string_equal(f.actor, "uid:5");
	assert_int_equal(json_integer_value(json_object_get(o, "looked")), 9);
	assert_int_equal(json_integer_value(json_object_get(o, "next")), 77);
	assert_string_equal(json_string_value(json_object_get(o, "amount_usd")), "-1.5");
	json_decref(o);
	f.open = 0;
	o = ask(a, &f, "POST", "/v1/reprice", "{}", 200);
	assert_null(json_object_get(o, "next"));
	assert_false(f.what.corrected || f.what.dry_run || f.what.since_ns || f.what.provider.p);
	json_decref(o);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		json_decref(ask(a, &f, "POST", "/v1/reprice", wrong[i], 400));
	f.r = -EAGAIN;
	json_decref(ask(a, &f, "POST", "/v1/reprice", "{}", 503));
	api_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),    cmocka_unit_test(test_params),
		cmocka_unit_test(test_state),    cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_allocate), cmocka_unit_test(test_reprice),
	};

	(void)kit_feed;
	(void)kit_sound; /* of the kit, not needed here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
