/* llm -- paths of providers: which are calls, which are free, and what is made of those that no table has. */
#include "llm/provider.h"
#include "llmkit.h"

/* ---- tables: every row decides about something --------------------------------------------------------- */

#define PROVIDER(id) &llm_##id,
static const struct llm_provider *const known[] = {
#include "tbl/provider.h"
	&llm_unknown,
	&llm_shapes,
	&llm_google,
	&llm_claude,
};
#undef PROVIDER

/* A path that a pattern fits. */
static struct str sample(const char *pattern, char text[static 256])
{
	size_t n = 0;

	for (const char *p = pattern; *p; p++) {
		const char *put = NULL;

		if (*p == '{') {
			put = "x9";
			p = strchr(p, '}');
		} else if (p[0] == '*' && p[1] == '*') {
			put = n == 0 ? "/v1" : strchr("/.", text[n - 1]) ? "z9" : "/z9";
			p++;
		}
		if (put) {
			memcpy(text + n, put, strlen(put));
			n += strlen(put);
		} else {
			text[n++] = *p;
		}
		assert_true(n < 250);
	}
	return (struct str){ text, n };
}

static void every_row(void **state)
{
	char text[256];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++)
		for (size_t k = 0; k < known[i]->route_count; k++) {
			const struct llm_route *row = &known[i]->routes[k], *found;
			struct str path = sample(row->path, text), model;

			found = provider_route(known[i], str_of(row->method ? row->method : "POST"),
					       path, &model);
			if (found != row)
				fail_msg("%s: %s of %s is taken by %s", known[i]->name, row->path,
					 row->operation, found ? found->path : "none");
			count++;
		}
	assert_true(count > 200);
}

/* ---- what no table has ------------------------------------------------------------------------------------ */

struct target {
	const char *host, *target;
};

static const struct target strays[] = {
	{ "api.openai.com", "/v1/chat/completions/" },
	{ "api.openai.com", "/v1/chat/Completions" },
	{ "api.openai.com", "/v1/chat/completions;x=1" },
	{ "api.openai.com", "/v1/chat/completions/;x=1" },
	{ "api.openai.com", "/v1/responses/" },
	{ "api.openai.com", "/v1/responses/Compact" },
	{ "api.openai.com", "/v1/responses/compact/" },
	{ "api.openai.com", "/v1/videos/video_1/remix" },
	{ "api.openai.com", "/v1/videos/edits" },
	{ "api.openai.com", "/v1/threads/Runs" },
	{ "api.openai.com", "/v1/live/sessions" },
	{ "api.openai.com", "/v1/containers" },
	{ "api.openai.com", "/v1/evals/eval_1/runs" },
	{ "api.openai.com", "/v1/models/x" },
	{ "acme.openai.azure.com", "/providers/blackforestlabs/v1/flux-2-pro" },
	{ "acme.openai.azure.com", "/openai/v1/video/generations/jobs" },
	{ "acme.services.ai.azure.com", "/api/projects/p/evaluations/runs:run" },
	{ "generativelanguage.googleapis.com", "/v1beta/openai/images/generations" },
	{ "generativelanguage.googleapis.com", "/v1beta/models/g:generateAnswer" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/v1/projects/p/locations/us-central1/batchPredictionJobs" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/v1/projects/p/locations/us-central1/endpoints/7:predict" },
	{ "api.anthropic.com", "/v1/sessions" },
	{ "api.anthropic.com", "/v1/sessions/sess_1/events" },
	{ "api.anthropic.com", "/v1/messages/" },
	{ "api.anthropic.com", "/v1/messages/batches/" },
	{ "bedrock-runtime.us-east-1.amazonaws.com", "/model/m/new-way" },
	{ "api.mistral.ai", "/v1/chat/completions/" },
	{ "api.cohere.com", "/v3/chat" },
	{ "api.deepseek.com", "/v2/think" },
	{ "api.x.ai", "/v1/image/edits" },
	{ "api.groq.com", "/openai/v1/fine_tunings" },
	{ "openrouter.ai", "/api/v1/think" },
	{ "api.perplexity.ai", "/think" },
	{ "api.voyageai.com", "/v1/think" },
	{ "api.together.xyz", "/v1/fine-tunes" },
	{ "api.z.ai", "/api/paas/v4/layout_parsing" },
};

static void unlisted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(strays); i++) {
		struct kit k = { .host = strays[i].host,
				 .target = strays[i].target,
				 .answer = "{\"id\":\"i-1\",\"model\":\"m-1\"}" };
		struct kit_out o = kit_run(k);

		print_message("# %s%s\n", k.host, k.target);
		assert_int_equal(o.u.kind, KIND_INFERENCE);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.why, WHY_UNKNOWN_PATH);
		assert_int_equal(o.u.source, SOURCE_NONE);
		assert_string_equal(o.text[2], "m-1");
		k.method = "PUT";
		assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
		k.method = "GET";
		assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
		k.method = "DELETE";
		assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
		k.method = NULL;
		k.status = 404;
		assert_int_equal(kit_run(k).u.kind, KIND_ERROR);
		k.status = 307; /* it will be sent again */
		assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
		k.status = 204;
		assert_int_equal(kit_run(k).u.kind, KIND_INFERENCE);
		k.status = 0; /* a client that did not wait is billed, too */
		k.no_answer = k.aborted = true;
		assert_int_equal(kit_run(k).u.why, WHY_UNKNOWN_PATH);
	}
}

/* Billed, but not read: these say so instead. */
static void not_read(void **state)
{
	static const struct {
		const char *host, *target;
	} rows[] = {
		{ "api.openai.com", "/v1/fine_tuning/jobs" },
		{ "api.openai.com", "/v1/threads/thread_1/runs" },
		{ "api.openai.com", "/v1/threads/runs" },
		{ "api.openai.com", "/v1/vector_stores/vs_1/search" },
		{ "api.mistral.ai", "/v1/batch/jobs" },
		{ "api.cohere.com", "/v2/batches" },
		{ "api.voyageai.com", "/v1/batches" },
		{ "api.x.ai", "/v1/batches" },
		{ "generativelanguage.googleapis.com", "/v1beta/models/g:batchGenerateContent" },
		{ "generativelanguage.googleapis.com", "/v1beta/fileSearchStores/s:importFile" },
		{ "us-central1-aiplatform.googleapis.com",
		  "/v1/projects/p/locations/us-central1/cachedContents" },
		{ "bedrock-runtime.us-east-1.amazonaws.com", "/guardrail/g/version/1/apply" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run((struct kit){
			.host = rows[i].host, .target = rows[i].target, .answer = "{}" });

		print_message("# %s%s\n", rows[i].host, rows[i].target);
		assert_int_equal(o.u.kind, KIND_INFERENCE);
		assert_int_equal(o.u.why, WHY_UNKNOWN_FORMAT);
	}
}

/* What programs send beside their calls: nothing of it is one. */
static const struct target free_paths[] = {
	{ "api.anthropic.com", "/api/event_logging/v2/batch" },
	{ "api.anthropic.com", "/api/eval/sdk-1" },
	{ "api.anthropic.com", "/api/claude_code/metrics" },
	{ "api.anthropic.com", "/api/oauth/claude_cli/create_api_key" },
	{ "api.anthropic.com", "/v1/oauth/token" },
	{ "api.anthropic.com", "/v1/code/sessions/s/worker/events" },
	{ "api.anthropic.com", "/v1/environments/e/work/w/heartbeat" },
	{ "api.anthropic.com", "/v1/messages/count_tokens?beta=true" },
	{ "api.anthropic.com", "/v1/messages/batches" },
	{ "api.anthropic.com", "/v1/files?beta=true" },
	{ "api.openai.com", "/v1/traces/ingest" },
	{ "api.openai.com", "/v1/files" },
	{ "api.openai.com", "/v1/uploads/upload_1/parts" },
	{ "api.openai.com", "/v1/containers/cntr_1/files" },
	{ "api.openai.com", "/v1/vector_stores" },
	{ "api.openai.com", "/v1/vector_stores/vs_1/files" },
	{ "api.openai.com", "/v1/vector_stores/vs_1/file_batches/b/cancel" },
	{ "api.openai.com", "/v1/assistants/asst_1" },
	{ "api.openai.com", "/v1/threads" },
	{ "api.openai.com", "/v1/threads/thread_1/messages" },
	{ "api.openai.com", "/v1/conversations/conv_1/items" },
	{ "api.openai.com", "/v1/batches" },
	{ "api.openai.com", "/v1/moderations" },
	{ "api.openai.com", "/v1/responses/input_tokens" },
	{ "api.openai.com", "/v1/responses/resp_1/cancel" },
	{ "api.openai.com", "/v1/organization/projects/p/users" },
	{ "api.openai.com", "/v1/realtime/client_secrets" },
	{ "acme.openai.azure.com", "/openai/files?api-version=1" },
	{ "acme.openai.azure.com", "/openai/assistants?api-version=1" },
	{ "acme.openai.azure.com", "/openai/threads/thread_1/messages?api-version=1" },
	{ "acme.services.ai.azure.com", "/api/projects/p/agents/a/versions" },
	{ "generativelanguage.googleapis.com", "/v1beta/cachedContents" },
	{ "generativelanguage.googleapis.com", "/upload/v1beta/files" },
	{ "generativelanguage.googleapis.com", "/v1beta/models/g:countTokens" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/v1/projects/p/locations/l/endpoints/7:countTokens" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/v1/projects/p/locations/l/publishers/google/models/v:fetchPredictOperation" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/v1/projects/p/locations/l/tensorboards/1/experiments/2:write" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/google.cloud.aiplatform.v1.ModelService/GetModel" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/google.cloud.aiplatform.v1.FeaturestoreOnlineServingService/ReadFeatureValues" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/google.cloud.aiplatform.v1.MatchService/FindNeighbors" },
	{ "us-central1-aiplatform.googleapis.com",
	  "/google.cloud.aiplatform.v1.VizierService/SuggestTrials" },
	{ "bedrock-runtime.us-east-1.amazonaws.com", "/model/m/count-tokens" },
	{ "api.mistral.ai", "/v1/files" },
	{ "api.cohere.com", "/v1/tokenize" },
	{ "api.cohere.com", "/v2/batches/b-1:cancel" },
	{ "api.groq.com", "/openai/v1/batches" },
	{ "api.together.xyz", "/v1/files/upload" },
	{ "openrouter.ai", "/api/v1/auth/keys" },
	{ "api.perplexity.ai", "/generate_auth_token" },
	{ "ollama.com", "/api/show" },
	{ "localhost:11434", "/api/pull" },
	/* hosts that serve much else, and such that a plan pays for */
	{ "acme.azure-api.net", "/orders" },
	{ "acme.snowflakecomputing.com", "/queries/v1/query-request" },
	{ "chatgpt.com", "/backend-api/codex/analytics-events/events" },
	{ "api.z.ai", "/api/coding/paas/v4/any" },
	{ "shop.test", "/v1/think" },
};

static void managed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(free_paths); i++) {
		struct kit_out o = kit_run((struct kit){ .host = free_paths[i].host,
							 .target = free_paths[i].target,
							 .answer = "{\"id\":1}" });

		print_message("# %s%s\n", free_paths[i].host, free_paths[i].target);
		assert_int_equal(o.u.kind, KIND_OTHER);
		assert_int_equal(o.u.why, WHY_NOT_INFERENCE);
	}
}

/* A host that the operator names: as the provider's own, but one's own server may serve anything. */
static struct str mine(void *ctx, struct str host)
{
	(void)ctx;
	if (str_starts(host, S("own")))
		return S("openai-compatible");
	return str_starts(host, S("mine")) ? S("anthropic-compatible") : S("openai");
}

static void named(void **state)
{
	struct kit k = {
		.host = "gate.test", .target = "/v1/think", .answer = "{}", .endpoint = mine
	};

	(void)state;
	assert_int_equal(kit_run(k).u.why, WHY_UNKNOWN_PATH);
	k.host = "own.test";
	assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
	/* what Anthropic's own host does not bill may be a call here */
	k.host = "mine.test";
	k.target = "/api/think";
	assert_int_equal(kit_run(k).u.kind, KIND_OTHER);
	k.answer = "{\"usage\":{\"input_tokens\":1}}";
	assert_int_equal(kit_run(k).u.why, WHY_UNKNOWN_FORMAT);
}

/* ---- the query --------------------------------------------------------------------------------------------- */

static void queries(void **state)
{
	static const struct {
		const char *target, *value; /* NULL: absent */
	} rows[] = {
		{ "/a", NULL },
		{ "/a?", NULL },
		{ "/a?fields", "" },
		{ "/a?fields=", "" },
		{ "/a?fields=b&c", "b" },
		{ "/a?c&fields=b", "b" },
		{ "/a?c=d&&fields=b=c", "b=c" },
		{ "/a?fi%65lds=b", "b" },
		{ "/a?field=b&fieldss=c&xfields=d", NULL },
		{ "/a#?fields=b", NULL },
		{ "/a?c#&fields=b", NULL },
		{ "/fields=b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str got = provider_query(str_of(rows[i].target), S("fields"));

		print_message("# %s\n", rows[i].target);
		assert_int_equal(got.p != NULL, rows[i].value != NULL);
		assert_true(!got.p || str_eq(got, str_of(rows[i].value)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row), cmocka_unit_test(unlisted), cmocka_unit_test(not_read),
		cmocka_unit_test(managed),   cmocka_unit_test(named),    cmocka_unit_test(queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
