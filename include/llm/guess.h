/* guess.h -- what a call used when the provider did not say, with bounds that are honest.
 *
 * Bytes divided by four is within about a quarter of the truth for most texts and scripts; what is
 * invisible (hidden reasoning, images, what a request only names, lost bytes) widens the upper bound, a
 * cache that may have held the prompt the lower. No number of the request's
 * makes a bound larger than any model could. */
#ifndef LLM_GUESS_H
#define LLM_GUESS_H

#include "flow.h"

struct guess {
	uint64_t asked_text;  /* bytes of prompt text */
	uint64_t asked_bytes; /* bytes of the whole request body */
	uint64_t answer_text; /* bytes of answer text seen */
	uint64_t max_tokens;  /* the request's own ceiling of the answer; 0 = none given */
	uint64_t choices;     /* answers asked for; 0 = one */
	bool asked_cut; /* bytes of the request are missing, or it names what lies elsewhere */
	bool no_output; /* this kind of call has no output tokens */
};

/* Sets used, low and high of `u`. With `keep_input` the input side of u->used is exact and stays. */
void guess_fill(const struct guess *g, bool keep_input, struct usage *u);

#endif
