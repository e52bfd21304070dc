/* llm_lies.c -- what a peer may do to pay less, to be billed twice, or to have one call's numbers taken for another's. */
#include <stdio.h>
#include "llm/lanes.h"
#include "socketkit.h"

#define PREWARM CREATE(",\"generate\":false")
#define BAD     ">{\"type\":\"nonsense\"}\n"
#define ERROR   "<{\"type\":\"error\",\"status\":400,\"error\":{\"message\":\"nonsense\"}}\n"

/* "Generate nothing", and then it did, or may have. */
static void prewarm_that_answers(void **state)
{
	struct buf b = { .limit = 1 << 20 };
	struct out o;

	(void)state;
	run(&o, (struct sock){ .script = PREWARM CREATED("a") TEXT_DELTA }, 1);
	assert_unsure(o.got[0], WHY_ABORTED);
	assert_int_equal(o.got[0].u.used.n[LEAF_OUT_TEXT], 2);
	/* a call before it is lost: the numbers may be that call's, and are not thrown away */
	run(&o, (struct sock){ .script = "!" CREATE("") PREWARM ONE("a", "3", "2") }, 1);
	assert_unsure(o.got[0], WHY_GAP);
	assert_int_equal(o.got[0].u.used.n[LEAF_IN_TEXT], 3);
	/* usage that is too long to be kept is usage */
	assert_int_equal(buf_add(&b, S(PREWARM CREATED("a"))), 0);
	assert_int_equal(buf_add(&b, S("<{\"type\":\"response.completed\",\"response\":{\"id\":"
				       "\"a\",\"usage\":{\"x\":\"")),
			 0);
	for (int i = 0; i < LIMIT_USAGE_BYTES; i++)
		assert_int_equal(buf_put(&b, 'x'), 0);
	assert_int_equal(buf_add(&b, S("\"}}}\n")), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	run(&o, (struct sock){ .script = b.p }, 1);
	assert_int_equal(o.got[0].u.kind, KIND_INFERENCE);
	assert_int_equal(o.got[0].u.why, WHY_LIMIT);
	buf_done(&b);
}

/* An answer that ends twice is billed once, and is not the next call's. */
static void ended_twice(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") ONE("a", "3", "2") CREATE("") DONE("a", "3", "2")
				   ONE("b", "7", "4") DONE("b", "7", "4") },
	    2);
	assert_reported(o.got[0], 3, 2);
	assert_reported(o.got[1], 7, 4);
	run(&o,
	    (struct sock){
		    .closed = true,
		    .target = "/v1/realtime?model=m",
		    .script = "<{\"type\":\"response.done\",\"response\":{\"id\":\"r\"," USAGE(
			    "3", "2") "}}\n"
				      "<{\"type\":\"response.done\",\"response\":{\"id\":"
				      "\"r\"," USAGE("3", "2") "}}\n" },
	    1);
	assert_reported(o.got[0], 3, 2);
}

/* An error that a client provokes beside its call does not end the call. */
static void provoked_error(void **state)
{
	struct out o;

	(void)state;
	run(&o, (struct sock){ .script = CREATE("") CREATED("a") TEXT_DELTA BAD ERROR }, 1);
	assert_unsure(o.got[0], WHY_STREAM_ERROR);
	run(&o, (struct sock){ .script = CREATE("") CREATED("a") BAD ERROR }, 1);
	assert_unsure(o.got[0], WHY_STREAM_ERROR);
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") CREATED("a") BAD ERROR DONE("a", "3", "2") },
	    1);
	assert_reported(o.got[0], 3, 2);
	assert_int_equal(o.got[0].u.off, 100);
	/* one that names the call ends it; what was written by then is not free */
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") CREATED("a") TEXT_DELTA
			   "<{\"type\":\"error\",\"response_id\":\"a\",\"status\":500,"
			   "\"error\":{}}\n" },
	    1);
	assert_unsure(o.got[0], WHY_STREAM_ERROR);
	run(&o,
	    (struct sock){ .closed = true,
			   .script =
				   CREATE("") CREATED("a") "<{\"type\":\"error\",\"response_id\":"
							   "\"a\",\"status\":500,\"error\":{}}\n" },
	    1);
	assert_int_equal(o.got[0].u.kind, KIND_ERROR);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_SERVER_ERROR);
}

/* What we never saw of a request may have been long. */
static void unseen_requests(void **state)
{
	static const char *const refers[] = {
		"\"previous_response_id\":\"r\"",
		"\"conversation\":{\"id\":\"c\"}",
		"\"prompt\":{\"id\":\"p\"}",
		"\"input\":[{\"content\":[{\"file_id\":\"f\"}]}]",
		"\"tools\":[{\"type\":\"function\"},{\"type\":\"web_search\"}]",
	};
	struct out o;

	(void)state;
	run(&o, (struct sock){ .script = CREATED("a") }, 1);
	assert_true(o.got[0].u.high.n[LEAF_IN_TEXT] >= 1000000);
	run(&o, (struct sock){ .target = "/v1/realtime?model=m", .script = CREATED("a") }, 1);
	assert_true(o.got[0].u.high.n[LEAF_IN_TEXT] >= 1000000);
	for (size_t i = 0; i < COUNT_OF(refers); i++) {
		char ask[256];
		struct kit_out k;

		snprintf(ask, sizeof(ask), "{\"model\":\"m\",%s}", refers[i]);
		k = kit_run(
			(struct kit){ RESPONSES, .ask = ask, .no_answer = true, .aborted = true });
		assert_true(k.u.high.n[LEAF_IN_TEXT] >= 1000000);
	}
	/* and what we saw may have lain in a cache */
	o.got[0].u = kit_run((struct kit){ RESPONSES, .no_answer = true, .aborted = true,
					   .ask = "{\"input\":\"12345678\",\"tools\":[{\"type\":"
						  "\"function\"}]}" })
			     .u;
	assert_true(o.got[0].u.high.n[LEAF_IN_TEXT] < 10000);
	assert_int_equal(o.got[0].u.low.n[LEAF_IN_TEXT], 0);
}

/* A client's message that we cannot read and the server perhaps can. */
static void unreadable_message(void **state)
{
	struct buf b = { .limit = 1 << 20 };
	struct out o;

	(void)state;
	assert_int_equal(buf_add(&b, S(">{\"type\":\"response.create\",\"input\":")), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf_put(&b, '['), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf_put(&b, ']'), 0);
	assert_int_equal(buf_add(&b, S("}\n" CREATE("") ONE("a", "3", "2") ONE("b", "7", "4"))), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	run(&o, (struct sock){ .script = b.p }, 2);
	assert_unsure(o.got[0], WHY_LIMIT);
	assert_reported(o.got[1], 7, 4);
	assert_int_equal(o.counters.limit[LIM_JSON_DEPTH], 1);
	buf_done(&b);
}

/* However many sockets: calls on them are counted together. */
static void all_sockets(void **state)
{
	static const unsigned char key[HASH_KEY];
	const struct origin from = { .gen = 7 };
	struct part p = { .from = &from,
			  .at_ns = 10,
			  .kind = PART_EVENT,
			  .last = true,
			  .framing = FRAMING_MESSAGES };
	struct counters counters = { 0 };
	struct out o = { 0 };
	struct lanes *l = NULL;
	struct xchg *x = NULL;
	size_t all = LIMIT_XCHGS - 1;
	struct str model;
	enum why why = WHY_NONE;

	(void)state;
	assert_int_equal(xchg_new(&from, 5, 10, &x), 0);
	x->provider = provider_by_name(S("openai"));
	x->route = provider_route(x->provider, S("GET"), S("/v1/responses"), &model);
	assert_int_equal(lanes_new(x, key, &all, &counters, (struct usage_sink){ put, &o }, &l), 0);
	p.bytes = S("{\"type\":\"response.create\"}");
	for (p.message = 1; p.message <= 3; p.message++)
		assert_int_equal(lanes_feed(l, &p), 0);
	assert_int_equal(all, LIMIT_XCHGS);
	assert_int_equal(counters.limit[LIM_XCHGS], 2);
	p.kind = PART_END;
	assert_int_equal(lanes_end(l, &p, &why), 0);
	assert_int_equal(why, WHY_LIMIT);
	assert_int_equal(o.count, 1);
	assert_int_equal(all, LIMIT_XCHGS - 1);
	lanes_free(&l);
	xchg_free(&x);
}

/* ---- one call ---------------------------------------------------------------------------------------- */

#define GEMINI .host = "generativelanguage.googleapis.com"
#define GEMINI_ANSWER                                                                  \
	"{\"modelVersion\":\"gemini-x\",\"candidates\":[{\"finishReason\":\"STOP\"}]," \
	"\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":3}}"
#define CHAT_SMALL                                                                   \
	"{\"model\":\"gpt-5\",\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":" \
	"{\"prompt_tokens\":8,\"completion_tokens\":3}}"
#define MESSAGE                                                                           \
	"{\"type\":\"message\",\"model\":\"m\",\"stop_reason\":\"x\",\"usage\":{\"input_" \
	"tokens\":8,\"output_tokens\":3}}"

/* Ways to write a path that servers take for the plain one. */
static void odd_paths(void **state)
{
	static const struct kit kits[] = {
		{ GEMINI, .target = "/v1beta/models/gemini-x%3AgenerateContent",
		  .answer = GEMINI_ANSWER },
		{ GEMINI, .target = "/v1beta/models/gemini-x%3agenerate%43ontent",
		  .answer = GEMINI_ANSWER },
		{ OPENAI, .target = "/v1/chat/%63ompletions", .answer = CHAT_SMALL },
		/* with X-HTTP-Method-Override */
		{ GEMINI, .method = "GET", .target = "/v1beta/models/gemini-x:generateContent",
		  .answer = GEMINI_ANSWER },
		{ OPENAI, .target = "/v1/chat/completions#/v1/moderations", .answer = CHAT_SMALL },
	};
	static const struct kit other[] = {
		{ .host = "api.anthropic.com",
		  .target = "/v1/messages/batches/../../messages",
		  .answer = MESSAGE },
		{ .host = "api.anthropic.com",
		  .target = "/v1/models/%2E./messages",
		  .answer = MESSAGE },
		{ GEMINI, .target = "/v1beta/tunedModels/x:generateContent",
		  .answer = GEMINI_ANSWER },
		{ GEMINI, .target = "/v1beta/something/x:new", .answer = GEMINI_ANSWER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kits); i++) {
		struct kit k = kits[i];
		struct kit_out o;

		k.ask = "{}";
		o = kit_run(k);
		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_leaf(o, IN_TEXT, 8);
	}
	for (size_t i = 0; i < COUNT_OF(other); i++) {
		struct kit k = other[i];
		struct kit_out o;

		k.ask = "{}";
		o = kit_run(k);
		assert_int_equal(o.u.kind, KIND_INFERENCE);
	}
}

/* Two names: servers differ in which they take. */
static void named_twice(void **state)
{
	static const char *const tiers[] = {
		"{\"model\":\"m\",\"service_tier\":\"priority\",\"service_tier\":\"flex\"}",
		"{\"model\":\"m\",\"service_tier\":\"priority\",\"serviceTier\":\"flex\"}",
	};
	struct kit_out o;

	(void)state;
	o = kit_run(
		(struct kit){ OPENAI, .target = "/v1/images/generations",
			      .ask = "{\"model\":\"gpt-image-1\",\"model\":\"gpt-image-1-mini\"}",
			      .answer = "{\"usage\":{\"input_tokens\":8,\"output_tokens\":3}}" });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_int_equal(o.u.model_requested.n, 0);
	for (size_t i = 0; i < COUNT_OF(tiers); i++) {
		o = kit_run((struct kit){ CHAT, .ask = tiers[i], .answer = CHAT_SMALL });
		assert_leaf(o, IN_TEXT, 8);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.why, WHY_BAD_BODY);
		/* the answer says which */
		o = kit_run((struct kit){
			CHAT, .ask = tiers[i],
			.answer = "{\"service_tier\":\"priority\",\"usage\":{\"prompt_tokens\":8,"
				  "\"completion_tokens\":3}}" });
		assert_int_equal(o.u.billing, BILLING_METERED);
		assert_text(o.u.tier, "priority");
	}
	/* twice the same is one */
	o = kit_run((struct kit){ CHAT, .ask = "{\"model\":\"m\",\"model\":\"m\"}",
				  .answer = CHAT_SMALL });
	assert_text(o.u.model_requested, "m");
	assert_int_equal(o.u.billing, BILLING_METERED);
}

/* A tier behind what we do not read is not the usual tier. */
static void deep_request(void **state)
{
	struct buf b = { .limit = 1 << 20 };
	struct kit_out o;

	(void)state;
	assert_int_equal(buf_add(&b, S("{\"model\":\"m\",\"tools\":")), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf_put(&b, '['), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf_put(&b, ']'), 0);
	assert_int_equal(buf_add(&b, S(",\"service_tier\":\"priority\"}")), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	o = kit_run((struct kit){ CHAT, .ask = b.p, .answer = CHAT_SMALL });
	assert_leaf(o, IN_TEXT, 8);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	assert_int_equal(o.u.why, WHY_LIMIT);
	/* nor is it behind a lie about what the request is */
	o = kit_run((struct kit){ CHAT, .type = "multipart/form-data; boundary=x",
				  .ask = "{\"service_tier\":\"priority\"}", .answer = CHAT_SMALL });
	assert_text(o.u.tier, "priority");
	buf_done(&b);
}

/* One candidate has ended, another has not. */
static void candidates(void **state)
{
	struct kit k = {
		GEMINI,
		.target = "/v1beta/models/gemini-x:streamGenerateContent",
		.ask = "{}",
		.events = true,
		.aborted = true,
		.answer = "{\"candidates\":[{\"index\":1}],\"usageMetadata\":{\"promptTokenCount\":"
			  "8,\"candidatesTokenCount\":2}}\n"
			  "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
			  "\"promptTokenCount\":8,\"candidatesTokenCount\":3}}\n",
	};
	struct kit_out o;

	(void)state;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.low.n[LEAF_OUT_TEXT], 3);
	k.aborted = false;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	/* the same as protobuf */
	k = (struct kit){ .host = "aiplatform.googleapis.com",
			  .ask = "{}",
			  .events = true,
			  .target = "/google.cloud.aiplatform.v1.PredictionService/"
				    "StreamGenerateContent",
			  .framing = FRAMING_GRPC,
			  .answer =
				  "\x12\x02\x08\x01\n\x12\x02\x18\x01\x22\x04\x08\x08\x10\x03\n" };
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, OUT_TEXT, 3);
	k.aborted = true;
	o = kit_run(k);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
}

/* What was told of the answer so far is kept, whatever it is made of. */
static void partial_sound(void **state)
{
	struct kit_out o = kit_run((struct kit){
		GEMINI, .target = "/v1beta/models/gemini-x:streamGenerateContent", .ask = "{}",
		.events = true, .aborted = true,
		.answer = "{\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":5,"
			  "\"candidatesTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":4}]}"
			  "}\n" });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_leaf(o, OUT_AUDIO, 4);
	assert_int_equal(o.u.low.n[LEAF_OUT_AUDIO], 4);
	assert_int_equal(o.u.low.n[LEAF_OUT_TEXT], 1);
}

/* Bedrock takes and tells the tier of InvokeModel in heads. */
static void tier_in_head(void **state)
{
	static const struct {
		enum header at;
		const char *asked, *told, *want;
	} rows[] = {
		{ HDR_BEDROCK_TIER, "priority", NULL, "priority" },
		{ HDR_BEDROCK_TIER, "priority", "default", "standard" },
		{ HDR_BEDROCK_TIER, NULL, "flex", "flex" },
		{ HDR_BEDROCK_LATENCY, "optimized", NULL, "optimized" },
		{ HDR_BEDROCK_LATENCY, "optimized", "standard", "standard" },
		{ HDR_BEDROCK_TIER, NULL, NULL, "standard" },
		{ HDR_GEMINI_TIER, "priority", NULL, "standard" },
		{ HDR_GEMINI_TIER, NULL, "priority", "priority" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit k = { .host = "bedrock-runtime.us-east-1.amazonaws.com",
				 .target = "/model/amazon.titan/invoke",
				 .ask = "{}",
				 .head = rows[i].at,
				 .ask_head = rows[i].asked,
				 .answer_head = rows[i].told,
				 .answer =
					 "{\"inputTextTokenCount\":8,\"results\":[{\"tokenCount\":"
					 "3}]}" };
		struct kit_out o = kit_run(k);

		assert_int_equal(o.u.source, SOURCE_REPORTED);
		assert_text(o.u.tier, rows[i].want);
		/* elsewhere a client may write what it likes */
		k = (struct kit){ CHAT, .ask = "{}", .answer = CHAT_SMALL, .head = rows[i].at,
				  .ask_head = rows[i].asked };
		o = kit_run(k);
		assert_text(o.u.tier, "standard");
	}
}

/* A plan's token beside a key that is billed. */
static void two_credentials(void **state)
{
	struct kit_out o = kit_run((struct kit){ ANTHROPIC, .ask = "{}", .answer = MESSAGE,
						 .beta = "oauth-2025-04-20",
						 .auth = "Bearer plan, Bearer sk-ant-api03-x" });

	(void)state;
	assert_int_equal(o.u.billing, BILLING_METERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prewarm_that_answers),
		cmocka_unit_test(ended_twice),
		cmocka_unit_test(provoked_error),
		cmocka_unit_test(unseen_requests),
		cmocka_unit_test(unreadable_message),
		cmocka_unit_test(all_sockets),
		cmocka_unit_test(odd_paths),
		cmocka_unit_test(named_twice),
		cmocka_unit_test(deep_request),
		cmocka_unit_test(candidates),
		cmocka_unit_test(partial_sound),
		cmocka_unit_test(two_credentials),
		cmocka_unit_test(tier_in_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
