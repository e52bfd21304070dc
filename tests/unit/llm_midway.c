/* llm_midway.c -- calls that are known in part: heads blurred or never seen, events damaged; and what a call costs in memory. */
#include <stdio.h>
#include "base/limit.h"
#include "llmkit.h"

#define RESPONSE                                                                                 \
	"{\"object\":\"response\",\"id\":\"r1\",\"model\":\"gpt-5\",\"service_tier\":\"flex\","  \
	"\"output\":[{\"type\":\"web_search_call\",\"status\":\"completed\"}],\"usage\":{"       \
	"\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":5," \
	"\"total_tokens\":14}}"

/* Everything is known but a header that does not matter. */
static void slightly(void **state)
{
	struct kit_out o = kit_run((struct kit){ CHAT, .blurred = true, .answer = CHAT_ANSWER });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_int_equal(o.u.why, WHY_MIDSTREAM);
	assert_leaf(o, OUT_TEXT, 30);
	/* the answer is clear, its request was not */
	o = kit_run((struct kit){ CHAT, .ask_blurred = true, .answer = CHAT_ANSWER });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.why, WHY_MIDSTREAM);
	/* a reason that says more stays */
	o = kit_run((struct kit){ CHAT, .blurred = true, .events = true,
				  .answer = "{\"choices\":[]}\n" });
	assert_int_equal(o.u.why, WHY_STREAM_NO_USAGE);
}

/* The host is known, the path or the method is not: what the answer calls itself says how it counts. */
static void no_path(void **state)
{
	struct kit k = { OPENAI, .target = "", .method = "", .blurred = true, .answer = RESPONSE };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.why, WHY_MIDSTREAM);
	assert_text(o.u.provider, "openai");
	assert_text(o.u.model_served, "gpt-5");
	assert_text(o.u.tier, "flex");
	assert_leaf(o, IN_TEXT, 5);
	assert_leaf(o, IN_CACHE_READ, 4);
	assert_leaf(o, OUT_TEXT, 5);
	assert_leaf(o, N_WEB_SEARCH, 1);
	/* it does not say what it is */
	k.answer = "{\"model\":\"x\",\"usage\":{\"input_tokens\":9,\"output_tokens\":5}}";
	o = kit_run(k);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	assert_int_equal(o.u.why, WHY_MIDSTREAM);
	k.host = "api.anthropic.com";
	k.events = true;
	k.answer = START("{\"input_tokens\":9,\"output_tokens\":1}") DELTA("{\"output_tokens\":16}")
		STOP;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 9);
	assert_leaf(o, OUT_TEXT, 16);
	/* an error is none of the shapes */
	k.answer = "{\"type\":\"error\",\"error\":{}}\n";
	assert_int_equal(kit_run(k).u.billing, BILLING_UNPRICED);
	k.status = 500;
	assert_int_equal(kit_run(k).u.kind, KIND_ERROR);
}

/* Without the host nobody knows whose price it is: exact, and unpriced. */
static void no_host(void **state)
{
	const struct kit rows[] = {
		{ .target = "/v1/responses", .blurred = true, .answer = RESPONSE },
		{ .target = "", .blurred = true, .answer = RESPONSE },
		{ .orphan = true, .answer = RESPONSE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run(rows[i]);

		assert_int_equal(o.u.kind, KIND_INFERENCE);
		assert_text(o.u.provider, "unknown");
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.why, WHY_MIDSTREAM);
		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_leaf(o, IN_TEXT, 5);
		assert_leaf(o, OUT_TEXT, 5);
	}
}

/* ---- damaged events ---------------------------------------------------------------------------------- */

static void damaged(void **state)
{
	struct kit_out o;

	(void)state;
	/* each usage object is whole by itself: what was lost before it does not matter */
	o = kit_run((struct kit){ CHAT, .events = true,
				  .answer =
					  "!{\"usage\":{\"prompt_tokens\":1}}\n"
					  "{\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{"
					  "\"prompt_tokens\":7}}\n" });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 7);
	/* what was lost after it does */
	o = kit_run((struct kit){ CHAT, .events = true,
				  .answer = "{\"usage\":{\"prompt_tokens\":7}}\n!{\"usage\":{"
					    "\"prompt_tokens\":9}}\n[DONE]\n" });
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_GAP);
	/* members of several events: none may be missing, the placeholder of the first is no answer */
	o = kit_run(
		(struct kit){ ANTHROPIC, .events = true,
			      .answer = START("{\"input_tokens\":9,\"output_tokens\":1}") "!" DELTA(
				      "{\"output_tokens\":400}") STOP });
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_GAP);
	assert_leaf(o, IN_TEXT, 9);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] >= 400);
	/* an event that is no whole document */
	o = kit_run((struct kit){
		ANTHROPIC, .events = true,
		.answer =
			START("{\"input_tokens\":9,\"output_tokens\":1}") "{\"usage\":{\"output_"
									  "tokens\":400}\n" STOP });
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_BAD_BODY);
	/* nothing of a damaged one counts, neither model nor end */
	o = kit_run((struct kit){ CHAT, .events = true,
				  .answer = "!{\"model\":\"x\",\"choices\":[{\"finish_reason\":"
					    "\"stop\"}],\"usage\":{\"prompt_tokens\":9}}\n" });
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.outcome, OUTCOME_INCOMPLETE);
	assert_int_equal(o.u.model_served.n, 0);
	assert_int_equal(o.u.raw.n, 0);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

struct weigh {
	struct mem_account account;
	struct counters counters;
	int64_t most;
	struct llm *l;
	struct part p;
};

static void feed(struct weigh *w, struct str bytes)
{
	struct mem_account *before = mem_pay(&w->account);

	w->p.bytes = bytes;
	assert_int_equal(llm_feed(w->l, &w->p), 0);
	mem_pay(before);
	w->most = MAX(w->most, w->account.held);
}

static void begin(struct weigh *w, struct kit_out *o, const struct origin *from)
{
	struct llm_opts opts = { .counters = &w->counters };

	memset(w, 0, sizeof(*w));
	memset(o, 0, sizeof(*o));
	w->account.limit = w->account.last = INT64_MAX;
	assert_int_equal(llm_new(&opts, (struct usage_sink){ kit_put, o }, &w->l), 0);
	w->p = (struct part){ .from = from, .kind = PART_REQUEST, .method = S("POST") };
	w->p.target = S("/v1/responses");
	w->p.header[HDR_HOST] = S("api.openai.com");
	w->p.header[HDR_AUTHORIZATION] = S("Bearer x");
	feed(w, STR_NONE);
}

static void respond(struct weigh *w)
{
	w->p.kind = PART_RESPONSE;
	w->p.dir = DIR_IN;
	w->p.status = 200;
	feed(w, STR_NONE);
	w->p.kind = PART_BODY;
}

static void end(struct weigh *w)
{
	w->p.kind = PART_END;
	feed(w, STR_NONE);
	llm_free(&w->l);
}

#define BIG_USAGE "\"usage\":{\"input_tokens\":9,\"output_tokens\":5,\"pad\":\""

/* Usage at the end of a 50 MB body costs no more than at its start. */
static void long_body(void **state)
{
	static char megabyte[1 << 20];
	static const struct origin from = { .gen = 7 };
	struct str pad = { megabyte, sizeof(megabyte) };
	int64_t most[2] = { 0 };

	(void)state;
	memset(megabyte, 'x', sizeof(megabyte));
	/* once more before, for what is held are blocks of malloc's, and the first ones are cut anew */
	for (int round = 0; round < 3; round++) {
		bool at_end = round == 2;
		struct kit_out o;
		struct weigh w;
		int64_t held;

		begin(&w, &o, &from);
		w.p.kind = PART_BODY;
		feed(&w, S("{\"model\":\"gpt-5\",\"input\":\""));
		for (int i = 0; i < 50; i++)
			feed(&w, pad);
		feed(&w, S("\",\"tools\":[{\"a\":\""));
		feed(&w, pad);
		held = w.account.held;
		feed(&w, S("\"}]}"));
		assert_true(w.account.held < held - 1024); /* what is whole needs no scanner */
		respond(&w);
		feed(&w, S("{\"id\":\"r\","));
		if (!at_end)
			feed(&w, S(BIG_USAGE "\"},"));
		feed(&w, S("\"output\":[{\"content\":[{\"text\":\""));
		for (int i = 0; i < 50; i++)
			feed(&w, pad);
		feed(&w, S("\"}]}]"));
		if (at_end)
			feed(&w, S("," BIG_USAGE "\"}"));
		feed(&w, S("}"));
		end(&w);
		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_leaf(o, IN_TEXT, 9);
		most[at_end] = w.most;
	}
	print_message("# %lld bytes with usage at the start, %lld at the end\n", (long long)most[0],
		      (long long)most[1]);
	assert_true(most[1] <= most[0]);
	assert_true(most[1] < 16384);
}

/* The most that peers can make one call hold: names, usage and tools as long as they are kept. */
static void greedy(void **state)
{
	static const struct origin from = { .gen = 7 };
	static char big[LIMIT_USAGE_BYTES];
	struct str pad = { big, LIMIT_USAGE_BYTES - sizeof("{\"input_tokens\":9,\"pad\":\"\"}") };
	struct kit_out o;
	struct weigh w;
	char head[96];

	(void)state;
	memset(big, 'x', sizeof(big));
	begin(&w, &o, &from);
	w.p.kind = PART_BODY;
	feed(&w, S("{\"model\":\""));
	feed(&w, str_head(pad, 900));
	respond(&w);
	w.p.kind = PART_EVENT;
	w.p.framing = FRAMING_SSE;
	for (int i = 0; i < 200; i++) {
		w.p.last = false;
		snprintf(head, sizeof(head), "{\"id\":\"%d", i);
		feed(&w, str_of(head));
		feed(&w, str_head(pad, 900));
		snprintf(head, sizeof(head), "\",\"model\":\"%d", i);
		feed(&w, str_of(head));
		feed(&w, str_head(pad, 900));
		snprintf(head, sizeof(head),
			 "\",\"output\":[{\"type\":\"code_interpreter_call\","
			 "\"container_id\":\"%d\"}]",
			 i);
		feed(&w, str_of(head));
		feed(&w, S(",\"usage\":{\"input_tokens\":9,\"pad\":\""));
		feed(&w, pad);
		w.p.last = true;
		feed(&w, S("\"}}"));
	}
	end(&w);
	assert_leaf(o, IN_TEXT, 9);
	print_message("# at most %lld bytes\n", (long long)w.most);
	assert_true(w.most < 16384 + 13312); /* what peers sent, and the structures around it */
}

/* Each limit has its counter; what was beyond it is no bill. */
static void limits(void **state)
{
	static const struct origin from = { .gen = 7 };
	static const struct {
		const char *before, *again, *after;
		int times;
		enum limit_id limit;
		enum why why;
	} rows[] = {
		{ "{\"usage\":{\"input_tokens\":1,\"x\":\"", "xxxxxxxx", "\"}}", 600,
		  LIM_USAGE_BYTES, WHY_LIMIT },
		{ "{\"model\":\"", "xxxxxxxx", "\",\"usage\":{\"input_tokens\":1}}", 200,
		  LIM_NAME_TEXT, WHY_NONE },
		{ "{\"output\":[", "{\"type\":\"code_interpreter_call\",\"container_id\":\"%.\"},",
		  "1],\"usage\":{\"input_tokens\":1}}", 65, LIM_TOOL_SESSIONS, WHY_LIMIT },
		{ "{\"a\":", "[", "1", 70, LIM_JSON_DEPTH, WHY_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o;
		struct weigh w;

		begin(&w, &o, &from);
		respond(&w);
		feed(&w, str_of(rows[i].before));
		for (int k = 0; k < rows[i].times; k++) {
			char text[96];
			char *number;

			snprintf(text, sizeof(text), "%s", rows[i].again);
			number = strchr(text, '%');
			if (number) {
				number[0] = (char)('A' + k / 10);
				number[1] = (char)('0' + k % 10);
			}
			feed(&w, str_of(text));
		}
		feed(&w, str_of(rows[i].after));
		end(&w);
		assert_int_equal(w.counters.limit[rows[i].limit], 1);
		assert_int_equal(o.u.why, rows[i].why);
		if (rows[i].why)
			assert_int_equal(o.u.billing, BILLING_UNPRICED);
	}
}

/* Members of many events that are merged. */
static void many_members(void **state)
{
	static const struct origin from = { .gen = 7 };
	struct kit_out o;
	struct weigh w;
	char event[96];

	(void)state;
	begin(&w, &o, &from);
	w.p.kind = PART_END;
	feed(&w, STR_NONE);
	memset(&o, 0, sizeof(o));
	w.p.kind = PART_REQUEST;
	w.p.dir = DIR_OUT;
	w.p.target = S("/v1/messages");
	w.p.header[HDR_HOST] = S("api.anthropic.com");
	feed(&w, STR_NONE);
	respond(&w);
	w.p.kind = PART_EVENT;
	w.p.framing = FRAMING_SSE;
	w.p.last = true;
	for (int i = 0; i < LIMIT_USAGE_MEMBERS + 1; i++) {
		snprintf(event, sizeof(event), "{\"usage\":{\"member_%d\":1}}", i);
		feed(&w, str_of(event));
	}
	end(&w);
	assert_int_equal(w.counters.limit[LIM_USAGE_MEMBERS], 1);
	assert_int_equal(o.u.why, WHY_LIMIT);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slightly),  cmocka_unit_test(no_path),
		cmocka_unit_test(no_host),   cmocka_unit_test(damaged),
		cmocka_unit_test(long_body), cmocka_unit_test(greedy),
		cmocka_unit_test(limits),    cmocka_unit_test(many_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
