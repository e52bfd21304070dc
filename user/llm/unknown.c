/* unknown.c -- hosts and paths that are not listed, and answers whose request was not seen: a call that has the
 * shape of inference is counted and left unpriced; anything else is other traffic. */
#include "llm/provider.h"

/* The host may be anything, so a path must say more than one common word. */
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/v1/completions", "completion", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/v1/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/v1/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/openai/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/v1/embeddings", "embeddings", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/v1/rerank", "rerank", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/v1/audio/speech", "audio", KIND_INFERENCE, &llm_audio },
	{ "POST", "**/v1/audio/transcriptions", "audio", KIND_INFERENCE, &llm_audio },
	{ "POST", "**/v1/images/generations", "image", KIND_INFERENCE, &llm_image },
	{ "POST", "**/model/{model}/converse", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/converse-stream", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/invoke", "invoke", KIND_INFERENCE, &llm_invoke },
	{ "POST", "**/model/{model}/invoke-with-response-stream", "invoke", KIND_INFERENCE,
	  &llm_invoke_stream },
	{ "POST", "**/models/{model}:generateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate },
	{ "POST", "**/models/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate_stream },
	{ "POST", "**/models/{model}:rawPredict", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/models/{model}:streamRawPredict", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/api/chat", "chat", KIND_INFERENCE, &llm_ollama_chat },
	{ "POST", "**/api/generate", "completion", KIND_INFERENCE, &llm_ollama_chat },
};
/* A gateway's estimate of what its provider will charge. */
static const struct llm_cost cost = { .path = "pydantic_ai_gateway.cost_estimate" };

const struct llm_provider llm_unknown = { "unknown", NULL, 0, LLM_TABLE(routes), .cost = &cost };

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
	{ "x_groq.usage", MARK_USAGE, JSON_RAW },
	{ "choices[].message.executed_tools[]", MARK_EXTRA, JSON_EACH },
	{ "choices[].delta.executed_tools[]", MARK_EXTRA, JSON_EACH },
	{ "usage_breakdown.models[]", MARK_MIXED, JSON_EACH },
	{ "x_groq.usage_breakdown.models[]", MARK_MIXED, JSON_EACH },
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
	const char *kind, *operation;
} kinds[] = {
	{ "chat.completion", "chat" },
	{ "chat.completion.chunk", "chat" },
	{ "text_completion", "completion" },
	{ "response", "responses" },
	{ "response.compaction", "responses" },
	{ "response.created", "responses" },
	{ "response.output_text.delta", "responses" },
	{ "response.completed", "responses" },
	{ "response.incomplete", "responses" },
	{ "response.failed", "responses" },
	{ "message", "messages" },
	{ "message_start", "messages" },
	{ "message_delta", "messages" },
	{ "message_stop", "messages" },
	{ "content_block_delta", "messages" },
};

/* The provider's own way for such an operation, as far as it is known who that is. */
static const struct llm_format *format_of(const struct llm_provider *p, const char *operation)
{
	for (; p; p = p->like)
		for (size_t i = 0; i < p->route_count; i++)
			if (p->routes[i].format && strcmp(p->routes[i].operation, operation) == 0)
				return p->routes[i].format;
	return NULL;
}

const struct llm_format *llm_format_by_kind(const struct llm_provider *p, struct str kind)
{
	const struct llm_format *f = NULL;

	for (size_t i = 0; !f && i < COUNT_OF(kinds); i++) {
		if (!str_eq(str_of(kinds[i].kind), kind))
			continue;
		f = format_of(p, kinds[i].operation);
		if (!f)
			f = format_of(&llm_unknown, kinds[i].operation);
	}
	return f;
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
