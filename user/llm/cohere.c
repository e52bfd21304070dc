/* cohere.c -- Cohere. `billed_units` is what is billed; `tokens` beside it are more, for they hold Cohere's own template. A rerank
 * unit is a query with up to 100 documents. The answer does not name its model. (docs.cohere.com/reference) */
#include "llm/provider.h"

static const struct json_want marks[] = {
	{ "type", MARK_KIND, 0 },
	{ "event_type", MARK_KIND, 0 }, /* version 1 */
	{ "id", MARK_ID, 0 },
	{ "response_id", MARK_ID, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "delta.usage", MARK_USAGE, JSON_RAW },
	{ "meta", MARK_USAGE, JSON_RAW },
	{ "response.meta", MARK_USAGE, JSON_RAW },
	{ "finish_reason", MARK_STOP, 0 },
	{ "delta.finish_reason", MARK_STOP, 0 },
	{ "delta.error", MARK_ERROR, JSON_EACH },
	{ "text", MARK_TEXT, JSON_SIZE },
	{ "generations[].text", MARK_TEXT, JSON_SIZE },
	{ "message.content[].text", MARK_TEXT, JSON_SIZE },
	{ "message.tool_plan", MARK_TEXT, JSON_SIZE },
	{ "message.tool_calls[].function.arguments", MARK_TEXT, JSON_SIZE },
	{ "delta.message.content.text", MARK_TEXT, JSON_SIZE },
	{ "delta.message.content.thinking", MARK_TEXT, JSON_SIZE },
	{ "delta.message.tool_plan", MARK_TEXT, JSON_SIZE },
	{ "delta.message.tool_calls.function.arguments", MARK_TEXT, JSON_SIZE },
};
static const struct llm_field fields[] = {
	{ "billed_units.input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "billed_units.image_tokens", LEAF_IN_IMAGE, 0, 0 },
	{ "billed_units.output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "billed_units.search_units", LEAF_N_RERANK_UNIT, 0, 0 },
	{ "billed_units.images", LEAF_N_IMAGE, 0, 0 },
	{ "billed_units.pages", LEAF_N_PAGE, 0, 0 },
	{ "billed_units.classifications", 0, FIELD_EXTRA, 0 },
};
static const char *const last[] = { "message-end", "stream-end", NULL };
const struct llm_format llm_billed_units = { LLM_TABLE(marks), LLM_TABLE(fields), .last = last };
static const struct llm_format embed = {
	LLM_TABLE(marks),
	LLM_TABLE(fields),
	.no_output = true,
};

static const struct llm_host hosts[] = {
	{ "api.cohere.com", NULL, HOST_LLM },
	{ "api.cohere.ai", NULL, HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/v1/chat", "chat", KIND_INFERENCE, &llm_billed_units },
	{ "POST", "**/v2/chat", "chat", KIND_INFERENCE, &llm_billed_units },
	{ "POST", "**/v1/generate", "completion", KIND_INFERENCE, &llm_billed_units },
	{ "POST", "**/v1/summarize", "completion", KIND_INFERENCE, &llm_billed_units },
	{ "POST", "**/v1/classify", "classifications", KIND_INFERENCE, &embed },
	{ "POST", "**/v1/embed", "embeddings", KIND_INFERENCE, &embed },
	{ "POST", "**/v2/embed", "embeddings", KIND_INFERENCE, &embed },
	{ "POST", "**/v1/rerank", "rerank", KIND_INFERENCE, &embed },
	{ "POST", "**/v2/rerank", "rerank", KIND_INFERENCE, &embed },
	{ "POST", "**/v2/parse", "ocr", KIND_INFERENCE, &embed },
	{ "POST", "**/v1/embed-jobs", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/audio/{}", "audio", KIND_INFERENCE, NULL },
	LLM_FREE("**/v1/embed-jobs/{}/cancel", "embeddings"),
	/* the results lie in a data set, which is not read */
	{ "POST", "**/v2/batches", "batches", KIND_INFERENCE, NULL },
	LLM_FREE("**/v1/tokenize", "count_tokens"),
	LLM_FREE("**/v1/detokenize", "count_tokens"),
	LLM_FREE("**/v1/check-api-key", "account"),
	LLM_FREE("**/v1/datasets", "files"),
	LLM_FREE("**/v1/connectors", "connectors"),
	LLM_FREE("**/v1/connectors/{}/oauth/authorize", "connectors"),
};

const struct llm_provider llm_cohere = { "cohere", LLM_TABLE(hosts), LLM_TABLE(routes),
					 .like = &llm_shapes };
