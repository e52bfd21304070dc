/* ratio.h -- how far guesses were from the truth, by payer, provider and model, learned from calls that reported both.
 *
 * What is kept of a model is by what the last RATIO_WINDOW calls differed from their first guess, a factor each; the median
 * corrects the next guess, the outermost bound it. Memory is constant: the model not seen for longest makes room. The same calls in
 * the same order give the same numbers. */
#ifndef LLM_RATIO_H
#define LLM_RATIO_H

#include "base/count.h"
#include "base/hash.h"
#include "base/limit.h"

enum ratio_side { RATIO_IN, RATIO_OUT, RATIO_SIDES };
enum {
	RATIO_WINDOW = 32,
	RATIO_ENOUGH = 8, /* calls that are trusted to bound the next one */
	RATIO_ONE = 256,  /* a factor of one */
	RATIO_MOST = 65535
};

/* Factors, in 1/RATIO_ONE. */
struct ratio {
	uint64_t low, middle, high;
	bool known; /* `low` and `high` are learned; else they are the caller's, at least */
};

struct ratios;

int ratios_new(struct counters *c, struct ratios **ret) _must_use_;
void ratios_free(struct ratios **r);
/* `guess` tokens were `truth`. What one cgroup's servers say teaches nothing about another's calls. */
void ratios_learn(struct ratios *r, uint64_t cgroup, struct str provider, struct str model,
		  enum ratio_side side, uint64_t guess, uint64_t truth);
/* `first`: what holds while little is known. */
struct ratio ratios_get(struct ratios *r, uint64_t cgroup, struct str provider, struct str model,
			enum ratio_side side, struct ratio first);

#endif
