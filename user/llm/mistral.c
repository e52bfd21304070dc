/* mistral.c -- Mistral. Usage comes unasked, in the last event of a stream. Agents' tools are counted by name, and the tokens
 * that they bring besides the prompt's; OCR is by the page. (docs.mistral.ai/api) */
#include "llm/provider.h"

static const struct json_want marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
	{ "type", MARK_KIND, 0 },
	{ "text", MARK_TEXT, JSON_SIZE },
};
static const struct llm_field fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "prompt_token_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME,
	  LEAF_IN_TEXT },
	{ "num_cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "prompt_audio_seconds", LEAF_N_AUDIO_MS, FIELD_SECONDS, 0 },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "completion_tokens_details.reasoning_tokens", LEAF_OUT_REASONING, FIELD_PART,
	  LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "service_tier", 0, FIELD_TIER, 0 },
};
static const struct llm_format chat = { LLM_TABLE(marks), LLM_TABLE(fields), .last = NULL };
static const struct llm_format prompt_only = {
	LLM_TABLE(marks),
	LLM_TABLE(fields),
	.no_output = true,
};
/* By the second alone: no list prices the tokens, and the total holds those of the sound, which nothing names. */
static const struct llm_field heard_fields[] = {
	{ "prompt_audio_seconds", LEAF_N_AUDIO_MS, FIELD_SECONDS, 0 },
};
static const char *const heard[] = { "transcription.done", NULL };
static const struct llm_format transcription = {
	LLM_TABLE(marks),
	LLM_TABLE(heard_fields),
	.last = heard,
	.upload = true,
};

/* ---- conversations ---------------------------------------------------------------------------------------- */

static const struct json_want conversation_marks[] = {
	{ "type", MARK_KIND, 0 },
	{ "code", MARK_ERROR, 0 },
	{ "outputs[].model", MARK_MODEL, 0 },
	{ "model", MARK_MODEL, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "outputs[].content", MARK_TEXT, JSON_SIZE },
	{ "content", MARK_TEXT, JSON_SIZE },
};
static const struct llm_field conversation_fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "connector_tokens", LEAF_IN_TOOL, 0, 0 },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "connectors.web_search", LEAF_N_WEB_SEARCH, 0, 0 },
	{ "connectors.web_search_premium", 0, FIELD_EXTRA, 0 },
	{ "connectors.code_interpreter", LEAF_N_CODE_SESSION, 0, 0 },
	{ "connectors.image_generation", LEAF_N_IMAGE, 0, 0 },
	{ "connectors.document_library", LEAF_N_FILE_SEARCH, 0, 0 },
};
static const char *const conversation_last[] = { "conversation.response.done", NULL };
static const struct llm_format conversation = {
	LLM_TABLE(conversation_marks),
	LLM_TABLE(conversation_fields),
	.last = conversation_last,
};

/* ---- OCR: pages that are also annotated cost more ---------------------------------------------------------- */

static const struct json_want ocr_marks[] = {
	{ "model", MARK_MODEL, 0 },
	{ "usage_info", MARK_USAGE, JSON_RAW },
	{ "document_annotation", MARK_EXTRA, JSON_EACH },
	{ "pages[].images[].image_annotation", MARK_EXTRA, JSON_EACH },
};
static const struct llm_field ocr_fields[] = { { "pages_processed", LEAF_N_PAGE, 0, 0 } };
const struct llm_format llm_ocr = {
	LLM_TABLE(ocr_marks),
	LLM_TABLE(ocr_fields),
	.no_output = true,
};

/* ---- where ------------------------------------------------------------------------------------------------ */

static const struct llm_host hosts[] = {
	{ "api.mistral.ai", NULL, HOST_LLM },
	{ "api.eu.mistral.ai", "eu", HOST_LLM },
	{ "api.us.mistral.ai", "us", HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &chat },
	{ "POST", "**/agents/completions", "chat", KIND_INFERENCE, &chat },
	{ "POST", "**/fim/completions", "completion", KIND_INFERENCE, &chat },
	{ "POST", "**/conversations", "chat", KIND_INFERENCE, &conversation },
	{ "POST", "**/conversations/{}", "chat", KIND_INFERENCE, &conversation },
	{ "POST", "**/conversations/{}/restart", "chat", KIND_INFERENCE, &conversation },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &prompt_only },
	{ "POST", "**/moderations", "moderations", KIND_INFERENCE, &prompt_only },
	{ "POST", "**/classifications", "classifications", KIND_INFERENCE, &prompt_only },
	{ "POST", "**/audio/transcriptions", "audio", KIND_INFERENCE, &transcription },
	{ "POST", "**/audio/{}", "audio", KIND_INFERENCE, NULL },
	{ "POST", "**/ocr", "ocr", KIND_INFERENCE, &llm_ocr },
	{ "POST", "**/batch/jobs", "batches", KIND_INFERENCE, NULL }, /* results are not read */
	LLM_FREE("**/batch/jobs/{}/cancel", "batches"),
	LLM_FREE("**/v1/files", "files"),
	LLM_FREE("**/v1/libraries", "files"),
	LLM_FREE("**/v1/agents", "agents"),
};

const struct llm_provider llm_mistral = { "mistral", LLM_TABLE(hosts), LLM_TABLE(routes),
					  .like = NULL };
