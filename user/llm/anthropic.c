/* anthropic.c -- Anthropic. Input, cache reads and cache writes are disjoint already; thinking is part of
 * the output. A stream reports usage at its start and, cumulative, with each message_delta: the later
 * non-null member wins. With compaction or an advisor the top level is not all: iterations[] is. */
#include "llm/provider.h"

static const struct json_want marks[] = {
	{ "type", MARK_KIND, 0 },
	{ "model", MARK_MODEL, 0 },
	{ "id", MARK_ID, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "error", MARK_ERROR, JSON_EACH },
	{ "stop_reason", MARK_STOP, 0 },
	{ "content[].text", MARK_TEXT, JSON_SIZE },
	{ "content[].thinking", MARK_TEXT, JSON_SIZE },
	{ "message.model", MARK_MODEL, 0 },
	{ "message.id", MARK_ID, 0 },
	{ "message.usage", MARK_USAGE, JSON_RAW },
	{ "delta.stop_reason", MARK_STOP, 0 },
	{ "delta.text", MARK_TEXT, JSON_SIZE },
	{ "delta.thinking", MARK_TEXT, JSON_SIZE },
	{ "delta.partial_json", MARK_TEXT, JSON_SIZE },
	{ "content_block.name", MARK_TEXT, JSON_SIZE },
};
/* Where the split of a write by lifetime is not told it is the short one, which is the default. */
static const struct llm_field fields[] = {
	{ "input_tokens", LEAF_IN_TEXT, 0, 0 },
	{ "cache_read_input_tokens", LEAF_IN_CACHE_READ, 0, 0 },
	{ "cache_creation_input_tokens", LEAF_IN_CACHE_WRITE_5M, 0, 0 },
	{ "cache_creation.ephemeral_5m_input_tokens", LEAF_IN_CACHE_WRITE_5M, FIELD_ELSE, 0 },
	{ "cache_creation.ephemeral_1h_input_tokens", LEAF_IN_CACHE_WRITE_1H, FIELD_PART,
	  LEAF_IN_CACHE_WRITE_5M },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "output_tokens_details.thinking_tokens", LEAF_OUT_REASONING, FIELD_PART, LEAF_OUT_TEXT },
	{ "server_tool_use.web_search_requests", LEAF_N_WEB_SEARCH, 0, 0 },
	{ "service_tier", 0, FIELD_TIER, 0 },
	{ "speed", 0, FIELD_SPEED, 0 },
	{ "inference_geo", 0, FIELD_REGION, 0 },
};

/* ---- iterations -------------------------------------------------------------------------------------- */

enum { ITERATION, ITERATION_MODEL, ITERATION_TYPE };

static const struct json_want iteration_want[] = {
	{ "iterations[]", ITERATION, JSON_RAW },
};
static const struct json_want model_want[] = {
	{ "model", ITERATION_MODEL, 0 },
};

struct sum {
	const struct llm_format *format;
	struct str model;
	struct leaves tokens;
	bool any, foreign;
	enum why why;
};

static int iteration_model(void *ctx, int id, enum json_type type, struct str text)
{
	struct sum *s = ctx;

	(void)id;
	if (type == JSON_STRING && text.p && text.n && !str_eq(text, s->model))
		s->foreign = true;
	return 0;
}

static bool is_zero(const struct leaves *l)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (l->n[i])
			return false;
	return true;
}

static int iteration(void *ctx, int id, enum json_type type, struct str text)
{
	struct sum *s = ctx;
	struct llm_count one;
	int r;

	(void)id;
	if (type != JSON_OBJECT)
		return 0;
	s->any = true;
	if (!text.p) {
		s->why = WHY_LIMIT;
		return 0;
	}
	s->foreign = false;
	r = json_scan(text, model_want, COUNT_OF(model_want), iteration_model, s);
	if (r == 0)
		r = llm_count_fields(s->format, text, &one);
	if (r < 0)
		return r;
	if (one.why || !llm_leaves_add(&s->tokens, &one.used))
		s->why = WHY_BAD_USAGE;
	else if (s->foreign && !is_zero(&one.used))
		s->why = WHY_MIXED_MODELS;
	return 0;
}

static void use_iterations(const struct sum *s, struct llm_count *ret)
{
	uint64_t thinking = ret->used.n[LEAF_OUT_REASONING];

	for (int i = 0; i <= LEAF_OUT_CITATION; i++) {
		ret->used.has &= ~(1ull << i);
		ret->used.n[i] = 0;
		if (leaf_has(&s->tokens, i))
			leaf_set(&ret->used, i, s->tokens.n[i]);
	}
	/* iterations do not tell thinking apart, the top level does */
	if (!leaf_has(&ret->used, LEAF_OUT_REASONING) && thinking <= ret->used.n[LEAF_OUT_TEXT]) {
		leaf_set(&ret->used, LEAF_OUT_REASONING, thinking);
		ret->used.n[LEAF_OUT_TEXT] -= thinking;
	}
}

static int count(const struct llm_format *f, struct str raw, struct str model,
		 struct llm_count *ret)
{
	struct sum s = { .format = f, .model = model };
	int r = llm_count_fields(f, raw, ret);

	if (r < 0 || ret->why)
		return r;
	r = json_scan(raw, iteration_want, COUNT_OF(iteration_want), iteration, &s);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		s.why = WHY_BAD_USAGE;
	if (s.why)
		ret->why = s.why;
	else if (s.any)
		use_iterations(&s, ret);
	return 0;
}

static const char *const last[] = { "message_stop", NULL };
const struct llm_format llm_messages = {
	LLM_TABLE(marks), LLM_TABLE(fields), .last = last, .overlay = true, .count = count,
};

static const struct llm_host hosts[] = { { "api.anthropic.com", NULL, false } };
static const struct llm_route routes[] = {
	{ "POST", "**/messages/count_tokens", "count_tokens", KIND_OTHER, NULL },
	{ NULL, "**/messages/batches**", "batches", KIND_OTHER, NULL },
	{ "POST", "**/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_chat },
	{ "POST", "**/v1/complete", "completion", KIND_INFERENCE, NULL },
	{ NULL, "**/v1/files**", "files", KIND_OTHER, NULL },
	{ NULL, "**/v1/models**", "models", KIND_OTHER, NULL },
};

const struct llm_provider llm_anthropic = { "anthropic", LLM_TABLE(hosts), LLM_TABLE(routes) };
/* As llm_openai_compatible. */
const struct llm_provider llm_anthropic_compatible = { "anthropic-compatible", NULL, 0,
						       LLM_TABLE(routes) };
