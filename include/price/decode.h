/* decode.h -- what a provider writes into a model's name besides the model. For user/price only.
 *
 * Every name found is a part of the one that came, its facets told apart; only the mark of a date is rewritten. */
#ifndef PRICE_DECODE_H
#define PRICE_DECODE_H

#include "base/limit.h"
#include "flow.h"

struct decoded {
	size_t count;
	struct str name[7]; /* in the provider's own list, the fullest first */
	size_t abroad_count;
	struct str abroad[4]; /* in the list of another provider */
	struct str vendor;    /* who made the model; absent: the name does not tell */
	struct str geo;       /* Bedrock: us, eu, ..., global */
	struct str base;      /* "ft:BASE" */
	struct str variant;   /* what is behind the ':' of `plain` */
	struct str plain;
	unsigned flags; /* 1u << enum flag */
	bool by_path;   /* here the request's path is what decides who answers */
	bool deployed;  /* who asks here names a deployment, which anybody may call anything */
	bool foreign;   /* the vendor's own name for it, no name of this provider's */
	char made[2 *
		  LIMIT_MODEL_TEXT]; /* the date as the other of Google and the vendor spells it */
};

void decode_name(struct str provider, struct str name, struct decoded *ret);
/* `id` without -YYYYMMDD, @YYYYMMDD or -YYYY-MM-DD at its end, or absent. */
struct str decode_undated(struct str id);

#endif
