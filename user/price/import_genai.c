/* import_genai.c -- genai-prices' data: a list of providers, each with models, prices per unit that the key names.
 *
 * `prices` is an object, or a list of them with constraints of which the last that fits wins. */
#include "base/clock.h"
#include "price/import_entry.h"

enum {
	PROVIDER_END,
	PROVIDER_ID,
	MODEL_END,
	MODEL_ID,
	EQUALS,
	STARTS,
	PATTERN,
	PRICE,
	BASE,
	STEP,
	START,
	STEP_PRICE,
	DATED,
	DATE,
	TIME,
	RULE,
	PART,
};

#define MODEL "[].models[]"
#define BOTH(tail, id, flags)                             \
	{ MODEL ".prices." tail, id, flags },             \
	{                                                 \
		MODEL ".prices[].prices." tail, id, flags \
	}
static const struct json_want want[] = {
	{ "[]", PROVIDER_END, JSON_EACH },
	{ "[].id", PROVIDER_ID, 0 },
	{ MODEL, MODEL_END, JSON_EACH },
	{ MODEL ".id", MODEL_ID, 0 },
	{ MODEL ".match.equals", EQUALS, 0 },
	{ MODEL ".match.or[].equals", EQUALS, 0 },
	{ MODEL ".match.starts_with", STARTS, 0 },
	{ MODEL ".match.or[].starts_with", STARTS, 0 },
	{ MODEL ".match.*", PATTERN, JSON_NAMES },
	{ MODEL ".match.or[].*", PATTERN, JSON_NAMES },
	BOTH("*", PRICE, JSON_NAMES),
	BOTH("*.*", PART, JSON_NAMES),
	BOTH("*.tiers[].*", PART, JSON_NAMES),
	BOTH("*.base", BASE, 0),
	BOTH("*.tiers[]", STEP, JSON_EACH),
	BOTH("*.tiers[].start", START, 0),
	BOTH("*.tiers[].price", STEP_PRICE, 0),
	{ MODEL ".prices[]", DATED, JSON_EACH },
	{ MODEL ".prices[].constraint", TIME, 0 },
	{ MODEL ".prices[].constraint.*", RULE, JSON_NAMES },
	{ MODEL ".prices[].constraint.start_date", DATE, 0 },
	{ MODEL ".prices[].constraint.start_time", TIME, 0 },
	{ MODEL ".prices[].constraint.end_time", TIME, 0 },
};

#define IN(unit)        \
	{               \
		unit, 0 \
	}
static const struct {
	const char *name;
	enum leaf leaf;
	struct import_unit unit;
} prices[] = {
	{ "input_mtok", LEAF_IN_TEXT, IN("Mtok") },
	{ "input_text_mtok", LEAF_IN_TEXT, IN("Mtok") },
	{ "output_mtok", LEAF_OUT_TEXT, IN("Mtok") },
	{ "output_text_mtok", LEAF_OUT_TEXT, IN("Mtok") },
	{ "cache_read_mtok", LEAF_IN_CACHE_READ, IN("Mtok") },
	{ "cache_text_read_mtok", LEAF_IN_CACHE_READ, IN("Mtok") },
	{ "cache_write_mtok", LEAF_IN_CACHE_WRITE, IN("Mtok") },
	{ "cache_write_5m_mtok", LEAF_IN_CACHE_WRITE_5M, IN("Mtok") },
	{ "cache_write_1h_mtok", LEAF_IN_CACHE_WRITE_1H, IN("Mtok") },
	{ "input_audio_mtok", LEAF_IN_AUDIO, IN("Mtok") },
	{ "cache_audio_read_mtok", LEAF_IN_AUDIO_CACHED, IN("Mtok") },
	{ "output_audio_mtok", LEAF_OUT_AUDIO, IN("Mtok") },
	{ "input_image_mtok", LEAF_IN_IMAGE, IN("Mtok") },
	{ "cache_image_read_mtok", LEAF_IN_IMAGE_CACHED, IN("Mtok") },
	{ "output_image_mtok", LEAF_OUT_IMAGE, IN("Mtok") },
	{ "input_video_mtok", LEAF_IN_VIDEO, IN("Mtok") },
	{ "output_video_mtok", LEAF_OUT_VIDEO, IN("Mtok") },
	{ "input_tool_mtok", LEAF_IN_TOOL, IN("Mtok") },
	{ "output_reasoning_mtok", LEAF_OUT_REASONING, IN("Mtok") },
	{ "output_citation_mtok", LEAF_OUT_CITATION, IN("Mtok") },
	{ "web_searches_kcount", LEAF_N_WEB_SEARCH, IN("kcall") },
	{ "storage_searches_kcount", LEAF_N_FILE_SEARCH, IN("kcall") },
	{ "social_searches_kcount", LEAF_N_SOCIAL_SEARCH, IN("kcall") },
	{ "code_executions_kcount", LEAF_N_CODE_SESSION, IN("kcall") },
	{ "requests_kcount", LEAF_N_REQUEST, IN("kcall") },
	{ "rerank_searches_kcount", LEAF_N_RERANK_UNIT, IN("kcall") },
	{ "input_document_kpages", LEAF_N_PAGE, IN("kpage") },
	{ "input_mchars", LEAF_N_CHAR, IN("Mchar") },
	{ "audio_hours", LEAF_N_AUDIO_MS, IN("hour") },
	{ "input_audio_hours", LEAF_N_AUDIO_MS, IN("hour") },
};

/* Prices of what is not counted. */
static const char *const unmapped[] = { "input_annotated_document_kpages",
					"input_text_messages_kcount",
					"output_audio_hours",
					"input_gpixels",
					"cache_audio_write_mtok",
					"cache_image_write_mtok" };

struct number {
	struct str name, text, start; /* start: tokens, as text; absent: from 0 on */
	struct number *next;
};

struct genai {
	struct import *m;
	struct import_entry *e, *first; /* the model that is open; the first of its provider */
	struct number *now, *best; /* of the object that is open; of the one that fits the day */
	struct str provider, name, start, step_price, date;
	bool hours, dated;
};

/* ---- prices ------------------------------------------------------------------------------------- */

static int hold(struct genai *g, struct str text, struct str start)
{
	struct number *n = arena_get(&g->m->arena, sizeof(*n)), **to = &g->now;
	int r = n ? arena_str(&g->m->arena, text, &n->text) : -ENOMEM;

	if (r < 0)
		return r;
	n->name = g->name;
	n->start = start;
	while (*to)
		to = &(*to)->next;
	*to = n;
	return 0;
}

static int add_one(struct genai *g, const struct number *n, size_t row)
{
	struct import_rate at = { .tier = S("standard"), .leaf = prices[row].leaf };

	if (n->start.p && json_count(n->start, &at.above) < 0) {
		import_note(g->e, IMPORT_TIERS, n->name);
		return 0;
	}
	return import_add(g->m, g->e, at, prices[row].unit, n->text, n->name);
}

static int add(struct genai *g, const struct number *n)
{
	for (size_t i = 0; i < COUNT_OF(prices); i++)
		if (str_eq(n->name, str_of(prices[i].name)))
			return add_one(g, n, i);
	for (size_t i = 0; i < COUNT_OF(unmapped); i++)
		if (str_eq(n->name, str_of(unmapped[i]))) {
			import_note(g->e, IMPORT_UNMAPPED, n->name);
			return 0;
		}
	import_note(g->e, IMPORT_UNKNOWN_KEY, n->name);
	return 0;
}

/* The object that ends: does it hold on that day? */
static void end_dated(struct genai *g)
{
	uint64_t at = 0;

	g->dated = true;
	if (g->hours)
		import_note(g->e, IMPORT_HOURS, S("constraint"));
	else if (g->date.p && clock_parse(g->date, &at) < 0)
		import_note(g->e, IMPORT_HOURS, S("constraint.start_date"));
	else if (at <= g->m->o.at_ns)
		g->best = g->now; /* the last that fits */
	if (g->date.p)
		import_note(g->e, IMPORT_DATES, S("constraint.start_date"));
	g->now = NULL;
	g->hours = false;
	g->date = STR_NONE;
}

static int end_model(struct genai *g)
{
	const struct number *n = g->dated ? g->best : g->now;
	int r = 0;

	for (; n && r == 0; n = n->next)
		r = add(g, n);
	if (r == 0)
		r = import_fill_bands(g->m, g->e, IMPORT_NONE);
	g->now = g->best = NULL;
	g->dated = false;
	return r;
}

/* ---- the list ----------------------------------------------------------------------------------- */

/* The id of a provider may stand behind its models. */
static int end_provider(struct genai *g)
{
	struct str prefix;
	int r = 0;

	for (struct import_entry *e = g->first; e && r == 0; e = e->next) {
		import_gates(e);
		if (import_provider(g->m, e, g->provider, &prefix))
			r = e->id.n ? 0 : (import_note(e, IMPORT_NAME, STR_NONE), 0);
		if (r == 0)
			r = import_close(g->m, e);
	}
	g->first = NULL;
	g->provider = STR_NONE;
	return r;
}

/* "^gpt-x-\d{4}-\d{2}-\d{2}$" or a beginning: the id with a date behind it. */
static void match(struct genai *g, int id, struct str text)
{
	if (id == STARTS && str_eq(text, g->e->id))
		g->e->allow_dated = true;
	else if (id == PATTERN && !str_eq(text, S("equals")) && !str_eq(text, S("or")))
		import_note(g->e, IMPORT_PATTERN, S("match"));
}

/* A condition that is not known is none that can be left out; a part of a price that is not, is told. */
static void check_name(struct genai *g, int id, struct str name)
{
	static const char *const rules[] = { "type", "start_date", "start_time", "end_time" };
	static const char *const parts[] = { "type", "base", "tiers", "start", "price" };
	const char *const *list = id == RULE ? rules : parts;
	size_t n = id == RULE ? COUNT_OF(rules) : COUNT_OF(parts);

	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(list[i])))
			return;
	if (id == RULE)
		g->hours = true;
	else
		import_note(g->e, IMPORT_UNKNOWN_KEY, g->name);
}

static int open_model(struct genai *g)
{
	int r;

	if (g->e)
		return 0;
	r = import_open(g->m, S("(no id)"), &g->e);
	if (r == 0 && !g->first)
		g->first = g->e;
	return r;
}

static int on_text(struct genai *g, int id, struct str text)
{
	struct arena *a = &g->m->arena;
	int r;

	switch (id) {
	case MODEL_ID:
		r = arena_str(a, text, &g->e->id);
		g->e->key = g->e->id;
		return r;
	case EQUALS:
		return import_alias(g->m, g->e, text);
	case PRICE:
	case BASE:
		return hold(g, text, STR_NONE);
	case START:
		return arena_str(a, text, &g->start);
	case STEP_PRICE:
		return arena_str(a, text, &g->step_price);
	case DATE:
		return arena_str(a, text, &g->date);
	default:
		g->hours = g->hours || id == TIME;
		return 0;
	}
}

static int on_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct genai *g = ctx;
	int r = 0;

	if (id == PROVIDER_END)
		return end_provider(g);
	if (id == PROVIDER_ID)
		return text.p ? arena_str(&g->m->arena, text, &g->provider) : 0;
	r = open_model(g);
	if (r < 0)
		return r;
	if (id == MODEL_END) {
		r = end_model(g);
		g->e = NULL;
		return r;
	}
	if (id == DATED) {
		end_dated(g);
		return 0;
	}
	if (id == STEP) {
		r = hold(g, g->step_price.p ? g->step_price : S(""), g->start.p ? g->start : S(""));
		g->step_price = g->start = STR_NONE;
		return r;
	}
	if (id == RULE || id == PART) {
		check_name(g, id, type == JSON_NAME ? text : S("type"));
		return 0;
	}
	if (!text.p)
		return 0;
	if (id == PATTERN || id == STARTS) {
		if (id == STARTS || type == JSON_NAME)
			match(g, id, text);
		return 0;
	}
	if (id == PRICE && type == JSON_NAME)
		return arena_str(&g->m->arena, text, &g->name);
	return type == JSON_NULL ? 0 : on_text(g, id, text);
}

int import_genai(struct import *m, struct str json)
{
	struct genai g = { .m = m };

	return json_scan(json, want, COUNT_OF(want), on_value, &g);
}
