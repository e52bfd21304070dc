/* xai.c -- xAI. Reasoning stands besides the output in chat completions and within it in responses: the total tells. What
 * it cost is in ticks of 1e-10 dollars. Tools that xAI ran are counted in the usage. (docs.x.ai/docs/api-reference) */
#include "llm/provider.h"

static const struct json_want chat_marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
	{ "request_id", MARK_DEFERRED, 0 },
};
#define TOOLS                                                                                      \
	{ "server_side_tool_usage_details.web_search_calls", LEAF_N_WEB_SEARCH, 0, 0 },            \
		{ "server_side_tool_usage_details.x_search_calls", LEAF_N_SOCIAL_SEARCH, 0, 0 },   \
		{ "server_side_tool_usage_details.code_interpreter_calls", LEAF_N_CODE_SESSION, 0, \
		  0 },                                                                             \
		{ "server_side_tool_usage_details.file_search_calls", LEAF_N_FILE_SEARCH, 0, 0 },  \
	{                                                                                          \
		"server_side_tool_usage_details.document_search_calls", 0, FIELD_EXTRA, 0          \
	}
/* `text_tokens` of the details holds the cached ones, too: what is left of the whole is what we count. */
static const struct llm_field chat_fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "prompt_tokens_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "completion_tokens_details.reasoning_tokens", LEAF_OUT_REASONING,
	  FIELD_PART | FIELD_APART, LEAF_OUT_TEXT },
	{ "completion_tokens_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "num_sources_used", 0, FIELD_EXTRA, 0 }, /* of the live search that was */
	TOOLS,
};
static const struct llm_format chat = { LLM_TABLE(chat_marks), LLM_TABLE(chat_fields),
					.last = NULL };
/* Asked for with `deferred`, told once: the answer has another id than the one that it is fetched by. */
static const struct llm_format deferred = {
	LLM_TABLE(chat_marks),
	LLM_TABLE(chat_fields),
	.later = LATER_FETCHED,
	.deferred = true,
};

static const struct json_want responses_marks[] = {
#define RESPONSES_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef RESPONSES_MARK
};
static const struct llm_field responses_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "output_tokens_details.reasoning_tokens", LEAF_OUT_REASONING, FIELD_PART | FIELD_APART,
	  LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "num_sources_used", 0, FIELD_EXTRA, 0 },
	TOOLS,
};
static const char *const last[] = { "response.completed", "response.incomplete", "response.failed",
				    NULL };
static const struct llm_format responses = { LLM_TABLE(responses_marks),
					     LLM_TABLE(responses_fields), .last = last };

static const struct llm_host hosts[] = {
	{ "api.x.ai", NULL, HOST_LLM },
	{ "*.api.x.ai", "*", HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &chat },
	{ "GET", "**/chat/deferred-completion/{model}", "chat", KIND_OTHER, &deferred },
	{ "POST", "**/responses", "responses", KIND_INFERENCE, &responses },
	{ "POST", "**/images/{}", "image", KIND_INFERENCE, NULL },
	{ "POST", "**/videos/{}", "video", KIND_INFERENCE, NULL },
	{ "POST", "**/documents/search", "search", KIND_INFERENCE, NULL },
	{ "POST", "**/batches", "batches", KIND_INFERENCE, NULL }, /* results are not read */
	LLM_FREE("**/tokenize-text", "count_tokens"),
	LLM_FREE("**/realtime/client_secrets", "realtime"),
};
static const struct llm_cost cost = { .path = "cost_in_usd_ticks", .per = 10000000000 };

const struct llm_provider llm_xai = { "xai", LLM_TABLE(hosts), LLM_TABLE(routes),
				      .like = &llm_shapes, .cost = &cost };
