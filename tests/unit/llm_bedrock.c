/* llm_bedrock.c -- Bedrock: two interfaces, several vendors, counts in three places. */
#include <stdio.h>
#include "llmkit.h"

#define HOST   .host = "bedrock-runtime.us-east-1.amazonaws.com"
#define CLAUDE "/model/us.anthropic.claude-x-v1%3A0/"
#define NAMED  .events = true, .framing = FRAMING_EVENTSTREAM

static void converse(void **state)
{
	struct kit k = {
		HOST, .target = CLAUDE "converse",
		.answer = "{\"output\":{},\"usage\":{\"inputTokens\":3,\"outputTokens\":227,"
			  "\"totalTokens\":1942,\"cacheWriteInputTokens\":1712,"
			  "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":712},{\"inputTokens\":"
			  "1000,\"ttl\":\"1h\"}]},\"serviceTier\":{\"type\":\"default\"}}"
	};
	struct kit_out o = kit_run(k);

	(void)state;
	assert_text(o.u.provider, "bedrock");
	assert_text(o.u.region, "us-east-1");
	assert_text(o.u.model_requested, "us.anthropic.claude-x-v1:0");
	assert_text(o.u.tier, "standard");
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 3);
	assert_leaf(o, IN_CACHE_WRITE_5M, 712);
	assert_leaf(o, IN_CACHE_WRITE_1H, 1000);
	assert_leaf(o, OUT_TEXT, 227);
	assert_no_leaf(o, IN_CACHE_WRITE);
	/* lifetimes that do not come to the whole */
	k.answer = "{\"usage\":{\"inputTokens\":3,\"outputTokens\":2,\"cacheWriteInputTokens\":9,"
		   "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":8}]}}";
	assert_int_equal(kit_run(k).u.why, WHY_BAD_USAGE);
	k.answer = "{\"usage\":{\"inputTokens\":3,\"outputTokens\":2,\"totalTokens\":6}}";
	assert_int_equal(kit_run(k).u.why, WHY_BAD_USAGE);
	/* what makes it dearer has no price here, and is no standard call */
	k.answer = "{\"performanceConfig\":{\"latency\":\"optimized\"},\"serviceTier\":{\"type\":"
		   "\"default\"},\"usage\":{\"inputTokens\":3,\"outputTokens\":2}}";
	assert_text(kit_run(k).u.tier, "optimized");
	k.answer = "{\"performanceConfig\":{\"latency\":\"standard\"},\"usage\":{\"inputTokens\":3,"
		   "\"outputTokens\":2}}";
	assert_text(kit_run(k).u.tier, "standard");
}

/* pricing.md section 3 #15: OpenAI's input holds what was cached, Claude's does not, of others it is not known */
static void families(void **state)
{
	static const struct {
		const char *model;
		uint64_t fresh;
		enum why why;
	} rows[] = {
		{ "openai.gpt-x", 2, WHY_NONE },
		{ "us.openai.gpt-x", 2, WHY_NONE },
		{ "global.anthropic.claude-x", 8369, WHY_NONE },
		{ "amazon.nova-x", 8369, WHY_NONE },
		{ "mistral.large", 0, WHY_UNKNOWN_FORMAT },
		{ "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", 0,
		  WHY_UNKNOWN_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char target[128];
		struct kit_out o;

		snprintf(target, sizeof(target), "/model/%s/converse", rows[i].model);
		for (char *c = strchr(target + 8, '/'); c && strcmp(c, "/converse") != 0;
		     c = strchr(c + 1, '/'))
			*c = ':'; /* stands for %2F */
		o = kit_run((struct kit){
			HOST, .target = target,
			.answer = "{\"usage\":{\"inputTokens\":8369,\"cacheWriteInputTokens\":8367,"
				  "\"cacheReadInputTokens\":0,\"outputTokens\":1}}" });
		assert_int_equal(o.u.why, rows[i].why);
		if (rows[i].why)
			assert_int_equal(o.u.used.has, 0);
		else
			assert_leaf(o, IN_TEXT, rows[i].fresh);
	}
}

static void model_names(void **state)
{
	static const char *const rows[][2] = {
		{ "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-x",
		  "us.anthropic.claude-x" },
		{ "arn:aws:bedrock:us-east-1::foundation-model%2Famazon.nova-x", "amazon.nova-x" },
		{ "arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fabc",
		  "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char target[160];

		snprintf(target, sizeof(target), "/model/%s/converse", rows[i][0]);
		assert_text(kit_run((struct kit){ HOST, .target = target, .answer = "{}" })
				    .u.model_requested,
			    rows[i][1]);
	}
}

static void hosts(void **state)
{
	static const char *const rows[][3] = {
		{ "bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "bedrock", "us-gov-west-1" },
		{ "vpce-1-a.bedrock-runtime.eu-west-1.vpce.amazonaws.com", "bedrock", "eu-west-1" },
		{ "bedrock-runtime.cn-north-1.amazonaws.com.cn:443", "bedrock", "cn-north-1" },
		{ "bedrock-mantle.us-east-2.api.aws", "bedrock", "us-east-2" },
		{ "bedrock-runtime.evil.test", "unknown", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run((struct kit){
			.host = rows[i][0], .target = CLAUDE "converse", .answer = "{}" });

		assert_text(o.u.provider, rows[i][1]);
		assert_int_equal(o.u.region.n, strlen(rows[i][2]));
		assert_string_equal(o.text[7], rows[i][2]);
	}
}

#define METADATA   "metadata\t{\"usage\":{\"inputTokens\":5,\"outputTokens\":9,\"totalTokens\":14}}\n"
#define DELTA_TEXT "contentBlockDelta\t{\"delta\":{\"text\":\"12345678\"},\"p\":\"abcd\"}\n"

static void converse_stream(void **state)
{
	struct kit k = { HOST, NAMED, .target = CLAUDE "converse-stream",
			 .answer = "messageStart\t{\"role\":\"assistant\"}\n" DELTA_TEXT
				   "messageStop\t{\"stopReason\":\"end_turn\"}\n" METADATA };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_true(o.u.stream);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.outcome, OUTCOME_OK);
	assert_leaf(o, IN_TEXT, 5);
	assert_leaf(o, OUT_TEXT, 9);
	/* no end */
	k.answer = DELTA_TEXT;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_leaf(o, OUT_TEXT, 3);
	/* an end that is damaged */
	k.answer = DELTA_TEXT "!" METADATA;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_GAP);
	/* broken off by the service, in the stream and before it */
	k.answer = DELTA_TEXT "!modelStreamErrorException\t{\"message\":\"x\"}\n";
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	k.answer = "x\t{}\n";
	assert_int_equal(kit_run(k).u.source, SOURCE_ESTIMATED);
	/* text of the model is no end, whatever it says */
	k.answer = "contentBlockDelta\t{\"delta\":{\"text\":\"a\"},\"type\":\"metadata\"}\n";
	assert_int_equal(kit_run(k).u.outcome, OUTCOME_INCOMPLETE);
}

/* The wire stage marks the name of an exception. */
static void exceptions(void **state)
{
	const struct origin from = { .gen = 7 };
	struct kit_out o = { 0 };
	struct llm_opts opts = { .counters = NULL };
	struct llm *l = NULL;
	struct part p = { .from = &from, .kind = PART_REQUEST, .method = S("POST") };

	(void)state;
	assert_int_equal(llm_new(&opts, (struct usage_sink){ kit_put, &o }, &l), 0);
	p.header[HDR_HOST] = S("bedrock-runtime.us-east-1.amazonaws.com");
	p.target = S("/model/amazon.nova-x/converse-stream");
	assert_int_equal(llm_feed(l, &p), 0);
	p.kind = PART_RESPONSE;
	p.dir = DIR_IN;
	p.status = 200;
	p.framing = FRAMING_EVENTSTREAM;
	assert_int_equal(llm_feed(l, &p), 0);
	p.kind = PART_EVENT;
	p.name = S("!throttlingException");
	p.bytes = S("{\"message\":\"slow down\"}");
	p.last = true;
	assert_int_equal(llm_feed(l, &p), 0);
	p.kind = PART_END;
	assert_int_equal(llm_feed(l, &p), 0);
	llm_free(&l);
	assert_int_equal(o.count, 1);
	assert_int_equal(o.u.kind, KIND_ERROR);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
}

/* ---- InvokeModel --------------------------------------------------------------------------------- */

static void invoke(void **state)
{
	struct kit k = { HOST, .target = CLAUDE "invoke", .count = { "3", "44", "9511", "1956" } };
	struct kit_out o;

	(void)state;
	/* the vendor's object tells more, and agrees */
	k.answer = "{\"model\":\"claude-x\",\"usage\":{\"cache_creation\":{\"ephemeral_1h_input_"
		   "tokens\":956,\"ephemeral_5m_input_tokens\":1000},\"cache_creation_input_"
		   "tokens\":1956,\"cache_read_input_tokens\":9511,\"input_tokens\":3,\"output_"
		   "tokens\":44}}";
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 3);
	assert_leaf(o, IN_CACHE_READ, 9511);
	assert_leaf(o, IN_CACHE_WRITE_5M, 1000);
	assert_leaf(o, IN_CACHE_WRITE_1H, 956);
	assert_leaf(o, OUT_TEXT, 44);
	/* or does not */
	k.count[1] = "45";
	assert_int_equal(kit_run(k).u.why, WHY_BAD_USAGE);
	/* headers alone; a count that is none is not there */
	o = kit_run((struct kit){ HOST, .target = CLAUDE "invoke", .answer = "{\"text\":\"a\"}",
				  .count = { " 5", "6", "x", "-1" } });
	assert_leaf(o, IN_TEXT, 5);
	assert_leaf(o, OUT_TEXT, 6);
	assert_no_leaf(o, IN_CACHE_READ);
	assert_int_equal(o.u.raw.n, 0); /* the answer has none */
	o = kit_run((struct kit){ HOST, .target = CLAUDE "invoke", .answer = "{\"text\":\"a\"}" });
	assert_int_equal(o.u.why, WHY_NO_USAGE);
}

static void vendors(void **state)
{
	static const struct {
		const char *answer;
		uint64_t in, out;
	} rows[] = {
		{ "{\"inputTextTokenCount\":5,\"results\":[{\"tokenCount\":10}]}", 5, 10 },
		{ "{\"prompt_token_count\":5,\"generation_token_count\":10}", 5, 10 },
		{ "{\"usage\":{\"inputTokens\":5,\"outputTokens\":10,\"totalTokens\":15}}", 5, 10 },
		{ "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":10}}", 5, 10 },
		{ "{\"embedding\":[1,2],\"inputTextTokenCount\":5}", 5, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run((struct kit){ HOST, .target = "/model/amazon.x/invoke",
							 .answer = rows[i].answer });

		assert_int_equal(o.u.why, WHY_NONE);
		assert_leaf(o, IN_TEXT, rows[i].in);
		assert_int_equal(o.u.used.n[LEAF_OUT_TEXT], rows[i].out);
	}
}

/* Chunks are base64 of the vendor's events. */
static void wrap(struct buf *b, const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text);

	assert_int_equal(buf_add(b, S("chunk\t{\"p\":\"ab\",\"bytes\":\"")), 0);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < n ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(
				buf_put(b, i + k > n ? '=' : digits[v >> (18 - 6 * k) & 63]), 0);
	}
	assert_int_equal(buf_add(b, S("\"}\n")), 0);
}

#define METRICS                                                                                    \
	"{\"type\":\"message_stop\",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":14," \
	"\"outputTokenCount\":10,\"invocationLatency\":438}}"

static void invoke_stream(void **state)
{
	struct buf b = { .limit = 1 << 16 };
	struct kit k = { HOST, NAMED, .target = CLAUDE "invoke-with-response-stream" };
	struct kit_out o;

	(void)state;
	wrap(&b, "{\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"usage\":{"
		 "\"input_tokens\":14,\"output_tokens\":1}}}");
	wrap(&b, "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"12345678\"}}");
	wrap(&b, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"x\"},\"usage\":{"
		 "\"output_tokens\":10}}");
	wrap(&b, METRICS);
	assert_int_equal(buf_put(&b, 0), 0);
	k.answer = b.p;
	for (k.step = 0; k.step < 9; k.step++) {
		o = kit_run(k);
		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_int_equal(o.u.outcome, OUTCOME_OK);
		assert_text(o.u.model_served, "claude-x");
		assert_leaf(o, IN_TEXT, 14);
		assert_leaf(o, OUT_TEXT, 10);
	}
	k.step = 0;
	/* metrics that say otherwise */
	b.n = 0;
	wrap(&b, "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":15,"
		 "\"output_tokens\":10}}}");
	wrap(&b, METRICS);
	assert_int_equal(buf_put(&b, 0), 0);
	k.answer = b.p;
	assert_int_equal(kit_run(k).u.why, WHY_BAD_USAGE);
	/* without them it is not whole */
	b.n = 0;
	wrap(&b, "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":15,"
		 "\"output_tokens\":1}}}");
	assert_int_equal(buf_put(&b, 0), 0);
	k.answer = b.p;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_leaf(o, IN_TEXT, 15);
	/* what is no base64 is a broken event */
	k.answer = "chunk\t{\"bytes\":\"e30\"}\n";
	assert_int_equal(kit_run(k).u.source, SOURCE_ESTIMATED);
	assert_int_equal(kit_run(k).u.why, WHY_BAD_BODY);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converse),        cmocka_unit_test(families),
		cmocka_unit_test(model_names),     cmocka_unit_test(hosts),
		cmocka_unit_test(converse_stream), cmocka_unit_test(exceptions),
		cmocka_unit_test(invoke),          cmocka_unit_test(vendors),
		cmocka_unit_test(invoke_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
