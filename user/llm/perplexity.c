/* perplexity.c -- Perplexity. It says what the call cost, fees included. Deep research counts its citations and its
 * reasoning besides the output and the total. What a search costs goes by how much it brings: that is the tier.
 * (docs.perplexity.ai) */
#include "llm/provider.h"

static const struct json_want marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
};
static const struct llm_field fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "reasoning_tokens", LEAF_OUT_REASONING, FIELD_BEYOND, 0 },
	{ "citation_tokens", LEAF_OUT_CITATION, FIELD_BEYOND, 0 },
	{ "num_search_queries", LEAF_N_WEB_SEARCH, 0, 0 },
	{ "search_context_size", 0, FIELD_TIER, 0 },
};

/* These are not billed for what stands beside the completion; deep research is. */
static bool is_plain(struct str model)
{
	static const char *const names[] = { "sonar", "sonar-pro", "sonar-reasoning",
					     "sonar-reasoning-pro" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(model, str_of(names[i])))
			return true;
	return false;
}

static int count(const struct llm_format *f, struct str raw, struct str model,
		 struct llm_count *ret)
{
	static const enum leaf beside[] = { LEAF_OUT_REASONING, LEAF_OUT_CITATION,
					    LEAF_N_WEB_SEARCH };
	int r = llm_count_fields(f, raw, ret);

	for (size_t i = 0; r == 0 && is_plain(model) && i < COUNT_OF(beside); i++) {
		ret->used.has &= ~(1ull << beside[i]);
		ret->used.n[beside[i]] = 0;
	}
	return r;
}

static const struct llm_format chat = { LLM_TABLE(marks), LLM_TABLE(fields), .count = count };

static const struct json_want agent_marks[] = {
#define RESPONSES_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef RESPONSES_MARK
};
static const struct llm_field agent_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "tool_calls_details.*.invocation", 0, FIELD_EXTRA, 0 },
};
static const char *const last[] = { "response.completed", "response.incomplete", "response.failed",
				    NULL };
static const struct llm_format agent = { LLM_TABLE(agent_marks), LLM_TABLE(agent_fields),
					 .last = last };

static const struct llm_host hosts[] = { { "api.perplexity.ai", NULL, HOST_LLM } };
static const struct llm_route routes[] = {
	{ "POST", "**/async/{}", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/async/chat/completions", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &chat },
	{ "POST", "**/sonar", "chat", KIND_INFERENCE, &chat },
	{ "POST", "**/responses", "responses", KIND_INFERENCE, &agent },
	{ "POST", "**/agent", "responses", KIND_INFERENCE, &agent },
	{ "POST", "**/search", "search", KIND_INFERENCE, NULL },
	LLM_FREE("**/generate_auth_token", "account"),
	LLM_FREE("**/revoke_auth_token", "account"),
};
static const struct llm_cost cost = { .path = "cost.total_cost" };

const struct llm_provider llm_perplexity = { "perplexity", LLM_TABLE(hosts), LLM_TABLE(routes),
					     .like = &llm_shapes, .cost = &cost };
