/* azure.c -- Azure OpenAI and Foundry. The path, or `model`, names a deployment, which anybody may call anything: prices go by the
 * model that answers. What it costs also depends on how it was deployed, which no byte of the traffic tells: the price book
 * does. (learn.microsoft.com/azure/ai-foundry, REST reference) */
#include "llm/provider.h"

static const struct llm_host hosts[] = {
	{ "*.openai.azure.com", NULL, HOST_LLM },
	{ "*.cognitiveservices.azure.com", NULL, HOST_LLM },
	{ "*.services.ai.azure.com", NULL, HOST_LLM },
	{ "*.models.ai.azure.com", NULL, HOST_LLM },
	{ "*.azure-api.net", NULL, HOST_MIXED }, /* a gateway before anything */
};
static const struct llm_route routes[] = {
	{ "POST", "**/deployments/{model}/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/deployments/{model}/extensions/chat/completions", "chat", KIND_INFERENCE,
	  &llm_dialect },
	{ "POST", "**/deployments/{model}/completions", "completion", KIND_INFERENCE,
	  &llm_dialect },
	{ "POST", "**/deployments/{model}/embeddings", "embeddings", KIND_INFERENCE,
	  &llm_embeddings },
	{ "POST", "**/deployments/{model}/audio/speech", "audio", KIND_INFERENCE, &llm_speech },
	{ "POST", "**/deployments/{model}/audio/{}", "audio", KIND_INFERENCE, &llm_audio },
	{ "POST", "**/deployments/{model}/images/{}", "image", KIND_INFERENCE, &llm_image },
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	LLM_FREE("**/messages/count_tokens", "count_tokens"),
	{ "GET", "**/messages/batches/{}/results", "batches", KIND_OTHER, &llm_message_results },
	LLM_FREE("**/messages/batches", "batches"),
	LLM_FREE("**/messages/batches/{}/cancel", "batches"),
	{ "POST", "**/anthropic/v1/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/ocr", "ocr", KIND_INFERENCE, &llm_ocr },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, &llm_billed_units },
	LLM_FREE("**/files/import", "files"),
	LLM_FREE("**/agents", "agents"),
	LLM_FREE("**/agents/{}/versions", "agents"),
	LLM_FREE("**/connections/{}/getConnectionWithCredentials", "account"),
	LLM_FREE("/sts/v1.0/issueToken", "account"),
};

const struct llm_provider llm_azure = { "azure", LLM_TABLE(hosts), LLM_TABLE(routes),
					.like = &llm_openai };
