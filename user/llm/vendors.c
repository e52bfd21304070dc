/* vendors.c -- hosts that speak OpenAI's language (and some that also speak others'), each in a dialect: together the dialects
 * are one table, since nobody says in the same words what another does not mean. Whose usage or paths are his own has a file. */
#include "llm/provider.h"

/* ---- chat completions ------------------------------------------------------------------------------------- */

static const struct json_want marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
	{ "x_groq.usage", MARK_USAGE, JSON_RAW },
	/* Groq's compound models: several models and tools, and the usage is their sum */
	{ "choices[].message.executed_tools[]", MARK_EXTRA, JSON_EACH },
	{ "choices[].delta.executed_tools[]", MARK_EXTRA, JSON_EACH },
	{ "usage_breakdown.models[]", MARK_MIXED, JSON_EACH },
	{ "x_groq.usage_breakdown.models[]", MARK_MIXED, JSON_EACH },
	{ "web_search[]", MARK_EXTRA, JSON_EACH }, /* Z.ai: what was found, billed by the search */
};
/* Whatever else a gateway copies into it (LiteLLM: Anthropic's cache_... beside prompt_tokens), `prompt_tokens` is all of the
 * prompt. Grok counts its reasoning besides `completion_tokens`, everybody else within: the total tells. */
static const struct llm_field fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "prompt_cache_hit_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "num_cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "cache_read_input_tokens", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "prompt_tokens_details.cache_write_tokens", LEAF_IN_CACHE_WRITE, FIELD_PART,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.cache_creation_tokens", LEAF_IN_CACHE_WRITE,
	  FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "cache_creation_input_tokens", LEAF_IN_CACHE_WRITE, FIELD_PART | FIELD_SAME,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.video_tokens", LEAF_IN_VIDEO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "completion_tokens_details.reasoning_tokens", LEAF_OUT_REASONING,
	  FIELD_PART | FIELD_APART, LEAF_OUT_TEXT },
	{ "completion_tokens_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
const struct llm_format llm_dialect = { LLM_TABLE(marks), LLM_TABLE(fields), .last = NULL };

/* ---- embeddings, rerank: the prompt is all there is ------------------------------------------------------- */

static const struct llm_field vector_fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_tokens", LEAF_IN_TEXT, FIELD_SAME, 0 },
	{ "total_tokens", LEAF_IN_TEXT, FIELD_ELSE, 0 },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
const struct llm_format llm_vectors = {
	LLM_TABLE(marks),
	LLM_TABLE(vector_fields),
	.no_output = true,
};

/* ---- where ------------------------------------------------------------------------------------------------ */

/* For hosts that are an LLM API, so that a short path is enough. */
static const struct llm_route shapes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/fim/completions", "completion", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/completions", "completion", KIND_INFERENCE, &llm_dialect },
	LLM_FREE("**/messages/count_tokens", "count_tokens"),
	{ "POST", "**/messages", "messages", KIND_INFERENCE, &llm_messages },
	LLM_FREE("**/responses/input_tokens", "count_tokens"),
	LLM_FREE("**/responses/{}/cancel", "responses"),
	{ "POST", "**/responses/compact", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/audio/{}", "audio", KIND_INFERENCE, &llm_audio },
	{ "POST", "**/images/{}", "image", KIND_INFERENCE, &llm_image },
	{ "GET", "**/files/{}/content", "files", KIND_OTHER, &llm_results },
	LLM_FREE("**/files", "files"),
	LLM_FREE("**/files/upload", "files"),
	LLM_FREE("**/batches", "batches"), /* their results are the calls */
	LLM_FREE("**/batches/{}/cancel", "batches"),
	LLM_FREE("**/batches/{}:cancel", "batches"), /* Cohere */
	{ "POST", "**/model/{model}/converse", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/converse-stream", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/invoke", "invoke", KIND_INFERENCE, &llm_invoke },
	{ "POST", "**/model/{model}/invoke-with-response-stream", "invoke", KIND_INFERENCE,
	  &llm_invoke_stream },
	{ "POST", "**/models/{model}:generateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate },
	{ "POST", "**/models/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate_stream },
	{ "POST", "**/models/{model}:embedContent", "embeddings", KIND_INFERENCE, &llm_embed },
	{ "POST", "**/models/{model}:batchEmbedContents", "embeddings", KIND_INFERENCE,
	  &llm_embed },
	LLM_FREE("**/models/count-tokens:rawPredict", "count_tokens"),
	{ "POST", "**/models/{model}:rawPredict", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/models/{model}:streamRawPredict", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/models/{model}:predict", "predict", KIND_INFERENCE, NULL },
	LLM_FREE("**/models/{model}:countTokens", "count_tokens"),
};
const struct llm_provider llm_shapes = { "shapes", NULL, 0, LLM_TABLE(shapes), .like = NULL };

/* One's own server or gateway: no host is known by name, and no price. */
static const struct llm_route compatible[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/completions", "completion", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, &llm_vectors },
};
const struct llm_provider llm_openai_compatible = {
	"openai-compatible", NULL, 0, LLM_TABLE(compatible), .like = &llm_openai,
};

static const struct llm_route fireworks_routes[] = {
	{ "POST", "**/workflows/**", "image", KIND_INFERENCE, NULL },
	{ "POST", "**/image_generation/**", "image", KIND_INFERENCE, NULL },
	LLM_FREE("/v1/accounts/{}/datasets**", "files"),
};
static const struct llm_route snowflake_routes[] = {
	{ "POST", "**/cortex/inference:complete", "chat", KIND_INFERENCE, &llm_dialect },
	{ "POST", "**/cortex/inference:embed", "embeddings", KIND_INFERENCE, &llm_vectors },
	{ "POST", "**/cortex/agent:run", "agent", KIND_INFERENCE, NULL },
	{ "POST", "**/cortex/analyst/message", "agent", KIND_INFERENCE, NULL },
	{ "POST", "**/agents/{}:run", "agent", KIND_INFERENCE, NULL },
};
static const struct llm_route zai_routes[] = {
	{ "POST", "**/videos/{}", "video", KIND_INFERENCE, NULL },
	{ "POST", "**/web_search", "search", KIND_INFERENCE, NULL },
	LLM_FREE("**/tokenizer", "count_tokens"),
};
static const struct llm_cost gateway_cost = { .path = "pydantic_ai_gateway.cost_estimate" };

#define VENDOR(id, name, ...)                                        \
	static const struct llm_host id##_hosts[] = { __VA_ARGS__ }; \
	const struct llm_provider llm_##id = { name, LLM_TABLE(id##_hosts), .like = &llm_shapes }

VENDOR(cerebras, "cerebras", { "api.cerebras.ai", NULL, HOST_LLM });
VENDOR(crusoe, "crusoe", { "api.inference.crusoecloud.com", NULL, HOST_LLM });
VENDOR(deepseek, "deepseek", { "api.deepseek.com", NULL, HOST_LLM });
VENDOR(groq, "groq", { "api.groq.com", NULL, HOST_LLM });
VENDOR(heroku, "heroku", { "*.inference.heroku.com", NULL, HOST_LLM });
VENDOR(together, "together", { "api.together.xyz", NULL, HOST_LLM },
       { "api.together.ai", NULL, HOST_LLM });

/* Those with paths of their own. */
#define VENDOR_ROUTES(id, name, host, use, ...)                                             \
	static const struct llm_host id##_hosts[] = { { host, NULL, use } };                \
	const struct llm_provider llm_##id = { name, LLM_TABLE(id##_hosts),                 \
					       LLM_TABLE(id##_routes), .like = &llm_shapes, \
					       __VA_ARGS__ }

VENDOR_ROUTES(fireworks, "fireworks", "api.fireworks.ai", HOST_LLM, .cost = NULL);
/* All of its databases speak to these. */
VENDOR_ROUTES(snowflake, "snowflake", "*.snowflakecomputing.com", HOST_MIXED, .cost = NULL);
VENDOR_ROUTES(zai, "zai", "api.z.ai", HOST_LLM, .plan = "/api/coding/**");

/* A router. Who serves has prices of his own, and stands in the path, behind the model's name or in the answer's head. */
static const struct llm_host huggingface_hosts[] = { { "router.huggingface.co", NULL, HOST_LLM } };
const struct llm_provider llm_huggingface = {
	"huggingface",          LLM_TABLE(huggingface_hosts), .like = &llm_shapes,
	.place = "/{model}/**", .placeless = "/v1/**",
};

static const struct llm_host gateway_hosts[] = { { "gateway.pydantic.dev", NULL, HOST_LLM } };
const struct llm_provider llm_pydantic_gateway = {
	"pydantic-gateway",
	LLM_TABLE(gateway_hosts),
	.like = &llm_shapes,
	.cost = &gateway_cost,
};
