#include <stdio.h>
#include "base/obj.h"
#include "llm/fold.h"
#include "llm/said.h"

enum { RUN_ROOM = JSON_RUN + 4, WRAPPED = 0 };

void said_keep(struct said_text *t, struct str s)
{
	if (!s.p || !s.n)
		return;
	t->n = MIN(s.n, sizeof(t->p));
	t->cut = s.n > t->n;
	memcpy(t->p, s.p, t->n);
}

/* ---- usage ------------------------------------------------------------------------------------------- */

int said_usage(struct said *s, struct str object)
{
	int r;

	s->usage = true;
	if (!object.p || !fold_is_utf8(object)) {
		s->raw_why = object.p ? WHY_BAD_USAGE : WHY_LIMIT;
		s->hits |= object.p ? 0 : HIT_USAGE_BYTES;
		return 0;
	}
	if (!s->format->overlay) {
		buf_reset(&s->raw);
		s->raw_why = WHY_NONE;
	}
	r = fold_overlay(&s->raw, object);
	if (r != -EMSGSIZE && r != -E2BIG)
		return r;
	s->raw_why = WHY_LIMIT;
	s->hits |= r == -E2BIG ? HIT_USAGE_MEMBERS : HIT_USAGE_BYTES;
	return 0;
}

/* The value at a path and what is around it: "a[].b" and 1 are {"a":[{"b":1}]}. */
static int around(struct str path, struct str value, struct buf *b)
{
	struct str name;
	bool more = str_cut(&path, &name, '.'), list;
	int r;

	if (!more)
		name = path;
	list = str_ends(name, S("[]"));
	r = buf_printf(b, "{\"" STR_FMT "\":%s", STR_ARG(str_head(name, name.n - 2 * list)),
		       list ? "[" : "");
	if (r == 0)
		r = more ? around(path, value, b) : buf_add(b, value);
	return r < 0 ? r : buf_add(b, list ? S("]}") : S("}"));
}

/* A number without a usage object around it gets one. */
int said_member(struct said *s, size_t field, struct str number)
{
	char text[LIMIT_MODEL_TEXT];
	struct buf b = { .p = text, .room = sizeof(text), .limit = sizeof(text) - 1 };
	int r = number.p ? around(str_of(s->format->fields[field].path), number, &b) : -EMSGSIZE;

	return said_usage(s, r < 0 ? STR_NONE : buf_str(&b));
}

/* The numbers of whoever passes the answer on. */
static int said_beside(struct said *s, struct str object)
{
	int r = object.p ? fold_overlay(&s->beside, object) : -EMSGSIZE;

	if (r != -EMSGSIZE && r != -E2BIG)
		return r;
	s->usage = true;
	s->raw_why = WHY_LIMIT;
	s->hits |= r == -E2BIG ? HIT_USAGE_MEMBERS : HIT_USAGE_BYTES;
	return 0;
}

static void too_long(struct said *s)
{
	s->usage = true;
	s->raw_why = WHY_LIMIT;
	s->hits |= HIT_USAGE_BYTES;
}

static int list_add(struct said *s, struct str object)
{
	int r = object.p && fold_is_utf8(object) ? buf_put(&s->list, ',') : -EMSGSIZE;

	if (r == 0)
		r = buf_add(&s->list, object);
	if (r == -EMSGSIZE)
		too_long(s);
	return r == -EMSGSIZE ? 0 : r;
}

int said_list(struct said *s)
{
	_cleanup_(buf_done) struct buf b = { .limit = LIMIT_USAGE_BYTES };
	struct str name = str_of(s->format->list), before, items = buf_str(&s->list);
	int r = 0;

	if (!items.n || s->raw_why)
		return 0;
	r = buf_printf(&b, "{\"%s\":{\"", s->format->list);
	while (str_cut(&name, &before, '.'))
		continue;
	if (r == 0)
		r = buf_printf(&b, STR_FMT "\":[", STR_ARG(name));
	if (r == 0)
		r = buf_add(&b, str_skip(items, 1));
	if (r == 0)
		r = buf_add(&b, S("]}}"));
	if (r == 0)
		return said_usage(s, buf_str(&b));
	if (r == -EMSGSIZE)
		too_long(s);
	return r == -EMSGSIZE ? 0 : r;
}

/* ---- tools ------------------------------------------------------------------------------------------- */

enum { LEAF_BITS = 6 };
_Static_assert(LEAF_COUNT <= 1 << LEAF_BITS, "a leaf fits");

/* FNV-1a: only compared within one answer. */
static uint64_t key(uint64_t seed, struct str s)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed;

	for (size_t i = 0; s.p && i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h;
}

static void count_once(struct said_tools *t, uint64_t once)
{
	for (size_t i = 0; i < t->once_count; i++)
		if (t->once[i] == once)
			return;
	if (t->once_count == COUNT_OF(t->once))
		t->full = true;
	else
		t->once[t->once_count++] = once;
	t->n[once & ((1 << LEAF_BITS) - 1)]++;
}

void said_tools_join(struct said_tools *to, const struct said_tools *more)
{
	for (size_t i = 0; i < more->once_count; i++)
		count_once(to, more->once[i]);
	to->full |= more->full;
}

static int tool_count(struct said *s, enum leaf leaf, bool once, uint64_t name)
{
	if (!s->tools)
		s->tools = mem_zero(1, sizeof(*s->tools));
	if (!s->tools)
		return -ENOMEM;
	if (once)
		count_once(s->tools, name << LEAF_BITS | leaf);
	else
		s->tools->n[leaf]++;
	return 0;
}

int said_search(struct said *s, enum llm_mark mark, struct str query)
{
	if (!query.n)
		return 0;
	if (!query.p) /* too long to be told from another */
		s->extra = WHY_LIMIT;
	return tool_count(s, LEAF_N_WEB_SEARCH, true, key(mark, query));
}

static int tool_end(struct said *s)
{
	const struct llm_tool *t = s->tool;
	int r = 0;

	if (t && !(t->action && s->tool_other_action) && !s->tool_not_done)
		r = tool_count(s, t->leaf, t->once, s->session);
	s->tool = NULL;
	s->tool_other_action = s->tool_not_done = false;
	s->session = 0;
	return r;
}

static int on_tool(struct said *s, int id, struct str text)
{
	const struct llm_format *f = s->format;

	switch (id) {
	case MARK_TOOL_TYPE:
		s->tool = NULL;
		for (size_t i = 0; i < f->tool_count; i++)
			if (str_eq(str_of(f->tools[i].type), text))
				s->tool = &f->tools[i];
		return 0;
	case MARK_TOOL_STATUS:
		s->tool_not_done = !str_eq(text, S("completed"));
		return 0;
	case MARK_TOOL_ACTION:
		s->tool_other_action = !str_eq(text, S("search"));
		return 0;
	case MARK_TOOL_SESSION:
		s->session = key(0, text);
		return 0;
	default:
		return tool_end(s);
	}
}

/* ---- the document ------------------------------------------------------------------------------------ */

static int said_text(struct said *s, int id, struct str text)
{
	if (text.n && !text.p) {
		s->hits |= HIT_NAME_TEXT;
		if (id == MARK_TIER ||
		    id == MARK_SPEED) /* whatever it is, it is not the standard one */
			s->extra = WHY_LIMIT;
	}
	switch (id) {
	case MARK_MODEL:
		said_keep(&s->model, text);
		break;
	case MARK_ID:
		said_keep(&s->id, text);
		break;
	case MARK_DEFERRED:
		said_keep(&s->id, text);
		s->queued = s->status_told = true;
		break;
	case MARK_TIER:
		if (!s->fast)
			said_keep(&s->tier, text);
		break;
	case MARK_SPEED:
		if (str_eq(text, S("standard")))
			break;
		said_keep(&s->tier, text);
		s->fast = true;
		break;
	case MARK_LANE:
		said_keep(&s->lane, text);
		break;
	case MARK_KIND:
		said_keep(&s->kind, text);
		break;
	case MARK_OTHER_MODEL:
		said_keep(&s->other_model, text);
		break;
	case MARK_SEARCH:
	case MARK_PICTURE_SEARCH:
		return said_search(s, id, text);
	default:
		break;
	}
	return 0;
}

static void said_job(struct said *s, int id, enum json_type type, struct str text)
{
	if (id == MARK_BACKGROUND) {
		s->background = type == JSON_TRUE;
		return;
	}
	s->status_told = true;
	s->queued = str_eq(text, S("queued")) || str_eq(text, S("in_progress"));
	if (type == JSON_NUMBER && json_count(text, &s->status) < 0)
		s->status = 0;
}

static int said_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct said *s = ctx;

	switch (id) {
	case MARK_USAGE:
		return type == JSON_OBJECT ? said_usage(s, text) : 0; /* null: not yet */
	case MARK_BESIDE:
		return type == JSON_OBJECT ? said_beside(s, text) : 0;
	case MARK_ERROR:
		s->error |= type != JSON_NULL;
		return 0;
	case MARK_EXTRA:
	case MARK_MIXED:
		if (type != JSON_NULL)
			s->extra = id == MARK_MIXED ? WHY_MIXED_MODELS : WHY_UNKNOWN_FORMAT;
		return 0;
	case MARK_TEXT: /* what tools are asked may be an object */
		s->text += type == JSON_STRING || type == JSON_OBJECT ? text.n : 0;
		return 0;
	case MARK_STATUS:
	case MARK_BACKGROUND:
		said_job(s, id, type, text);
		return 0;
	case MARK_LISTED:
		s->listed = true;
		return 0;
	case MARK_RESULT:
		s->result |= type == JSON_OBJECT;
		return 0;
	case MARK_IMAGE:
		s->images += type == JSON_OBJECT || type == JSON_STRING;
		return 0;
	case MARK_LIST:
		return type == JSON_OBJECT ? list_add(s, text) : 0;
	case MARK_MAPS: /* however much was found on a map, the prompt is billed once */
		return type == JSON_OBJECT ? tool_count(s, LEAF_N_MAPS, true, 0) : 0;
	case MARK_CHOICE:
		s->several |= !str_eq(text, S("0"));
		return 0;
	case MARK_STOP:
		s->stop |= type == JSON_STRING || type == JSON_TRUE || type == JSON_OBJECT;
		return 0;
	case MARK_TOOL:
	case MARK_TOOL_TYPE:
	case MARK_TOOL_STATUS:
	case MARK_TOOL_ACTION:
	case MARK_TOOL_SESSION:
		return on_tool(s, id, text);
	default:
		if (id >= MARK_MEMBER)
			return type == JSON_NUMBER || type == JSON_OBJECT
				       ? said_member(s, (size_t)(id - MARK_MEMBER), text)
				       : 0;
		return type == JSON_STRING ? said_text(s, id, text) : 0;
	}
}

/* A run of base64, or its end. */
static int said_wrapped(void *ctx, int id, enum json_type type, struct str run)
{
	struct said *s = ctx;
	char bytes[RUN_ROOM];
	size_t n;

	(void)id;
	if (type != JSON_STRING)
		return 0;
	if (!run.n)
		return unbase64_end(&s->unbase64) ? 0 : -EBADMSG;
	if (!unbase64_feed(&s->unbase64, run, bytes, &n))
		return -EBADMSG;
	return n ? json_feed(s->scan, (struct str){ bytes, n }) : 0;
}

static const struct json_want wrapped_want[] = { { "bytes", WRAPPED, JSON_RUNS } };

int said_new(const struct llm_format *f, struct said **ret)
{
	_cleanup_(said_free) struct said *s = obj_new(s, SAID_MAGIC);
	int r;

	if (!s)
		return -ENOMEM;
	s->format = f;
	s->raw.limit = LIMIT_USAGE_BYTES;
	s->beside.limit = SAID_BESIDE;
	s->list.limit = LIMIT_USAGE_BYTES;
	if (f->binary)
		r = vertexpb_new(s, &s->binary);
	else
		r = json_new(f->marks, f->mark_count, said_value, s, &s->scan);
	if (r == 0 && f->wrapped)
		r = json_new(wrapped_want, COUNT_OF(wrapped_want), said_wrapped, s, &s->outer);
	if (r < 0)
		return r;
	if (s->scan)
		json_hold(s->scan, LIMIT_USAGE_BYTES, LIMIT_NAME_TEXT);
	if (s->outer)
		json_hold(s->outer, LIMIT_USAGE_BYTES, JSON_RUN);
	*ret = take(s);
	return 0;
}

void said_free(struct said **ss)
{
	struct said *s = obj_take(ss, SAID_MAGIC);

	if (!s)
		return;
	json_free(&s->scan);
	json_free(&s->outer);
	vertexpb_free(&s->binary);
	buf_done(&s->raw);
	buf_done(&s->beside);
	buf_done(&s->list);
	mem_free(s->tools);
	mem_free(s);
}

void said_reset(struct said *s)
{
	mem_free(take(s->tools));
	buf_reset(&s->raw);
	buf_reset(&s->beside);
	buf_reset(&s->list);
	if (s->binary)
		vertexpb_reset(s->binary);
	else
		json_reset(s->scan);
	if (s->outer)
		json_reset(s->outer);
	s->unbase64 = (struct unbase64){ 0 };
	s->model.n = s->id.n = s->tier.n = s->kind.n = s->lane.n = 0;
	s->other_model.n = 0;
	s->head_n = 0;
	s->begun = s->bad = s->broken = s->usage = false;
	s->hits = 0;
	s->raw_why = s->extra = WHY_NONE;
	s->fast = s->stop = s->several = s->error = s->status_told = s->queued = false;
	s->background = s->listed = s->result = false;
	s->images = 0;
	s->status = s->text = 0;
	s->tool = NULL;
	s->tool_other_action = s->tool_not_done = false;
	s->session = 0;
}

int said_feed(struct said *s, struct str bytes)
{
	size_t keep = MIN(bytes.n, sizeof(s->head) - s->head_n);
	int r;

	obj_check(s, SAID_MAGIC);
	if (!bytes.n)
		return 0;
	memcpy(s->head + s->head_n, bytes.p, keep);
	s->head_n += keep;
	s->begun = true;
	if (s->bad)
		return 0;
	r = s->binary ? vertexpb_feed(s->binary, bytes)
		      : json_feed(s->outer ? s->outer : s->scan, bytes);
	if (r == -ENOMEM)
		return r;
	s->bad = r < 0;
	s->hits |= r == -EMSGSIZE ? HIT_JSON_DEPTH : 0;
	return 0;
}

bool said_done(const struct said *s)
{
	return str_eq(str_trim((struct str){ s->head, s->head_n }), S("[DONE]"));
}

bool said_whole(struct said *s)
{
	bool whole = !s->bad && (!s->outer || json_end(s->outer) == 0);

	if (s->binary) {
		s->bad = s->broken = s->bad || !vertexpb_whole(s->binary);
		return !s->bad;
	}
	/* an event around no answer (an exception, say) is whole as it is */
	if (whole && (!s->outer || json_started(s->scan)))
		whole = json_end(s->scan) == 0;
	s->bad = !whole;
	s->broken = s->bad && str_starts(str_trim((struct str){ s->head, s->head_n }), S("{"));
	return whole;
}
