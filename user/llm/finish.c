/* finish.c -- what an exchange was, once all of it that will ever be seen has been seen. */
#include "base/limit.h"
#include "llm/fold.h"
#include "llm/xchg.h"

enum {
	HTTP_SWITCHING = 101,
	HTTP_REDIRECT = 300,
	HTTP_CLIENT = 400,
	HTTP_RATE = 429,
	HTTP_SERVER = 500
};

static bool whole(const struct xchg *x, const struct part *end)
{
	if (x->cut[DIR_IN] || end->aborted || end->why)
		return false;
	return !x->u.stream || !x->format || x->final;
}

static enum outcome outcome(const struct xchg *x, const struct part *end)
{
	int status = x->u.status;

	if (status == HTTP_RATE)
		return OUTCOME_RATE_LIMITED;
	if (status >= HTTP_SERVER || x->u.kind == KIND_ERROR)
		return status >= HTTP_CLIENT && status < HTTP_SERVER ? OUTCOME_CLIENT_ERROR
								     : OUTCOME_SERVER_ERROR;
	if (status >= HTTP_CLIENT)
		return OUTCOME_CLIENT_ERROR;
	if (end->aborted && !(x->u.stream && x->final))
		return OUTCOME_ABORTED;
	if (status < 0 || !(whole(x, end) || (x->format && x->final)))
		return OUTCOME_INCOMPLETE;
	return OUTCOME_OK;
}

/* Why the answer is not all there. */
static enum why missing(const struct xchg *x, const struct part *end)
{
	if (x->cut[DIR_IN])
		return x->cut[DIR_IN];
	if (end->why)
		return end->why;
	if (end->aborted || x->u.status < 0)
		return WHY_ABORTED;
	if (x->error)
		return WHY_STREAM_ERROR;
	if (x->unreadable)
		return WHY_BAD_BODY;
	if (x->u.stream && !x->ask_usage && !x->format->last)
		return WHY_STREAM_NO_USAGE;
	return WHY_NO_USAGE;
}

static void unpriced(struct usage *u, enum why why)
{
	u->billing = BILLING_UNPRICED;
	u->why = why;
}

static void estimate(struct xchg *x, enum source source, enum why why)
{
	struct usage *u = &x->u;

	u->source = source;
	u->why = why;
	x->guess.asked_cut = x->cut[DIR_OUT] != WHY_NONE;
	x->guess.no_output = x->format->no_output;
	guess_fill(&x->guess, source == SOURCE_PARTIAL, u);
}

static bool set_tier(struct xchg *x, const char *told)
{
	struct str tier = str_of(told);

	if (!tier.n)
		tier = x->tier.n ? x->tier : x->u.tier;
	/* "auto" in a request means nothing; these three are one tier under three names */
	if (!tier.n || str_eq(tier, S("auto")) || str_eq(tier, S("default")) ||
	    str_eq(tier, S("standard_only")))
		tier = S("standard");
	x->u.tier = STR_NONE;
	return xchg_keep(x, tier, &x->u.tier) == 0;
}

static bool set_region(struct xchg *x, const char *told)
{
	if (!told[0] || strcmp(told, "not_available") == 0)
		return true;
	return xchg_keep(x, str_of(told), &x->u.region) == 0;
}

static void add_tools(struct xchg *x)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (x->tools[i])
			leaf_set(&x->u.used, i, x->tools[i]);
}

/* The provider's numbers are there. Are they the last ones? */
static int reported(struct xchg *x, const struct part *end)
{
	const struct llm_format *f = x->format;
	struct usage *u = &x->u;
	struct llm_count c;
	uint64_t output;
	int r;

	fold_compact(&x->raw);
	u->raw = buf_str(&x->raw);
	if (f->count)
		r = f->count(f, u->raw, u->model_served, &c);
	else
		r = llm_count_fields(f, u->raw, &c);
	if (r < 0)
		return r;
	if (!set_tier(x, c.tier) || !set_region(x, c.region))
		return -ENOMEM;
	u->source = SOURCE_REPORTED;
	if (c.why || x->tools_full) {
		unpriced(u, c.why ? c.why : WHY_LIMIT);
		return 0;
	}
	u->used = c.used;
	add_tools(x);
	u->low = u->high = u->used;
	if (!u->stream || x->final) /* an answer in one piece says it once */
		return 0;
	/* the input is known, the output so far is a lower bound */
	output = u->used.n[LEAF_OUT_TEXT] + u->used.n[LEAF_OUT_REASONING];
	estimate(x, SOURCE_PARTIAL, missing(x, end));
	if (output > u->used.n[LEAF_OUT_TEXT])
		leaf_set(&u->used, LEAF_OUT_TEXT, output);
	leaf_set(&u->low, LEAF_OUT_TEXT, MAX(output, u->low.n[LEAF_OUT_TEXT]));
	leaf_set(&u->high, LEAF_OUT_TEXT, MAX(u->used.n[LEAF_OUT_TEXT], u->high.n[LEAF_OUT_TEXT]));
	return 0;
}

static int inference(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;

	if (!set_tier(x, ""))
		return -ENOMEM;
	if (x->raw_why)
		unpriced(u, x->raw_why);
	else if (x->raw.n)
		return reported(x, end);
	else if (u->status < 0 || u->stream || !whole(x, end))
		estimate(x, SOURCE_ESTIMATED, missing(x, end));
	else
		unpriced(u, x->queued ? WHY_BACKGROUND : WHY_NO_USAGE);
	return 0;
}

static int orphan(struct xchg *x)
{
	bool shape = x->final || x->event_last;

	x->u.kind = x->u.status >= HTTP_CLIENT ? KIND_ERROR : shape ? KIND_INFERENCE : KIND_OTHER;
	unpriced(&x->u, WHY_MIDSTREAM);
	return 0;
}

/* A path that no table has. What reports usage was inference all the same: not read, but not nothing. */
static int stray(struct xchg *x)
{
	bool counted = x->u.status < HTTP_REDIRECT && (x->raw.n || x->raw_why);

	x->format = NULL;
	if (counted) {
		x->u.kind = KIND_INFERENCE;
		fold_compact(&x->raw);
		x->u.raw = buf_str(&x->raw);
	}
	unpriced(&x->u, counted ? WHY_UNKNOWN_FORMAT : WHY_NOT_INFERENCE);
	return 0;
}

/* An error in place of an answer, in a body that began well. */
static bool only_error(const struct xchg *x)
{
	return x->error && !x->raw.n && !x->raw_why && !x->guess.answer_text;
}

static int judge(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;

	u->kind = x->route ? x->route->kind : KIND_OTHER;
	if (x->orphan)
		return orphan(x);
	if (u->status >= HTTP_CLIENT || (u->kind == KIND_INFERENCE && only_error(x))) {
		u->kind = KIND_ERROR;
		unpriced(u, WHY_ERROR_STATUS);
		return 0;
	}
	if (x->format == &llm_stray)
		return stray(x);
	if (u->status >= HTTP_REDIRECT && u->kind == KIND_INFERENCE)
		u->kind = KIND_OTHER;
	if (u->kind != KIND_INFERENCE) {
		unpriced(u, WHY_NOT_INFERENCE);
		return 0;
	}
	if (u->status == HTTP_SWITCHING)
		unpriced(u, WHY_PROTOCOL);
	else if (x->provider == &llm_unknown)
		unpriced(u, WHY_UNKNOWN_HOST);
	else if (!x->format)
		unpriced(u, WHY_UNKNOWN_FORMAT);
	else
		return inference(x, end);
	return 0;
}

int xchg_finish(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	int r;

	u->end_ns = end->at_ns;
	if (x->form_on) {
		r = xchg_keep(x, multipart_value(&x->form), &u->model_requested);
		if (r < 0)
			return r;
	}
	/* a body that is not events is whole only when its JSON is */
	if (!u->stream && x->answer && !x->unreadable)
		x->unreadable = json_end(x->answer) < 0;
	r = judge(x, end);
	if (r < 0)
		return r;
	u->outcome = outcome(x, end);
	return 0;
}
