/* deal.c -- contracts in use (contract.h): which one a call has, and what its rules make of a rate. */
#include "base/clock.h"
#include "price/contract.h"

static bool has_word(const struct word *list, struct str text)
{
	while (list && !str_ieq(list->text, text))
		list = list->next;
	return list;
}

const struct contract *contract_find(const struct book *b, const struct usage *u)
{
	const struct str told[] = { [ACCOUNT_PROVIDER] = u->provider,
				    [ACCOUNT_HOST] = u->host,
				    [ACCOUNT_CREDENTIAL] = u->credential };
	const struct contract *best = NULL;
	int most = -1;

	for (const struct contract *c = b->contracts; c; c = c->next) {
		int weight = 0;

		if (u->start_ns < c->from_ns || u->start_ns >= c->until_ns)
			continue;
		for (int i = 0; weight >= 0 && i < ACCOUNT_COUNT; i++) {
			if (c->account[i])
				weight = has_word(c->account[i], told[i]) ? weight | 1 << i : -1;
		}
		if (weight > most) {
			best = c;
			most = weight;
		}
	}
	return best;
}

void contract_period(const struct contract *c, enum rule_period period, uint64_t at_ns,
		     uint64_t *ret_from, uint64_t *ret_until)
{
	unsigned month = clock_month(at_ns);

	*ret_from = c->from_ns;
	*ret_until = c->until_ns;
	if (period != PERIOD_MONTH)
		return;
	if (clock_month_start(month, ret_from) < 0 ||
	    clock_month_start(clock_month_next(month), ret_until) < 0)
		*ret_until = UINT64_MAX;
}

static bool is_meant(const struct rule *r, const struct deal *d, enum leaf leaf)
{
	bool token = leaf < LEAF_N_WEB_SEARCH;

	return (r->on == ON_ALL || (r->on == ON_TOKENS) == token) &&
	       (!r->models || has_word(r->models, d->model));
}

static __int128 sum_of(const struct rule *r, const struct deal *d)
{
	const struct price_sums *s = &d->sums[r->period];

	return r->meter == METER_LIST ? s->list : s->net;
}

/* Which of its rates is agreed for the leaf; LEAF_COUNT: none. */
static enum leaf override_of(const struct rule *r, const struct deal *d, enum leaf leaf,
			     enum leaf as)
{
	if ((r->tier.n && !str_eq(r->tier, d->tier)) || (r->band.n && !str_eq(r->band, d->band)))
		return LEAF_COUNT;
	if (r->rates.has >> leaf & 1)
		return leaf;
	return r->rates.has >> as & 1 ? as : LEAF_COUNT;
}

static int use_rule(const struct rule *r, const struct deal *d, enum leaf leaf, enum leaf as,
		    struct rate list, struct rate *rate)
{
	const struct step *s = r->steps;

	switch (r->kind) {
	case RULE_PERCENT:
	case RULE_MARKUP:
	case RULE_PTU:
		return dec_times(*rate, r->mul.num, r->mul.den, rate);
	case RULE_OVERRIDE:
		as = override_of(r, d, leaf, as);
		if (as < LEAF_COUNT)
			*rate = r->rates.rate[as];
		return 0;
	case RULE_VOLUME:
		while (s->next && sum_of(r, d) >= s->upto)
			s = s->next;
		return dec_times(*rate, s->mul.num, s->mul.den, rate);
	case RULE_COMMIT:
		if (r->back && sum_of(r, d) >= r->amount)
			*rate = list;
		return 0;
	}
	return 0;
}

int contract_rate(const struct deal *d, enum leaf leaf, enum leaf as, struct rate list,
		  struct rate *ret)
{
	struct rate rate = list;

	for (const struct rule *r = d->contract ? d->contract->rules : NULL; r; r = r->next) {
		int done = is_meant(r, d, leaf) ? use_rule(r, d, leaf, as, list, &rate) : 0;

		if (done < 0)
			return done;
	}
	*ret = rate;
	return 0;
}
