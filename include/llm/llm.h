/* llm.h -- stage: part -> usage. Which call it was, and what the provider says it used.
 *
 * Pairs nothing by itself: parts of one exchange share (from->gen, off). Prompt and completion are
 * scanned, counted and forgotten. A credential leaves only as a keyed fingerprint. */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "base/count.h"
#include "base/hash.h"
#include "flow.h"

struct llm;

struct llm_opts {
	struct counters *counters;   /* borrowed */
	unsigned char key[HASH_KEY]; /* for fingerprints and request hashes */
	/* host -> provider beyond the table (config `endpoints`), or empty; may be NULL */
	struct str (*endpoint)(void *ctx, struct str host);
	void *ctx;
	/* what the operator says that the name asked for stands for, or empty; may be NULL */
	struct str (*stands_for)(void *ctx, const struct usage *u);
	void *stands_ctx;
	bool alone; /* guesses learn nothing from other calls */
};

int llm_new(const struct llm_opts *o, struct usage_sink out, struct llm **ret) _must_use_;
int llm_feed(struct llm *l, const struct part *in) _must_use_;
void llm_free(struct llm **l);

#endif
