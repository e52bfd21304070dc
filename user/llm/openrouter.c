/* openrouter.c -- OpenRouter. It always says what the call cost; with one's own key at the provider that is only its fee, and the
 * provider's price stands beside it. Tools that it ran are counted, but not which. (openrouter.ai/docs) */
#include "llm/provider.h"

static const struct json_want marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
};
/* Reasoning is counted by another tokenizer than the output around it, and may come out larger. */
static const struct llm_field fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "prompt_tokens_details.cache_write_tokens", LEAF_IN_CACHE_WRITE, FIELD_PART,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.video_tokens", LEAF_IN_VIDEO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "completion_tokens_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "completion_tokens_details.image_tokens", LEAF_OUT_IMAGE, FIELD_PART, LEAF_OUT_TEXT },
	{ "completion_tokens_details.reasoning_tokens", LEAF_OUT_REASONING,
	  FIELD_PART | FIELD_LOOSE, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "server_tool_use_details.tool_calls_executed", LEAF_N_TOOL_CALL, 0, 0 },
	{ "server_tool_use_details.web_search_requests", LEAF_N_WEB_SEARCH, FIELD_PART,
	  LEAF_N_TOOL_CALL },
	{ "server_tool_use.web_search_requests", LEAF_N_WEB_SEARCH, FIELD_PART | FIELD_SAME,
	  LEAF_N_TOOL_CALL },
};
static const struct llm_format chat = { LLM_TABLE(marks), LLM_TABLE(fields), .last = NULL };

static const struct llm_host hosts[] = {
	{ "openrouter.ai", NULL, HOST_LLM },
	{ "api.openrouter.ai", NULL, HOST_LLM },
	{ "eu.openrouter.ai", "eu", HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &chat },
	{ "POST", "**/completions", "completion", KIND_INFERENCE, &chat },
	LLM_FREE("**/keys", "account"),
	LLM_FREE("**/auth/keys/code", "account"),
	LLM_FREE("**/credits/coinbase", "account"),
};
static const struct llm_cost cost = {
	.path = "cost",
	.only = "is_byok",
	.more = "cost_details.upstream_inference_cost",
};

const struct llm_provider llm_openrouter = { "openrouter", LLM_TABLE(hosts), LLM_TABLE(routes),
					     .like = &llm_shapes, .cost = &cost };
