/* ollama.c -- Ollama. Counts stand beside the text, in the last line of a stream (github.com/ollama/ollama docs/api.md); a
 * prompt that was served from the cache alone may have none. */
#include "llm/provider.h"

enum { PROMPT = MARK_MEMBER, ANSWER };

static const struct json_want marks[] = {
	{ "model", MARK_MODEL, 0 },
	{ "done", MARK_STOP, 0 },
	{ "error", MARK_ERROR, JSON_EACH },
	{ "message.content", MARK_TEXT, JSON_SIZE },
	{ "message.thinking", MARK_TEXT, JSON_SIZE },
	{ "response", MARK_TEXT, JSON_SIZE },
	{ "thinking", MARK_TEXT, JSON_SIZE },
	{ "prompt_eval_count", PROMPT, 0 },
	{ "eval_count", ANSWER, 0 },
};
static const struct llm_field fields[] = {
	[PROMPT - MARK_MEMBER] = { "prompt_eval_count", LEAF_IN_TEXT, 0, 0 },
	[ANSWER - MARK_MEMBER] = { "eval_count", LEAF_OUT_TEXT, 0, 0 },
};
const struct llm_format llm_ollama_chat = { LLM_TABLE(marks), LLM_TABLE(fields), .overlay = true };
static const struct llm_format embed = {
	LLM_TABLE(marks),
	LLM_TABLE(fields),
	.overlay = true,
	.no_output = true,
};

static const struct llm_host hosts[] = {
	{ "ollama.com", NULL, HOST_LLM },
	{ "localhost:11434", NULL, HOST_LLM },
	{ "127.0.0.1:11434", NULL, HOST_LLM },
	{ "[::1]:11434", NULL, HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/api/chat", "chat", KIND_INFERENCE, &llm_ollama_chat },
	{ "POST", "**/api/generate", "completion", KIND_INFERENCE, &llm_ollama_chat },
	{ "POST", "**/api/embed", "embeddings", KIND_INFERENCE, &embed },
	{ "POST", "**/v1/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/v1/completions", "completion", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/v1/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/v1/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/v1/embeddings", "embeddings", KIND_INFERENCE, &llm_embeddings },
	{ "POST", "**/api/embeddings", "embeddings", KIND_INFERENCE, NULL },
	LLM_FREE("**/api/show", "models"),
	LLM_FREE("**/api/pull", "models"),
	LLM_FREE("**/api/push", "models"),
	LLM_FREE("**/api/create", "models"),
	LLM_FREE("**/api/copy", "models"),
	LLM_FREE("**/api/blobs/{}", "models"),
	LLM_FREE("**/api/me", "account"),
	LLM_FREE("**/api/signout", "account"),
};

const struct llm_provider llm_ollama = { "ollama", LLM_TABLE(hosts), LLM_TABLE(routes),
					 .like = NULL };
