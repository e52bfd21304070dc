#include "llm/guess.h"

enum {
	BYTES_PER_TOKEN = 4,
	SPREAD = 2,         /* bounds: half the guess; of the answer twice, too */
	TEMPLATE = 1024,    /* what providers write around a prompt, most of it for tools */
	MESSAGE_TOKENS = 8, /* roles and separators around any prompt */
	ANSWER_UNSEEN =
		131072, /* the longest answer a model gives: reasoning is not seen, so also of a whole one */
	ASKED_UNSEEN = 2097152, /* the longest prompt a model reads */
	MOST = 1 << 24,         /* a larger ceiling is no ceiling, and would not fit an amount */
};

/* The most that the answers may come to. */
static uint64_t ceiling(const struct guess *g)
{
	uint64_t each = g->max_tokens ? MIN(g->max_tokens, (uint64_t)MOST) : ANSWER_UNSEEN;

	return MIN(each * MIN(MAX(g->choices, 1u), (uint64_t)MOST), (uint64_t)MOST);
}

static uint64_t tokens(uint64_t bytes)
{
	return (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
}

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

void guess_fill(const struct guess *g, bool keep_input, struct usage *u)
{
	bool messages = g->asked_text && !g->no_output;
	uint64_t in = tokens(g->asked_text) + (messages ? MESSAGE_TOKENS : 0);
	uint64_t out = tokens(g->answer_text);

	clear(&u->used, keep_input);
	u->low = u->high = u->used;
	if (!keep_input) {
		/* a token is a byte or more; what a cache held costs next to nothing */
		uint64_t most = MAX(in, g->asked_bytes) + TEMPLATE;

		if (g->asked_cut)
			most += ASKED_UNSEEN;
		leaf_set(&u->used, LEAF_IN_TEXT, in);
		leaf_set(&u->low, LEAF_IN_TEXT, 0);
		leaf_set(&u->high, LEAF_IN_TEXT, most);
	}
	if (g->no_output)
		return;
	leaf_set(&u->used, LEAF_OUT_TEXT, out);
	leaf_set(&u->low, LEAF_OUT_TEXT, out / SPREAD);
	leaf_set(&u->high, LEAF_OUT_TEXT, MAX(out * SPREAD, ceiling(g)));
}
