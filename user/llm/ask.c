#include "base/obj.h"
#include "llm/ask.h"

enum {
	ASK_MODEL,
	ASK_TIER,
	ASK_TYPE,
	ASK_LANE,
	ASK_ID,
	ASK_STREAM,
	ASK_USAGE,
	ASK_GENERATE,
	ASK_MAX,
	ASK_CHOICES,
	ASK_MORE,
	ASK_TOOL,
	ASK_TEXT
};

/* One table for the requests of every API that names its model in the body. */
static const struct json_want want[] = {
	{ "model", ASK_MODEL, 0 },
	{ "type", ASK_TYPE, 0 },
	{ "stream_id", ASK_LANE, 0 },
	{ "response_id", ASK_ID, 0 },
	{ "generate", ASK_GENERATE, 0 },
	{ "stream", ASK_STREAM, 0 },
	{ "stream_options.include_usage", ASK_USAGE, 0 },
	{ "service_tier", ASK_TIER, 0 },
	{ "serviceTier", ASK_TIER, 0 },
	{ "serviceTier.type", ASK_TIER, 0 },
	{ "max_tokens", ASK_MAX, 0 },
	{ "max_completion_tokens", ASK_MAX, 0 },
	{ "max_output_tokens", ASK_MAX, 0 },
	{ "max_tokens_to_sample", ASK_MAX, 0 },
	{ "max_gen_len", ASK_MAX, 0 },
	{ "inferenceConfig.maxTokens", ASK_MAX, 0 },
	{ "textGenerationConfig.maxTokenCount", ASK_MAX, 0 },
	{ "generationConfig.maxOutputTokens", ASK_MAX, 0 },
	{ "n", ASK_CHOICES, 0 },
	{ "best_of", ASK_CHOICES, 0 },
	{ "generationConfig.candidateCount", ASK_CHOICES, 0 },
	{ "prompt", ASK_TEXT, JSON_SIZE },
	{ "inputText", ASK_TEXT, JSON_SIZE },
	{ "input", ASK_TEXT, 0 },
	{ "instructions", ASK_TEXT, JSON_SIZE },
	{ "system", ASK_TEXT, 0 },
	{ "system[].text", ASK_TEXT, JSON_SIZE },
	{ "messages[].content", ASK_TEXT, 0 },
	{ "messages[].content[].text", ASK_TEXT, JSON_SIZE },
	{ "messages[].content[].content", ASK_TEXT, 0 },
	{ "messages[].tool_calls[].function.arguments", ASK_TEXT, JSON_SIZE },
	{ "input[]", ASK_TEXT, 0 },
	{ "input[].content", ASK_TEXT, 0 },
	{ "input[].content[].text", ASK_TEXT, JSON_SIZE },
	{ "input[].arguments", ASK_TEXT, JSON_SIZE },
	{ "input[].output", ASK_TEXT, 0 },
	{ "contents[].parts[].text", ASK_TEXT, JSON_SIZE },
	{ "systemInstruction.parts[].text", ASK_TEXT, JSON_SIZE },
	{ "tools", ASK_TEXT, JSON_SIZE },
	{ "toolConfig.tools", ASK_TEXT, JSON_SIZE },
	/* what is read without being sent here */
	{ "tools[].type", ASK_TOOL, 0 },
	{ "tools[].googleSearch", ASK_MORE, JSON_EACH },
	{ "tools[].google_search", ASK_MORE, JSON_EACH },
	{ "tools[].urlContext", ASK_MORE, JSON_EACH },
	{ "tools[].url_context", ASK_MORE, JSON_EACH },
	{ "previous_response_id", ASK_MORE, 0 },
	{ "conversation", ASK_MORE, JSON_EACH },
	{ "prompt.id", ASK_MORE, 0 },
	{ "cachedContent", ASK_MORE, 0 },
	{ "cached_content", ASK_MORE, 0 },
	{ "container", ASK_MORE, JSON_EACH },
	{ "mcp_servers[]", ASK_MORE, JSON_EACH },
	{ "input[].id", ASK_MORE, 0 },
	{ "input[].content[].file_id", ASK_MORE, 0 },
	{ "input[].content[].file_url", ASK_MORE, 0 },
	{ "messages[].content[].file.file_id", ASK_MORE, 0 },
	{ "messages[].content[].source.file_id", ASK_MORE, 0 },
	{ "messages[].content[].source.url", ASK_MORE, 0 },
	{ "messages[].content[].document.source.s3Location.uri", ASK_MORE, 0 },
	{ "contents[].parts[].fileData.fileUri", ASK_MORE, 0 },
	{ "contents[].parts[].file_data.file_uri", ASK_MORE, 0 },
};

static void ask_number(struct ask *a, int id, struct str text)
{
	uint64_t n;

	if (json_count(text, &n) < 0)
		return;
	if (id == ASK_MAX)
		a->max_tokens = MAX(a->max_tokens, n);
	else if (id == ASK_CHOICES)
		a->choices = MAX(a->choices, n);
}

/* Tools that the provider runs put what they find into the prompt. */
static bool brings_more(struct str tool)
{
	static const char *const hosted[] = { "web_", "file_search", "code_", "mcp" };

	for (size_t i = 0; i < COUNT_OF(hosted); i++)
		if (str_starts(tool, str_of(hosted[i])))
			return true;
	return false;
}

/* Of two that differ nobody knows which the server takes. */
static void ask_name(struct ask *a, int id, struct str text)
{
	struct said_text *const names[] = { &a->model, &a->tier, &a->type, &a->lane, &a->id };
	struct said_text *t = names[id];

	if (t->n && !str_eq(said_str(t), str_head(text, sizeof(t->p))))
		a->twice |= 1u << id;
	said_keep(t, text);
}

static int ask_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct ask *a = ctx;

	if (id == ASK_TEXT) {
		a->text += type == JSON_STRING || type == JSON_ARRAY ? text.n : 0;
		return 0;
	}
	if (type == JSON_NUMBER)
		ask_number(a, id, text);
	else if (type == JSON_STRING && id <= ASK_ID)
		ask_name(a, id, text);
	else if (id == ASK_STREAM)
		a->stream = type == JSON_TRUE;
	else if (id == ASK_USAGE)
		a->usage = type == JSON_TRUE;
	else if (id == ASK_GENERATE)
		a->no_answer = type == JSON_FALSE;
	else if (id == ASK_MORE)
		a->more |= type != JSON_NULL;
	else if (id == ASK_TOOL)
		a->more |= brings_more(text);
	return 0;
}

int ask_new(struct ask **ret)
{
	_cleanup_(ask_free) struct ask *a = obj_new(a, ASK_MAGIC);
	int r;

	if (!a)
		return -ENOMEM;
	r = json_new(want, COUNT_OF(want), ask_value, a, &a->scan);
	if (r < 0)
		return r;
	json_hold(a->scan, 0, LIMIT_NAME_TEXT);
	*ret = take(a);
	return 0;
}

void ask_free(struct ask **aa)
{
	struct ask *a = obj_take(aa, ASK_MAGIC);

	if (!a)
		return;
	json_free(&a->scan);
	mem_free(a);
}

void ask_reset(struct ask *a)
{
	json_reset(a->scan);
	a->begun = a->bad = a->deep = a->more = false;
	a->stream = a->usage = a->no_answer = false;
	a->twice = 0;
	a->model.n = a->tier.n = a->type.n = a->lane.n = a->id.n = 0;
	a->max_tokens = a->choices = a->text = 0;
}

int ask_feed(struct ask *a, struct str bytes)
{
	int r;

	obj_check(a, ASK_MAGIC);
	if (!bytes.n)
		return 0;
	a->begun = true;
	if (a->bad)
		return 0;
	r = json_feed(a->scan, bytes);
	if (r == -ENOMEM)
		return r;
	a->bad = r < 0;
	a->deep = r == -EMSGSIZE;
	return 0;
}

struct str ask_model(const struct ask *a)
{
	return a->twice & 1u << ASK_MODEL ? STR_NONE : said_str(&a->model);
}

struct str ask_tier(const struct ask *a)
{
	return a->twice & 1u << ASK_TIER ? STR_NONE : said_str(&a->tier);
}

enum why ask_unclear(const struct ask *a)
{
	if (a->bad)
		return a->deep ? WHY_LIMIT : WHY_BAD_BODY;
	return a->twice & 1u << ASK_TIER ? WHY_BAD_BODY : WHY_NONE;
}

bool ask_whole(struct ask *a)
{
	return a->begun && !a->bad && json_end(a->scan) == 0;
}
