#include "base/obj.h"
#include "price/tally.h"

struct tally_row {
	struct str contract;
	int period; /* a month and the contract itself may begin together */
	uint64_t from_ns;
	struct price_sums sums;
	struct tally_row *next;
};

/* A contract has a row a month at most: few, and the newest is in front. */
static struct tally_row *find(const struct tally *t, struct str contract, int period,
			      uint64_t from_ns)
{
	struct tally_row *r = t->rows;

	while (r &&
	       !(r->period == period && r->from_ns == from_ns && str_eq(r->contract, contract)))
		r = r->next;
	return r;
}

void tally_get(const struct tally *t, struct str contract, int period, uint64_t from_ns,
	       struct price_sums *ret)
{
	const struct tally_row *r = find(t, contract, period, from_ns);

	*ret = r ? r->sums : (struct price_sums){ 0, 0 };
}

int tally_add(struct tally *t, struct str contract, int period, uint64_t from_ns, int64_t net,
	      int64_t list)
{
	struct tally_row *r = find(t, contract, period, from_ns);

	if (!r) {
		r = mem_zero(1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		r->contract = contract;
		r->period = period;
		r->from_ns = from_ns;
		r->next = t->rows;
		t->rows = r;
	}
	return __builtin_add_overflow(r->sums.net, net, &r->sums.net) ||
			       __builtin_add_overflow(r->sums.list, list, &r->sums.list)
		       ? -ERANGE
		       : 0;
}

void tally_done(struct tally *t)
{
	while (t->rows) {
		struct tally_row *r = t->rows;

		t->rows = r->next;
		mem_free(r);
	}
}
