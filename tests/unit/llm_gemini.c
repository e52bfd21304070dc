/* llm_gemini.c -- Gemini and Vertex: what contains what, modalities, tiers, three framings. */
#include <stdio.h>
#include "llmkit.h"

#define GEMINI                                       \
	.host = "generativelanguage.googleapis.com", \
	.target = "/v1beta/models/gemini-x:generateContent"
#define STREAM                                                       \
	.host = "generativelanguage.googleapis.com", .events = true, \
	.target = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
#define USAGE(members) "{\"modelVersion\":\"gemini-x\",\"usageMetadata\":{" members "}}"

static void parts(void **state)
{
	struct kit_out o = kit_run((struct kit){
		GEMINI,
		.answer = "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
			  "\"finishReason\":\"STOP\"}],\"responseId\":\"r\",\"modelVersion\":"
			  "\"gemini-y\",\"usageMetadata\":{\"promptTokenCount\":17713,"
			  "\"cachedContentTokenCount\":17379,\"candidatesTokenCount\":68,"
			  "\"thoughtsTokenCount\":821,\"toolUsePromptTokenCount\":10,"
			  "\"totalTokenCount\":18612,\"promptTokensDetails\":[{\"modality\":"
			  "\"TEXT\",\"tokenCount\":16},{\"modality\":\"VIDEO\",\"tokenCount\":"
			  "15780},{\"tokenCount\":1917,\"modality\":\"AUDIO\"}],"
			  "\"cacheTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":1881},"
			  "{\"modality\":\"TEXT\",\"tokenCount\":15},{\"modality\":\"VIDEO\","
			  "\"tokenCount\":15483}],\"serviceTier\":\"standard\"}}" });

	(void)state;
	assert_text(o.u.provider, "gemini");
	assert_text(o.u.model_requested, "gemini-x");
	assert_text(o.u.model_served, "gemini-y");
	assert_text(o.u.response_id, "r");
	assert_text(o.u.tier, "standard");
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_false(o.u.stream);
	assert_leaf(o, IN_TEXT, 1);
	assert_leaf(o, IN_CACHE_READ, 15498); /* text and film */
	assert_leaf(o, IN_AUDIO, 36);
	assert_leaf(o, IN_AUDIO_CACHED, 1881);
	assert_leaf(o, IN_VIDEO, 297);
	assert_leaf(o, IN_TOOL, 10);
	assert_leaf(o, OUT_TEXT, 68);
	assert_leaf(o, OUT_REASONING, 821);
	assert_no_leaf(o, IN_IMAGE);
}

/* A list that is short, a document as an image, enumerations as numbers, an image for an answer. */
static void lists(void **state)
{
	struct kit_out o = kit_run((struct kit){
		GEMINI,
		.answer = USAGE("\"promptTokenCount\":343,\"candidatesTokenCount\":100,"
				"\"promptTokensDetails\":[{\"modality\":1,\"tokenCount\":200},{"
				"\"modality\":\"DOCUMENT\",\"tokenCount\":40}],"
				"\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\","
				"\"tokenCount\":90}],\"trafficType\":1") });

	(void)state;
	assert_leaf(o, IN_TEXT, 303);
	assert_leaf(o, IN_IMAGE, 40);
	assert_leaf(o, OUT_TEXT, 10);
	assert_leaf(o, OUT_IMAGE, 90);
	assert_text(o.u.tier, "standard");
}

static void refused(void **state)
{
	static const struct {
		const char *answer;
		enum why why;
	} rows[] = {
		{ USAGE("\"promptTokenCount\":5,\"totalTokenCount\":6"), WHY_BAD_USAGE },
		{ USAGE("\"promptTokenCount\":-5"), WHY_BAD_USAGE },
		{ USAGE("\"promptTokenCount\":5,\"cachedContentTokenCount\":6"), WHY_BAD_USAGE },
		{ USAGE("\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
			"\"tokenCount\":6}]"),
		  WHY_BAD_USAGE },
		{ USAGE("\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"SMELL\","
			"\"tokenCount\":5}]"),
		  WHY_BAD_USAGE },
		{ USAGE("\"promptTokenCount\":9,\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
			"\"tokenCount\":3}],\"cachedContentTokenCount\":9,\"cacheTokensDetails\":[{"
			"\"modality\":\"AUDIO\",\"tokenCount\":4}]"),
		  WHY_BAD_USAGE },
		/* cached sound is cheaper: without the list nobody knows what was cached */
		{ USAGE("\"promptTokenCount\":9,\"cachedContentTokenCount\":4,"
			"\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":6}]"),
		  WHY_UNKNOWN_FORMAT },
		{ USAGE("\"trafficType\":\"ON_DEMAND\""), WHY_NO_USAGE },
		{ USAGE("\"promptTokenCount\":18446744073709551615,\"thoughtsTokenCount\":1"),
		  WHY_BAD_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run((struct kit){ GEMINI, .answer = rows[i].answer });

		print_message("# %s\n", rows[i].answer);
		assert_int_equal(o.u.why, rows[i].why);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.used.has, 0);
	}
}

/* pricing.md section 3 #17 */
static void tiers(void **state)
{
	static const char *const rows[][2] = {
		{ "ON_DEMAND_FLEX", "flex" }, { "ON_DEMAND_PRIORITY", "priority" },
		{ "ON_DEMAND", "standard" },  { "BATCH", "batch" },
		{ "SOMETHING", "something" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char answer[256];

		snprintf(answer, sizeof(answer),
			 USAGE("\"promptTokenCount\":5,\"trafficType\":\"%s\""), rows[i][0]);
		assert_text(kit_run((struct kit){ GEMINI, .answer = answer }).u.tier, rows[i][1]);
	}
}

#define CHUNK(usage, more) "{\"candidates\":[{" more "}],\"usageMetadata\":{" usage "}}\n"

static void stream(void **state)
{
	struct kit k = { STREAM,
			 .answer = CHUNK("\"promptTokenCount\":20,\"candidatesTokenCount\":3", "")
				 CHUNK("\"promptTokenCount\":12,\"candidatesTokenCount\":9,"
				       "\"totalTokenCount\":21",
				       "\"finishReason\":\"STOP\"") };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_true(o.u.stream);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 12); /* cumulative: the last one is all, even when it is less */
	assert_leaf(o, OUT_TEXT, 9);
	/* broken off: what was reported is a lower bound */
	k.answer = CHUNK("\"promptTokenCount\":20,\"candidatesTokenCount\":3", "");
	k.aborted = true;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_ABORTED);
	assert_true(o.u.low.n[LEAF_OUT_TEXT] >= 3);
	/* a damaged chunk may have told of a search: never a whole bill */
	k.aborted = false;
	k.answer = "!" CHUNK("\"promptTokenCount\":20", "") CHUNK(
		"\"promptTokenCount\":20,\"candidatesTokenCount\":3", "\"finishReason\":\"STOP\"");
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_GAP);
	/* the same as one array */
	k.framing = FRAMING_ARRAY;
	k.answer = CHUNK("\"promptTokenCount\":12,\"candidatesTokenCount\":9",
			 "\"finishReason\":\"STOP\"");
	o = kit_run(k);
	assert_true(o.u.stream);
	assert_leaf(o, IN_TEXT, 12);
	/* an array is no stream elsewhere */
	k.target = "/v1beta/models/gemini-x:generateContent";
	assert_false(kit_run(k).u.stream);
	k.answer = "{\"error\":{\"code\":400}}\n";
	k.status = 400;
	assert_int_equal(kit_run(k).u.kind, KIND_ERROR);
}

/* Once a prompt up to Gemini 2, each query from Gemini 3 on; empty ones are none. */
static void searches(void **state)
{
	static const char *const models[] = { "gemini-2.5-flash", "gemini-3-pro-preview" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(models); i++) {
		char answer[512];
		struct kit_out o;

		snprintf(
			answer, sizeof(answer),
			"{\"candidates\":[{\"groundingMetadata\":{\"webSearchQueries\":[\"\",\"a\","
			"\"b\"]}}],\"modelVersion\":\"%s\",\"usageMetadata\":{"
			"\"promptTokenCount\":1}}",
			models[i]);
		o = kit_run((struct kit){ GEMINI, .answer = answer });
		assert_leaf(o, N_WEB_SEARCH, i + 1);
	}
}

static void vertex(void **state)
{
	struct kit k = { .host = "us-east5-aiplatform.googleapis.com",
			 .target = "/v1/projects/p/locations/us-east5/publishers/google/models/"
				   "gemini-x:generateContent",
			 .answer = USAGE("\"promptTokenCount\":5") };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_text(o.u.provider, "vertex");
	assert_text(o.u.region, "us-east5");
	assert_leaf(o, IN_TEXT, 5);
	k.host = "aiplatform.googleapis.com";
	assert_text(kit_run(k).u.region, "global");
	k.host = "aiplatform.eu.rep.googleapis.com";
	assert_text(kit_run(k).u.region, "eu");
	/* Claude there */
	k.target = "/v1/projects/p/locations/l/publishers/anthropic/models/"
		   "claude-x%4020250929:rawPredict";
	k.answer = "{\"type\":\"message\",\"usage\":{\"input_tokens\":4,\"output_tokens\":2}}";
	o = kit_run(k);
	assert_text(o.u.model_requested, "claude-x@20250929");
	assert_leaf(o, IN_TEXT, 4);
	k.target = "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict";
	assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
}

/* ---- gRPC ------------------------------------------------------------------------------------------ */

/* Made with protoc --encode from what vertex.txt beside vertex.proto says: see the test of both, vertexpb.py. */
static const unsigned char message[] = {
#include "vertexpb.inc"
};

static int grpc(const unsigned char *p, size_t n, size_t step, struct kit_out *o)
{
	const struct origin from = { .gen = 7 };
	struct llm_opts opts = { .counters = NULL };
	struct str rest = { (const char *)p, n };
	struct part in = { .from = &from, .kind = PART_REQUEST, .method = S("POST") };
	struct llm *l = NULL;
	int r;

	memset(o, 0, sizeof(*o));
	r = llm_new(&opts, (struct usage_sink){ kit_put, o }, &l);
	in.header[HDR_HOST] = S("us-central1-aiplatform.googleapis.com");
	in.target = S("/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent");
	if (r == 0)
		r = llm_feed(l, &in);
	in.kind = PART_RESPONSE;
	in.dir = DIR_IN;
	in.status = 200;
	in.framing = FRAMING_GRPC;
	if (r == 0)
		r = llm_feed(l, &in);
	in.kind = PART_EVENT;
	while (r == 0 && !in.last) {
		in.bytes = step ? str_head(rest, step) : rest;
		rest = str_skip(rest, in.bytes.n);
		in.last = !rest.n;
		r = llm_feed(l, &in);
	}
	in.kind = PART_END;
	if (r == 0)
		r = llm_feed(l, &in);
	llm_free(&l);
	return r;
}

static void protobuf(void **state)
{
	struct kit_out o;

	(void)state;
	for (size_t step = 0; step < 9; step++) {
		assert_int_equal(grpc(message, sizeof(message), step, &o), 0);
		assert_int_equal(o.count, 1);
		assert_true(o.u.stream);
		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_int_equal(o.u.why, WHY_NONE);
		assert_text(o.u.model_served, "gemini-2.5-pro");
		assert_text(o.u.response_id, "r-1");
		assert_leaf(o, IN_TEXT, 70);
		assert_leaf(o, IN_CACHE_READ, 30);
		assert_leaf(o, IN_AUDIO, 200);
		assert_leaf(o, OUT_TEXT, 50);
		assert_leaf(o, OUT_REASONING, 40);
		assert_leaf(o, IN_TOOL, 8);
		assert_leaf(o, N_WEB_SEARCH, 1);
		assert_text(o.u.tier, "standard");
	}
	/* every shorter one is broken, or says less: never other numbers */
	for (size_t n = 0; n < sizeof(message); n++) {
		assert_int_equal(grpc(message, n, 0, &o), 0);
		if (o.u.source == SOURCE_REPORTED)
			assert_leaf(o, IN_TEXT, 70);
	}
}

/* Numbers of more than 64 bits, fields of no type or number, what does not fit into what it lies in. */
static void protobuf_broken(void **state)
{
	static const char *const rows[] = {
		"\x22\x0b\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02",
		"\x22\x0c\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
		"\x22\x02\x08\x05\x0b",
		"\x22\x02\x08\x05\x02\x01",
		"\x22\x03\x08\x05\x10",
		"\x22\x05\x08\x05\x4a\x09\x08",
		"\x22\x02\x0d\x05",
	};
	struct kit_out o;

	(void)state;
	assert_int_equal(grpc((const unsigned char *)"\x22\x02\x08\x05\x12\x02\x18\x01", 8, 0, &o),
			 0);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 5);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%s\x12\x02\x18\x01", rows[i]);

		assert_int_equal(grpc((unsigned char *)text, (size_t)n, 0, &o), 0);
		print_message("# row %zu\n", i);
		assert_int_equal(o.u.source, SOURCE_ESTIMATED);
		assert_int_equal(o.u.why, WHY_BAD_BODY);
	}
}

static void protobuf_no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		struct kit_out o;
		int r;

		mem_fail_after = n;
		r = grpc(message, sizeof(message), 3, &o);
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_true(n < 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),           cmocka_unit_test(lists),
		cmocka_unit_test(refused),         cmocka_unit_test(tiers),
		cmocka_unit_test(stream),          cmocka_unit_test(searches),
		cmocka_unit_test(vertex),          cmocka_unit_test(protobuf),
		cmocka_unit_test(protobuf_broken), cmocka_unit_test(protobuf_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
