/* azure.c -- Azure OpenAI and Foundry. The path, or `model`, names a deployment, which anybody may call anything: prices go by the
 * model that answers. What it costs also depends on how it was deployed, which no byte of the traffic tells: the price book
 * does. (learn.microsoft.com/azure/ai-foundry, REST reference) */
#include "llm/provider.h"

static const struct llm_host hosts[] = {
	{ "*.openai.azure.com", NULL, false },
	{ "*.cognitiveservices.azure.com", NULL, false },
	{ "*.services.ai.azure.com", NULL, false },
	{ "*.models.ai.azure.com", NULL, false },
	{ "*.azure-api.net", NULL, false },
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
	{ "POST", "**/messages/count_tokens", "count_tokens", KIND_OTHER, NULL },
	{ "GET", "**/messages/batches/{}/results", "batches", KIND_OTHER, &llm_message_results },
	{ NULL, "**/messages/batches**", "batches", KIND_OTHER, NULL },
	{ "POST", "**/anthropic/v1/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/ocr", "ocr", KIND_INFERENCE, &llm_ocr },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, &llm_billed_units },
};

const struct llm_provider llm_azure = { "azure", LLM_TABLE(hosts), LLM_TABLE(routes),
					.like = &llm_openai };
