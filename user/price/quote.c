#include "price/quote.h"
#include "price/rates.h"
#include "price/uplift.h"
#include "price/window.h"

static enum why find_entry(const struct book *b, const struct usage *u, struct quote *q)
{
	const struct book_provider *from = book_provider(b, u->provider);
	enum why why;

	q->at_ns = from && from->at_end ? u->end_ns : u->start_ns;
	why = match_find(b, u, q->at_ns, &q->match);
	q->flags = q->match.flags;
	q->price = q->match.price;
	return why;
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
	static const struct book_tier unlisted;
	struct str tier = u->tier.n ? u->tier : S("standard");
	uint64_t prompt;
	bool agreed;

	if (!prompt_size(l, &prompt))
		return WHY_OVERFLOW;
	q->band = find_band(q->price, prompt);
	q->deal.model = q->match.model;
	q->deal.band = q->band->name;
	q->deal.tier = tier;
	q->tier = find_tier(q->band, tier);
	agreed = !q->tier && contract_has_tier(&q->deal, tier);
	if (!q->tier && q->price->any_tier) {
		q->tier = find_tier(q->band, S("standard"));
		q->flags |= 1u << FLAG_STANDARD_TIER;
		if (!agreed)
			q->deal.tier = q->tier->name;
	}
	if (!q->tier && agreed)
		q->tier = &unlisted;
	return q->tier ? WHY_NONE : WHY_NO_TIER;
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

static int dearer(struct wide *w, const struct ratio *mul)
{
	return dec_wide_times(w, mul->num, mul->den);
}

int quote_rate(const struct quote *q, enum leaf leaf, struct term *ret)
{
	struct term t = { .leaf = leaf, .listed = q->tier->rates.has | q->price->counts.has };
	bool token = leaf < LEAF_N_WEB_SEARCH;
	struct rate own = { 0, 1 };
	int r = 0;

	t.known = rates_find(rates_of(q, leaf), leaf, &own, &t.list_flags);
	t.list = dec_wide(own);
	if (token && q->uplift)
		r = dearer(&t.list, &q->uplift->mul);
	if (r == 0 && token && q->window)
		r = dearer(&t.list, &q->window->mul);
	t.rate = t.list;
	t.flags = t.list_flags;
	*ret = t;
	return r;
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
