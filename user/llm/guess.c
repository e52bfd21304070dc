#include "llm/guess.h"

enum {
	BYTES_PER_TOKEN = 4,
	SPREAD = 2,           /* bounds: half and twice the guess */
	MESSAGE_TOKENS = 8,   /* roles and separators around any prompt */
	ANSWER_UNSEEN = 8192, /* an answer we did not see whole, with no ceiling of its own */
};

static uint64_t tokens(uint64_t bytes)
{
	return (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
}

static bool is_output(int leaf)
{
	return leaf >= LEAF_OUT_TEXT && leaf <= LEAF_OUT_CITATION;
}

static void clear(struct leaves *l, bool keep_input)
{
	for (int i = 0; i < LEAF_COUNT; i++) {
		if (keep_input && !is_output(i))
			continue;
		l->has &= ~(1ull << i);
		l->n[i] = 0;
	}
}

void guess_fill(const struct guess *g, bool keep_input, struct usage *u)
{
	uint64_t in = tokens(g->asked_text) + (g->asked_text ? MESSAGE_TOKENS : 0);
	uint64_t out = tokens(g->answer_text), top = out * SPREAD;
	uint64_t choices = MAX(g->choices, 1u), ceiling;

	clear(&u->used, keep_input);
	u->low = u->high = u->used;
	if (!keep_input) {
		uint64_t most = MAX(in, tokens(g->asked_bytes)) * SPREAD;

		leaf_set(&u->used, LEAF_IN_TEXT, in);
		leaf_set(&u->low, LEAF_IN_TEXT, in / SPREAD);
		leaf_set(&u->high, LEAF_IN_TEXT, most);
	}
	if (g->no_output)
		return;
	if (!__builtin_mul_overflow(g->max_tokens, choices, &ceiling))
		top = MAX(top, ceiling);
	if (!g->whole && !g->max_tokens)
		top += ANSWER_UNSEEN;
	leaf_set(&u->used, LEAF_OUT_TEXT, out);
	leaf_set(&u->low, LEAF_OUT_TEXT, out / SPREAD);
	leaf_set(&u->high, LEAF_OUT_TEXT, top);
}
