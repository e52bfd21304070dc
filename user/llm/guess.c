#include "llm/family.h"
#include "llm/guess.h"

enum {
	BYTES_PER_TOKEN = 4, /* of a request that nobody could read */
	PER = 1000,
	SPREAD = 2,              /* of an answer that is not all there: half the guess, or twice */
	TEMPLATE = 1024,         /* what providers write around a prompt, most of it for tools */
	LITTLE = 8,              /* what small numbers may be off by, */
	SLACK = 48,              /* and by what is written around them */
	HEAD = 1000,             /* bytes of an answer around what it says */
	PIECE = 4096,            /* tokens of the largest picture, or page */
	ASKED_UNSEEN = 2097152,  /* the longest prompt a model reads */
	ANSWER_UNSEEN = 131072,  /* the longest answer it gives */
	MOST = 1 << 24,          /* a larger ceiling is no ceiling, and would not fit an amount */
	LEAST = RATIO_ONE / 2,   /* nobody's other calls may make this one much cheaper, */
	LARGEST = 8 * RATIO_ONE, /* or dearer */
};

/* How far first guesses are from the truth, of recorded calls. */
static const struct ratio first_in = { RATIO_ONE / 2, RATIO_ONE, RATIO_ONE * 2, false },
			  first_out = { RATIO_ONE * 45 / 100, RATIO_ONE, RATIO_ONE * 5 / 2, false };

static struct str model_of(const struct usage *u)
{
	return u->model_served.n ? u->model_served : u->model_requested;
}

bool guess_is_mute(const struct usage *u)
{
	return !family_of(model_of(u))->answer;
}

static uint64_t share(uint64_t bytes, uint64_t tokens)
{
	return (MIN(bytes, (uint64_t)UINT32_MAX) * tokens + PER - 1) / PER;
}

static uint64_t scaled(uint64_t n, uint64_t factor)
{
	return (uint64_t)((__uint128_t)n * factor / RATIO_ONE);
}

/* The most that the answers may come to. */
static uint64_t ceiling(const struct guess *g, const struct family *f)
{
	uint64_t own = g->answered ? f->ceiling : ANSWER_UNSEEN;
	uint64_t each = g->max_tokens ? MIN(g->max_tokens, (uint64_t)MOST) : own;

	return MIN(each * MIN(MAX(g->choices, 1u), (uint64_t)MOST), (uint64_t)MOST);
}

/* ---- the first guess ----------------------------------------------------------------------------------- */

/* What stands in the request, and what providers write around it. */
static uint64_t first_read(const struct guess *g, const struct family *f)
{
	const struct weight *w = &g->asked;
	uint64_t n = f->base + f->turn * w->messages + share(w->text, f->text);

	if (w->tools > 2) /* "[]" */
		n += f->tools_base + share(w->tools, f->tools);
	if (w->schema)
		n += f->schema_base + share(w->schema, f->schema);
	return MAX(n, 1u);
}

/* What is not text, or comes on top. */
static uint64_t first_more(const struct guess *g, const struct family *f)
{
	const struct weight *w = &g->asked;
	uint64_t n = (w->pictures + w->papers) * f->picture + share(w->sealed, f->sealed);

	if (g->asked_grows)
		n += f->hosted;
	if (g->asked_grows && f->sealed && g->answer_bytes > g->answer_text + HEAD)
		n += share(g->answer_bytes - g->answer_text - HEAD, f->sealed);
	return n;
}

static uint64_t first_answer(const struct guess *g, const struct family *f)
{
	return f->answer_base + share(g->answer_text, f->answer) + f->hidden;
}

/* ---- bounds -------------------------------------------------------------------------------------------- */

/* What a guess says anew, where the rest is exact so far. */
static bool is_guessed(int leaf)
{
	return leaf == LEAF_OUT_TEXT || leaf == LEAF_OUT_REASONING;
}

static void clear(struct leaves *l, bool keep_input)
{
	for (int i = 0; i < LEAF_COUNT; i++) {
		if (keep_input && !is_guessed(i))
			continue;
		l->has &= ~(1ull << i);
		l->n[i] = 0;
	}
}

static void fill_input(const struct guess *g, const struct family *f, struct ratio by,
		       struct usage *u)
{
	const struct weight *w = &g->asked;
	uint64_t in = (g->asked_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN, low = 0, high;

	/* a token is a byte or more */
	high = MAX(in, g->asked_bytes) + TEMPLATE;
	if (g->asked_read) {
		uint64_t read = first_read(g, f), more = first_more(g, f);

		in = MAX(scaled(read, by.middle), 1u) + more;
		low = scaled(read, by.low);
		low -= MIN(low, g->answered ? LITTLE : TEMPLATE);
		high = MAX(scaled(read, by.high) + SPREAD * more, in);
		high += g->answered ? SLACK : TEMPLATE;
		high += (w->pictures + w->papers + w->sounds) * PIECE + w->media / BYTES_PER_TOKEN;
	}
	if (g->asked_cut)
		high += ASKED_UNSEEN;
	leaf_set(&u->used, LEAF_IN_TEXT, in);
	leaf_set(&u->high, LEAF_IN_TEXT, high);
	/* what a cache held costs next to nothing */
	leaf_set(&u->low, LEAF_IN_TEXT, g->no_output ? MIN(low, in) : 0);
	if (!g->no_output)
		leaf_set(&u->low, LEAF_IN_CACHE_READ, MIN(low, in));
}

static void fill_output(const struct guess *g, const struct family *f, struct ratio by,
			struct usage *u)
{
	uint64_t first = first_answer(g, f), most = ceiling(g, f), out, low, high;

	out = scaled(first, by.middle);
	if (g->answered) {
		low = scaled(first - f->hidden,
			     f->hides && by.known ? MIN(by.low, first_out.low) : by.low);
		low -= MIN(low, LITTLE);
		high = scaled(first, by.high) + SLACK;
		if (f->hides && !by.known)
			high = MAX(high, most);
		if (g->max_tokens)
			high = MIN(high, most);
	} else {
		out = share(g->answer_text, f->answer);
		low = out / SPREAD;
		high = MAX(out * SPREAD, most);
	}
	if (g->max_tokens)
		out = MIN(out, most);
	leaf_set(&u->used, LEAF_OUT_TEXT, out);
	leaf_set(&u->low, LEAF_OUT_TEXT, MIN(low, out));
	leaf_set(&u->high, LEAF_OUT_TEXT, MAX(high, out));
}

static struct ratio by(struct ratios *known, const struct usage *u, enum ratio_side side,
		       struct ratio first)
{
	struct ratio r =
		known ? ratios_get(known, u->from.cgroup, u->provider, model_of(u), side, first)
		      : first;

	r.middle = MIN(MAX(r.middle, (uint64_t)LEAST), (uint64_t)LARGEST);
	return r;
}

void guess_fill(const struct guess *g, struct ratios *known, bool keep_input, struct usage *u)
{
	const struct family *f = family_of(model_of(u));

	clear(&u->used, keep_input);
	u->low = u->high = u->used;
	if (keep_input && g->asked_grows)
		leaf_set(&u->high, LEAF_IN_TEXT, u->used.n[LEAF_IN_TEXT] + ASKED_UNSEEN);
	if (!keep_input)
		fill_input(g, f, by(known, u, RATIO_IN, first_in), u);
	if (!g->no_output)
		fill_output(g, f, by(known, u, RATIO_OUT, first_out), u);
}

/* ---- what is learned ----------------------------------------------------------------------------------- */

static uint64_t sum(const struct leaves *l, int from, int to)
{
	uint64_t n = 0;

	for (int i = from; i <= to; i++)
		n += l->n[i];
	return n;
}

void guess_learn(const struct guess *g, struct ratios *known, const struct usage *u)
{
	const struct family *f = family_of(model_of(u));
	const struct weight *w = &g->asked;
	uint64_t in = sum(&u->used, LEAF_IN_TEXT, LEAF_IN_TOOL);
	uint64_t out = sum(&u->used, LEAF_OUT_TEXT, LEAF_OUT_CITATION);
	bool pieces = w->pictures || w->papers || w->sounds;

	if (g->asked_read && !g->asked_cut && !g->asked_grows && !pieces && in)
		ratios_learn(known, u->from.cgroup, u->provider, model_of(u), RATIO_IN,
			     first_read(g, f), in);
	if (g->answered && !g->no_output && out)
		ratios_learn(known, u->from.cgroup, u->provider, model_of(u), RATIO_OUT,
			     first_answer(g, f), out);
}
