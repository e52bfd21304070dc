/* gemini.c -- Google's Gemini API and Vertex. usageMetadata stands in every chunk of a stream and is cumulative. The prompt
 * holds what was cached, but not what tools read; the candidates do not hold the thoughts. Modalities are told in lists that
 * may be short: what they do not name is text (ai.google.dev/api/generate-content#UsageMetadata). */
#include "llm/provider.h"

static const struct json_want marks[] = {
	{ "usageMetadata", MARK_USAGE, JSON_RAW },
	{ "modelVersion", MARK_MODEL, 0 },
	{ "responseId", MARK_ID, 0 },
	{ "error", MARK_ERROR, JSON_EACH },
	{ "candidates[].finishReason", MARK_STOP, 0 },
	{ "candidates[].index", MARK_CHOICE, 0 },
	{ "promptFeedback.blockReason", MARK_STOP, 0 },
	{ "candidates[].content.parts[].text", MARK_TEXT, JSON_SIZE },
	{ "candidates[].content.parts[].functionCall", MARK_TEXT, JSON_SIZE },
	{ "candidates[].groundingMetadata.webSearchQueries[]", MARK_SEARCH, 0 },
	{ "candidates[].groundingMetadata.imageSearchQueries[]", MARK_PICTURE_SEARCH, 0 },
	{ "candidates[].groundingMetadata.groundingChunks[].maps", MARK_MAPS, JSON_EACH },
};

/* ---- counting ---------------------------------------------------------------------------------------- */

enum modality { TEXT, IMAGE, VIDEO, AUDIO, DOCUMENT, MODALITIES };

static const struct { /* numbers: google.cloud.aiplatform.v1.Modality */
	const char *name, *number;
} modalities[MODALITIES] = {
	[TEXT] = { "TEXT", "1" },   [IMAGE] = { "IMAGE", "2" },       [VIDEO] = { "VIDEO", "3" },
	[AUDIO] = { "AUDIO", "4" }, [DOCUMENT] = { "DOCUMENT", "5" },
};

static const struct {
	const char *traffic, *tier;
} tiers[] = {
	{ "ON_DEMAND", "standard" },
	{ "1", "standard" },
	{ "TRAFFIC_TYPE_UNSPECIFIED", "" },
	{ "0", "" },
	{ "ON_DEMAND_PRIORITY", "priority" },
	{ "ON_DEMAND_FLEX", "flex" },
	{ "FLEX", "flex" },
	{ "BATCH", "batch" },
	{ "PROVISIONED_THROUGHPUT", "provisioned" },
	{ "2", "provisioned" },
};

enum { PROMPT, CACHED, ANSWER, THOUGHTS, TOOLS, TOTAL, NUMBERS, TRAFFIC, TIER, LISTS };
enum { OF_PROMPT, OF_CACHED, OF_ANSWER, LIST_COUNT };
enum { ITEM, ITEM_KIND, ITEM_TOKENS, ITEM_PARTS }; /* LISTS + 4 * list + */
#define LIST(path, list)                                                            \
	{ path "[]", LISTS + ITEM_PARTS * (list) + ITEM, JSON_EACH },               \
		{ path "[].modality", LISTS + ITEM_PARTS * (list) + ITEM_KIND, 0 }, \
	{                                                                           \
		path "[].tokenCount", LISTS + ITEM_PARTS *(list) + ITEM_TOKENS, 0   \
	}

static const struct json_want want[] = {
	{ "promptTokenCount", PROMPT, 0 },
	{ "cachedContentTokenCount", CACHED, 0 },
	{ "candidatesTokenCount", ANSWER, 0 },
	{ "thoughtsTokenCount", THOUGHTS, 0 },
	{ "toolUsePromptTokenCount", TOOLS, 0 },
	{ "totalTokenCount", TOTAL, 0 },
	{ "trafficType", TRAFFIC, 0 },
	{ "serviceTier", TIER, 0 },
	LIST("promptTokensDetails", OF_PROMPT),
	LIST("promptTokenDetails", OF_PROMPT), /* as embeddings spell it */
	LIST("cacheTokensDetails", OF_CACHED),
	LIST("candidatesTokensDetails", OF_ANSWER),
};

struct reader {
	struct llm_count *out;
	uint64_t n[NUMBERS];
	bool given[NUMBERS];
	uint64_t of[LIST_COUNT][MODALITIES];
	enum modality kind; /* of the item under way */
	uint64_t tokens;
	bool unknown, bad;
};

static void read_tier(struct reader *r, int id, struct str text)
{
	char *to = r->out->tier;

	if (id == TRAFFIC) {
		for (size_t i = 0; i < COUNT_OF(tiers); i++)
			if (str_eq(str_of(tiers[i].traffic), text))
				text = str_of(tiers[i].tier);
	} else if (to[0]) {
		return; /* the traffic's says more */
	}
	if (text.n >= sizeof(r->out->tier)) {
		r->bad = true;
		return;
	}
	if (!text.p || !text.n) /* unspecified */
		return;
	memcpy(to, text.p, text.n);
	to[text.n] = 0;
}

static void read_item(struct reader *r, int list, int part, enum json_type type, struct str text)
{
	uint64_t *sum = &r->of[list][r->kind];

	if (part == ITEM_KIND) {
		r->unknown = true;
		for (int i = 0; i < MODALITIES; i++) {
			if (!str_eq(text, str_of(modalities[i].name)) &&
			    !str_eq(text, str_of(modalities[i].number)))
				continue;
			r->kind = (enum modality)i;
			r->unknown = false;
		}
	} else if (part == ITEM_TOKENS) {
		r->bad |= type != JSON_NUMBER || json_count(text, &r->tokens) < 0;
	} else {
		r->bad |= (r->unknown && r->tokens) || __builtin_add_overflow(*sum, r->tokens, sum);
		r->kind = TEXT;
		r->tokens = 0;
		r->unknown = false;
	}
}

static int read_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct reader *r = ctx;

	if (type == JSON_NULL)
		return 0;
	if (id >= LISTS) {
		read_item(r, (id - LISTS) / ITEM_PARTS, (id - LISTS) % ITEM_PARTS, type, text);
	} else if (id > NUMBERS) {
		read_tier(r, id, text);
	} else {
		r->bad |= type != JSON_NUMBER || json_count(text, &r->n[id]) < 0;
		r->given[id] = true;
	}
	return 0;
}

/* What a list does not name is text; no list may name more than there is. */
static bool rest_is_text(uint64_t of[MODALITIES], uint64_t whole)
{
	uint64_t named = 0;

	for (int i = 0; i < MODALITIES; i++)
		if (__builtin_add_overflow(named, of[i], &named))
			return false;
	if (named > whole)
		return false;
	of[TEXT] += whole - named;
	return true;
}

/* What was cached, of which kind. Where no list tells it, it is known when all was, or when the prompt is of one kind; and it
 * is taken for text, which film and pictures cost as much as, unless sound is there, or more was cached than there is text. */
static enum why split_cached(struct reader *r)
{
	uint64_t *p = r->of[OF_PROMPT], *c = r->of[OF_CACHED];
	uint64_t all = r->n[PROMPT], cached = r->n[CACHED];
	bool one_kind = false;

	if (cached > all)
		return WHY_BAD_USAGE;
	for (int i = 0; i < MODALITIES; i++) {
		if (c[i])
			return rest_is_text(c, cached) ? WHY_NONE : WHY_BAD_USAGE;
		one_kind = one_kind || p[i] == all;
	}
	for (int i = 0; i < MODALITIES; i++)
		c[i] = MIN(p[i], cached);
	if (one_kind || cached == all)
		return WHY_NONE;
	memset(c, 0, sizeof(r->of[OF_CACHED]));
	c[TEXT] = cached;
	return cached && (p[AUDIO] || cached > p[TEXT]) ? WHY_UNKNOWN_FORMAT : WHY_NONE;
}

static void put(struct leaves *l, enum leaf leaf, uint64_t n, bool always)
{
	if (n || always)
		leaf_set(l, leaf, n);
}

static enum why read_input(struct reader *r, struct leaves *l)
{
	uint64_t *p = r->of[OF_PROMPT], *c = r->of[OF_CACHED];
	enum why why = rest_is_text(p, r->n[PROMPT]) ? split_cached(r) : WHY_BAD_USAGE;

	for (int i = 0; i < MODALITIES && !why; i++) {
		if (c[i] > p[i])
			why = WHY_BAD_USAGE;
		p[i] -= c[i];
	}
	put(l, LEAF_IN_TEXT, p[TEXT], r->given[PROMPT]);
	put(l, LEAF_IN_CACHE_READ, c[TEXT] + c[VIDEO], r->given[CACHED]);
	put(l, LEAF_IN_AUDIO, p[AUDIO], false);
	put(l, LEAF_IN_AUDIO_CACHED, c[AUDIO], false);
	put(l, LEAF_IN_IMAGE, p[IMAGE] + p[DOCUMENT], false);
	put(l, LEAF_IN_IMAGE_CACHED, c[IMAGE] + c[DOCUMENT], false);
	put(l, LEAF_IN_VIDEO, p[VIDEO], false);
	put(l, LEAF_IN_TOOL, r->n[TOOLS], r->given[TOOLS]);
	return why;
}

static bool read_output(struct reader *r, struct leaves *l)
{
	uint64_t *a = r->of[OF_ANSWER];

	if (!rest_is_text(a, r->n[ANSWER]))
		return false;
	put(l, LEAF_OUT_TEXT, a[TEXT] + a[DOCUMENT], r->given[ANSWER]);
	put(l, LEAF_OUT_IMAGE, a[IMAGE], false);
	put(l, LEAF_OUT_AUDIO, a[AUDIO], false);
	put(l, LEAF_OUT_VIDEO, a[VIDEO], false);
	put(l, LEAF_OUT_REASONING, r->n[THOUGHTS], r->given[THOUGHTS]);
	return true;
}

static bool adds_up(const struct reader *r)
{
	uint64_t sum = r->n[PROMPT];

	for (int i = ANSWER; i <= TOOLS; i++)
		if (__builtin_add_overflow(sum, r->n[i], &sum))
			return false;
	return !r->given[TOTAL] || sum == r->n[TOTAL];
}

/* Up to Gemini 2 a prompt that searched is billed once, later each search is. */
static bool bills_prompts(struct str model)
{
	return str_starts(model, S("gemini-1")) || str_starts(model, S("gemini-2"));
}

static int count(const struct llm_format *f, struct str raw, struct str model,
		 struct llm_count *ret)
{
	struct reader r = { .out = ret };
	bool none = true;
	int e;

	(void)f;
	*ret = (struct llm_count){ .search_once = bills_prompts(model) };
	e = json_scan(raw, want, COUNT_OF(want), read_value, &r);
	if (e == -ENOMEM)
		return e;
	for (int i = 0; i < NUMBERS; i++)
		none = none && !r.given[i];
	if (e < 0 || r.bad)
		ret->why = WHY_BAD_USAGE;
	else if (none)
		ret->why = WHY_NO_USAGE;
	else if (!adds_up(&r) || !read_output(&r, &ret->used))
		ret->why = WHY_BAD_USAGE;
	else
		ret->why = read_input(&r, &ret->used);
	if (ret->why)
		ret->used = (struct leaves){ 0 };
	return 0;
}

/* ---- predict: embeddings and pictures ------------------------------------------------------------------ */

static const struct json_want predict_marks[] = {
	{ "metadata", MARK_MEMBER, JSON_RAW },
	{ "predictions[].embeddings.statistics", MARK_LIST, JSON_RAW },
	{ "predictions[].bytesBase64Encoded", MARK_IMAGE, JSON_SIZE },
	{ "error", MARK_ERROR, JSON_EACH },
};
static const struct llm_field predict_fields[] = { { "metadata", 0, 0, 0 } };

enum { PREDICT_EACH, PREDICT_CHARS, PREDICT_IN, PREDICT_OUT, PREDICT_NUMBERS };

static const struct json_want predict_want[] = {
	{ "*.statistics[].token_count", PREDICT_EACH, 0 },
	{ "metadata.billableCharacterCount", PREDICT_CHARS, 0 },
	{ "metadata.tokenMetadata.inputTokenCount.totalTokens", PREDICT_IN, 0 },
	{ "metadata.tokenMetadata.outputTokenCount.totalTokens", PREDICT_OUT, 0 },
};

struct predicted {
	uint64_t n[PREDICT_NUMBERS];
	unsigned given;
	bool bad;
};

static int predict_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct predicted *p = ctx;
	uint64_t n = 0;

	p->bad |= type != JSON_NUMBER || json_count(text, &n) < 0 ||
		  __builtin_add_overflow(p->n[id], n, &p->n[id]);
	p->given |= 1u << id;
	return 0;
}

/* Gemini's own embeddings are billed by the token, all others by the character (cloud.google.com/vertex-ai, Pricing). */
static int predict_count(const struct llm_format *f, struct str raw, struct str model,
			 struct llm_count *ret)
{
	struct predicted p = { 0 };
	int e = json_scan(raw, predict_want, COUNT_OF(predict_want), predict_value, &p);

	(void)f;
	*ret = (struct llm_count){ .none = e == 0 && !p.given };
	if (e == -ENOMEM)
		return e;
	if (e < 0 || p.bad) {
		ret->why = WHY_BAD_USAGE;
	} else if (p.given & (1u << PREDICT_IN | 1u << PREDICT_OUT)) {
		leaf_set(&ret->used, LEAF_IN_TEXT, p.n[PREDICT_IN]);
		leaf_set(&ret->used, LEAF_OUT_TEXT, p.n[PREDICT_OUT]);
	} else if (p.given & 1u << PREDICT_EACH && str_starts(model, S("gemini-"))) {
		leaf_set(&ret->used, LEAF_IN_TEXT, p.n[PREDICT_EACH]);
	} else if (p.given & 1u << PREDICT_CHARS) {
		leaf_set(&ret->used, LEAF_N_CHAR, p.n[PREDICT_CHARS]);
	} else {
		ret->why = WHY_NO_USAGE;
	}
	return 0;
}

static const struct llm_format predict = {
	LLM_TABLE(predict_marks),
	LLM_TABLE(predict_fields),
	.list = "predictions[].embeddings.statistics",
	.overlay = true,
	.no_output = true,
	.pictures = true,
	.count = predict_count,
};

/* ---- OpenAI's chat completions, as Google speaks them -------------------------------------------------- */

/* As generateContent: the completion is what was said, and only the total holds what was thought. */
static const struct llm_field chat_fields[] = {
	{ "prompt_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "prompt_tokens_details.cached_tokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "completion_tokens", LEAF_OUT_TEXT, 0, 0 },
};
static const struct json_want chat_marks[] = {
#define CHAT_MARK(path, mark, flags) { path, MARK_##mark, flags },
#include "tbl/mark.h"
#undef CHAT_MARK
};
static const struct llm_format open = { .fields = chat_fields,
					.field_count = COUNT_OF(chat_fields) };
static const struct json_want chat_want[] = {
	{ "total_tokens", 0, 0 },
	{ "completion_tokens_details.reasoning_tokens", 1, 0 },
};

static int chat_value(void *ctx, int id, enum json_type type, struct str text)
{
	uint64_t *n = ctx;

	if (type != JSON_NUMBER || json_count(text, &n[id]) < 0)
		n[id] = 0;
	return 0;
}

static int chat_count(const struct llm_format *f, struct str raw, struct str model,
		      struct llm_count *ret)
{
	uint64_t n[2] = { 0 }, sum = 0;
	struct llm_count told;
	int r = llm_count_fields(&llm_dialect, raw, ret);

	(void)f;
	if (r < 0 || ret->why != WHY_BAD_USAGE ||
	    !(str_starts(model, S("gemini-")) || str_starts(model, S("google/gemini-"))))
		return r;
	r = json_scan(raw, chat_want, COUNT_OF(chat_want), chat_value, n);
	if (r == 0)
		r = llm_count_fields(&open, raw, &told);
	if (r == -ENOMEM || r < 0)
		return r == -ENOMEM ? r : 0;
	for (int i = 0; i < LEAF_N_WEB_SEARCH; i++)
		if (__builtin_add_overflow(sum, told.used.n[i], &sum))
			return 0;
	if (told.why || n[1] || n[0] <= sum)
		return 0;
	*ret = told;
	leaf_set(&ret->used, LEAF_OUT_REASONING, n[0] - sum);
	return 0;
}

static const struct llm_format google_chat = {
	LLM_TABLE(chat_marks),
	LLM_TABLE(chat_fields),
	.count = chat_count,
};

/* ---- formats ----------------------------------------------------------------------------------------- */

const struct llm_format llm_generate = {
	LLM_TABLE(marks),
	.spread = true,
	.count = count,
};
const struct llm_format llm_generate_stream = {
	LLM_TABLE(marks),
	.spread = true,
	.stream = true,
	.count = count,
};
const struct llm_format llm_embed = { LLM_TABLE(marks), .no_output = true, .count = count };
/* gRPC: from the protocol's definition, not tried on real traffic */
static const struct llm_format generate_grpc = {
	.spread = true,
	.binary = true,
	.count = count,
};
static const struct llm_format generate_grpc_stream = {
	.spread = true,
	.binary = true,
	.stream = true,
	.count = count,
};

/* Results of a batch that came as a file. */
static const struct json_want result_marks[] = {
	{ "key", MARK_LISTED, 0 },
	{ "response", MARK_RESULT, JSON_EACH },
	{ "response.usageMetadata", MARK_USAGE, JSON_RAW },
	{ "response.modelVersion", MARK_MODEL, 0 },
	{ "response.responseId", MARK_ID, 0 },
	{ "response.candidates[].groundingMetadata.webSearchQueries[]", MARK_SEARCH, 0 },
	{ "response.candidates[].groundingMetadata.imageSearchQueries[]", MARK_PICTURE_SEARCH, 0 },
	{ "response.candidates[].groundingMetadata.groundingChunks[].maps", MARK_MAPS, JSON_EACH },
};
static const struct llm_format results = {
	LLM_TABLE(result_marks),
	.count = count,
	.tier = "batch",
	.later = LATER_RESULT,
};

static const struct llm_host gemini_hosts[] = { { "generativelanguage.googleapis.com", NULL,
						  HOST_LLM } };
static const struct llm_host vertex_hosts[] = {
	{ "aiplatform.googleapis.com", "global", HOST_LLM },
	{ "*-aiplatform.googleapis.com", "*", HOST_LLM },
	{ "aiplatform.*.rep.googleapis.com", "*", HOST_LLM },
	{ "claude.googleapis.com", NULL, HOST_LLM }, /* Anthropic's API as it is, sold by Google */
};
/* Any method: a client may POST and say so in a head of its own (X-HTTP-Method-Override). */
static const struct llm_route routes[] = {
	{ NULL, "**/models/{model}:generateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate },
	{ NULL, "**/models/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate_stream },
	{ NULL, "**/endpoints/{model}:generateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate },
	{ NULL, "**/endpoints/{model}:streamGenerateContent", "generate_content", KIND_INFERENCE,
	  &llm_generate_stream },
	{ NULL, "**/models/{model}:embedContent", "embeddings", KIND_INFERENCE, &llm_embed },
	{ NULL, "**/models/{model}:batchEmbedContents", "embeddings", KIND_INFERENCE, &llm_embed },
	LLM_FREE("**/models/count-tokens:rawPredict", "count_tokens"),
	{ NULL, "**/publishers/anthropic/models/{model}:rawPredict", "messages", KIND_INFERENCE,
	  &llm_messages },
	{ NULL, "**/publishers/anthropic/models/{model}:streamRawPredict", "messages",
	  KIND_INFERENCE, &llm_messages },
	{ NULL, "**/publishers/mistralai/models/{model}:rawPredict", "chat", KIND_INFERENCE,
	  &llm_chat },
	{ NULL, "**/publishers/mistralai/models/{model}:streamRawPredict", "chat", KIND_INFERENCE,
	  &llm_chat },
	{ NULL, "**/publishers/ai21/models/{model}:rawPredict", "chat", KIND_INFERENCE, &llm_chat },
	{ NULL, "**/publishers/ai21/models/{model}:streamRawPredict", "chat", KIND_INFERENCE,
	  &llm_chat },
	{ NULL, "**/models/{model}:rawPredict", "invoke", KIND_INFERENCE, NULL },
	{ NULL, "**/models/{model}:streamRawPredict", "invoke", KIND_INFERENCE, NULL },
	{ NULL, "**/models/{model}:predict", "predict", KIND_INFERENCE, &predict },
	{ NULL, "**/models/{model}:predictLongRunning", "predict", KIND_INFERENCE, NULL },
	{ "POST", "**/invoke/v1/messages", "messages", KIND_INFERENCE, &llm_messages },
	LLM_FREE("**/invoke/v1/messages/count_tokens", "count_tokens"),
	LLM_FREE("**/models/{model}:countTokens", "count_tokens"),
	{ "GET", "**/files/{}:download", "files", KIND_OTHER, &results },
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &google_chat },
	{ "POST", "**/embeddings", "embeddings", KIND_INFERENCE, &llm_embeddings },
	{ "POST", "**.PredictionService/GenerateContent", "generate_content", KIND_INFERENCE,
	  &generate_grpc },
	{ "POST", "**.PredictionService/StreamGenerateContent", "generate_content", KIND_INFERENCE,
	  &generate_grpc_stream },
};

const struct llm_provider llm_gemini = { "gemini", LLM_TABLE(gemini_hosts), LLM_TABLE(routes),
					 .like = &llm_google };
const struct llm_provider llm_vertex = { "vertex", LLM_TABLE(vertex_hosts), LLM_TABLE(routes),
					 .like = &llm_google };
