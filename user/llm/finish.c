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
	if (x->stale)
		return x->stale;
	if (x->error)
		return WHY_STREAM_ERROR;
	if (x->unreadable)
		return x->hits & HIT_JSON_DEPTH ? WHY_LIMIT : WHY_BAD_BODY;
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
	x->guess.asked_cut |= x->cut[DIR_OUT] || x->doubt;
	x->guess.no_output = x->format->no_output;
	guess_fill(&x->guess, source == SOURCE_PARTIAL, u);
}

static bool set_tier(struct xchg *x, const char *told)
{
	struct str tier = str_of(told);

	if (tier.n || x->tier.n)
		x->tier_lost = WHY_NONE;
	else if (!x->u.tier.n) /* what was never sent tells the provider nothing either */
		x->tier_lost = x->unclear                       ? x->unclear
			       : x->cut[DIR_OUT] == WHY_ABORTED ? WHY_NONE
								: x->cut[DIR_OUT];
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

static void add_tools(struct xchg *x, const struct llm_count *c)
{
	for (int i = 0; x->tools && i < LEAF_COUNT; i++)
		if (x->tools->n[i])
			leaf_set(&x->u.used, i,
				 i == LEAF_N_WEB_SEARCH && c->search_once ? 1 : x->tools->n[i]);
}

/* How the answer says it: of one that we met midway only by what it calls itself. */
static const struct llm_format *counting(const struct xchg *x)
{
	return x->format == &llm_orphan ? llm_format_by_kind(x->kind) : x->format;
}

static int count(struct xchg *x, struct llm_count *ret)
{
	const struct llm_format *f = counting(x);
	struct usage *u = &x->u;
	struct str model = u->model_served.n ? u->model_served : u->model_requested;

	fold_compact(&x->raw);
	u->raw = buf_str(&x->raw);
	if (!f) {
		*ret = (struct llm_count){ .why = WHY_UNKNOWN_FORMAT };
		return 0;
	}
	return f->count ? f->count(f, u->raw, model, ret) : llm_count_fields(f, u->raw, ret);
}

/* The numbers are exact, but whose they are is not: they are the guess, and anything up to the usual bounds may be true. */
static void doubtful(struct xchg *x)
{
	struct leaves told = x->u.used;

	estimate(x, SOURCE_ESTIMATED, x->doubt);
	x->u.low = (struct leaves){ 0 };
	for (int i = 0; i < LEAF_COUNT; i++) {
		if (!leaf_has(&told, i) && !leaf_has(&x->u.high, i))
			continue;
		leaf_set(&x->u.used, i, told.n[i]);
		leaf_set(&x->u.low, i, 0);
		leaf_set(&x->u.high, i, MAX(told.n[i], x->u.high.n[i]));
	}
}

/* Nothing that was to be said of the usage is missing. An answer in one piece says it once, but where members lie apart. */
static bool said_all(const struct xchg *x, const struct part *end)
{
	if (x->u.stream)
		return x->final && !x->stale;
	return !x->format->overlay || (whole(x, end) && !x->unreadable);
}

/* The provider's numbers are there. Are they the last ones? */
static int reported(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	struct llm_count c;
	uint64_t output;
	int r = count(x, &c);

	if (r < 0)
		return r;
	if (!set_tier(x, c.tier) || !set_region(x, c.region) ||
	    xchg_keep(x, str_of(c.cost), &u->reported_cost) < 0)
		return -ENOMEM;
	u->flags |= c.flags;
	u->source = SOURCE_REPORTED;
	if (c.why || (x->tools && x->tools->full)) {
		unpriced(u, c.why ? c.why : WHY_LIMIT);
		return 0;
	}
	u->used = c.used;
	add_tools(x, &c);
	u->low = u->high = u->used;
	if (x->doubt) {
		doubtful(x);
		return 0;
	}
	if (said_all(x, end)) {
		if (x->tier_lost) /* the price is not known, the numbers are */
			unpriced(u, x->tier_lost);
		return 0;
	}
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
		unpriced(u, x->queued                    ? WHY_BACKGROUND
			    : x->said && x->said->broken ? missing(x, end)
							 : WHY_NO_USAGE);
	return 0;
}

/* Joined midway: what the answer says of itself is all that is known, or nearly. Whoever served it may not be guessed,
 * so without a provider there is no price. */
static int midway(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	bool shape = llm_format_by_kind(x->kind) != NULL;
	int r = 0;

	u->kind = u->status >= HTTP_CLIENT ? KIND_ERROR : shape ? KIND_INFERENCE : KIND_OTHER;
	if (u->kind == KIND_INFERENCE && x->raw.n && !x->raw_why)
		r = reported(x, end);
	if (u->kind != KIND_INFERENCE || x->provider == &llm_unknown || u->source == SOURCE_NONE)
		unpriced(u, WHY_MIDSTREAM);
	return r;
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

/* What opens a socket is no call. But when calls on it may have passed unseen, that is said here. */
static int opening(struct xchg *x)
{
	x->u.kind = x->unread ? KIND_INFERENCE : KIND_OTHER;
	unpriced(&x->u, x->unread ? x->unread : WHY_NOT_INFERENCE);
	return 0;
}

/* A warm-up is a call only when it generated something, or the provider says that it took tokens, or says it in a way that
 * we cannot read. */
static void warm_up(const struct xchg *x, struct usage *u)
{
	bool told = x->raw.n > 0;

	if (x->raw_why || (told ? u->source == SOURCE_REPORTED && u->why : x->guess.answer_text))
		return;
	for (int i = 0; told && i < LEAF_COUNT; i++)
		if (u->used.n[i])
			return;
	u->kind = KIND_OTHER;
	u->source = SOURCE_NONE;
	u->raw = STR_NONE;
	u->used = u->low = u->high = (struct leaves){ 0 };
	unpriced(u, WHY_NOT_INFERENCE);
}

/* An error in place of an answer, in a body that began well. */
static bool only_error(const struct xchg *x)
{
	return x->error && !x->raw.n && !x->raw_why && !x->guess.answer_text;
}

static int judge(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;

	u->kind = x->call ? KIND_INFERENCE : x->route ? x->route->kind : KIND_OTHER;
	/* a socket that no table has may carry calls */
	if (!x->route && u->status == HTTP_SWITCHING && x->provider != &llm_unknown &&
	    u->billing == BILLING_METERED)
		u->kind = KIND_INFERENCE;
	if (end->why == WHY_REFUSED) {
		u->kind = KIND_ERROR;
		unpriced(u, WHY_REFUSED);
		return 0;
	}
	if (x->format == &llm_orphan)
		return midway(x, end);
	if (x->socket)
		return opening(x);
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

/* What is still in the scanners. A body that is not events is whole only when its JSON is; what it said before it broke
 * off was said all the same. Of an event that broke off only the text counts, for a guess. */
static int gather(struct xchg *x)
{
	int r = 0;

	if (x->form)
		r = xchg_note(x, multipart_value(x->form), &x->u.model_requested);
	if (r == 0 && x->ask)
		r = xchg_asked(x, x->ask);
	if (r < 0 || !x->said)
		return r;
	if (x->events) {
		x->guess.answer_text += x->said->text;
		return 0;
	}
	x->unreadable = !said_whole(x->said);
	return xchg_take(x, x->said);
}

int xchg_finish(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	int r;

	u->end_ns = end->at_ns;
	r = gather(x);
	if (x->several && (end->aborted || end->why || x->cut[DIR_IN])) /* which of them ended? */
		x->final = false;
	if (r == 0)
		r = judge(x, end);
	if (r < 0)
		return r;
	if (x->warm_up && u->kind == KIND_INFERENCE)
		warm_up(x, u);
	if (x->blurred && !u->why)
		u->why = WHY_MIDSTREAM;
	u->outcome = outcome(x, end);
	return 0;
}
