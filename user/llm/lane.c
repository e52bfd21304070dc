#include "llm/lane.h"

static bool named(const struct lane *lane)
{
	return lane->x->u.response_id.n > 0;
}

static bool same(const struct said_text *a, const struct said_text *b)
{
	return str_eq(said_str(a), said_str(b));
}

struct lane **lane_by_id(struct lane **first, struct str id)
{
	for (struct lane **at = first; *at; at = &(*at)->next)
		if (named(*at) && str_eq((*at)->x->u.response_id, id))
			return at;
	return NULL;
}

struct lane **lane_by_stream(struct lane **first, const struct said_text *stream, bool answered)
{
	for (struct lane **at = first; *at; at = &(*at)->next)
		if (named(*at) == answered && same(&(*at)->stream, stream))
			return at;
	return NULL;
}

enum why lane_unsure(const struct lane *lane)
{
	if (lane->x->doubt || !lane->gone_quiet)
		return lane->x->doubt;
	return lane->x->stale ? lane->x->stale : WHY_ABORTED;
}

/* A server that does not repeat the client's names: clear while one call alone waits for its answer. */
static struct lane **lane_nameless(struct lane **first)
{
	struct lane **found = NULL;

	for (struct lane **at = first; *at; at = &(*at)->next) {
		if (named(*at))
			continue;
		if (found)
			(*found)->x->doubt = (*at)->x->doubt = WHY_PROTOCOL;
		else
			found = at;
	}
	return found;
}

struct lane **lane_pair(struct lane **first, const struct said_text *stream)
{
	struct lane **oldest = lane_by_stream(first, stream, false), **newest = oldest;
	enum why why = oldest ? lane_unsure(*oldest) : WHY_NONE;

	if (!oldest && !stream->n)
		return lane_nameless(first);

	if (!why)
		return oldest;
	for (struct lane **at = oldest; *at; at = &(*at)->next)
		if (!named(*at) && same(&(*at)->stream, stream))
			newest = at;
	if (newest == oldest)
		return oldest;
	for (struct lane **at = oldest; *at; at = &(*at)->next)
		if (!named(*at) && same(&(*at)->stream, stream) && !(*at)->x->doubt)
			(*at)->x->doubt = why;
	return newest;
}

struct lane **lane_find(struct lane **first, const struct said *s)
{
	struct lane **at;

	if (s->id.n)
		at = lane_by_id(first, said_str(&s->id));
	else if (s->lane.n)
		at = lane_by_stream(first, &s->lane, true);
	else
		at = *first && !(*first)->next ? first : NULL;
	return at;
}

static uint64_t mark(const struct lane_ended *e, struct str id)
{
	struct hash h;
	uint64_t n;

	hash_init(&h, e->key, sizeof(n));
	hash_add(&h, id);
	hash_end(&h, (unsigned char *)&n, sizeof(n));
	return n & ~1ull;
}

void lane_ended(struct lane_ended *e, const struct xchg *x)
{
	e->mark[e->at++ % COUNT_OF(e->mark)] = mark(e, x->u.response_id) | (x->raw.n || x->raw_why);
}

bool lane_has_ended(const struct lane_ended *e, struct str id, bool *ret_told)
{
	uint64_t n = mark(e, id);

	for (size_t i = 0; i < COUNT_OF(e->mark); i++) {
		if ((e->mark[i] & ~1ull) != n)
			continue;
		*ret_told = e->mark[i] & 1;
		return true;
	}
	return false;
}
