/* deal.c -- contracts in use (contract.h): which one a call has, and what its rules make of a rate. */
#include "base/clock.h"
#include "price/contract.h"
#include "price/rates.h"

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

static bool has_model(const struct chosen *list, const struct book_model *m)
{
	while (list && list->model != m)
		list = list->next;
	return list;
}

static bool same_place(const struct rule *r, const struct deal *d, struct str tier)
{
	return (!r->models || has_model(r->models, d->model)) &&
	       (!r->tier.n || str_eq(r->tier, tier)) && (!r->band.n || str_eq(r->band, d->band));
}

bool contract_has_tier(const struct deal *d, struct str tier)
{
	const struct rule *r = d->contract ? d->contract->rules : NULL;

	while (r && !(r->tier.n && same_place(r, d, tier)))
		r = r->next;
	return r;
}

bool rule_meant(const struct rule *r, const struct deal *d, enum leaf leaf)
{
	bool token = leaf < LEAF_N_WEB_SEARCH;

	return (r->on == ON_ALL || (r->on == ON_TOKENS) == token) && same_place(r, d, d->tier);
}

unsigned rule_choices(const struct rule *r)
{
	unsigned n = r->steps ? 0 : 1 + r->back;

	for (const struct step *s = r->steps; s; s = s->next)
		n++;
	return n;
}

static unsigned choose(const struct rule *r, const struct deal *d)
{
	const struct price_sums *sums = &d->sums[r->period];
	__int128 sum = r->meter == METER_LIST ? sums->list : sums->net;
	unsigned n = 0;

	if (r->back)
		return sum >= r->amount;
	for (const struct step *s = r->steps; s && s->next && sum >= s->upto; s = s->next)
		n++;
	return n;
}

/* The agreed rates go on top of those so far, and the leaf is looked up in all of them. */
static void override(const struct rule *r, struct term *t)
{
	unsigned flags = 0;
	enum leaf as = rates_as(t->listed | r->rates.has, t->leaf, &flags);

	t->listed |= r->rates.has;
	if (as == LEAF_COUNT || !(r->rates.has >> as & 1))
		return;
	t->rate = dec_wide(r->rates.rate[as]);
	t->flags = flags;
	if (!t->known) {
		t->list = t->rate;
		t->list_flags = flags;
	}
	t->known = true;
}

static int times(struct term *t, const struct ratio *mul)
{
	return t->known ? dec_wide_times(&t->rate, mul->num, mul->den) : 0;
}

int rule_use(const struct rule *r, unsigned choice, struct term *t)
{
	const struct step *s = r->steps;

	switch (r->kind) {
	case RULE_PERCENT:
	case RULE_MARKUP:
	case RULE_PTU:
		return times(t, &r->mul);
	case RULE_OVERRIDE:
		override(r, t);
		return 0;
	case RULE_VOLUME:
		while (choice--)
			s = s->next;
		return times(t, &s->mul);
	case RULE_COMMIT:
		if (choice) {
			t->rate = t->list;
			t->flags = t->list_flags;
		}
		return 0;
	}
	return 0;
}

int contract_rate(const struct deal *d, struct term *t)
{
	int done = 0;

	for (const struct rule *r = d->contract ? d->contract->rules : NULL; r && done == 0;
	     r = r->next)
		if (rule_meant(r, d, t->leaf))
			done = rule_use(r, choose(r, d), t);
	return done;
}
