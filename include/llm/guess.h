/* guess.h -- what a call used when the provider did not say, with bounds that are honest.
 *
 * First by the model's family (family.h), then by how far that was from the truth in calls that did say it (ratio.h).
 * Where all of a call was seen, the bounds are those that nearly all recorded calls keep; what is invisible (hidden
 * reasoning, pictures, what a request only names) widens the upper one, a cache that may have held the prompt the lower.
 * Where part of it is missing they hold whatever may have been there. No number of the request's makes a bound larger than
 * any model could. */
#ifndef LLM_GUESS_H
#define LLM_GUESS_H

#include "flow.h"
#include "llm/ratio.h"
#include "llm/weigh.h"

struct guess {
	struct weight asked;   /* what goes into the prompt */
	uint64_t asked_bytes;  /* of the whole request body */
	uint64_t answer_text;  /* bytes of answer text seen */
	uint64_t answer_bytes; /* of the whole answer */
	uint64_t max_tokens;   /* the request's own ceiling of the answer; 0 = none given */
	uint64_t choices;      /* answers asked for; 0 = one */
	bool asked_read;       /* the request is a document that was understood */
	bool asked_cut;   /* bytes of the request are missing, or it names what lies elsewhere */
	bool asked_grows; /* what tools find may still be added to it, or nobody knows */
	bool answered;    /* the answer is all there */
	bool no_output;   /* this kind of call has no output tokens */
};

/* By its model a call has no tokens in answer. */
bool guess_is_mute(const struct usage *u);
/* Sets used, low and high of `u`, whose provider and models are known. With `keep_input` the input side of u->used was reported
 * and stays. */
void guess_fill(const struct guess *g, struct ratios *known, bool keep_input, struct usage *u);
/* The call told what it used: the next guess about its model is better. */
void guess_learn(const struct guess *g, struct ratios *known, const struct usage *u);

#endif
