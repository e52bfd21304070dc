#include "price/quote.h"
#include "price/rates.h"
#include "price/uplift.h"
#include "price/window.h"

static enum why find_entry(const struct book *b, const struct usage *u, struct quote *q)
{
	const struct book_provider *from = book_provider(b, u->provider);
	enum why why = match_find(b, u, &q->match);

	if (why != WHY_NONE)
		return why;
	q->flags = q->match.flags;
	q->at_ns = from && from->at_end ? u->end_ns : u->start_ns;
	for (const struct book_price *p = q->match.model->prices; p; p = p->next) {
		if (p->from_ns <= q->at_ns && q->at_ns < p->until_ns) {
			q->price = p;
			return WHY_NONE;
		}
	}
	return WHY_NO_PRICE_DATE;
}

static bool prompt_size(const struct leaves *l, uint64_t *ret)
{
	*ret = 0;
	for (int i = 0; i <= LEAF_IN_TOOL; i++)
		if (__builtin_add_overflow(*ret, l->n[i], ret))
			return false;
	return true;
}

static const struct book_band *find_band(const struct book_price *p, uint64_t prompt)
{
	for (size_t i = 0; i < p->bands; i++) {
		const struct book_band *b = &p->band[i];

		if (prompt < b->upto || (prompt == b->upto && b->inclusive))
			return b;
	}
	return &p->band[p->bands - 1];
}

static const struct book_tier *find_tier(const struct book_band *band, struct str name)
{
	for (const struct book_tier *t = band->tiers; t; t = t->next)
		if (str_eq(t->name, name))
			return t;
	return NULL;
}

enum why quote_rates(const struct usage *u, const struct leaves *l, struct quote *q)
{
	struct str tier = u->tier.n ? u->tier : S("standard");
	uint64_t prompt;

	if (!prompt_size(l, &prompt))
		return WHY_OVERFLOW;
	q->band = find_band(q->price, prompt);
	q->tier = find_tier(q->band, tier);
	if (!q->tier && q->price->any_tier) {
		q->tier = find_tier(q->band, S("standard"));
		q->flags |= 1u << FLAG_STANDARD_TIER;
	}
	if (!q->tier)
		return WHY_NO_TIER;
	q->deal.model = q->match.model->id;
	q->deal.tier = q->tier->name;
	q->deal.band = q->band->name;
	return WHY_NONE;
}

/* What a model costs in one part of the world says nothing of another, but `global`, unless its entry does. */
static bool far_away(const struct quote *q)
{
	return q->match.far && !str_ieq(q->match.geo, S("global")) &&
	       !(q->uplift && q->uplift->when[FACET_GEO]);
}

/* A region of another provider's is none of this one's: the way there says what is dearer. */
static void find_uplift(const struct usage *u, struct quote *q)
{
	const struct str told[FACET_COUNT] = {
		[FACET_REGION] = u->region, [FACET_GEO] = q->match.geo, [FACET_SKU] = q->match.sku
	};

	q->uplift = uplift_find(q->match.fall ? q->match.fall->uplift : q->price->uplift, told,
				&q->region);
	q->window = window_find(q->price->windows, q->at_ns);
}

/* Where a leaf has its rate; a tier may have counts of its own. */
static const struct rates *rates_of(const struct quote *q, enum leaf leaf)
{
	bool tier = leaf < LEAF_N_WEB_SEARCH || q->tier->rates.has >> leaf & 1;

	return tier ? &q->tier->rates : &q->price->counts;
}

enum why quote_rate(struct quote *q, enum leaf leaf, struct rate *ret, enum leaf *ret_as)
{
	bool token = leaf < LEAF_N_WEB_SEARCH;
	int r = 0;

	if (!rates_find(rates_of(q, leaf), leaf, ret, ret_as, &q->flags))
		return WHY_NO_RATE;
	if (token && q->uplift)
		r = dec_times(*ret, q->uplift->mul.num, q->uplift->mul.den, ret);
	if (r == 0 && token && q->window)
		r = dec_times(*ret, q->window->mul.num, q->window->mul.den, ret);
	return r < 0 ? WHY_OVERFLOW : WHY_NONE;
}

bool quote_per_request(const struct quote *q)
{
	return rates_of(q, LEAF_N_REQUEST)->has >> LEAF_N_REQUEST & 1;
}

bool quote_is_free(const struct quote *q)
{
	return q->price->free || q->match.free;
}

enum why quote_find(const struct book *b, const struct usage *u, struct quote *ret)
{
	enum why why;

	*ret = (struct quote){ .price = NULL };
	why = find_entry(b, u, ret);
	if (why != WHY_NONE)
		return why;
	/* a model that nobody lists answered: that the one asked for is free says nothing */
	if (quote_is_free(ret) && ret->flags & 1u << FLAG_MODEL &&
	    str_eq(str_of(ret->match.kind), S("requested")))
		return WHY_NO_PRICE;
	find_uplift(u, ret);
	return far_away(ret) ? WHY_NO_PRICE : WHY_NONE;
}
