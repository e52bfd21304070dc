/* tally.h -- what contracts have come to in the calls of this run, for where no ledger tells. For user/price only. */
#ifndef PRICE_TALLY_H
#define PRICE_TALLY_H

#include "price/price.h"

struct tally {
	struct tally_row *rows;
};

/* What was added so far under that contract in the period, of enum contract_period, that begins then. */
void tally_get(const struct tally *t, struct str contract, int period, uint64_t from_ns,
	       struct price_sums *ret);
/* `contract` must outlive the tally. -ENOMEM, -ERANGE */
int tally_add(struct tally *t, struct str contract, int period, uint64_t from_ns, int64_t net,
	      int64_t list) _must_use_;
void tally_done(struct tally *t);

#endif
