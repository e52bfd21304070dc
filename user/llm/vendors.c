/* vendors.c -- providers whose usage this version does not read yet: their calls are seen, named and left
 * unpriced, never guessed. */
#include "llm/provider.h"

/* For hosts that are an LLM API, so that a short path is enough. */
const struct llm_route llm_shapes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/fim/completions", "completion", KIND_INFERENCE, NULL },
	{ "POST", "**/completions", "completion", KIND_INFERENCE, NULL },
	{ "POST", "**/messages", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/responses", "responses", KIND_INFERENCE, NULL },
	{ "POST", "**/responses/compact", "responses", KIND_INFERENCE, NULL },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/audio/{}", "audio", KIND_INFERENCE, NULL },
	{ "POST", "**/images/{}", "image", KIND_INFERENCE, NULL },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, NULL },
	{ "POST", "**/ocr", "ocr", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/converse", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/converse-stream", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/invoke", "invoke", KIND_INFERENCE, NULL },
	{ "POST", "**/model/{model}/invoke-with-response-stream", "invoke", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:generateContent", "generate_content", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  NULL },
	{ "POST", "**/models/{model}:embedContent", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:batchEmbedContents", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:predict", "predict", KIND_INFERENCE, NULL },
	{ "POST", "**/models/count-tokens:rawPredict", "count_tokens", KIND_OTHER, NULL },
	{ "POST", "**/models/{model}:rawPredict", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:streamRawPredict", "messages", KIND_INFERENCE, NULL },
	{ "POST", "**/models/{model}:countTokens", "count_tokens", KIND_OTHER, NULL },
	{ "POST", "**/v1/chat", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/v2/chat", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/v1/embed", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/v2/embed", "embeddings", KIND_INFERENCE, NULL },
	{ "POST", "**/api/chat", "chat", KIND_INFERENCE, NULL },
	{ "POST", "**/api/generate", "completion", KIND_INFERENCE, NULL },
};
const size_t llm_shape_count = COUNT_OF(llm_shapes);

#define VENDOR(id, name, ...)                                        \
	static const struct llm_host id##_hosts[] = { __VA_ARGS__ }; \
	const struct llm_provider llm_##id = { name, LLM_TABLE(id##_hosts), LLM_TABLE(llm_shapes) }

VENDOR(azure, "azure", { "*.openai.azure.com", NULL, false },
       { "*.cognitiveservices.azure.com", NULL, false },
       { "*.services.ai.azure.com", NULL, false });
VENDOR(mistral, "mistral", { "api.mistral.ai", NULL, false }, { "api.eu.mistral.ai", "eu", false },
       { "api.us.mistral.ai", "us", false });
VENDOR(cohere, "cohere", { "api.cohere.com", NULL, false }, { "api.cohere.ai", NULL, false });
VENDOR(deepseek, "deepseek", { "api.deepseek.com", NULL, false });
VENDOR(groq, "groq", { "api.groq.com", NULL, false });
VENDOR(xai, "xai", { "api.x.ai", NULL, false }, { "*.api.x.ai", NULL, false });
VENDOR(openrouter, "openrouter", { "openrouter.ai", NULL, false });
VENDOR(cerebras, "cerebras", { "api.cerebras.ai", NULL, false });
VENDOR(crusoe, "crusoe", { "api.inference.crusoecloud.com", NULL, false });
VENDOR(fireworks, "fireworks", { "api.fireworks.ai", NULL, false });
VENDOR(heroku, "heroku", { "*.inference.heroku.com", NULL, false });
VENDOR(huggingface, "huggingface", { "router.huggingface.co", NULL, false });
VENDOR(perplexity, "perplexity", { "api.perplexity.ai", NULL, false });
VENDOR(pydantic_gateway, "pydantic-gateway", { "gateway.pydantic.dev", NULL, false });
VENDOR(snowflake, "snowflake", { "*.snowflakecomputing.com", NULL, false });
VENDOR(together, "together", { "api.together.xyz", NULL, false },
       { "api.together.ai", NULL, false });
VENDOR(voyage, "voyage", { "api.voyageai.com", NULL, false });
VENDOR(zai, "zai", { "api.z.ai", NULL, false });
