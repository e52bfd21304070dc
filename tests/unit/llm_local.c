/* llm_local.c -- servers on one's own machine: known by the shape of what is asked, read exactly, never priced by a guess. */
#include "llmkit.h"

enum {
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

#define OLLAMA .host = "127.0.0.1:11434", .row = ROW_PLAIN
#define LAST                                                                                    \
	"{\"model\":\"llama3.2\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_" \
	"reason\":\"stop\","                                                                    \
	"\"done\":true,\"total_duration\":174560334,\"prompt_eval_count\":26,\"eval_count\":298}"
#define WORD "{\"model\":\"llama3.2\",\"message\":{\"content\":\"he\\n\\\"}\"},\"done\":false}\n"

static void is_exact(const struct kit_out *o, const char *provider, uint64_t in, uint64_t out)
{
	assert_int_equal(o->u.kind, KIND_INFERENCE);
	assert_int_equal(o->u.source, SOURCE_REPORTED);
	assert_int_equal(o->u.outcome, OUTCOME_OK);
	assert_int_equal(o->u.why, WHY_NONE);
	assert_text(o->u.provider, provider);
	assert_leaf(*o, IN_TEXT, in);
	assert_leaf(*o, OUT_TEXT, out);
}

static void a_stream_of_lines(void **state)
{
	(void)state;
	for (size_t step = 0; step < 40; step++) {
		struct kit_out o = kit_run((struct kit){
			OLLAMA, .target = "/api/chat", .ask = "{\"model\":\"llama3.2\"}",
			.answer_type = "application/x-ndjson", .answer = WORD WORD LAST "\n",
			.step = step });

		is_exact(&o, "ollama", 26, 298);
		assert_true(o.u.stream);
		assert_text(o.u.model_served, "llama3.2");
		assert_text(o.u.raw, "{\"prompt_eval_count\":26,\"eval_count\":298}");
	}
}

static void one_document(void **state)
{
	struct kit_out o =
		kit_run((struct kit){ OLLAMA, .target = "/api/generate", .answer = LAST });

	(void)state;
	is_exact(&o, "ollama", 26, 298);
	assert_false(o.u.stream);
	/* the last line without its end; a prompt from the cache */
	o = kit_run((struct kit){ OLLAMA, .target = "/api/chat",
				  .answer_type = "application/x-ndjson",
				  .answer = WORD "{\"done\":true,\"eval_count\":3}" });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_no_leaf(o, IN_TEXT);
	assert_leaf(o, OUT_TEXT, 3);
	/* broken off */
	o = kit_run((struct kit){ OLLAMA, .target = "/api/chat",
				  .answer_type = "application/x-ndjson", .answer = WORD WORD,
				  .aborted = true });
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.outcome, OUTCOME_ABORTED);
	/* no number, or one that cannot be */
	o = kit_run((struct kit){
		OLLAMA, .target = "/api/chat",
		.answer = "{\"done\":true,\"eval_count\":-3,\"prompt_eval_count\":1}" });
	assert_int_equal(o.u.why, WHY_BAD_USAGE);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
}

static void by_shape(void **state)
{
	static const char answer[] = "{\"id\":\"c\",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7,"
				     "\"completion_tokens\":2,\"total_tokens\":9}}";
	static const char message[] =
		"{\"id\":\"m\",\"type\":\"message\",\"model\":\"m\",\"usage\":"
		"{\"input_tokens\":7,\"output_tokens\":2}}";
	struct kit_out o;

	(void)state;
	o = kit_run((struct kit){ .host = "gpu-7:8000",
				  .row = ROW_PLAIN,
				  .target = "/v1/chat/completions",
				  .answer = answer });
	is_exact(&o, "openai-compatible", 7, 2);
	o = kit_run((struct kit){ .host = "gpu-7:4000",
				  .row = ROW_PLAIN,
				  .target = "/v1/messages",
				  .answer = message });
	is_exact(&o, "anthropic-compatible", 7, 2);
	/* the same over TLS, to a host that nobody named */
	o = kit_run((struct kit){
		.host = "gpu-7:8000", .target = "/v1/chat/completions", .answer = answer });
	assert_int_equal(o.u.why, WHY_UNKNOWN_HOST);
	/* nothing of an LLM about it */
	o = kit_run((struct kit){
		.host = "gpu-7:8000", .row = ROW_PLAIN, .target = "/metrics", .answer = "{}" });
	assert_int_equal(o.u.kind, KIND_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_stream_of_lines),
					    cmocka_unit_test(one_document),
					    cmocka_unit_test(by_shape) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
