/* results.h -- a file whose lines are the results of a batch: each line a call of its own.
 *
 * The lines come cut anywhere. Whether the file is one of results its first line says ("custom_id"); any other is passed
 * over. A call is named by the exchange that fetched it and, above RESULTS_SHIFT, the number of its line. A line that is
 * damaged or missing may have been a call: then the exchange itself says so. Memory: one line's scan, one struct xchg. */
#ifndef LLM_RESULTS_H
#define LLM_RESULTS_H

#include "llm/xchg.h"

struct results;

enum { RESULTS_SHIFT = 40 };

/* `opening`: the exchange that fetches the file, on a route whose format says LATER_RESULT. It must outlive the results. */
int results_new(const struct xchg *opening, struct counters *c, struct usage_sink out,
		struct results **ret) _must_use_;
void results_free(struct results **r);
int results_feed(struct results *r, const struct part *in) _must_use_; /* PART_BODY, PART_EVENT */
void results_cut(struct results *r, enum why why);                     /* PART_CUT */
/* PART_END. *ret: why calls may have passed unseen, or WHY_NONE. */
int results_end(struct results *r, const struct part *in, enum why *ret) _must_use_;

#endif
