/* finish.c -- what an exchange was, once all of it that will ever be seen has been seen. */
#include <stdio.h>
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

/* What of the call is known, for a guess or for the next one. */
static void weigh(struct xchg *x, const struct part *end)
{
	struct guess *g = &x->guess;

	g->asked_cut |= x->cut[DIR_OUT] || x->doubt;
	g->asked_grows |= x->cut[DIR_OUT] || x->unclear || !x->asked;
	g->asked_read &= x->asked && !x->unclear;
	g->answered = whole(x, end) && !x->stale && !x->unreadable && !x->error && !x->doubt;
	g->answer_bytes = end->body_bytes[DIR_IN];
	g->no_output = x->format->no_output || guess_is_mute(&x->u);
}

static void estimate(struct xchg *x, const struct part *end, enum source source, enum why why)
{
	struct usage *u = &x->u;

	u->source = source;
	u->why = why;
	weigh(x, end);
	guess_fill(&x->guess, x->ratios, source == SOURCE_PARTIAL, u);
	xchg_tier_guessed(x, end);
}

/* Calls that are billed for what is no text, so that no size of a text tells what they cost. */
static bool is_blind(const struct xchg *x)
{
	static const char *const blind[] = { "audio", "image", "ocr", "rerank" };

	for (size_t i = 0; i < COUNT_OF(blind); i++)
		if (str_eq(str_of(blind[i]), x->u.operation))
			return true;
	return false;
}

/* An answer that is all there, and one of those that this request is given: only its usage is missing. */
static bool is_answer(const struct xchg *x)
{
	return x->said && !x->unreadable && !x->error && !x->queued && !x->u.later &&
	       (x->guess.answer_text || x->final || x->format->no_output || guess_is_mute(&x->u));
}

/* At Google and Amazon the endpoint decides where Claude runs, whatever he says (platform.claude.com, Data residency). */
static bool set_region(struct xchg *x, const char *told)
{
	bool by_host = x->provider == &llm_vertex || x->provider == &llm_bedrock;

	if (!told[0] || strcmp(told, "not_available") == 0 || (by_host && x->u.region.n))
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
	return x->format == &llm_orphan ? llm_format_by_kind(x->provider, x->kind) : x->format;
}

/* Who answered; else what was asked for, as the operator calls it: a name of his own tells nothing. */
static struct str counted_as(const struct xchg *x)
{
	struct str name = x->u.model_served;

	if (!name.n && x->opts && x->opts->stands_for)
		name = x->opts->stands_for(x->opts->stands_ctx, &x->u);
	return name.n ? name : x->u.model_requested;
}

static int count(struct xchg *x, struct llm_count *ret)
{
	const struct llm_format *f = counting(x);
	struct usage *u = &x->u;
	struct str model = counted_as(x);

	_cleanup_(buf_done) struct buf all = { .limit = LIMIT_USAGE_BYTES + SAID_BESIDE };
	struct str told;
	int r = 0;

	fold_compact(&x->raw);
	told = u->raw = x->raw.n ? buf_str(&x->raw) : STR_NONE;
	if (x->beside.n) { /* the format reads both as one */
		r = buf_add(&all, buf_str(&x->beside));
		if (r == 0 && told.n)
			r = fold_overlay(&all, told);
		told = buf_str(&all);
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !f) {
		*ret = (struct llm_count){ .why = r < 0 ? WHY_LIMIT : WHY_UNKNOWN_FORMAT };
		return 0;
	}
	r = f->count ? f->count(f, told, model, ret) : llm_count_fields(f, told, ret);
	if (r == 0 && f->tier)
		snprintf(ret->tier, sizeof(ret->tier), "%s", f->tier);
	return r;
}

/* The numbers are exact, but whose they are is not: they are the guess, and anything up to the usual bounds may be true. */
static void doubtful(struct xchg *x, const struct part *end)
{
	struct leaves told = x->u.used;

	estimate(x, end, SOURCE_ESTIMATED, x->doubt);
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

static void learn(struct xchg *x, const struct part *end)
{
	if (!x->ratios || x->u.later || x->extra || is_blind(x))
		return;
	weigh(x, end);
	guess_learn(&x->guess, x->ratios, &x->u);
}

/* The provider's numbers are there. Are they the last ones? */
static int reported(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	char cost[DEC_TEXT];
	struct llm_count c;
	uint64_t output;
	int r = count(x, &c);

	if (r == 0)
		r = llm_cost(x->provider->cost, u->raw, cost);
	if (r < 0)
		return r;
	if (xchg_tier(x, c.tier) < 0 || !set_region(x, c.region) ||
	    xchg_keep(x, str_of(cost), &u->reported_cost) < 0)
		return -ENOMEM;
	if (xchg_note(x, str_of(c.model), &u->model_served) < 0)
		return -ENOMEM;
	u->flags |= c.flags;
	if (!x->extra)
		x->extra = c.extra ? c.extra : x->masked ? WHY_MASKED : WHY_NONE;
	u->source = SOURCE_REPORTED;
	if (c.why || (x->tools && x->tools->full)) {
		unpriced(u, c.why ? c.why : WHY_LIMIT);
		return 0;
	}
	if (c.heads && !said_all(x, end)) { /* what the rest tells, they do not */
		estimate(x, end, SOURCE_ESTIMATED, missing(x, end));
		return 0;
	}
	u->used = c.used;
	add_tools(x, &c);
	u->low = u->high = u->used;
	if (x->doubt) {
		doubtful(x, end);
		return 0;
	}
	if (said_all(x, end)) {
		if (x->tier_lost) /* the price is not known, the numbers are */
			unpriced(u, x->tier_lost);
		learn(x, end);
		return 0;
	}
	/* the input is known, the output so far is a lower bound */
	output = u->used.n[LEAF_OUT_TEXT] + u->used.n[LEAF_OUT_REASONING];
	estimate(x, end, SOURCE_PARTIAL, missing(x, end));
	if (output > u->used.n[LEAF_OUT_TEXT])
		leaf_set(&u->used, LEAF_OUT_TEXT, output);
	leaf_set(&u->low, LEAF_OUT_TEXT, MAX(output, u->low.n[LEAF_OUT_TEXT]));
	leaf_set(&u->high, LEAF_OUT_TEXT, MAX(u->used.n[LEAF_OUT_TEXT], u->high.n[LEAF_OUT_TEXT]));
	return 0;
}

/* Text to be spoken is billed by its characters, however much of the speech was waited for. */
static bool asked_characters(struct xchg *x)
{
	if (!x->format->characters || x->u.status < 0 || x->u.stream || !x->characters_told ||
	    x->cut[DIR_OUT] || x->unclear)
		return false;
	leaf_set(&x->u.used, LEAF_N_CHAR, x->characters);
	return true;
}

/* Of pictures that are billed a piece the request tells what each costs; an upload's is not read. */
static bool answered_pictures(struct xchg *x)
{
	if (!x->format->pictures || !x->images)
		return false;
	if (x->format->sized && (!x->picture.n || x->cut[DIR_OUT] || x->unclear))
		return false;
	leaf_set(&x->u.used, LEAF_N_IMAGE, x->images);
	return true;
}

/* Exact without a usage object. */
static int counted(struct xchg *x)
{
	struct usage *u = &x->u;

	u->source = SOURCE_REPORTED;
	u->low = u->high = u->used;
	if (!x->format->sized)
		return 0;
	u->tier = STR_NONE;
	return xchg_keep(x, x->picture, &u->tier);
}

/* Nobody says what was used. What goes with a model, whatever its answers say, goes with this one, too. */
static int untold(struct xchg *x, const struct part *end)
{
	struct llm_count none;
	int r = count(x, &none);

	if (r == 0)
		x->u.flags |= none.flags;
	estimate(x, end, SOURCE_ESTIMATED, missing(x, end));
	return r;
}

/* What was used, as far as anybody says it. */
static int used(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	bool part = u->status < 0 || u->stream || !whole(x, end);

	if (xchg_tier(x, "") < 0)
		return -ENOMEM;
	if (x->raw_why)
		unpriced(u, x->raw_why);
	else if (x->format->list && !said_all(x, end)) /* part of a list is not the sum */
		estimate(x, end, SOURCE_ESTIMATED, missing(x, end));
	else if (x->raw.n || x->beside.n)
		return reported(x, end);
	else if (asked_characters(x) || (whole(x, end) && answered_pictures(x)))
		return counted(x);
	else if (!is_blind(x) && (part || is_answer(x)))
		return untold(x, end);
	else
		unpriced(u, x->queued                              ? WHY_BACKGROUND
			    : part || (x->said && x->said->broken) ? missing(x, end)
								   : WHY_NO_USAGE);
	return 0;
}

/* A host that nobody knows is not guessed at before its answer speaks the language that its path promised. */
static int inference(struct xchg *x, const struct part *end)
{
	bool unknown = x->provider == &llm_unknown;
	int r = 0;

	if (x->format && (!unknown || x->raw.n || x->beside.n || x->guess.answer_text))
		r = used(x, end);
	if (unknown)
		unpriced(&x->u, x->blurred && !x->u.host.n ? WHY_MIDSTREAM : WHY_UNKNOWN_HOST);
	else if (!x->format || x->extra) /* the numbers hold, but they are not all */
		unpriced(&x->u, x->extra ? x->extra : WHY_UNKNOWN_FORMAT);
	return r;
}

/* Joined midway: what the answer says of itself is all that is known, or nearly. Whoever served it may not be guessed,
 * so without a provider there is no price. */
static int midway(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;
	bool shape = llm_format_by_kind(x->provider, x->kind) != NULL;
	int r = 0;

	u->kind = u->status >= HTTP_CLIENT ? KIND_ERROR : shape ? KIND_INFERENCE : KIND_OTHER;
	if (u->kind == KIND_INFERENCE && x->raw.n && !x->raw_why)
		r = reported(x, end);
	if (u->kind != KIND_INFERENCE || x->provider == &llm_unknown || u->source == SOURCE_NONE)
		unpriced(u, WHY_MIDSTREAM);
	else if (x->extra)
		unpriced(u, x->extra);
	return r;
}

/* A path that no table has. It may be a call: what reports usage surely is one, of the others nobody knows what they cost.
 * A redirection is none, the request will come again. */
static int stray(struct xchg *x)
{
	bool answered = x->u.status < HTTP_REDIRECT, counted = x->raw.n || x->raw_why;

	x->format = NULL;
	if (!answered || !(counted || x->unlisted)) {
		unpriced(&x->u, WHY_NOT_INFERENCE);
		return 0;
	}
	x->u.kind = KIND_INFERENCE;
	fold_compact(&x->raw);
	x->u.raw = x->raw.n ? buf_str(&x->raw) : STR_NONE;
	unpriced(&x->u, counted ? WHY_UNKNOWN_FORMAT : WHY_UNKNOWN_PATH);
	return 0;
}

/* An answer that was made while nobody waited, and is told whole: whose call it was, and whether it is booked already,
 * others know by its id. */
static bool fetched(const struct xchg *x)
{
	return x->format && x->format->later == LATER_FETCHED && x->raw.n &&
	       (x->format->deferred || (x->background && x->status_told && !x->queued)) &&
	       x->u.status < HTTP_REDIRECT;
}

/* What opens a socket, or fetches results, is no call. But when calls on it may have passed unseen, that is said here. */
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
	return x->error && !x->raw.n && !x->beside.n && !x->raw_why && !x->guess.answer_text;
}

static int judge(struct xchg *x, const struct part *end)
{
	struct usage *u = &x->u;

	u->kind = x->call ? KIND_INFERENCE : x->route ? x->route->kind : KIND_OTHER;
	if (x->unlisted && u->status == HTTP_SWITCHING) /* a socket may carry calls */
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
	if (u->kind == KIND_OTHER && fetched(x)) {
		u->kind = KIND_INFERENCE;
		u->later = LATER_FETCHED;
	}
	if (u->kind != KIND_INFERENCE) {
		unpriced(u, WHY_NOT_INFERENCE);
		return 0;
	}
	if (u->status == HTTP_SWITCHING)
		unpriced(u, WHY_PROTOCOL);
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
