/* voyage.c -- Voyage. There is only a total. Pictures and films are billed by the pixel, for which there is no unit yet.
 * (docs.voyageai.com/reference) */
#include "llm/provider.h"

static const struct json_want marks[] = {
	{ "model", MARK_MODEL, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
};
static const struct llm_field fields[] = {
	{ "text_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "total_tokens", LEAF_IN_TEXT, FIELD_ELSE, 0 },
	{ "image_pixels", 0, FIELD_EXTRA, 0 },
	{ "video_pixels", 0, FIELD_EXTRA, 0 },
};
static const struct llm_format vectors = {
	LLM_TABLE(marks),
	LLM_TABLE(fields),
	.no_output = true,
};

static const struct llm_host hosts[] = { { "api.voyageai.com", NULL, HOST_LLM } };
static const struct llm_route routes[] = {
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &vectors },
	{ "POST", "**/contextualizedembeddings", "embeddings", KIND_INFERENCE, &vectors },
	{ "POST", "**/multimodalembeddings", "embeddings", KIND_INFERENCE, &vectors },
	{ "POST", "**/rerank", "rerank", KIND_INFERENCE, &vectors },
	{ "POST", "**/batches", "batches", KIND_INFERENCE, NULL }, /* results are not read */
	LLM_FREE("**/batches/{}/cancel", "batches"),
	LLM_FREE("**/files", "files"),
};

const struct llm_provider llm_voyage = { "voyage", LLM_TABLE(hosts), LLM_TABLE(routes),
					 .like = NULL };
