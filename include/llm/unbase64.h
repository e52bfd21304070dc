/* unbase64.h -- base64 undone as it comes, in runs of any length (RFC 4648 section 4, padding required, nothing else between). */
#ifndef LLM_UNBASE64_H
#define LLM_UNBASE64_H

#include "base/str.h"

struct unbase64 { /* all zero to begin with */
	unsigned bits, count, pads;
	bool bad;
};

/* At most 3 bytes for every 4 of `from`, and 3 more. false: not base64, for good. */
bool unbase64_feed(struct unbase64 *u, struct str from, char *to, size_t *ret_n);
bool unbase64_end(const struct unbase64 *u); /* nothing is missing */

#endif
