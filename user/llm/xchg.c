#include <stdio.h>
#include "base/limit.h"
#include "base/obj.h"
#include "llm/fold.h"
#include "llm/xchg.h"

enum { ASK_MODEL, ASK_STREAM, ASK_USAGE, ASK_TIER, ASK_MAX, ASK_CHOICES, ASK_TEXT };

/* One table for the requests of every API that names its model in the body. Of texts only the size is looked at. */
static const struct json_want ask_want[] = {
	{ "model", ASK_MODEL, 0 },
	{ "stream", ASK_STREAM, 0 },
	{ "stream_options.include_usage", ASK_USAGE, 0 },
	{ "service_tier", ASK_TIER, 0 },
	{ "max_tokens", ASK_MAX, 0 },
	{ "max_completion_tokens", ASK_MAX, 0 },
	{ "max_output_tokens", ASK_MAX, 0 },
	{ "n", ASK_CHOICES, 0 },
	{ "prompt", ASK_TEXT, 0 },
	{ "input", ASK_TEXT, 0 },
	{ "instructions", ASK_TEXT, 0 },
	{ "system", ASK_TEXT, 0 },
	{ "system[].text", ASK_TEXT, 0 },
	{ "messages[].content", ASK_TEXT, 0 },
	{ "messages[].content[].text", ASK_TEXT, 0 },
	{ "messages[].content[].content", ASK_TEXT, 0 },
	{ "messages[].tool_calls[].function.arguments", ASK_TEXT, 0 },
	{ "input[]", ASK_TEXT, 0 },
	{ "input[].content", ASK_TEXT, 0 },
	{ "input[].content[].text", ASK_TEXT, 0 },
	{ "input[].arguments", ASK_TEXT, 0 },
	{ "input[].output", ASK_TEXT, 0 },
	{ "tools", ASK_TEXT, JSON_RAW },
};

int xchg_keep(struct xchg *x, struct str s, struct str *ret)
{
	if (!s.p || !s.n)
		return 0;
	if (str_eq(str_head(s, LIMIT_MODEL_TEXT), *ret))
		return 0;
	/* a hostile answer that names a new model in each event ends here, not in memory */
	if (!x->closing && x->arena.limit - x->arena.used < LIMIT_XCHG_ARENA / 4)
		return 0;
	return arena_str(&x->arena, str_head(s, LIMIT_MODEL_TEXT), ret);
}

int xchg_new(const struct part *in, struct xchg **ret)
{
	_cleanup_(xchg_free) struct xchg *x = obj_new(x, XCHG_MAGIC);

	if (!x)
		return -ENOMEM;
	x->arena.limit = LIMIT_XCHG_ARENA;
	x->raw.limit = LIMIT_JSON_VALUE;
	x->provider = &llm_unknown;
	x->u.from = *in->from;
	x->u.off = in->off;
	x->u.start_ns = in->at_ns;
	x->u.status = -1;
	x->u.retry = -1;
	*ret = take(x);
	return 0;
}

void xchg_free(struct xchg **xx)
{
	struct xchg *x = obj_take(xx, XCHG_MAGIC);

	if (!x)
		return;
	json_free(&x->ask);
	json_free(&x->answer);
	buf_done(&x->raw);
	arena_reset(&x->arena);
	mem_free(x);
}

/* ---- the request ------------------------------------------------------------------------------------- */

static int ask_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct xchg *x = ctx;
	uint64_t n = 0;

	switch (id) {
	case ASK_MODEL:
		return type == JSON_STRING ? xchg_keep(x, text, &x->u.model_requested) : 0;
	case ASK_TIER:
		return type == JSON_STRING ? xchg_keep(x, text, &x->u.tier) : 0;
	case ASK_STREAM:
		x->ask_stream = type == JSON_TRUE;
		return 0;
	case ASK_USAGE:
		x->ask_usage = type == JSON_TRUE;
		return 0;
	case ASK_MAX:
		if (type == JSON_NUMBER && json_count(text, &n) == 0)
			x->guess.max_tokens = MAX(x->guess.max_tokens, n);
		return 0;
	case ASK_CHOICES:
		if (type == JSON_NUMBER && json_count(text, &n) == 0)
			x->guess.choices = n;
		return 0;
	default:
		if (type == JSON_STRING || type == JSON_ARRAY)
			x->guess.asked_text += text.n;
		return 0;
	}
}

int xchg_ask(struct xchg *x, struct str bytes)
{
	int r;

	if (!x->hashing)
		return 0;
	if (bytes.n)
		x->guess.asked_bytes += bytes.n;
	hash_add(&x->hash, bytes);
	if (x->form_on) {
		multipart_feed(&x->form, bytes);
		return 0;
	}
	if (!x->ask && x->guess.asked_bytes == bytes.n) {
		r = json_new(ask_want, COUNT_OF(ask_want), ask_value, x, &x->ask);
		if (r < 0)
			return r;
	}
	if (!x->ask)
		return 0;
	r = json_feed(x->ask, bytes);
	if (r < 0 && r != -ENOMEM) {
		json_free(&x->ask);
		r = 0;
	}
	return r;
}

/* ---- the answer -------------------------------------------------------------------------------------- */

static bool is_last(const struct llm_format *f, struct str name)
{
	for (const char *const *l = f->last; l && *l; l++)
		if (str_eq(str_of(*l), name))
			return true;
	return false;
}

static int on_usage(struct xchg *x, enum json_type type, struct str text)
{
	int r;

	if (type != JSON_OBJECT)
		return 0; /* null: not yet */
	if (!text.p || !fold_is_utf8(text)) {
		x->raw_why = text.p ? WHY_BAD_USAGE : WHY_LIMIT;
		return 0;
	}
	if (!x->format->overlay) {
		buf_reset(&x->raw);
		x->raw_why = WHY_NONE;
	}
	r = fold_overlay(&x->raw, text);
	if (r == -EMSGSIZE) {
		x->raw_why = WHY_LIMIT;
		r = 0;
	}
	return r;
}

/* A number without a usage object around it gets one. */
static int on_member(struct xchg *x, size_t i, enum json_type type, struct str text)
{
	char object[LIMIT_MODEL_TEXT];
	int n;

	if (type != JSON_NUMBER)
		return 0;
	n = snprintf(object, sizeof(object), "{\"%s\":" STR_FMT "}", x->format->fields[i].path,
		     STR_ARG(text));
	return on_usage(x, JSON_OBJECT,
			n < (int)sizeof(object) ? (struct str){ object, (size_t)n } : STR_NONE);
}

static uint64_t session_key(struct str s)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: only compared within one answer */

	for (size_t i = 0; s.p && i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h;
}

static bool session_known(struct xchg *x, uint64_t session)
{
	for (size_t i = 0; i < x->session_count; i++)
		if (x->sessions[i] == session)
			return true;
	if (x->session_count == COUNT_OF(x->sessions))
		x->tools_full = true;
	else
		x->sessions[x->session_count++] = session;
	return false;
}

static void tool_end(struct xchg *x)
{
	const struct llm_tool *t = x->tool;

	if (t && !(t->action && x->tool_other_action) && !x->tool_not_done &&
	    !(t->once && session_known(x, x->session))) {
		x->tools[t->leaf]++;
		x->tools_seen = true;
	}
	x->tool = NULL;
	x->tool_other_action = x->tool_not_done = false;
	x->session = 0;
}

static void on_tool(struct xchg *x, int id, struct str text)
{
	const struct llm_format *f = x->format;

	switch (id) {
	case MARK_TOOL_TYPE:
		x->tool = NULL;
		for (size_t i = 0; i < f->tool_count; i++)
			if (str_eq(str_of(f->tools[i].type), text))
				x->tool = &f->tools[i];
		break;
	case MARK_TOOL_STATUS:
		x->tool_not_done = !str_eq(text, S("completed"));
		break;
	case MARK_TOOL_ACTION:
		x->tool_other_action = !str_eq(text, S("search"));
		break;
	case MARK_TOOL_SESSION:
		x->session = session_key(text);
		break;
	default:
		tool_end(x);
	}
}

static int answer_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct xchg *x = ctx;

	switch (id) {
	case MARK_MODEL:
		return type == JSON_STRING ? xchg_keep(x, text, &x->u.model_served) : 0;
	case MARK_ID:
		return type == JSON_STRING ? xchg_keep(x, text, &x->u.response_id) : 0;
	case MARK_TIER:
		return type == JSON_STRING ? xchg_keep(x, text, &x->tier) : 0;
	case MARK_USAGE:
		return on_usage(x, type, text);
	case MARK_ERROR:
		x->error |= type != JSON_NULL;
		return 0;
	case MARK_KIND:
		x->event_last |= type == JSON_STRING && is_last(x->format, text);
		return 0;
	case MARK_STATUS:
		x->queued = str_eq(text, S("queued")) || str_eq(text, S("in_progress"));
		return 0;
	case MARK_STOP:
		x->final |= type == JSON_STRING || type == JSON_TRUE;
		return 0;
	case MARK_TEXT:
		if (type == JSON_STRING)
			x->guess.answer_text += text.n;
		return 0;
	default:
		if (id >= MARK_MEMBER)
			return on_member(x, (size_t)(id - MARK_MEMBER), type, text);
		on_tool(x, id, text);
		return 0;
	}
}

static int answer_feed(struct xchg *x, struct str bytes)
{
	int r = 0;

	if (!x->answer)
		r = json_new(x->format->marks, x->format->mark_count, answer_value, x, &x->answer);
	return r < 0 ? r : json_feed(x->answer, bytes);
}

int xchg_answer(struct xchg *x, struct str bytes)
{
	int r;

	if (!x->format || x->unreadable)
		return 0;
	r = answer_feed(x, bytes);
	if (r == -ENOMEM)
		return r;
	x->unreadable = r < 0;
	return 0;
}

static void event_begin(struct xchg *x)
{
	x->head_n = 0;
	x->event_bad = x->event_last = false;
	x->tool = NULL;
	if (x->answer)
		json_reset(x->answer);
}

static void event_end(struct xchg *x)
{
	struct str head = { x->head, x->head_n };

	if (x->event_bad && str_eq(str_trim(head), S("[DONE]")))
		x->final = true;
	/* an event that broke off says nothing for certain about the end */
	if (!x->event_bad && x->event_last && x->answer && json_end(x->answer) == 0)
		x->final = x->ended = true;
	event_begin(x);
}

/* Items are listed whole by every event that lists them: the last list counts. */
static void tools_anew(struct xchg *x)
{
	memset(x->tools, 0, sizeof(x->tools));
	x->session_count = 0;
	x->tools_seen = x->tools_full = false;
}

int xchg_lines(struct xchg *x, struct str bytes)
{
	struct str line;
	int r = 0;

	while (r == 0 && str_cut(&bytes, &line, '\n'))
		r = xchg_event(x, line, true);
	return r == 0 && bytes.n ? xchg_event(x, bytes, false) : r;
}

int xchg_event(struct xchg *x, struct str bytes, bool last)
{
	size_t keep = MIN(bytes.n, sizeof(x->head) - x->head_n);
	int r = 0;

	x->u.stream = true;
	if (!x->format || x->ended)
		return 0;
	if (!x->head_n && bytes.n)
		tools_anew(x);
	memcpy(x->head + x->head_n, bytes.p ? bytes.p : "", keep);
	x->head_n += keep;
	if (!x->event_bad && bytes.n)
		r = answer_feed(x, bytes);
	if (r == -ENOMEM)
		return r;
	x->event_bad |= r < 0;
	if (last)
		event_end(x);
	return 0;
}
