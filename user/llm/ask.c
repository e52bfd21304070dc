#include <stdio.h>
#include "base/obj.h"
#include "llm/ask.h"

enum {
	ASK_MODEL,
	ASK_TIER,
	ASK_TYPE,
	ASK_LANE,
	ASK_ID,
	ASK_SPEED,
	ASK_QUALITY,
	ASK_SIZE,
	ASK_STREAM,
	ASK_USAGE,
	ASK_GENERATE,
	ASK_MAX,
	ASK_CHOICES,
	ASK_MORE,
	ASK_HOSTED,
	ASK_TOOL,      /* its type */
	ASK_TOOL_PART, /* its members */
	ASK_TOOLS,     /* all of them */
	ASK_SCHEMA,
	ASK_INPUT,
	ASK_TEXT,
	ASK_PROMPT, /* what lies in it, by names */
	ASK_TURN,
	ASK_ITEM, /* a turn, or names one */
	ASK_ITEM_TYPE,
	ASK_ITEM_ID
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
	{ "speed", ASK_SPEED, 0 },
	{ "performanceConfig.latency", ASK_SPEED, 0 },
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
	{ "input", ASK_INPUT, JSON_RUNS },
	{ "quality", ASK_QUALITY, 0 },
	{ "size", ASK_SIZE, 0 },
	{ "instructions", ASK_TEXT, JSON_SIZE },
	{ "system", ASK_TEXT, 0 },
	{ "system.**", ASK_PROMPT, JSON_NAMES },
	{ "systemInstruction.**", ASK_PROMPT, JSON_NAMES },
	{ "messages.**", ASK_PROMPT, JSON_NAMES },
	{ "input.**", ASK_PROMPT, JSON_NAMES },
	{ "contents.**", ASK_PROMPT, JSON_NAMES },
	{ "content.**", ASK_PROMPT, JSON_NAMES },
	{ "requests.**", ASK_PROMPT, JSON_NAMES },
	{ "instances.**", ASK_PROMPT, JSON_NAMES },
	{ "texts.**", ASK_PROMPT, JSON_NAMES },
	{ "documents.**", ASK_PROMPT, JSON_NAMES },
	{ "messages[]", ASK_TURN, JSON_EACH },
	{ "contents[]", ASK_TURN, JSON_EACH },
	{ "input[]", ASK_ITEM, JSON_EACH },
	{ "input[].type", ASK_ITEM_TYPE, 0 },
	{ "input[].id", ASK_ITEM_ID, 0 },
	{ "tools", ASK_TOOLS, JSON_SIZE },
	{ "toolConfig.tools", ASK_TOOLS, JSON_SIZE },
	{ "tools[].*", ASK_TOOL_PART, JSON_NAMES },
	{ "toolConfig.tools[].*", ASK_TOOL_PART, JSON_NAMES },
	{ "tools[].type", ASK_TOOL, 0 },
	{ "response_format", ASK_SCHEMA, JSON_SIZE },
	{ "text", ASK_SCHEMA, JSON_SIZE },
	{ "output_config", ASK_SCHEMA, JSON_SIZE },
	{ "outputConfig", ASK_SCHEMA, JSON_SIZE },
	/* what is read without being sent here */
	{ "web_search_options", ASK_HOSTED, JSON_EACH },
	{ "plugins[]", ASK_HOSTED, JSON_EACH },
	{ "previous_response_id", ASK_MORE, 0 },
	{ "conversation", ASK_MORE, JSON_EACH },
	{ "prompt.id", ASK_MORE, 0 },
	{ "cachedContent", ASK_MORE, 0 },
	{ "cached_content", ASK_MORE, 0 },
	{ "container", ASK_HOSTED, JSON_EACH },
	{ "mcp_servers[]", ASK_HOSTED, JSON_EACH },
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

/* Tools that the provider runs put what they find into the prompt: by type, or by the member that is theirs. */
static bool brings_more(struct str tool)
{
	static const char *const hosted[] = { "web_",    "file_search", "code_",    "mcp",
					      "advisor", "tool_search", "browser_", "openrouter:" },
				 *const member[] = {
					 "google",     "urlContext",    "url_context",
					 "fileSearch", "codeExecution", "systemTool",
				 };

	if (!tool.p) /* too long to look at */
		return true;
	for (size_t i = 0; i < COUNT_OF(hosted); i++)
		if (str_starts(tool, str_of(hosted[i])))
			return true;
	for (size_t i = 0; i < COUNT_OF(member); i++)
		if (str_starts(tool, str_of(member[i])))
			return true;
	return false;
}

/* Of two that differ nobody knows which the server takes; one too long to look at may be any. */
static void ask_name(struct ask *a, int id, struct str text)
{
	struct said_text *const names[] = { &a->model, &a->tier, &a->type, &a->lane, &a->id };
	struct said_text *t = names[id];

	if (!text.p || (t->n && !str_eq(said_str(t), str_head(text, sizeof(t->p)))))
		a->unsure |= 1u << id;
	a->lengthy |= !text.p;
	said_keep(t, text);
}

/* A faster way is a tier that beats the tier. */
static void ask_speed(struct ask *a, struct str text)
{
	if (!text.n || str_eq(text, S("standard")))
		return;
	if (!a->fast)
		a->tier.n = 0;
	a->fast = true;
	ask_name(a, ASK_TIER, text);
}

/* What a picture shall look like. */
static void ask_look(struct ask *a, int id, struct str text)
{
	char *to = id == ASK_QUALITY ? a->quality : a->size;

	if (!text.p || text.n >= sizeof(a->size) || (to[0] && !str_eq(str_of(to), text))) {
		a->unsure |= 1u << id;
		return;
	}
	memcpy(to, text.p, text.n);
	to[text.n] = 0;
}

/* In runs, and one that is empty at its end. */
static void ask_input(struct ask *a, struct str run)
{
	a->prompt.sum.text += run.n;
	a->inputs += !run.n;
	for (size_t i = 0; i < run.n; i++)
		a->characters += ((unsigned char)run.p[i] & 0xc0) != 0x80; /* UTF-8 */
}

/* Of these items all stands here. */
static bool is_here(struct str item)
{
	static const char *const here[] = { "message", "function_call", "function_call_output",
					    "custom_tool_call", "custom_tool_call_output" };

	for (size_t i = 0; i < COUNT_OF(here); i++)
		if (str_eq(str_of(here[i]), item))
			return true;
	return false;
}

/* Any other with an id may name one of an earlier answer, or leave out what the provider holds of it: thoughts. */
static void ask_item(struct ask *a, int id, enum json_type type, struct str text)
{
	if (id == ASK_ITEM_ID) {
		a->item_id = type == JSON_STRING;
	} else if (id == ASK_ITEM_TYPE) {
		a->item_here = type == JSON_STRING && is_here(text);
	} else if (type == JSON_OBJECT) {
		a->prompt.more |= a->item_id && !a->item_here;
		a->prompt.sum.messages++;
		a->item_id = a->item_here = false;
	}
}

/* The sizes of what is asked. */
static void ask_weigh(struct ask *a, int id, enum json_type type, struct str text)
{
	struct weight *w = &a->prompt.sum;
	bool holds = type == JSON_ARRAY || type == JSON_OBJECT;

	if (id == ASK_PROMPT && type == JSON_NAME)
		weigh_name(&a->prompt, text);
	else if (id == ASK_PROMPT)
		weigh_value(&a->prompt, type, text);
	else if (id == ASK_TEXT)
		w->text += type == JSON_STRING || type == JSON_ARRAY ? text.n : 0;
	else if (id == ASK_TOOLS)
		w->tools += holds ? text.n : 0;
	else if (id == ASK_SCHEMA)
		w->schema += holds ? text.n : 0;
	else if (id == ASK_TURN)
		w->messages += holds;
}

static int ask_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct ask *a = ctx;

	if (type == JSON_NUMBER && id < ASK_TOOLS)
		ask_number(a, id, text);
	else if (type == JSON_STRING && id == ASK_INPUT)
		ask_input(a, text);
	else if (type == JSON_STRING && (id == ASK_QUALITY || id == ASK_SIZE))
		ask_look(a, id, text);
	else if (type == JSON_STRING && id == ASK_SPEED)
		ask_speed(a, text);
	else if (type == JSON_STRING && id <= ASK_ID && !(id == ASK_TIER && a->fast))
		ask_name(a, id, text);
	else if (id == ASK_STREAM)
		a->stream = type == JSON_TRUE;
	else if (id == ASK_USAGE)
		a->usage = type == JSON_TRUE;
	else if (id == ASK_GENERATE)
		a->no_answer = type == JSON_FALSE;
	else if (id == ASK_MORE)
		a->prompt.more |= type != JSON_NULL;
	else if (id == ASK_HOSTED)
		a->hosted |= type != JSON_NULL;
	else if (id == ASK_TOOL || (id == ASK_TOOL_PART && type == JSON_NAME))
		a->hosted |= brings_more(text);
	else if (id == ASK_ITEM || id == ASK_ITEM_TYPE || id == ASK_ITEM_ID)
		ask_item(a, id, type, text);
	else
		ask_weigh(a, id, type, text);
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
	a->begun = a->bad = a->deep = a->lengthy = false;
	a->hosted = a->item_id = a->item_here = false;
	a->prompt = (struct weigh){ 0 };
	a->stream = a->usage = a->no_answer = a->fast = false;
	a->unsure = 0;
	a->model.n = a->tier.n = a->type.n = a->lane.n = a->id.n = 0;
	a->quality[0] = a->size[0] = 0;
	a->max_tokens = a->choices = a->characters = a->inputs = 0;
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
	return a->unsure & 1u << ASK_MODEL ? STR_NONE : said_str(&a->model);
}

struct str ask_tier(const struct ask *a)
{
	return a->unsure & 1u << ASK_TIER ? STR_NONE : said_str(&a->tier);
}

enum why ask_unclear(const struct ask *a)
{
	if (a->bad)
		return a->deep ? WHY_LIMIT : WHY_BAD_BODY;
	if (a->unsure & 1u << ASK_TIER)
		return a->lengthy ? WHY_LIMIT : WHY_BAD_BODY;
	return WHY_NONE;
}

bool ask_characters(const struct ask *a, uint64_t *ret)
{
	if (a->inputs != 1) /* of two nobody knows which the server takes */
		return false;
	*ret = a->characters;
	return true;
}

struct str ask_picture(const struct ask *a, char text[ASK_PICTURE])
{
	int n = snprintf(text, ASK_PICTURE, "%s/%s", a->quality[0] ? a->quality : "standard",
			 a->size[0] ? a->size : "1024x1024");

	if (a->unsure & (1u << ASK_QUALITY | 1u << ASK_SIZE) || n >= ASK_PICTURE)
		return STR_NONE;
	return (struct str){ text, (size_t)n };
}

bool ask_whole(struct ask *a)
{
	return a->begun && !a->bad && json_end(a->scan) == 0;
}

bool ask_closed(const struct ask *a)
{
	return !a->bad && json_closed(a->scan);
}
