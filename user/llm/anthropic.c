/* anthropic.c -- Anthropic. Input, cache reads and cache writes are disjoint already; thinking is part of
 * the output. A stream reports usage at its start and, cumulative, with each message_delta: the later
 * non-null member wins. With compaction or an advisor the top level is not all: iterations[] is. */
#include "base/limit.h"
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
	{ "content[].name", MARK_TEXT, JSON_SIZE },
	{ "content[].input", MARK_TEXT, JSON_SIZE },
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
	{ "cache_creation.ephemeral_1h_input_tokens", LEAF_IN_CACHE_WRITE_1H, 0, 0 },
	{ "output_tokens", LEAF_OUT_TEXT, 0, 0 },
	{ "output_tokens_details.thinking_tokens", LEAF_OUT_REASONING, FIELD_PART, LEAF_OUT_TEXT },
	{ "server_tool_use.web_search_requests", LEAF_N_WEB_SEARCH, 0, 0 },
	{ "service_tier", 0, FIELD_TIER, 0 },
	{ "speed", 0, FIELD_SPEED, 0 },
	{ "inference_geo", 0, FIELD_REGION, 0 },
};

/* ---- lifetimes --------------------------------------------------------------------------------------- */

enum { WRITTEN, SHORT, LONG };
static const struct json_want split_want[] = {
	{ "cache_creation_input_tokens", WRITTEN, 0 },
	{ "cache_creation.ephemeral_5m_input_tokens", SHORT, 0 },
	{ "cache_creation.ephemeral_1h_input_tokens", LONG, 0 },
};

struct split {
	uint64_t n[3];
	bool given[3];
};

static int split_number(void *ctx, int id, enum json_type type, struct str text)
{
	struct split *s = ctx;

	s->given[id] = type == JSON_NUMBER && json_count(text, &s->n[id]) == 0;
	return 0;
}

/* What was written, by lifetime: the two come to the whole, where both are told. */
static int count_step(const struct llm_format *f, struct str raw, struct llm_count *ret)
{
	struct split s = { .n = { 0 } };
	int r = llm_count_fields(f, raw, ret);

	if (r < 0 || ret->why)
		return r;
	r = json_scan(raw, split_want, COUNT_OF(split_want), split_number, &s);
	if (r < 0)
		return r;
	if (!s.given[SHORT] && !s.given[LONG])
		return 0;
	if (s.given[WRITTEN] && s.n[WRITTEN] != s.n[SHORT] + s.n[LONG]) {
		ret->why = WHY_BAD_USAGE;
		ret->used = (struct leaves){ 0 };
		return 0;
	}
	leaf_set(&ret->used, LEAF_IN_CACHE_WRITE_5M, s.n[SHORT]);
	return 0;
}

/* ---- iterations -------------------------------------------------------------------------------------- */

/* Each attempt at the answer, with the model that made it where that is another's: a compaction, an advisor, and where the
 * first model declined ("message") the one that served instead ("fallback_message"). What was declined before a word was
 * said is not billed (platform.claude.com, Refusals and fallback). */
enum { ITERATION, ITERATION_MODEL, ITERATION_TYPE };

static const struct json_want iteration_want[] = {
	{ "iterations[]", ITERATION, JSON_RAW },
};
static const struct json_want name_want[] = {
	{ "model", ITERATION_MODEL, 0 },
	{ "type", ITERATION_TYPE, 0 },
};

struct sum {
	const struct llm_format *format;
	struct str model; /* who answered */
	struct leaves tokens;
	bool any;
	enum why why, extra;
	/* the iteration under way */
	char name[LIMIT_MODEL_TEXT]; /* of its model; empty: not told */
	bool fallback;
	/* who served instead */
	char server[LIMIT_MODEL_TEXT];
};

static int iteration_name(void *ctx, int id, enum json_type type, struct str text)
{
	struct sum *s = ctx;

	if (type != JSON_STRING)
		return 0;
	if (id == ITERATION_TYPE) {
		s->fallback = str_eq(text, S("fallback_message"));
		return 0;
	}
	if (!text.p || text.n >= sizeof(s->name)) {
		s->why = WHY_LIMIT;
		return 0;
	}
	memcpy(s->name, text.p, text.n);
	s->name[text.n] = 0;
	return 0;
}

static int read_name(struct sum *s, struct str text)
{
	s->name[0] = 0;
	s->fallback = false;
	return json_scan(text, name_want, COUNT_OF(name_want), iteration_name, s);
}

/* Who served may stand behind who declined. */
static int find_server(void *ctx, int id, enum json_type type, struct str text)
{
	struct sum *s = ctx;
	int r = 0;

	(void)id;
	if (type != JSON_OBJECT || !text.p)
		return 0;
	r = read_name(s, text);
	if (r == 0 && s->fallback && s->name[0]) {
		memcpy(s->server, s->name, sizeof(s->server));
		s->model = str_of(s->server);
	}
	return r;
}

static bool is_zero(const struct leaves *l)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (l->n[i])
			return false;
	return true;
}

static uint64_t output(const struct leaves *l)
{
	return l->n[LEAF_OUT_TEXT] + l->n[LEAF_OUT_REASONING];
}

static int iteration(void *ctx, int id, enum json_type type, struct str text)
{
	struct sum *s = ctx;
	struct llm_count one;
	bool foreign;
	int r;

	(void)id;
	if (type != JSON_OBJECT)
		return 0;
	s->any = true;
	if (!text.p) {
		s->why = WHY_LIMIT;
		return 0;
	}
	r = read_name(s, text);
	if (r == 0)
		r = count_step(s->format, text, &one);
	if (r < 0)
		return r;
	foreign = s->name[0] && !str_eq(str_of(s->name), s->model);
	if (s->server[0] && !s->fallback && !one.why && !output(&one.used)) /* declined */
		return 0;
	if (one.why || !llm_leaves_add(&s->tokens, &one.used))
		s->why = WHY_BAD_USAGE;
	else if (foreign && !is_zero(&one.used))
		s->extra = WHY_MIXED_MODELS;
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

/* Who pays less for what is written to a cache anew, because another model had declined, is told so, but not how much. */
static const struct json_want credit_want[] = { { "fallback_credit.status.type", 0, 0 } };

static int credit(void *ctx, int id, enum json_type type, struct str text)
{
	struct llm_count *c = ctx;

	(void)id;
	if (type == JSON_STRING && str_eq(text, S("redeemed")))
		c->flags |= 1u << FLAG_CREDIT;
	return 0;
}

static int count(const struct llm_format *f, struct str raw, struct str model,
		 struct llm_count *ret)
{
	struct sum s = { .format = f, .model = model };
	int r = count_step(f, raw, ret);

	if (r < 0 || ret->why)
		return r;
	if (ret->used.n[LEAF_IN_CACHE_WRITE_5M] && !leaf_has(&ret->used, LEAF_IN_CACHE_WRITE_1H))
		ret->flags |= 1u << FLAG_CACHE_TTL;
	r = json_scan(raw, iteration_want, COUNT_OF(iteration_want), find_server, &s);
	if (r == 0)
		r = json_scan(raw, iteration_want, COUNT_OF(iteration_want), iteration, &s);
	if (r == 0)
		r = json_scan(raw, credit_want, COUNT_OF(credit_want), credit, ret);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		s.why = WHY_BAD_USAGE;
	ret->extra = s.extra;
	if (s.why)
		ret->why = s.why;
	else if (s.any)
		use_iterations(&s, ret);
	if (s.server[0]) {
		memcpy(ret->model, s.server, sizeof(ret->model));
		ret->flags |= 1u << FLAG_CREDIT;
	}
	return 0;
}

static const char *const last[] = { "message_stop", NULL };

/* Results of a batch: a line each. Those of requests that were never run have neither message nor error. */
static const struct json_want result_marks[] = {
	{ "custom_id", MARK_LISTED, 0 },
	{ "result.message", MARK_RESULT, JSON_EACH },
	{ "result.message.model", MARK_MODEL, 0 },
	{ "result.message.id", MARK_ID, 0 },
	{ "result.message.usage", MARK_USAGE, JSON_RAW },
	{ "result.error", MARK_RESULT, JSON_EACH },
	{ "result.error", MARK_ERROR, JSON_EACH },
};
const struct llm_format llm_message_results = {
	LLM_TABLE(result_marks), LLM_TABLE(fields),     .count = count,
	.tier = "batch",         .later = LATER_RESULT,
};

const struct llm_format llm_messages = {
	LLM_TABLE(marks), LLM_TABLE(fields), .last = last, .overlay = true, .count = count,
};

/* The second is Anthropic's own service, sold by Amazon. */
static const struct llm_host hosts[] = { { "api.anthropic.com", NULL, HOST_LLM },
					 { "aws-external-anthropic.*.api.aws", "*", HOST_LLM } };
static const struct llm_route routes[] = {
	LLM_FREE("**/messages/count_tokens", "count_tokens"),
	{ "GET", "**/messages/batches/{}/results", "batches", KIND_OTHER, &llm_message_results },
	LLM_FREE("**/messages/batches", "batches"), /* their results are the calls */
	LLM_FREE("**/messages/batches/{}/cancel", "batches"),
	{ "POST", "**/messages", "messages", KIND_INFERENCE, &llm_messages },
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_chat },
	{ "POST", "**/v1/complete", "completion", KIND_INFERENCE, NULL },
	LLM_FREE("**/v1/files", "files"),
	LLM_FREE("**/v1/skills", "skills"),
	LLM_FREE("**/v1/skills/{}/versions", "skills"),
	{ "GET", "**/v1/models**", "models", KIND_OTHER, NULL },
};
/* Of its own host alone: elsewhere such a path may be anything. */
static const struct llm_route own_routes[] = {
	/* what managed agents consist of; their sessions are billed */
	LLM_FREE("/v1/agents", "agents"),
	LLM_FREE("/v1/agents/**", "agents"),
	LLM_FREE("/v1/environments**", "agents"),
	LLM_FREE("/v1/memory_stores**", "agents"),
	LLM_FREE("/v1/vaults**", "agents"),
	LLM_FREE("/v1/tunnels**", "agents"),
	LLM_FREE("/v1/user_profiles**", "agents"),
	LLM_FREE("/v1/sessions/{}/archive", "agents"),
	LLM_FREE("/v1/sessions/{}/resources**", "agents"),
	LLM_FREE("/v1/organizations/**", "organization"),
	/* Claude Code's own: telemetry, settings, accounts, and how it is run from elsewhere */
	LLM_FREE("/api/**", "telemetry"),
	LLM_FREE("/v1/oauth/token", "account"),
	LLM_FREE("/v1/code/auth/**", "account"),
	LLM_FREE("/v1/code/channels**", "remote"),
	LLM_FREE("/v1/code/memory/**", "remote"),
	LLM_FREE("/v1/code/runners/**", "remote"),
	LLM_FREE("/v1/code/sessions/{}/worker/**", "remote"),
	LLM_FREE("/v1/session_ingress/**", "remote"),
	LLM_FREE("/v1/mcp_servers**", "remote"),
	LLM_FREE("/v1/filestore/**", "files"),
	LLM_FREE("/v1/privacy-consents**", "account"),
};

const struct llm_provider llm_claude = { "claude", NULL, 0, LLM_TABLE(own_routes), .like = NULL };
const struct llm_provider llm_anthropic = { "anthropic", LLM_TABLE(hosts), LLM_TABLE(routes),
					    .like = &llm_claude };
/* As llm_openai_compatible. */
const struct llm_provider llm_anthropic_compatible = { "anthropic-compatible", NULL, 0,
						       LLM_TABLE(routes), .like = NULL };
