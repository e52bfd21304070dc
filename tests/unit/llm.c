#include "llmkit.h"
static void chat(void **state)
{
	struct kit_out o = kit_run((struct kit){
		CHAT, .ask = "{\"model\":\"gpt-5\",\"messages\":[]}", .answer = CHAT_ANSWER });

	(void)state;
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_int_equal(o.u.outcome, OUTCOME_OK);
	assert_int_equal(o.u.why, WHY_NONE);
	assert_text(o.u.provider, "openai");
	assert_text(o.u.model_requested, "gpt-5");
	assert_text(o.u.model_served, "gpt-5-2025-08-07");
	assert_text(o.u.response_id, "c1");
	assert_text(o.u.tier, "standard");
	assert_leaf(o, IN_TEXT, 25);
	assert_leaf(o, IN_CACHE_READ, 60);
	assert_leaf(o, IN_CACHE_WRITE, 10);
	assert_leaf(o, IN_AUDIO, 5);
	assert_leaf(o, OUT_TEXT, 30);
	assert_leaf(o, OUT_REASONING, 20);
	assert_no_leaf(o, OUT_AUDIO); /* absent is not zero */
	assert_int_equal(o.u.start_ns, 10);
	assert_int_equal(o.u.first_ns, 30);
	assert_int_equal(o.u.end_ns, 40);
}

/* Cached audio is in both subsets: audio counts at most what is left. */
static void shared_parts(void **state)
{
	struct kit_out o = kit_run((struct kit){
		CHAT,
		.answer =
			"{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":0,"
			"\"prompt_tokens_details\":{\"cached_tokens\":90,\"audio_tokens\":80}}}" });

	(void)state;
	assert_leaf(o, IN_CACHE_READ, 90);
	assert_leaf(o, IN_AUDIO, 10);
	assert_leaf(o, IN_TEXT, 0);
}

/* pricing.md section 3 #33 */
static void usage_after_finish(void **state)
{
	struct kit_out o = kit_run((struct kit){
		CHAT, .events = true, .ask = "{\"model\":\"gpt-5\",\"stream\":true}",
		.answer =
			"{\"id\":\"\",\"model\":\"\",\"choices\":[],\"usage\":null}\n"
			"{\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":"
			"null}\n"
			"{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n"
			"{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
			"\"total_tokens\":5}}\n"
			"[DONE]\n" });

	(void)state;
	assert_true(o.u.stream);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_text(o.u.model_served, "m");
	assert_leaf(o, IN_TEXT, 3);
	assert_leaf(o, OUT_TEXT, 2);
}

/* Continuous usage: each object replaces the one before it, member for member gone too. */
static void usage_in_every_chunk(void **state)
{
	struct kit_out o =
		kit_run((struct kit){ CHAT, .events = true,
				      .answer = "{\"usage\":{\"prompt_tokens\":9,\"completion_"
						"tokens\":1,\"prompt_tokens_details\":"
						"{\"cached_tokens\":4}}}\n"
						"{\"choices\":[{\"finish_reason\":\"stop\"}],"
						"\"usage\":{\"prompt_tokens\":9,"
						"\"completion_tokens\":5}}\n[DONE]\n" });

	(void)state;
	assert_leaf(o, IN_TEXT, 9);
	assert_no_leaf(o, IN_CACHE_READ);
	assert_leaf(o, OUT_TEXT, 5);
}

static void no_usage_asked(void **state)
{
	struct kit_out o = kit_run((struct kit){
		CHAT, .events = true,
		.ask = "{\"model\":\"gpt-5\",\"stream\":true,\"max_completion_tokens\":500,"
		       "\"messages\":[{\"content\":\"12345678\"}]}",
		.answer = "{\"choices\":[{\"delta\":{\"content\":\"12345678\"}}]}\n"
			  "{\"choices\":[{\"finish_reason\":\"stop\"}]}\n[DONE]\n" });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_STREAM_NO_USAGE);
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_int_equal(o.u.outcome, OUTCOME_OK);
	assert_in_range(o.u.used.n[LEAF_OUT_TEXT], 2, 40);
	assert_true(o.u.used.n[LEAF_IN_TEXT] >= 2);
	assert_true(o.u.low.n[LEAF_IN_TEXT] < o.u.used.n[LEAF_IN_TEXT]);
	assert_true(o.u.high.n[LEAF_IN_TEXT] > o.u.used.n[LEAF_IN_TEXT]);
	assert_int_equal(o.u.high.n[LEAF_OUT_TEXT], 500); /* hidden reasoning may fill it */
}

/* pricing.md section 3 #5, #6, #7 */
static void last_value_wins(void **state)
{
	struct kit_out o = kit_run((struct kit){
		ANTHROPIC, .events = true,
		.answer = START("{\"input_tokens\":9,\"cache_read_input_tokens\":1,\"output_"
				"tokens\":1}") DELTA("{\"input_tokens\":9,\"cache_read_input_"
						     "tokens\":1,\"output_tokens\":16}") STOP });

	(void)state;
	assert_leaf(o, IN_TEXT, 9);
	assert_leaf(o, IN_CACHE_READ, 1);
	assert_leaf(o, OUT_TEXT, 16);
	o = kit_run(
		(struct kit){ ANTHROPIC, .events = true,
			      .answer = START("{\"input_tokens\":8834,\"output_tokens\":1}")
				      DELTA("{\"input_tokens\":18,\"cache_read_input_tokens\":8831,"
					    "\"output_tokens\":426}") STOP });
	assert_leaf(o, IN_TEXT, 18);
	assert_leaf(o, IN_CACHE_READ, 8831);
	assert_leaf(o, OUT_TEXT, 426);
	o = kit_run((struct kit){ ANTHROPIC, .events = true,
				  .answer = START("{\"input_tokens\":5,\"output_tokens\":9}")
					  DELTA("{\"input_tokens\":null,\"output_tokens\":40}")
						  DELTA("{\"output_tokens\":159}") STOP });
	assert_leaf(o, IN_TEXT, 5);
	assert_leaf(o, OUT_TEXT, 159);
	assert_text(o.u.raw, "{\"input_tokens\":5,\"output_tokens\":159}");
}

static void cache_lifetimes(void **state)
{
	struct kit_out o = kit_run((struct kit){
		ANTHROPIC,
		.answer = "{\"model\":\"x\",\"usage\":{\"input_tokens\":1,\"cache_creation_input_"
			  "tokens\":100,"
			  "\"cache_creation\":{\"ephemeral_5m_input_tokens\":40,"
			  "\"ephemeral_1h_input_tokens\":60},\"output_tokens\":50,"
			  "\"output_tokens_details\":{\"thinking_tokens\":20},\"speed\":\"fast\","
			  "\"inference_geo\":\"us\",\"service_tier\":\"standard\","
			  "\"server_tool_use\":{\"web_search_requests\":3}}}" });

	(void)state;
	assert_leaf(o, IN_CACHE_WRITE_5M, 40);
	assert_leaf(o, IN_CACHE_WRITE_1H, 60);
	assert_leaf(o, OUT_TEXT, 30);
	assert_leaf(o, OUT_REASONING, 20);
	assert_leaf(o, N_WEB_SEARCH, 3);
	assert_text(o.u.tier, "fast");
	assert_text(o.u.region, "us");
}

/* pricing.md section 3 #34; an advisor of another model has another price */
static void iterations(void **state)
{
	struct kit_out o = kit_run((struct kit){
		ANTHROPIC,
		.answer = "{\"model\":\"x\",\"usage\":{\"input_tokens\":181,\"output_tokens\":8,"
			  "\"iterations\":["
			  "{\"type\":\"compaction\",\"input_tokens\":100,\"cache_read_input_"
			  "tokens\":55096,"
			  "\"output_tokens\":83},{\"type\":\"message\",\"input_tokens\":181,"
			  "\"output_tokens\":8}]}}" });

	(void)state;
	assert_leaf(o, IN_TEXT, 281);
	assert_leaf(o, IN_CACHE_READ, 55096);
	assert_leaf(o, OUT_TEXT, 91);
	o = kit_run((struct kit){
		ANTHROPIC,
		.answer = "{\"model\":\"x\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1,"
			  "\"iterations\":["
			  "{\"type\":\"advisor_message\",\"model\":\"y\",\"input_tokens\":100,"
			  "\"output_tokens\":83}]}}" });
	assert_int_equal(o.u.why, WHY_MIXED_MODELS);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	assert_leaf(o, IN_TEXT, 100); /* counted all the same */
	assert_leaf(o, OUT_TEXT, 83);
}

static void aborted(void **state)
{
	struct kit_out o = kit_run((struct kit){
		ANTHROPIC, .events = true, .aborted = true,
		.ask = "{\"model\":\"x\",\"max_tokens\":1000}",
		.answer = START("{\"input_tokens\":77,\"cache_read_input_tokens\":5,\"output_"
				"tokens\":3}") "{\"type\":\"content_block_delta\",\"delta\":{"
					       "\"text\":\"12345678901234567890\"}}\n" });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_ABORTED);
	assert_int_equal(o.u.outcome, OUTCOME_ABORTED);
	assert_leaf(o, IN_TEXT, 77);
	assert_leaf(o, IN_CACHE_READ, 5);
	assert_leaf(o, OUT_TEXT, 6);
	assert_int_equal(o.u.low.n[LEAF_IN_TEXT], 77);
	assert_int_equal(o.u.high.n[LEAF_IN_TEXT], 77);
	assert_int_equal(o.u.high.n[LEAF_OUT_TEXT], 1000);
	/* nothing came back at all */
	o = kit_run((struct kit){
		CHAT, .no_answer = true, .aborted = true,
		.ask = "{\"model\":\"gpt-5\",\"messages\":[{\"content\":\"abcdefgh\"}]}" });
	assert_int_equal(o.u.status, -1);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_ABORTED);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] > 0);
	/* a stream that ended before its first event */
	o = kit_run((struct kit){ CHAT, .answer_type = "text/event-stream; charset=utf-8",
				  .ask = "{\"model\":\"gpt-5\"}" });
	assert_true(o.u.stream);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.outcome, OUTCOME_INCOMPLETE);
	/* final usage was there already */
	o = kit_run((struct kit){ ANTHROPIC, .events = true, .aborted = true,
				  .answer = START("{\"input_tokens\":7,\"output_tokens\":3}")
					  DELTA("{\"output_tokens\":9}") });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, OUT_TEXT, 9);
}

static void gap(void **state)
{
	struct kit_out o = kit_run(
		(struct kit){ CHAT, .cut = true, .answer = "{\"id\":\"c1\",\"model\":\"m\"," });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_GAP);
	assert_int_equal(o.u.outcome, OUTCOME_INCOMPLETE);
	/* a usage object that may not be the last one */
	o = kit_run((struct kit){
		CHAT, .cut = true, .events = true,
		.answer = "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n" });
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_GAP);
	assert_int_equal(o.u.low.n[LEAF_OUT_TEXT], 2);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] > 2);
}

/* An answer in one piece says its usage once: what is lost behind it changes no number. */
static void cut_behind_usage(void **state)
{
	struct kit_out o = kit_run((struct kit){
		CHAT, .cut = true,
		.answer = "{\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
			  "\"total_tokens\":5},\"choices\":[{\"message\":{\"content\":\""
			  "a long answer that is worth more than two tokens" });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.outcome, OUTCOME_INCOMPLETE);
	assert_leaf(o, OUT_TEXT, 2);
}

/* A bound is a bound: what nobody saw may be as much as a model can do, and no number of the client's
 * makes it more. */
static void honest_bounds(void **state)
{
	struct kit k = { CHAT, .events = true, .ask = "{\"model\":\"o3\",\"stream\":true}",
			 .answer = "{\"choices\":[{\"delta\":{\"content\":\"12345678\"}}]}\n"
				   "{\"choices\":[{\"finish_reason\":\"stop\"}]}\n[DONE]\n" };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_true(o.u.high.n[LEAF_OUT_TEXT] > 100000); /* hidden reasoning, no ceiling given */
	k.ask = "{\"max_tokens\":9007199254740992,\"n\":2000,\"n\":2000}";
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] > 100000);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] < 1ull << 32);
	k.ask = "{\"model\":\"o3\",\"messages\":[{\"content\":\"abc";
	k.ask_cut = true;
	o = kit_run(k);
	assert_true(o.u.high.n[LEAF_IN_TEXT] > 1000000);
	assert_true(o.u.low.n[LEAF_IN_TEXT] <= o.u.used.n[LEAF_IN_TEXT]);
}

/* pricing.md section 3 #26, #27 */
static void hosted_tools(void **state)
{
	struct kit_out o =
		kit_run((struct kit){ RESPONSES, .events = true, .answer = TOOLS_EVENT });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, N_WEB_SEARCH, 2);
	assert_leaf(o, N_FILE_SEARCH, 1);
	assert_leaf(o, N_CODE_SESSION, 2);
	assert_leaf(o, OUT_TEXT, 4);
	o = kit_run((struct kit){
		RESPONSES, .answer = "{\"tools\":[{\"type\":\"web_search\"}],\"output\":[],"
				     "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}" });
	assert_no_leaf(o, N_WEB_SEARCH);
	/* drawn by another model, whose tokens are not in this usage: counted, so that it is not free */
	o = kit_run((struct kit){
		RESPONSES, .answer = "{\"output\":[{\"type\":\"image_generation_call\",\"status\":"
				     "\"completed\",\"result\":\"aGk=\"}],"
				     "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}" });
	assert_leaf(o, N_IMAGE, 1);
}

/* Anthropic answers in OpenAI's shape too, and is paid all the same. */
static void other_shape(void **state)
{
	struct kit k = { .host = "api.anthropic.com",
			 .target = "/v1/chat/completions",
			 .ask = "{\"model\":\"claude-opus-5\"}",
			 .answer = CHAT_ANSWER };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_text(o.u.provider, "anthropic");
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 25);
	k.events = true;
	k.answer = "{\"choices\":[{\"delta\":{\"content\":\"12345678\"}}]}\n"
		   "{\"choices\":[{\"finish_reason\":\"stop\"}]}\n[DONE]\n";
	o = kit_run(k);
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_STREAM_NO_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chat),
		cmocka_unit_test(shared_parts),
		cmocka_unit_test(usage_after_finish),
		cmocka_unit_test(no_usage_asked),
		cmocka_unit_test(usage_in_every_chunk),
		cmocka_unit_test(last_value_wins),
		cmocka_unit_test(cache_lifetimes),
		cmocka_unit_test(iterations),
		cmocka_unit_test(aborted),
		cmocka_unit_test(gap),
		cmocka_unit_test(cut_behind_usage),
		cmocka_unit_test(honest_bounds),
		cmocka_unit_test(hosted_tools),
		cmocka_unit_test(other_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
