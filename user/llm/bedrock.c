/* bedrock.c -- Amazon Bedrock. Converse has one usage object for all vendors, in a stream in its `metadata` event. InvokeModel
 * has the vendor's own, and Amazon's counts beside it: in headers, or in the last chunk of a stream. Both must come to the
 * same; the vendor's tells more. Prices are by the model id of the path (docs.aws.amazon.com/bedrock, API reference). */
#include "llm/provider.h"

/* ---- Converse ---------------------------------------------------------------------------------------- */

static const struct json_want converse_marks[] = {
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "serviceTier.type", MARK_TIER, 0 },
	{ "performanceConfig.latency", MARK_SPEED, 0 },
	{ "trace.promptRouter.invokedModelId", MARK_MODEL, 0 },
	{ "output.message.content[].text", MARK_TEXT, JSON_SIZE },
	{ "output.message.content[].reasoningContent.reasoningText.text", MARK_TEXT, JSON_SIZE },
	{ "output.message.content[].toolUse.name", MARK_TEXT, JSON_SIZE },
	{ "output.message.content[].toolUse.input", MARK_TEXT, JSON_SIZE },
	{ "start.toolUse.name", MARK_TEXT, JSON_SIZE },
	{ "delta.text", MARK_TEXT, JSON_SIZE },
	{ "delta.toolUse.input", MARK_TEXT, JSON_SIZE },
	{ "delta.reasoningContent.text", MARK_TEXT, JSON_SIZE },
};
static const struct llm_field converse_fields[] = {
	{ "inputTokens", LEAF_IN_TEXT, 0, 0 },
	{ "cacheReadInputTokens", LEAF_IN_CACHE_READ, 0, 0 },
	{ "cacheReadInputTokenCount", LEAF_IN_CACHE_READ, FIELD_ELSE, 0 },
	{ "cacheWriteInputTokens", LEAF_IN_CACHE_WRITE, 0, 0 },
	{ "cacheWriteInputTokenCount", LEAF_IN_CACHE_WRITE, FIELD_ELSE, 0 },
	{ "outputTokens", LEAF_OUT_TEXT, 0, 0 },
	{ "totalTokens", 0, FIELD_TOTAL, 0 },
};
/* OpenAI's models there report cached tokens within the input, and a total that counts them twice. */
static const struct llm_field gross_fields[] = {
	{ "inputTokens", LEAF_IN_TEXT, 0, 0 },
	{ "cacheReadInputTokens", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "cacheWriteInputTokens", LEAF_IN_CACHE_WRITE, FIELD_PART, LEAF_IN_TEXT },
	{ "outputTokens", LEAF_OUT_TEXT, 0, 0 },
};
static const struct llm_format gross = { .fields = gross_fields,
					 .field_count = COUNT_OF(gross_fields) };

enum { DETAIL, DETAIL_TTL, DETAIL_TOKENS };

static const struct json_want detail_want[] = {
	{ "cacheDetails[]", DETAIL, JSON_EACH },
	{ "cacheDetails[].ttl", DETAIL_TTL, 0 },
	{ "cacheDetails[].inputTokens", DETAIL_TOKENS, 0 },
};

struct details {
	uint64_t hour, minutes, tokens;
	bool is_hour, any, bad;
};

static int detail(void *ctx, int id, enum json_type type, struct str text)
{
	struct details *d = ctx;

	if (id == DETAIL_TTL) {
		d->is_hour = str_eq(text, S("1h"));
		d->bad |= !d->is_hour && !str_eq(text, S("5m"));
	} else if (id == DETAIL_TOKENS) {
		d->bad |= type != JSON_NUMBER || json_count(text, &d->tokens) < 0;
	} else {
		uint64_t *sum = d->is_hour ? &d->hour : &d->minutes;

		d->bad |= __builtin_add_overflow(*sum, d->tokens, sum);
		d->any = true;
		d->tokens = 0;
		d->is_hour = false;
	}
	return 0;
}

/* "us.anthropic.claude-...": a vendor with or without where it may run before it. */
static bool is_vendor(struct str model, struct str vendor)
{
	struct str first;

	if (str_starts(model, vendor))
		return true;
	return str_cut(&model, &first, '.') && first.n <= 6 && str_starts(model, vendor);
}

static int split_writes(struct str raw, struct str model, struct llm_count *ret)
{
	struct leaves *l = &ret->used;
	uint64_t written = l->n[LEAF_IN_CACHE_WRITE];
	struct details d = { 0 };
	int r = json_scan(raw, detail_want, COUNT_OF(detail_want), detail, &d);

	if (r < 0 || (!d.any && !is_vendor(model, S("anthropic."))))
		return r;
	if (!leaf_has(l, LEAF_IN_CACHE_WRITE))
		return 0;
	if (!d.any) /* the short lifetime is the default */
		d.minutes = written;
	if (d.bad || d.hour > written || d.minutes != written - d.hour) {
		*ret = (struct llm_count){ .why = WHY_BAD_USAGE };
		return 0;
	}
	l->n[LEAF_IN_CACHE_WRITE] = 0;
	l->has &= ~(1ull << LEAF_IN_CACHE_WRITE);
	leaf_set(l, LEAF_IN_CACHE_WRITE_5M, d.minutes);
	if (d.hour)
		leaf_set(l, LEAF_IN_CACHE_WRITE_1H, d.hour);
	return 0;
}

static int converse_count(const struct llm_format *f, struct str raw, struct str model,
			  struct llm_count *ret)
{
	bool net = is_vendor(model, S("anthropic.")) || is_vendor(model, S("amazon."));
	int r = llm_count_fields(is_vendor(model, S("openai.")) ? &gross : f, raw, ret);

	if (r < 0 || ret->why)
		return r;
	/* of other vendors it is not known whether the input holds the cached tokens */
	if (!net && !is_vendor(model, S("openai.")) &&
	    (ret->used.n[LEAF_IN_CACHE_READ] || ret->used.n[LEAF_IN_CACHE_WRITE])) {
		*ret = (struct llm_count){ .why = WHY_UNKNOWN_FORMAT };
		return 0;
	}
	return split_writes(raw, model, ret);
}

static const char *const converse_last[] = { "metadata", NULL };
const struct llm_format llm_converse = {
	LLM_TABLE(converse_marks), LLM_TABLE(converse_fields), .last = converse_last, .named = true,
	.count = converse_count,
};

/* ---- InvokeModel --------------------------------------------------------------------------------------- */

enum { TITAN_IN = MARK_MEMBER, TITAN_OUT, TITAN_RESULT, LLAMA_IN, LLAMA_OUT };

static const struct json_want invoke_marks[] = {
	{ "model", MARK_MODEL, 0 },
	{ "message.model", MARK_MODEL, 0 },
	{ "id", MARK_ID, 0 },
	{ "message.id", MARK_ID, 0 },
	{ "usage", MARK_USAGE, JSON_RAW },
	{ "message.usage", MARK_USAGE, JSON_RAW },
	{ "metadata.usage", MARK_USAGE, JSON_RAW },
	{ "amazon-bedrock-invocationMetrics", MARK_BESIDE, JSON_RAW },
	{ "amazon-bedrock-invocationMetrics", MARK_STOP, JSON_EACH },
	{ "inputTextTokenCount", TITAN_IN, 0 },
	{ "totalOutputTextTokenCount", TITAN_OUT, 0 },
	{ "results[].tokenCount", TITAN_RESULT, 0 },
	{ "prompt_token_count", LLAMA_IN, 0 },
	{ "generation_token_count", LLAMA_OUT, 0 },
	{ "error", MARK_ERROR, JSON_EACH },
	{ "content[].text", MARK_TEXT, JSON_SIZE },
	{ "content[].thinking", MARK_TEXT, JSON_SIZE },
	{ "content[].name", MARK_TEXT, JSON_SIZE },
	{ "content[].input", MARK_TEXT, JSON_SIZE },
	{ "content_block.name", MARK_TEXT, JSON_SIZE },
	{ "delta.text", MARK_TEXT, JSON_SIZE },
	{ "delta.thinking", MARK_TEXT, JSON_SIZE },
	{ "delta.partial_json", MARK_TEXT, JSON_SIZE },
	{ "contentBlockDelta.delta.text", MARK_TEXT, JSON_SIZE },
	{ "output.message.content[].text", MARK_TEXT, JSON_SIZE },
	{ "outputText", MARK_TEXT, JSON_SIZE },
	{ "results[].outputText", MARK_TEXT, JSON_SIZE },
	{ "generation", MARK_TEXT, JSON_SIZE },
	{ "outputs[].text", MARK_TEXT, JSON_SIZE },
	{ "text", MARK_TEXT, JSON_SIZE },
	{ "choices[].message.content", MARK_TEXT, JSON_SIZE },
	{ "choices[].delta.content", MARK_TEXT, JSON_SIZE },
};
/* Titan, Llama: counts beside the text. The results of one Titan answer would be several. */
static const struct llm_field member_fields[] = {
	[TITAN_IN - MARK_MEMBER] = { "inputTextTokenCount", LEAF_IN_TEXT, 0, 0 },
	[TITAN_OUT - MARK_MEMBER] = { "totalOutputTextTokenCount", LEAF_OUT_TEXT, 0, 0 },
	[TITAN_RESULT - MARK_MEMBER] = { "results[].tokenCount", LEAF_OUT_TEXT, FIELD_ELSE, 0 },
	[LLAMA_IN - MARK_MEMBER] = { "prompt_token_count", LEAF_IN_TEXT, 0, 0 },
	[LLAMA_OUT - MARK_MEMBER] = { "generation_token_count", LEAF_OUT_TEXT, 0, 0 },
};
static const struct llm_format members = { LLM_TABLE(invoke_marks), LLM_TABLE(member_fields),
					   .last = NULL };
static const struct llm_field metrics_fields[] = {
	{ "inputTokenCount", LEAF_IN_TEXT, 0, 0 },
	{ "cacheReadInputTokenCount", LEAF_IN_CACHE_READ, 0, 0 },
	{ "cacheWriteInputTokenCount", LEAF_IN_CACHE_WRITE, 0, 0 },
	{ "outputTokenCount", LEAF_OUT_TEXT, 0, 0 },
};
static const struct llm_format metrics = { .fields = metrics_fields,
					   .field_count = COUNT_OF(metrics_fields) };
static const struct llm_field nova_fields[] = {
	{ "inputTokens", LEAF_IN_TEXT, 0, 0 },
	{ "outputTokens", LEAF_OUT_TEXT, 0, 0 },
};
static const struct llm_format nova = { .fields = nova_fields,
					.field_count = COUNT_OF(nova_fields) };

static int vendor_count(const struct llm_format *f, struct str raw, struct str model,
			struct llm_count *ret)
{
	static const struct llm_format *const shapes[] = { &members, &llm_messages, &llm_chat };
	int r = llm_count_fields(&nova, raw, ret);

	if (r < 0 || !ret->none)
		return r < 0 || ret->why ? r
					 : converse_count(&llm_converse, raw, S("amazon."), ret);
	for (size_t i = 0; r == 0 && ret->none && i < COUNT_OF(shapes); i++) {
		f = shapes[i];
		r = f->count ? f->count(f, raw, model, ret) : llm_count_fields(f, raw, ret);
	}
	return r;
}

static uint64_t side(const struct leaves *l, bool output)
{
	uint64_t sum = 0;

	for (int i = 0; i < LEAF_N_WEB_SEARCH; i++)
		if ((i >= LEAF_OUT_TEXT) == output)
			sum += l->n[i];
	return sum;
}

static bool tells_cache(const struct leaves *l)
{
	return leaf_has(l, LEAF_IN_CACHE_READ) || leaf_has(l, LEAF_IN_CACHE_WRITE);
}

/* Where Amazon does not tell what was cached, its input may be without it. */
static bool agree(const struct leaves *amazon, const struct leaves *vendor)
{
	uint64_t input = side(amazon, false);

	return side(amazon, true) == side(vendor, true) &&
	       (input == side(vendor, false) ||
		(!tells_cache(amazon) && input == vendor->n[LEAF_IN_TEXT]));
}

static int invoke_count(const struct llm_format *f, struct str raw, struct str model,
			struct llm_count *ret)
{
	struct llm_count amazon, vendor;
	int r = llm_count_fields(&metrics, raw, &amazon);
	bool told;

	if (r == 0)
		r = vendor_count(f, raw, model, &vendor);
	if (r < 0)
		return r;
	told = leaf_has(&amazon.used, LEAF_IN_TEXT) || leaf_has(&amazon.used, LEAF_OUT_TEXT);
	amazon.heads = !tells_cache(&amazon.used);
	if (!vendor.none && !vendor.why && told && !agree(&amazon.used, &vendor.used))
		vendor = (struct llm_count){ .why = WHY_BAD_USAGE };
	*ret = vendor.none && told ? amazon : vendor;
	if (amazon.why && !amazon.none)
		*ret = (struct llm_count){ .why = WHY_BAD_USAGE };
	return 0;
}

const struct llm_format llm_invoke = {
	LLM_TABLE(invoke_marks), LLM_TABLE(member_fields), .overlay = true,
	.headers = true,         .count = invoke_count,
};
const struct llm_format llm_invoke_stream = {
	LLM_TABLE(invoke_marks), LLM_TABLE(member_fields), .overlay = true, .named = true,
	.wrapped = true,         .spread = true,           .headers = true, .count = invoke_count,
};

/* ---- where ------------------------------------------------------------------------------------------- */

static const struct llm_host hosts[] = {
	{ "bedrock-runtime.*.amazonaws.com", "*", HOST_LLM },
	{ "bedrock-runtime-fips.*.amazonaws.com", "*", HOST_LLM },
	{ "bedrock-runtime.*.amazonaws.com.cn", "*", HOST_LLM },
	{ "*.bedrock-runtime.*.vpce.amazonaws.com", "*", HOST_LLM },
	{ "bedrock-mantle.*.api.aws", "*", HOST_LLM },
};
static const struct llm_route routes[] = {
	{ "POST", "**/model/{model}/converse", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/converse-stream", "chat", KIND_INFERENCE, &llm_converse },
	{ "POST", "**/model/{model}/invoke", "invoke", KIND_INFERENCE, &llm_invoke },
	{ "POST", "**/model/{model}/invoke-with-response-stream", "invoke", KIND_INFERENCE,
	  &llm_invoke_stream },
	{ "POST", "**/model/{model}/invoke-with-bidirectional-stream", "invoke", KIND_INFERENCE,
	  NULL },
	LLM_FREE("**/model/{model}/count-tokens", "count_tokens"),
	{ "POST", "**/async-invoke", "invoke", KIND_INFERENCE, NULL },
	/* billed by units of text that no leaf counts */
	{ "POST", "**/guardrail/{}/version/{}/apply", "guardrail", KIND_INFERENCE, NULL },
	LLM_FREE("**/messages/count_tokens", "count_tokens"),
	LLM_FREE("**/responses/input_tokens", "count_tokens"),
	{ "POST", "**/chat/completions", "chat", KIND_INFERENCE, &llm_chat },
	{ "POST", "**/responses/compact", "responses", KIND_INFERENCE, &llm_responses },
	{ "POST", "**/responses", "responses", KIND_INFERENCE, &llm_responses },
	{ "GET", "**/responses/{}", "responses", KIND_OTHER, &llm_fetched },
	LLM_FREE("**/responses/{}/cancel", "responses"),
	{ "POST", "**/messages", "messages", KIND_INFERENCE, &llm_messages },
	LLM_FREE("**/v1/files", "files"),
};

const struct llm_provider llm_bedrock = { "bedrock", LLM_TABLE(hosts), LLM_TABLE(routes),
					  .like = NULL };
