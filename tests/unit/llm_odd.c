/* llm_odd.c -- errors, other traffic, broken usage, hostile bytes, no memory: what must not be billed, or not wrongly. */
#include <stdio.h>
#include "llmkit.h"

static const struct {
	struct kit k;
	enum kind kind;
	enum why why;
} unbilled[] = {
	{ { CHAT, .status = 404, .answer = "{\"error\":{}}" }, KIND_ERROR, WHY_ERROR_STATUS },
	{ { CHAT, .status = 429 }, KIND_ERROR, WHY_ERROR_STATUS },
	{ { CHAT, .no_answer = true, .end = WHY_REFUSED }, KIND_ERROR, WHY_REFUSED },
	{ { CHAT, .answer = "{\"error\":{\"message\":\"no\"}}" }, KIND_ERROR, WHY_ERROR_STATUS },
	{ { ANTHROPIC, .events = true, .answer = "{\"type\":\"error\",\"error\":{}}\n" },
	  KIND_ERROR,
	  WHY_ERROR_STATUS },
	{ { OPENAI, .method = "GET", .target = "/v1/models?limit=3", .answer = "{}" },
	  KIND_OTHER,
	  WHY_NOT_INFERENCE },
	{ { OPENAI, .method = "GET", .target = "/v1/responses/resp_1",
	    .answer = "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}" },
	  KIND_OTHER,
	  WHY_NOT_INFERENCE },
	{ { .host = "api.anthropic.com",
	    .target = "/v1/messages/count_tokens",
	    .answer = "{\"input_tokens\":5}" },
	  KIND_OTHER,
	  WHY_NOT_INFERENCE },
	{ { .host = "example.com", .target = "/v1/chat/completions", .answer = "{\"ok\":true}" },
	  KIND_INFERENCE,
	  WHY_UNKNOWN_HOST },
	{ { .host = "example.com", .target = "/", .answer = "{}" }, KIND_OTHER, WHY_NOT_INFERENCE },
	{ { .host = "api.x.ai", .target = "/v1/images/generations", .answer = CHAT_ANSWER },
	  KIND_INFERENCE,
	  WHY_UNKNOWN_FORMAT },
	{ { OPENAI, .target = "/v1/audio/speech", .answer = "\x13\x01 not json" },
	  KIND_INFERENCE,
	  WHY_NO_USAGE },
	{ { RESPONSES, .answer = "{\"status\":\"queued\",\"usage\":null}" },
	  KIND_INFERENCE,
	  WHY_BACKGROUND },
	{ { .orphan = true, .answer = "{\"id\":\"x\",\"usage\":{\"tokens\":1}}" },
	  KIND_OTHER,
	  WHY_MIDSTREAM },
	{ { .orphan = true, .answer = "{\"object\":\"chat.completion\"}" },
	  KIND_INFERENCE,
	  WHY_MIDSTREAM },
	{ { .orphan = true, .events = true, .answer = STOP }, KIND_INFERENCE, WHY_MIDSTREAM },
};

static void not_billed(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT_OF(unbilled); i++) {
		struct kit_out o = kit_run(unbilled[i].k);

		print_message("# case %zu\n", i);
		assert_int_equal(o.u.kind, unbilled[i].kind);
		assert_int_equal(o.u.why, unbilled[i].why);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.source, SOURCE_NONE);
		assert_int_equal(o.u.used.has, 0);
		assert_int_equal(o.u.raw.n, 0);
	}
}

static void error_after_answer(void **state)
{
	struct kit_out o = kit_run((struct kit){
		ANTHROPIC, .events = true,
		.answer = START(
			"{\"input_tokens\":7,\"output_tokens\":1}") "{\"type\":\"content_block_"
								    "delta\",\"delta\":{\"text\":"
								    "\"abcd\"}}\n"
								    "{\"type\":\"error\",\"error\":"
								    "{\"type\":\"overloaded_"
								    "error\"}}\n" });

	(void)state;
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.source, SOURCE_PARTIAL);
	assert_int_equal(o.u.why, WHY_STREAM_ERROR);
	assert_leaf(o, IN_TEXT, 7);
}

static void bad_usage(void **state)
{
	static const char *const usages[] = {
		"{\"prompt_tokens\":10,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_"
		"tokens\":11}}",
		"{\"prompt_tokens\":-1,\"completion_tokens\":1}",
		"{\"prompt_tokens\":1.5,\"completion_tokens\":1}",
		"{\"prompt_tokens\":\"7\",\"completion_tokens\":1}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":3}",
		"{\"prompt_tokens\":99999999999999999999,\"completion_tokens\":1}",
		"{}",
		"{\"tokens\":7,\"total_tokens\":0}",
		"{\"prompt_tokens\":1,\"completion_tokens\":3,\"completion_tokens_details\":"
		"{\"reasoning_tokens\":2,\"audio_tokens\":2}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(usages); i++) {
		char answer[512];
		struct kit_out o;

		snprintf(answer, sizeof(answer), "{\"model\":\"m\",\"usage\":%s}", usages[i]);
		o = kit_run((struct kit){ CHAT, .answer = answer });
		print_message("# %s\n", usages[i]);
		assert_int_equal(o.u.why, WHY_BAD_USAGE);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.used.has, 0);
	}
}

/* pricing.md section 3 #16; "auto" means nothing */
static void served_tier(void **state)
{
	struct kit k = { CHAT, .ask = "{\"service_tier\":\"priority\"}",
			 .answer =
				 "{\"service_tier\":\"default\",\"usage\":{\"prompt_tokens\":1}}" };

	(void)state;
	assert_text(kit_run(k).u.tier, "standard");
	k.answer = "{\"usage\":{\"prompt_tokens\":1}}";
	assert_text(kit_run(k).u.tier, "priority");
	k.ask = "{\"service_tier\":\"auto\"}";
	assert_text(kit_run(k).u.tier, "standard");
	k.answer = "{\"service_tier\":\"flex\",\"usage\":{\"prompt_tokens\":1}}";
	assert_text(kit_run(k).u.tier, "flex");
	/* a stream says it at first as it was asked for, at last as it was served */
	k = (struct kit){ RESPONSES, .events = true,
			  .answer =
				  "{\"type\":\"response.created\",\"response\":{\"service_tier\":"
				  "\"priority\"}}\n{\"type\":\"response.completed\",\"response\":"
				  "{\"service_tier\":\"flex\",\"usage\":{\"input_tokens\":1}}}\n" };
	assert_text(kit_run(k).u.tier, "flex");
}

static void secrets(void **state)
{
	struct kit k = { CHAT, .ask = "{\"a\":1}", .answer = "{}", .auth = "Bearer sk-secret" };
	struct kit_out a = kit_run(k), b;

	(void)state;
	assert_int_equal(a.u.credential.n, 17);
	assert_memory_equal(a.u.credential.p, "cred:", 5);
	assert_int_equal(a.u.request_hash.n, 32);
	k.auth = NULL;
	k.key = "sk-secret";
	b = kit_run(k);
	assert_string_equal(a.text[4], b.text[4]);
	k.secret = 1;
	b = kit_run(k);
	assert_string_not_equal(a.text[4], b.text[4]);
	assert_string_not_equal(a.text[5], b.text[5]);
	k.ask = NULL;
	assert_int_equal(kit_run(k).u.request_hash.n, 0);
	k.key = NULL;
	assert_int_equal(kit_run(k).u.credential.n, 0);
}

static struct str local(void *ctx, struct str host)
{
	(void)ctx;
	return str_eq(host, S("127.0.0.1:8080")) ? S("openai") : STR_NONE;
}

static void endpoint(void **state)
{
	struct kit k = { .host = "127.0.0.1:8080",
			 .target = "/gw/v1/chat/completions",
			 .answer = CHAT_ANSWER,
			 .endpoint = local };
	struct kit_out o = kit_run(k);

	(void)state;
	assert_text(o.u.provider, "openai");
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	k.host = "127.0.0.1:8081";
	assert_int_equal(kit_run(k).u.why, WHY_UNKNOWN_HOST);
}

#define ONE_USAGE "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}"

static void subscription(void **state)
{
	struct kit k = { ANTHROPIC,
			 .beta = "x,oauth-2025-04-20",
			 .auth = "Bearer sk-ant-oat01-a",
			 .head = HDR_PLAN_STATUS,
			 .answer_head = "allowed",
			 .answer = ONE_USAGE };

	(void)state;
	assert_int_equal(kit_run(k).u.billing, BILLING_SUBSCRIPTION);
	/* workload identity logs in with the same words and is paid by the token */
	k.answer_head = NULL;
	assert_int_equal(kit_run(k).u.billing, BILLING_METERED);
	k.answer_head = "allowed";
	k.auth = "Bearer eyJ-a";
	assert_int_equal(kit_run(k).u.billing, BILLING_METERED);
	/* a label costs nothing to write: a call with an API key is paid by the token */
	k.auth = "bearer  sk-ant-api03-a";
	assert_int_equal(kit_run(k).u.billing, BILLING_METERED);
	k.auth = "Bearer sk-ant-oat01-a";
	k.key = "sk-ant-api03-a";
	assert_int_equal(kit_run(k).u.billing, BILLING_METERED);
	k.auth = NULL;
	assert_int_equal(kit_run(k).u.billing, BILLING_METERED);
	assert_int_equal(kit_run((struct kit){ CHAT, .beta = "oauth-2025-04-20",
					       .auth = "Bearer sk-proj-a", .answer = CHAT_ANSWER })
				 .u.billing,
			 BILLING_METERED);
}

/* What the server goes by: the authority of an absolute target, not the Host beside it (RFC 9112 3.2.2). */
static void decoy_host(void **state)
{
	struct kit_out o =
		kit_run((struct kit){ .host = "chatgpt.com",
				      .target = "https://u@API.openai.com:443/v1/chat/completions",
				      .answer = CHAT_ANSWER });

	(void)state;
	assert_text(o.u.provider, "openai");
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_text(o.u.host, "api.openai.com");
	o = kit_run((struct kit){ .host = "api.openai.com.",
				  .target = "/v1/chat/completions",
				  .answer = CHAT_ANSWER });
	assert_text(o.u.provider, "openai");
}

/* A provider that says it counted tokens did so, whatever the path looked like. */
static void stray_usage(void **state)
{
	struct kit_out o = kit_run((struct kit){ OPENAI, .target = "/v1/chat/x/%2e%2e/complet%69on",
						 .answer = CHAT_ANSWER });

	(void)state;
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	assert_int_equal(o.u.why, WHY_UNKNOWN_FORMAT);
	assert_int_equal(o.u.outcome, OUTCOME_OK);
	assert_true(o.u.raw.n > 0);
	o = kit_run((struct kit){ .host = "api.anthropic.com",
				  .target = "/v1/models/%2E./message",
				  .events = true,
				  .answer = START("{\"input_tokens\":7}") STOP });
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	o = kit_run((struct kit){ OPENAI, .target = "/v1/models/./x", .answer = CHAT_ANSWER });
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	o = kit_run((struct kit){ OPENAI, .target = "/v1/models/.", .answer = CHAT_ANSWER });
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	o = kit_run((struct kit){ OPENAI, .target = "/v1/models/%2fx", .answer = CHAT_ANSWER });
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	/* nor does it make a call a plan's */
	o = kit_run((struct kit){ .host = "api.z.ai",
				  .target = "/api/coding/../paas/v4/chat/completions",
				  .answer = CHAT_ANSWER });
	assert_int_equal(o.u.billing, BILLING_METERED);
	/* where nothing was counted, it may have been all the same */
	o = kit_run((struct kit){ OPENAI, .target = "/v1/chat/x/../y", .answer = "{\"id\":1}" });
	assert_int_equal(o.u.kind, KIND_INFERENCE);
	assert_int_equal(o.u.why, WHY_UNKNOWN_PATH);
	/* refused: nothing was counted */
	o = kit_run(
		(struct kit){ OPENAI, .target = "/v1/zzz", .status = 404, .answer = CHAT_ANSWER });
	assert_int_equal(o.u.kind, KIND_ERROR);
	/* a path that is known to be free stays free */
	o = kit_run((struct kit){ .host = "api.anthropic.com",
				  .answer = ONE_USAGE,
				  .target = "/v1/messages/count_tokens" });
	assert_int_equal(o.u.kind, KIND_OTHER);
}

static void paths(void **state)
{
	struct kit_out o =
		kit_run((struct kit){ .host = "Bedrock-Runtime.us-east-1.amazonaws.com:443",
				      .target = "/model/us.anthropic.claude-v1%3A0/converse",
				      .answer = "{}" });

	(void)state;
	assert_text(o.u.provider, "bedrock");
	assert_text(o.u.model_requested, "us.anthropic.claude-v1:0");
	o = kit_run((struct kit){ .host = "generativelanguage.googleapis.com",
				  .target = "/v1beta/models/gemini-3:streamGenerateContent?alt=sse",
				  .answer = "{}" });
	assert_text(o.u.provider, "gemini");
	assert_text(o.u.model_requested, "gemini-3");
	o = kit_run((struct kit){ .host = "eu.api.openai.com",
				  .target = "/v1/chat/completions",
				  .answer = CHAT_ANSWER });
	assert_text(o.u.region, "eu");
	assert_text(kit_run((struct kit){ .host = "api.openai.com.evil.test",
					  .target = "/v1/chat/completions",
					  .answer = CHAT_ANSWER })
			    .u.provider,
		    "unknown");
}

static void form(void **state)
{
	struct kit k = {
		OPENAI, .target = "/v1/audio/transcriptions",
		.type = "multipart/form-data; boundary=b",
		.ask = "--b\r\nContent-Disposition: form-data; name=\"file\"; "
		       "filename=\"a\"\r\n\r\n\x01\x02\n\xff\r\n"
		       "--b\r\nContent-Disposition: form-data; "
		       "name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n",
		.answer = "{\"text\":\"a\",\"usage\":{\"type\":\"duration\",\"seconds\":2.5}}"
	};
	struct kit_out o = kit_run(k);

	(void)state;
	assert_text(o.u.model_requested, "whisper-1");
	assert_leaf(o, N_AUDIO_MS, 2500);
	k.step = 1;
	assert_text(kit_run(k).u.model_requested, "whisper-1");
	/* two answers are none: a file may hold a line that looks like a field */
	k.ask = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ncheap\r\n"
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ncheap\r\n--b--\r\n";
	assert_int_equal(kit_run(k).u.model_requested.n, 0);
}

/* The field itself as some server may read it, and what only looks like it. */
static void forms(void **state)
{
	static const struct {
		const char *type, *head, *model;
	} rows[] = {
		{ "boundary=b", "Content-Disposition: form-data; name=\"model\"", "dear" },
		{ "boundary=\"b\"", "content-disposition:form-data;name=model", "dear" },
		{ "charset=x; boundary=b; y=z", "Content-Disposition: form-data; name=mo\\del;a=b",
		  "dear" },
		{ "boundary=b", "X: y\r\nContent-Disposition: form-data; Name = \"model\"",
		  "dear" },
		{ "boundary=b", "Content-Disposition: form-data; filename=\"model\"", NULL },
		{ "boundary=b", "Content-Disposition: form-data; name=\"models\"", NULL },
		{ "boundary=b", "Content-Disposition: form-data;\r\n name=\"model\"", NULL },
		{ "boundary=b; boundary=c", "Content-Disposition: form-data; name=\"model\"",
		  NULL },
		{ "x=b", "Content-Disposition: form-data; name=\"model\"", NULL },
		{ "boundary=c", "Content-Disposition: form-data; name=\"model\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char type[96], ask[512];
		struct kit k = { OPENAI, .target = "/v1/audio/transcriptions", .type = type,
				 .ask = ask, .answer = "{\"text\":\"a\"}" };

		snprintf(type, sizeof(type), "Multipart/Form-Data; %s", rows[i].type);
		snprintf(ask, sizeof(ask),
			 "--b\r\n%s\r\n\r\ndear\r\n--b \r\nContent-Disposition: form-data; "
			 "name=\"file\"\r\n\r\n"
			 "Content-Disposition: form-data; "
			 "name=\"model\"\r\n\r\ncheap\r\n--b--\r\n--b\r\n"
			 "Content-Disposition: form-data; name=\"model\"\r\n\r\ncheap\r\n",
			 rows[i].head);
		for (k.step = 0; k.step < 3; k.step++)
			assert_text(kit_run(k).u.model_requested,
				    rows[i].model ? rows[i].model : "");
	}
}

static void same(const struct kit_out *a, const struct kit_out *b)
{
	assert_memory_equal(&a->u.used, &b->u.used, sizeof(a->u.used));
	assert_memory_equal(&a->u.low, &b->u.low, sizeof(a->u.low));
	assert_memory_equal(&a->u.high, &b->u.high, sizeof(a->u.high));
	assert_memory_equal(a->text, b->text, sizeof(a->text));
	assert_string_equal(a->raw, b->raw);
	assert_int_equal(a->u.source, b->u.source);
	assert_int_equal(a->u.why, b->u.why);
}

static const struct kit examples[] = {
	{ CHAT, .ask = "{\"model\":\"gpt-5\",\"messages\":[{\"content\":\"a b c\"}]}",
	  .answer = CHAT_ANSWER, .auth = "Bearer x" },
	{ RESPONSES, .events = true, .answer = TOOLS_EVENT },
	{ ANTHROPIC, .events = true, .ask = "{\"model\":\"claude\"}",
	  .answer = START("{\"input_tokens\":9,\"output_tokens\":1}")
		  DELTA("{\"output_tokens\":16}") STOP },
	{ .orphan = true, .answer = "{\"object\":\"chat.completion\",\"id\":\"1\"}" },
};

static void any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		struct kit k = examples[i];
		struct kit_out whole = kit_run(k);

		for (k.step = 1; k.step < 20; k.step++) {
			struct kit_out o = kit_run(k);

			same(&whole, &o);
		}
	}
}

static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		bool failed = true;

		for (long n = 0; failed; n++) {
			struct kit_out o;
			int r;

			mem_fail_after = n;
			r = kit_try(&examples[i], &o);
			failed = mem_fail_after < 0; /* the n-th request was made, and refused */
			mem_fail_after = -1;
			assert_int_equal(r, failed ? -ENOMEM : 0);
			assert_int_equal(o.count, failed ? 0 : 1);
			assert_true(n < 1000);
		}
	}
}

/* A hostile answer costs a bounded amount of memory and no wrong bill. */
static void hostile(void **state)
{
	struct buf b = { .limit = 1 << 22 };
	struct kit_out o;

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_printf(&b, "{\"model\":\"model-%d-%0200d\"}\n", i, i), 0);
	assert_int_equal(buf_add(&b, S("{\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{"
				       "\"prompt_tokens\":3}}\n")),
			 0);
	assert_int_equal(buf_put(&b, 0), 0);
	o = kit_run((struct kit){ CHAT, .events = true, .answer = b.p, .ask = "{}" });
	assert_leaf(o, IN_TEXT, 3);
	assert_int_equal(o.u.request_hash.n, 32); /* the reserve holds */
	buf_reset(&b);
	assert_int_equal(buf_add(&b, S("{\"usage\":{\"prompt_tokens\":3,\"x\":\"")), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(buf_put(&b, 'x'), 0);
	assert_int_equal(buf_add(&b, S("\"}}")), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	o = kit_run((struct kit){ CHAT, .answer = b.p });
	assert_int_equal(o.u.why, WHY_LIMIT);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	/* a later object that cannot be kept makes the earlier one stale */
	o = kit_run((struct kit){
		ANTHROPIC, .events = true,
		.answer = START("{\"input_tokens\":1}") "{\"usage\":{\"x\":\"\xff\"}}\n" STOP });
	assert_int_equal(o.u.why, WHY_BAD_USAGE);
	assert_int_equal(o.u.raw.n, 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_billed),   cmocka_unit_test(error_after_answer),
		cmocka_unit_test(bad_usage),    cmocka_unit_test(served_tier),
		cmocka_unit_test(secrets),      cmocka_unit_test(endpoint),
		cmocka_unit_test(subscription), cmocka_unit_test(paths),
		cmocka_unit_test(decoy_host),   cmocka_unit_test(stray_usage),
		cmocka_unit_test(form),         cmocka_unit_test(forms),
		cmocka_unit_test(any_cut),      cmocka_unit_test(no_memory),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
