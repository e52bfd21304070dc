#include "base/limit.h"
#include "base/obj.h"
#include "llm/fold.h"
#include "llm/xchg.h"

int xchg_keep(struct xchg *x, struct str s, struct str *ret)
{
	if (!s.p || !s.n)
		return 0;
	if (str_eq(str_head(s, LIMIT_MODEL_TEXT), *ret))
		return 0;
	return arena_str(&x->arena, str_head(s, LIMIT_MODEL_TEXT), ret);
}

int xchg_keep_lower(struct xchg *x, struct str s, struct str *ret)
{
	char *p;
	int r = xchg_keep(x, s, ret);

	if (r < 0 || !ret->n)
		return r;
	p = (char *)ret->p; /* our own copy */
	for (size_t i = 0; i < ret->n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	return 0;
}

int xchg_note(struct xchg *x, struct str s, struct str *ret)
{
	char *place = (char *)ret->p; /* our own */

	if (!s.p || !s.n)
		return 0;
	if (!place)
		place = arena_get(&x->arena, LIMIT_MODEL_TEXT);
	if (!place)
		return -ENOMEM;
	s = str_head(s, LIMIT_MODEL_TEXT);
	memcpy(place, s.p, s.n);
	*ret = (struct str){ place, s.n };
	return 0;
}

int xchg_new(const struct origin *from, uint64_t off, uint64_t at_ns, struct xchg **ret)
{
	_cleanup_(xchg_free) struct xchg *x = obj_new(x, XCHG_MAGIC);

	if (!x)
		return -ENOMEM;
	x->arena.limit = XCHG_ARENA;
	x->raw.limit = LIMIT_USAGE_BYTES;
	x->beside.limit = SAID_BESIDE;
	x->provider = &llm_unknown;
	x->u.from = *from;
	x->u.off = off;
	x->u.start_ns = at_ns;
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
	ask_free(&x->ask);
	said_free(&x->said);
	mem_free(x->hash);
	mem_free(x->form);
	mem_free(x->tools);
	buf_done(&x->raw);
	buf_done(&x->beside);
	arena_reset(&x->arena);
	mem_free(x);
}

void xchg_limits(const struct xchg *x, struct counters *c)
{
	if (x->hits & HIT_JSON_DEPTH)
		count_limit(c, JSON_DEPTH);
	if (x->hits & HIT_USAGE_BYTES)
		count_limit(c, USAGE_BYTES);
	if (x->hits & HIT_USAGE_MEMBERS)
		count_limit(c, USAGE_MEMBERS);
	if (x->hits & HIT_NAME_TEXT)
		count_limit(c, NAME_TEXT);
	if (x->tools && x->tools->full)
		count_limit(c, TOOL_SESSIONS);
}

void xchg_hash_text(struct hash *h, char ret[XCHG_HASH_TEXT])
{
	unsigned char digest[XCHG_HASH_BYTES];

	hash_end(h, digest, sizeof(digest));
	hash_hex(digest, sizeof(digest), ret);
}

/* ---- the request ------------------------------------------------------------------------------------- */

/* Was there anything to weigh? */
static bool weighs(const struct weight *w)
{
	return w->text || w->tools || w->messages || w->media || w->sealed;
}

static struct str behind(struct str s, char c)
{
	for (size_t i = s.n; i--;)
		if (s.p[i] == c)
			return str_skip(s, i + 1);
	return STR_NONE;
}

int xchg_asked(struct xchg *x, const struct ask *a)
{
	bool json = !x->format || !x->format->binary;
	char picture[ASK_PICTURE];
	int r = x->routed ? 0 : xchg_note(x, ask_model(a), &x->u.model_requested);

	if (r == 0 && x->provider == &llm_huggingface && !x->u.region.n)
		r = xchg_keep_lower(x, behind(x->u.model_requested, ':'), &x->u.region);
	if (r == 0)
		r = xchg_note(x, ask_tier(a), &x->tier_asked);
	if (r == 0 && x->format && x->format->sized)
		r = xchg_keep(x, ask_picture(a, picture), &x->picture);
	x->characters_told = ask_characters(a, &x->characters);
	x->unclear = json ? ask_unclear(a) : WHY_NONE;
	x->hits |= json && a->deep ? HIT_JSON_DEPTH : 0;
	x->hits |= json && a->lengthy ? HIT_NAME_TEXT : 0;
	x->guess.asked_cut |= a->prompt.more || a->hosted;
	x->guess.asked_grows = a->hosted;
	x->ask_usage = a->usage;
	x->guess.max_tokens = a->max_tokens;
	x->guess.choices = a->choices;
	x->guess.asked = a->prompt.sum;
	x->guess.asked_read = json && ask_closed(a) && weighs(&a->prompt.sum);
	return r;
}

/* Behind the whole document: whether it was read as that, nobody knows. */
static void ask_more(struct xchg *x, struct str bytes)
{
	bool json = !x->format || !x->format->binary;

	for (size_t i = 0; json && i < bytes.n; i++)
		if (!memchr(" \t\r\n", bytes.p[i], 4))
			x->unclear = WHY_BAD_BODY;
}

int xchg_ask(struct xchg *x, struct str bytes)
{
	bool first = !x->guess.asked_bytes;
	int r = 0;

	if (!x->hash || !bytes.n)
		return 0;
	x->guess.asked_bytes += bytes.n;
	hash_add(x->hash, bytes);
	if (x->form) {
		multipart_feed(x->form, bytes);
		return 0;
	}
	if (first)
		r = ask_new(&x->ask);
	if (r < 0)
		return r;
	if (!x->ask) {
		ask_more(x, bytes);
		return 0;
	}
	r = ask_feed(x->ask, bytes);
	if (r == 0 && ask_closed(x->ask)) { /* nothing of it need be held while the answer comes */
		r = xchg_asked(x, x->ask);
		ask_free(&x->ask);
	}
	return r;
}

/* ---- the answer -------------------------------------------------------------------------------------- */

bool xchg_is_last(const struct llm_format *f, struct str name)
{
	for (const char *const *l = f->last; l && *l; l++)
		if (str_eq(str_of(*l), name))
			return true;
	return false;
}

static int take_usage(struct xchg *x, struct said *s)
{
	const struct llm_format *f = x->format;
	struct buf swap;
	int r;

	if (s->raw_why) {
		x->raw_why = s->raw_why;
		return 0;
	}
	if (f->overlay) {
		r = fold_overlay(&x->raw, buf_str(&s->raw));
		if (r != -EMSGSIZE && r != -E2BIG)
			return r;
		x->raw_why = WHY_LIMIT;
		x->hits |= r == -E2BIG ? HIT_USAGE_MEMBERS : HIT_USAGE_BYTES;
		return 0;
	}
	swap = x->raw;
	x->raw = s->raw;
	s->raw = swap;
	buf_done(&s->raw);
	x->raw_why = WHY_NONE;
	if (!f->spread) /* each is cumulative, so nothing that was lost before is missing in it */
		x->stale = WHY_NONE;
	return 0;
}

int xchg_beside(struct xchg *x, struct str object)
{
	int r = fold_overlay(&x->beside, object);

	if (r != -EMSGSIZE && r != -E2BIG)
		return r;
	x->raw_why = WHY_LIMIT;
	x->hits |= r == -E2BIG ? HIT_USAGE_MEMBERS : HIT_USAGE_BYTES;
	return 0;
}

int xchg_take(struct xchg *x, struct said *s)
{
	int r = xchg_note(x, said_str(&s->model), &x->u.model_served);

	if (r == 0 && !x->format->deferred)
		r = xchg_note(x, said_str(&s->id), &x->u.response_id);
	if (r == 0)
		r = xchg_note(x, said_str(&s->tier), &x->tier);
	if (r == 0 && x->format == &llm_orphan &&
	    llm_format_by_kind(x->provider, said_str(&s->kind)))
		r = xchg_note(x, said_str(&s->kind), &x->kind);
	if (r == 0)
		r = said_list(s);
	if (r == 0 && s->beside.n)
		r = xchg_beside(x, buf_str(&s->beside));
	if (r == 0 && s->usage)
		r = take_usage(x, s);
	if (r < 0)
		return r;
	if (s->tools && x->tools && x->format->spread) {
		said_tools_join(x->tools, s->tools);
	} else if (s->tools) { /* items are listed whole by every event that lists them */
		mem_free(x->tools);
		x->tools = take(s->tools);
	}
	x->final |= s->stop;
	x->several |= s->several;
	x->error |= s->error;
	if (s->extra)
		x->extra = s->extra;
	if (s->status_told)
		x->queued = s->queued;
	x->status_told |= s->status_told;
	x->background |= s->background;
	x->images += s->images;
	x->guess.answer_text += s->text;
	x->hits |= s->hits;
	return 0;
}

void xchg_lost(struct xchg *x, enum why why)
{
	if (!x->ended && !x->stale)
		x->stale = why;
}

int xchg_answer(struct xchg *x, struct str bytes)
{
	int r = 0;

	if (!x->format || !bytes.n)
		return 0;
	if (!x->said)
		r = said_new(x->format, &x->said);
	return r < 0 ? r : said_feed(x->said, bytes);
}

static int event_end(struct xchg *x, const struct part *in)
{
	struct said *s = x->said;
	bool last = xchg_is_last(x->format, said_str(&s->kind));
	int r = 0;

	/* an event that broke off says nothing for certain */
	if (in->why || (!said_whole(s) && s->broken))
		xchg_lost(x, in->why ? in->why : WHY_BAD_BODY);
	else if (s->bad) { /* no document, but perhaps an exception without one */
		x->final |= said_done(s);
		x->error |= s->error;
	} else
		r = xchg_take(x, s);
	if (!in->why && !s->bad && last)
		x->final = x->ended = true;
	said_reset(s);
	return r;
}

/* As the wire stage marks what is no event but the end of them. */
static bool is_exception(struct str name)
{
	return str_starts(name, S("!"));
}

int xchg_event(struct xchg *x, const struct part *in)
{
	int r = 0;

	x->u.stream |= (in->framing != FRAMING_ARRAY && in->framing != FRAMING_GRPC) ||
		       (x->format && x->format->stream);
	x->events = true;
	if (!x->format || x->ended)
		return 0;
	if (!x->said)
		r = said_new(x->format, &x->said);
	if (r < 0)
		return r;
	if (x->format->named && in->name.n) {
		said_keep(&x->said->kind, in->name);
		x->said->error |= is_exception(in->name);
	}
	r = said_feed(x->said, in->bytes);
	return r < 0 || !in->last ? r : event_end(x, in);
}
