/* google.c -- what else is asked of the hosts of Gemini and Vertex. (ai.google.dev/api,
 * cloud.google.com/vertex-ai/docs/reference) */
#include "llm/provider.h"

static const struct llm_route routes[] = {
	LLM_FREE("**:countTokens", "count_tokens"),
	LLM_FREE("**:computeTokens", "count_tokens"),
	/* Vertex bills what is written to a cache as any input; Gemini only the hours for which it is held */
	{ "POST", "**/locations/{}/cachedContents", "cache", KIND_INFERENCE, NULL },
	LLM_FREE("**/cachedContents", "cache"),
	LLM_FREE("/upload/{}/files", "files"),
	LLM_FREE("**/files:register", "files"),
	LLM_FREE("**/openai/files", "files"),
	LLM_FREE("**/fileSearchStores", "files"),
	/* what is put into such a store becomes vectors, which are billed by the token; where it is uploaded in parts, which
	 * of them ends it does not stand in the path */
	{ "POST", "**/fileSearchStores/{}:importFile", "embeddings", KIND_INFERENCE, NULL },
	LLM_FREE("/upload/{}/fileSearchStores/**", "files"),
	LLM_FREE("**/auth_tokens", "account"),
	/* calls that are not read */
	{ NULL, "**/tunedModels/{model}:generateContent", "generate_content", KIND_INFERENCE,
	  NULL },
	{ NULL, "**/tunedModels/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  NULL },
	{ "POST", "**/interactions", "interaction", KIND_INFERENCE, NULL },
	{ "GET", "**BidiGenerateContent", "live", KIND_INFERENCE, NULL }, /* a socket */
	/* the results of some stand in the answer of another path, which is not read */
	{ "POST", "**/models/{model}:batchGenerateContent", "batches", KIND_INFERENCE, NULL },
	LLM_FREE("**/batches/{}:cancel", "batches"),
	LLM_FREE("**/batchPredictionJobs/{}:cancel", "batches"),
	LLM_FREE("**/operations/{}:{}", "operations"),
	LLM_FREE("**/models/{}:fetchPredictOperation", "operations"), /* is the film done? */
	LLM_FREE("**/interactions/{}/cancel", "interaction"),
	/* Vertex is more than models that others made: training, features, experiments */
	LLM_FREE("**/locations/{}/customJobs**", "vertex"),
	LLM_FREE("**/locations/{}/trainingPipelines**", "vertex"),
	LLM_FREE("**/locations/{}/pipelineJobs**", "vertex"),
	LLM_FREE("**/locations/{}/metadataStores**", "vertex"),
	LLM_FREE("**/locations/{}/tensorboards**", "vertex"),
	LLM_FREE("**/locations/{}/datasets**", "vertex"),
	LLM_FREE("**/locations/{}/featurestores**", "vertex"),
	LLM_FREE("**/locations/{}/featureOnlineStores**", "vertex"),
	LLM_FREE("**/locations/{}/indexes**", "vertex"),
	LLM_FREE("**/locations/{}/indexEndpoints**", "vertex"),
	LLM_FREE("**/locations/{}/studies**", "vertex"),
	LLM_FREE("**/reasoningEngines/{}/sessions**", "vertex"),
	/* gRPC says everything by POST */
	LLM_FREE("/google.**/Get{}", "vertex"),
	LLM_FREE("/google.**/List{}", "vertex"),
	LLM_FREE("/google.**/CountTokens", "count_tokens"),
	LLM_FREE("/google.**/ComputeTokens", "count_tokens"),
	LLM_FREE("/google.cloud.aiplatform.**.Feature{}/{}", "vertex"),
	LLM_FREE("/google.cloud.aiplatform.**.MatchService/{}", "vertex"),
	LLM_FREE("/google.cloud.aiplatform.**.VizierService/{}", "vertex"),
	LLM_FREE("/google.cloud.aiplatform.**.MetadataService/{}", "vertex"),
	LLM_FREE("/google.cloud.aiplatform.**.PipelineService/{}", "vertex"),
	LLM_FREE("/google.cloud.aiplatform.**.TensorboardService/{}", "vertex"),
};

const struct llm_provider llm_google = { "google", NULL, 0, LLM_TABLE(routes), .like = NULL };
