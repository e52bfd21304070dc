/* openai.c -- OpenAI. Cached, written and modal tokens are parts of the totals; a stream reports its
 * usage once, at the end, chat only if the client asked. Hosted tools are items of the answer, not usage. */
#include "llm/provider.h"

/* ---- chat completions, completions ---------------------------------------------------------------- */

static const struct json_want chat_marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
};
/* accepted and rejected predictions are output like any other: they stay in out_text */
static const struct llm_field chat_fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "prompt_tokens_details.cache_write_tokens", LEAF_IN_CACHE_WRITE, FIELD_PART,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "prompt_tokens_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "completion_tokens_details.reasoning_tokens", LEAF_OUT_REASONING, FIELD_PART,
	  LEAF_OUT_TEXT },
	{ "completion_tokens_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
const struct llm_format llm_chat = {
	LLM_TABLE(chat_marks),
	LLM_TABLE(chat_fields),
	.no_output = false,
};
/* A vector costs nothing beyond what was read. */
static const struct llm_field embeddings_fields[] = { { "prompt_tokens", LEAF_IN_TEXT, 0, 0 } };
const struct llm_format llm_embeddings = {
	LLM_TABLE(chat_marks),
	LLM_TABLE(embeddings_fields),
	.no_output = true,
};

/* These search the web for every answer; the fee goes by the search and by how much it may bring, and neither the number of
 * searches nor the fee is told. (developers.openai.com, Web search: models of Chat Completions) */
static int own_count(const struct llm_format *f, struct str raw, struct str model,
		     struct llm_count *ret)
{
	static const char *const searching[] = { "gpt-4o-search-preview",
						 "gpt-4o-mini-search-preview", "gpt-5-search-api" };
	int r = llm_count_fields(f, raw, ret);

	for (size_t i = 0; r == 0 && i < COUNT_OF(searching); i++)
		if (str_starts(model, str_of(searching[i])))
			ret->flags |= 1u << FLAG_SEARCH_FEE;
	return r;
}

static const struct llm_format own_chat = {
	LLM_TABLE(chat_marks),
	LLM_TABLE(chat_fields),
	.count = own_count,
};

/* ---- responses: the body, or `response` in the events of a stream ---------------------------------- */

static const struct json_want responses_marks[] = {
#define RESPONSES_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef RESPONSES_MARK
};
static const struct llm_field responses_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "input_tokens_details.cache_write_tokens", LEAF_IN_CACHE_WRITE, FIELD_PART,
	  LEAF_IN_TEXT },
	{ "input_tokens_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "input_tokens_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART | FIELD_SHARED,
	  LEAF_IN_TEXT },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "output_tokens_details.reasoning_tokens", LEAF_OUT_REASONING, FIELD_PART, LEAF_OUT_TEXT },
	{ "output_tokens_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
/* A call of web search that only opens a page or looks in one is not a search. */
const struct llm_tool llm_openai_tools[LLM_OPENAI_TOOLS] = {
	{ "web_search_call", LEAF_N_WEB_SEARCH, "search", false },
	{ "file_search_call", LEAF_N_FILE_SEARCH, NULL, false },
	{ "code_interpreter_call", LEAF_N_CODE_SESSION, NULL, true },
	/* an image model's tokens, which are not in this usage: without a price of their own, no price */
	{ "image_generation_call", LEAF_N_IMAGE, NULL, false },
};
static const char *const responses_last[] = { "response.completed", "response.incomplete",
					      "response.failed", NULL };
const struct llm_format llm_responses = {
	LLM_TABLE(responses_marks), LLM_TABLE(responses_fields),    .last = responses_last,
	.tools = llm_openai_tools,  .tool_count = LLM_OPENAI_TOOLS,
};

/* A stored answer, fetched by its id: told here first where it was made in the background. */
const struct llm_format llm_fetched = {
	LLM_TABLE(responses_marks), LLM_TABLE(responses_fields),    .last = responses_last,
	.tools = llm_openai_tools,  .tool_count = LLM_OPENAI_TOOLS, .later = LATER_FETCHED,
};

/* ---- results of a batch: a file, each line the answer to one of its requests ------------------------- */

/* An answer without an id of its own (embeddings) is known by that of its request. */
static const struct json_want result_marks[] = {
	{ "custom_id", MARK_LISTED, 0 },
	{ "id", MARK_ID, 0 },
	{ "response.status_code", MARK_STATUS, 0 },
	{ "response.body", MARK_RESULT, JSON_EACH },
#define CHAT_MARK(path, mark, flags)      { "response.body." path, MARK_##mark, flags },
#define RESPONSES_MARK(path, mark, flags) { "response.body." path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
#undef RESPONSES_MARK
};

static int result_count(const struct llm_format *f, struct str raw, struct str model,
			struct llm_count *ret)
{
	int r = llm_count_fields(&llm_chat, raw, ret);

	(void)f;
	(void)model;
	return r < 0 || !ret->none ? r : llm_count_fields(&llm_responses, raw, ret);
}

const struct llm_format llm_results = {
	LLM_TABLE(result_marks),   LLM_TABLE(responses_fields),    .count = result_count,
	.tools = llm_openai_tools, .tool_count = LLM_OPENAI_TOOLS, .tier = "batch",
	.later = LATER_RESULT,
};

/* ---- images, audio ----------------------------------------------------------------------------------- */

static const struct json_want media_marks[] = {
	{ "type", MARK_KIND, 0 },          { "model", MARK_MODEL, 0 },
	{ "usage", MARK_USAGE, JSON_RAW }, { "error", MARK_ERROR, JSON_EACH },
	{ "text", MARK_TEXT, JSON_SIZE },  { "delta", MARK_TEXT, JSON_SIZE },
};
/* Pictures of models that report no tokens are billed a piece. */
static const struct json_want image_marks[] = {
	{ "type", MARK_KIND, 0 },
	{ "model", MARK_MODEL, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "error", MARK_ERROR, JSON_EACH },
	{ "data[]", MARK_IMAGE, JSON_EACH },
};
static const char *const media_last[] = { "image_generation.completed", "image_edit.completed",
					  "transcript.text.done", "speech.audio.done", NULL };
static const struct llm_field image_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_tokens_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART, LEAF_IN_TEXT },
	{ "input_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "output_tokens", LEAF_OUT_IMAGE, 0, 0 },
	{ "output_tokens_details.text_tokens", LEAF_OUT_TEXT, FIELD_PART, LEAF_OUT_IMAGE },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
static const struct llm_field audio_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_token_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART, LEAF_IN_TEXT },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
	{ "seconds", LEAF_N_AUDIO_MS, FIELD_SECONDS, 0 },
};
static const struct llm_field speech_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "output_tokens", LEAF_OUT_AUDIO, 0, 0 },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
/* Speech is bytes of sound, or events that report tokens at their end. */
const struct llm_format llm_speech = {
	LLM_TABLE(media_marks),
	LLM_TABLE(speech_fields),
	.last = media_last,
	.characters = true,
};
const struct llm_format llm_image = {
	LLM_TABLE(image_marks), LLM_TABLE(image_fields), .last = media_last,
	.upload = true,         .pictures = true,        .sized = true,
};
const struct llm_format llm_audio = {
	LLM_TABLE(media_marks),
	LLM_TABLE(audio_fields),
	.last = media_last,
	.upload = true,
};

/* ---- sockets ----------------------------------------------------------------------------------------- */

static const struct llm_socket responses_socket = {
	.format = &llm_responses,
	.begin = "response.create",
	.cancel = "response.cancel",
	.created = "response.created",
};

static const struct llm_format responses_messages = { .socket = &responses_socket };

/* Each response has its own usage, nothing is cumulative; cached audio is far cheaper than fresh, and told apart only by
 * cached_tokens_details. What the user says is heard by another model, which is billed on its own. */
static const struct json_want realtime_marks[] = {
	{ "type", MARK_KIND, 0 },
	{ "session.model", MARK_MODEL, 0 },
	{ "session.input_audio_transcription.model", MARK_OTHER_MODEL, 0 },
	{ "session.audio.input.transcription.model", MARK_OTHER_MODEL, 0 },
	{ "response_id", MARK_ID, 0 },
	{ "item_id", MARK_LANE, 0 },
	{ "response.id", MARK_ID, 0 },
	{ "response.model", MARK_MODEL, 0 },
	{ "response.status_details.error", MARK_ERROR, JSON_EACH },
	{ "response.usage", MARK_USAGE, JSON_RAW },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "delta", MARK_TEXT, JSON_SIZE },
};
static const struct llm_field realtime_fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "input_token_details.audio_tokens", LEAF_IN_AUDIO, FIELD_PART, LEAF_IN_TEXT },
	{ "input_token_details.image_tokens", LEAF_IN_IMAGE, FIELD_PART, LEAF_IN_TEXT },
	{ "input_token_details.cached_tokens_details.text_tokens", LEAF_IN_CACHE_READ, FIELD_PART,
	  LEAF_IN_TEXT },
	{ "input_token_details.cached_tokens_details.audio_tokens", LEAF_IN_AUDIO_CACHED,
	  FIELD_PART, LEAF_IN_AUDIO },
	{ "input_token_details.cached_tokens_details.image_tokens", LEAF_IN_IMAGE_CACHED,
	  FIELD_PART, LEAF_IN_IMAGE },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "output_token_details.audio_tokens", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "output_token_details.reasoning_tokens", LEAF_OUT_REASONING, FIELD_PART, LEAF_OUT_TEXT },
	{ "total_tokens", 0, FIELD_TOTAL, 0 },
};
static const struct json_want realtime_cached[] = {
	{ "input_token_details.cached_tokens", 0, 0 },
};

static int cached_number(void *ctx, int id, enum json_type type, struct str text)
{
	uint64_t *n = ctx;

	(void)id;
	if (type == JSON_NUMBER && json_count(text, n) < 0)
		*n = UINT64_MAX;
	return 0;
}

/* The parts of the cache must come to the whole; only text has no parts. */
static int realtime_count(const struct llm_format *f, struct str raw, struct str model,
			  struct llm_count *ret)
{
	uint64_t cached = 0, parts;
	int r = llm_count_fields(f, raw, ret);

	(void)model;
	if (r < 0 || ret->why)
		return r;
	r = json_scan(raw, realtime_cached, COUNT_OF(realtime_cached), cached_number, &cached);
	if (r < 0)
		return r;
	parts = ret->used.n[LEAF_IN_CACHE_READ] + ret->used.n[LEAF_IN_AUDIO_CACHED] +
		ret->used.n[LEAF_IN_IMAGE_CACHED];
	if (!parts && cached && cached <= ret->used.n[LEAF_IN_TEXT] &&
	    !ret->used.n[LEAF_IN_AUDIO] && !ret->used.n[LEAF_IN_IMAGE]) {
		ret->used.n[LEAF_IN_TEXT] -= cached;
		leaf_set(&ret->used, LEAF_IN_CACHE_READ, cached);
	} else if (parts != cached) {
		ret->why = WHY_BAD_USAGE;
		ret->used = (struct leaves){ 0 };
	}
	return 0;
}

static const char *const realtime_last[] = { "response.done", NULL };
static const struct llm_format realtime = {
	LLM_TABLE(realtime_marks),
	LLM_TABLE(realtime_fields),
	.last = realtime_last,
	.count = realtime_count,
};
static const struct llm_socket realtime_socket = {
	.format = &realtime,
	.created = "response.created",
	.extra = "conversation.item.input_audio_transcription.completed",
	.extra_format = &llm_audio,
};

static const struct llm_format realtime_messages = { .socket = &realtime_socket };

/* ---- where ------------------------------------------------------------------------------------------- */

static const struct llm_host hosts[] = {
	{ "api.openai.com", NULL, HOST_LLM },    { "us.api.openai.com", "us", HOST_LLM },
	{ "eu.api.openai.com", "eu", HOST_LLM }, { "ae.api.openai.com", "ae", HOST_LLM },
	{ "au.api.openai.com", "au", HOST_LLM }, { "in.api.openai.com", "in", HOST_LLM },
	{ "jp.api.openai.com", "jp", HOST_LLM }, { "chatgpt.com", NULL, HOST_PLAN },
};
static const struct llm_route routes[] = {
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &own_chat },
	{ "POST", "**/completions", "completion", KIND_INFERENCE, &llm_chat },
	LLM_FREE("**/chat/completions/chatcmpl{}", "chat"), /* a stored one, given another label */
	LLM_FREE("**/responses/input_tokens", "count_tokens"),
	{ "POST", "**/responses/compact", "responses", KIND_INFERENCE, &llm_responses },
	LLM_FREE("**/responses/{}/cancel", "responses"),
	{ "POST", "**/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "GET", "**/responses/{}", "responses", KIND_OTHER, &llm_fetched },
	{ "GET", "**/responses/{}**", "responses", KIND_OTHER, NULL },
	{ "DELETE", "**/responses/{}", "responses", KIND_OTHER, NULL },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &llm_embeddings },
	{ "POST", "**/audio/speech", "audio", KIND_INFERENCE, &llm_speech },
	{ "POST", "**/audio/{}", "audio", KIND_INFERENCE, &llm_audio },
	{ "POST", "**/images/{}", "image", KIND_INFERENCE, &llm_image },
	{ "POST", "**/videos", "video", KIND_INFERENCE, NULL },
	{ "GET", "**/responses", "responses", KIND_INFERENCE, &responses_messages },
	{ "GET", "**/realtime", "realtime", KIND_INFERENCE, &realtime_messages },
	{ "POST", "**/realtime/calls", "realtime", KIND_INFERENCE, NULL },
	{ "GET", "**/models**", "models", KIND_OTHER, NULL },
	{ "GET", "**/files/{}/content", "files", KIND_OTHER, &llm_results },
	LLM_FREE("**/files", "files"),
	LLM_FREE("**/uploads", "files"),
	LLM_FREE("**/uploads/{}/{}", "files"),
	LLM_FREE("**/vector_stores", "vector_stores"),
	{ "POST", "**/vector_stores/{}/search", "search", KIND_INFERENCE, NULL },
	LLM_FREE("**/vector_stores/vs_{}", "vector_stores"),
	LLM_FREE("**/vector_stores/vs_{}/file**", "vector_stores"),
	LLM_FREE("**/batches", "batches"), /* their results are the calls */
	LLM_FREE("**/batches/{}/cancel", "batches"),
	LLM_FREE("**/moderations", "moderations"),
	/* training is billed; to end it is not */
	{ "POST", "**/fine_tuning/jobs", "fine_tuning", KIND_INFERENCE, NULL },
	LLM_FREE("**/fine_tuning/jobs/{}/cancel", "fine_tuning"),
	LLM_FREE("**/fine_tuning/jobs/{}/pause", "fine_tuning"),
	LLM_FREE("**/evals", "evals"), /* its runs are not */
	LLM_FREE("**/evals/eval_{}", "evals"),
	/* assistants: only their runs are calls */
	LLM_FREE("**/assistants", "assistants"),
	LLM_FREE("**/assistants/asst_{}", "assistants"),
	LLM_FREE("**/threads", "threads"),
	LLM_FREE("**/threads/thread_{}", "threads"),
	LLM_FREE("**/threads/{}/messages", "threads"),
	LLM_FREE("**/threads/{}/messages/msg_{}", "threads"),
	LLM_FREE("**/threads/{}/runs/run_{}", "threads"),
	LLM_FREE("**/threads/{}/runs/{}/cancel", "threads"),
	{ "POST", "**/threads/{}/runs", "runs", KIND_INFERENCE, NULL },
	{ "POST", "**/threads/runs", "runs", KIND_INFERENCE, NULL },
	LLM_FREE("**/conversations", "conversations"),
	LLM_FREE("**/conversations/conv_{}", "conversations"),
	LLM_FREE("**/conversations/{}/items", "conversations"),
	LLM_FREE("**/realtime/client_secrets", "realtime"),
	LLM_FREE("**/realtime/sessions", "realtime"),
	LLM_FREE("**/realtime/transcription_sessions", "realtime"),
	LLM_FREE("**/realtime/calls/{}/hangup", "realtime"),
	LLM_FREE("**/realtime/calls/{}/refer", "realtime"),
	LLM_FREE("**/realtime/calls/{}/reject", "realtime"),
	LLM_FREE("**/skills", "skills"),
	LLM_FREE("**/skills/{}/versions", "skills"),
	/* accounts; what agents tell of themselves (the Agents SDK sends its traces here) */
	LLM_FREE("/v1/organization/**", "organization"),
	LLM_FREE("/v1/projects/**", "organization"),
	LLM_FREE("/v1/traces/ingest", "telemetry"),
	LLM_FREE("/v1/analytics/**", "telemetry"),
};

const struct llm_provider llm_openai = { "openai", LLM_TABLE(hosts), LLM_TABLE(routes),
					 .like = NULL };
