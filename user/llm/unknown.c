/* unknown.c -- hosts and paths that are not listed, and answers whose request was not seen: a call that has the
 * shape of inference is shown and left unpriced; anything else is other traffic. */
#include "llm/provider.h"

/* The host may be anything, so a path must say more than one common word. */
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/completions", "completion", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/messages", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/responses", "responses", KIND_INFERENCE, NULL },
	{ "POST", "**/openai/responses", "responses", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/embeddings", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/rerank", "rerank", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/audio/speech", "audio", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/audio/transcriptions", "audio", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/images/generations", "image", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/converse", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/converse-stream", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/invoke", "invoke", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/invoke-with-response-stream", "invoke", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:generateContent", "generate_content", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  NULL },
	{ "POST", "**/models/{model}:rawPredict", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:streamRawPredict", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/api/chat", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/api/generate", "completion", KIND_INFERENCE, NULL },
};

const struct llm_provider llm_unknown = { "unknown", NULL, 0, LLM_TABLE(routes) };

/* ---- an answer alone ---------------------------------------------------------------------------------- */

static const struct json_want marks[] = {
	{ "object", MARK_KIND, 0 },
	{ "type", MARK_KIND, 0 },
	{ "id", MARK_ID, 0 },
	{ "model", MARK_MODEL, 0 },
	{ "response.id", MARK_ID, 0 },
	{ "response.model", MARK_MODEL, 0 },
	{ "message.id", MARK_ID, 0 },
	{ "message.model", MARK_MODEL, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "message.usage", MARK_USAGE, JSON_RAW },
	{ "response.usage", MARK_USAGE, JSON_RAW },
	{ "service_tier", MARK_TIER, 0 },
	{ "response.service_tier", MARK_TIER, 0 },
	{ "choices[].finish_reason", MARK_STOP, 0 },
	{ "output[]", MARK_TOOL, JSON_EACH },
	{ "output[].type", MARK_TOOL_TYPE, 0 },
	{ "output[].status", MARK_TOOL_STATUS, 0 },
	{ "output[].action.type", MARK_TOOL_ACTION, 0 },
	{ "output[].container_id", MARK_TOOL_SESSION, 0 },
	{ "response.output[]", MARK_TOOL, JSON_EACH },
	{ "response.output[].type", MARK_TOOL_TYPE, 0 },
	{ "response.output[].status", MARK_TOOL_STATUS, 0 },
	{ "response.output[].action.type", MARK_TOOL_ACTION, 0 },
	{ "response.output[].container_id", MARK_TOOL_SESSION, 0 },
};
static const char *const ends[] = { "message_stop", "response.completed", "response.incomplete",
				    "response.failed", NULL };
static const struct {
	const char *kind;
	const struct llm_format *format;
} kinds[] = {
	{ "chat.completion", &llm_chat },
	{ "chat.completion.chunk", &llm_chat },
	{ "text_completion", &llm_chat },
	{ "response", &llm_responses },
	{ "response.compaction", &llm_responses },
	{ "response.created", &llm_responses },
	{ "response.output_text.delta", &llm_responses },
	{ "response.completed", &llm_responses },
	{ "response.incomplete", &llm_responses },
	{ "response.failed", &llm_responses },
	{ "message", &llm_messages },
	{ "message_start", &llm_messages },
	{ "message_delta", &llm_messages },
	{ "message_stop", &llm_messages },
	{ "content_block_delta", &llm_messages },
};

const struct llm_format *llm_format_by_kind(struct str kind)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_eq(str_of(kinds[i].kind), kind))
			return kinds[i].format;
	return NULL;
}

/* Only to see that there is a usage object. */
static const struct json_want stray_marks[] = {
	{ "usageMetadata", MARK_USAGE, JSON_RAW },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "message.usage", MARK_USAGE, JSON_RAW },
	{ "response.usage", MARK_USAGE, JSON_RAW },
	{ "id", MARK_ID, 0 },
	{ "model", MARK_MODEL, 0 },
	{ "message.id", MARK_ID, 0 },
	{ "message.model", MARK_MODEL, 0 },
	{ "response.id", MARK_ID, 0 },
	{ "response.model", MARK_MODEL, 0 },
};

const struct llm_format llm_stray = { LLM_TABLE(stray_marks), .overlay = true };
/* Tools as those who have any name them: a type of another's is not among them. */
const struct llm_format llm_orphan = {
	LLM_TABLE(marks), .last = ends, .tools = llm_openai_tools, .tool_count = LLM_OPENAI_TOOLS,
	.overlay = true,
};
