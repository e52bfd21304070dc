#include "base/limit.h"
#include "base/obj.h"
#include "llm/results.h"

enum { HTTP_OK = 200 };

struct results {
	unsigned magic;
#define RESULTS_MAGIC 0x4e5a0001u
	const struct xchg *opening;
	struct usage_sink out;
	struct counters *counters;
	struct said *said;    /* of the line under way */
	uint64_t line, at_ns; /* its number; when it began */
	bool sure;            /* a line before it was one of a batch */
	bool torn;            /* the first one was not, but the file was fetched in parts */
	bool other;           /* it is another file, or read no further */
	enum why hurt;        /* lines may have passed unread: why */
};

int results_new(const struct xchg *opening, struct counters *c, struct usage_sink out,
		struct results **ret)
{
	_cleanup_(results_free) struct results *r = obj_new(r, RESULTS_MAGIC);
	int e;

	if (!r)
		return -ENOMEM;
	r->opening = opening;
	r->counters = c;
	r->out = out;
	e = said_new(opening->format, &r->said);
	if (e < 0)
		return e;
	*ret = take(r);
	return 0;
}

void results_free(struct results **rr)
{
	struct results *r = obj_take(rr, RESULTS_MAGIC);

	if (!r)
		return;
	said_free(&r->said);
	mem_free(r);
}

/* Not every file is one of results, but this may have been. */
static void hurt(struct results *r, enum why why)
{
	const struct said *s = r->said;

	if (!r->other && !r->hurt && (r->sure || !s->begun || s->head[0] == '{'))
		r->hurt = why;
}

/* A call like the exchange that fetched it, but for what is its own. */
static int make_call(struct results *r, uint64_t at_ns, struct xchg **ret)
{
	const struct xchg *o = r->opening;
	uint64_t status = r->said->status;
	struct usage u = o->u;
	int e = xchg_new(&u.from, u.off | r->line << RESULTS_SHIFT, r->at_ns, ret);

	if (e < 0)
		return e;
	u.off = (*ret)->u.off;
	u.start_ns = u.first_ns = r->at_ns;
	u.end_ns = at_ns;
	u.model_requested = u.model_served = u.response_id = u.tier = STR_NONE;
	u.request_hash = u.request_id = u.raw = STR_NONE;
	u.stream = false;
	u.operation = S("batch");
	u.retry = -1;
	u.status = status && status < INT32_MAX ? (int)status : HTTP_OK;
	u.later = LATER_RESULT;
	(*ret)->u = u;
	(*ret)->provider = o->provider;
	(*ret)->route = o->route;
	(*ret)->format = o->format;
	(*ret)->asked = (*ret)->call = true;
	return 0;
}

static int pour(struct results *r, uint64_t at_ns)
{
	_cleanup_(xchg_free) struct xchg *x = NULL;
	struct part end = { .kind = PART_END, .at_ns = at_ns };
	int e = make_call(r, at_ns, &x);

	if (e == 0)
		e = xchg_take(x, r->said);
	if (e == 0)
		e = xchg_finish(x, &end);
	if (e < 0)
		return e;
	xchg_limits(x, r->counters);
	return usage_put(r->out, &x->u);
}

/* Room in the names of calls for one more line of this exchange. */
static bool has_name(struct results *r)
{
	if (r->line < LIMIT_BATCH_LINES && !(r->opening->u.off >> RESULTS_SHIFT))
		return true;
	count_limit(r->counters, BATCH_LINES);
	hurt(r, WHY_LIMIT);
	r->other = true;
	return false;
}

/* A line that is none of a batch: the first says so of the file, but where a part was fetched, which begins anywhere. */
static void line_strange(struct results *r, enum why why)
{
	if (r->sure || why) {
		hurt(r, why ? why : WHY_BAD_BODY);
		return;
	}
	r->other = r->torn || r->opening->u.status == HTTP_OK;
	r->torn = true;
}

static int line_end(struct results *r, uint64_t at_ns, enum why why)
{
	struct said *s = r->said;
	int e = 0;

	if (!s->begun)
		return 0;
	r->line++;
	if (!said_whole(s) || why || !s->listed) {
		line_strange(r, why);
	} else {
		r->sure = true;
		if (r->torn)
			hurt(r, WHY_BAD_BODY);
		if (s->result && has_name(r))
			e = pour(r, at_ns);
	}
	said_reset(s);
	return e;
}

static int line_part(struct results *r, const struct part *in, struct str bytes)
{
	if (!r->said->begun) { /* an empty line is none */
		while (bytes.n && memchr(" \t\r", bytes.p[0], 3))
			bytes = str_skip(bytes, 1);
		r->at_ns = in->at_ns;
	}
	return said_feed(r->said, bytes);
}

int results_feed(struct results *r, const struct part *in)
{
	struct str rest = in->bytes, line;
	int e = 0;

	obj_check(r, RESULTS_MAGIC);
	while (e == 0 && !r->other && str_cut(&rest, &line, '\n')) {
		e = line_part(r, in, line);
		if (e == 0)
			e = line_end(r, in->at_ns, WHY_NONE);
	}
	if (e == 0 && !r->other)
		e = line_part(r, in, rest);
	if (e == 0 && in->kind == PART_EVENT && in->last && !r->other)
		e = line_end(r, in->at_ns, in->why);
	return e;
}

void results_cut(struct results *r, enum why why)
{
	hurt(r, why);
}

int results_end(struct results *r, const struct part *in, enum why *ret)
{
	bool left = in->aborted || in->why || r->hurt;
	int e = 0;

	if (!left && !r->other)
		e = line_end(r, in->at_ns, WHY_NONE);
	else if (left && (r->sure || r->said->begun))
		hurt(r, in->why ? in->why : WHY_ABORTED);
	*ret = r->hurt;
	return e;
}
