#include "base/obj.h"
#include "price/book.h"

struct price {
	unsigned magic;
#define PRICE_MAGIC 0x70726963u
	const struct book *book;
	struct charge_sink out;
};

static const enum leaf parents[LEAF_COUNT] = {
#define LEAF(name, text, parent, words) [LEAF_##name] = LEAF_##parent,
#include "tbl/leaf.h"
#undef LEAF
};

struct pick { /* which price applies */
	const struct book_price *price;
	const struct book_band *band;
	const struct book_tier *tier;
	const struct book_uplift *uplift;
	const char *match;
};

int price_new(const struct book *b, struct charge_sink out, struct price **ret)
{
	struct price *p = obj_new(p, PRICE_MAGIC);

	if (!p)
		return -ENOMEM;
	p->book = b;
	p->out = out;
	*ret = p;
	return 0;
}

void price_free(struct price **pp)
{
	mem_free(obj_take(pp, PRICE_MAGIC));
}

/* ---- which price ------------------------------------------------------------------------------------ */

static enum why find_price(const struct book *b, const struct usage *u, struct pick *k)
{
	const struct book_model *m = NULL;

	if (!u->model_served.n && !u->model_requested.n)
		return WHY_NO_MODEL;
	if (u->model_served.n)
		m = book_find(b, u->provider, u->model_served, &k->match);
	if (!m && u->model_requested.n) {
		m = book_find(b, u->provider, u->model_requested, &k->match);
		k->match = "requested";
	}
	if (!m)
		return WHY_NO_PRICE;
	for (const struct book_price *p = m->prices; p; p = p->next) {
		if (p->from_ns <= u->start_ns && u->start_ns < p->until_ns) {
			k->price = p;
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

static enum why find_rates(const struct usage *u, const struct leaves *l, struct pick *k)
{
	struct str tier = u->tier.n ? u->tier : S("standard");
	uint64_t prompt;

	if (!prompt_size(l, &prompt))
		return WHY_OVERFLOW;
	k->band = find_band(k->price, prompt);
	k->tier = find_tier(k->band, tier);
	if (!k->tier && k->price->any_tier)
		k->tier = find_tier(k->band, S("standard"));
	if (!k->tier)
		return WHY_NO_TIER;
	for (k->uplift = k->price->uplift; k->uplift; k->uplift = k->uplift->next)
		if (str_eq(k->uplift->region, u->region))
			break;
	return WHY_NONE;
}

/* ---- what it comes to --------------------------------------------------------------------------------- */

/* A leaf without a rate is priced as its parent, never as nothing. */
static bool find_rate(const struct pick *k, enum leaf leaf, struct rate *ret)
{
	for (;;) {
		const struct rates *r =
			leaf < LEAF_N_WEB_SEARCH ? &k->tier->rates : &k->price->counts;

		if (r->has >> leaf & 1) {
			*ret = r->rate[leaf];
			return true;
		}
		if (parents[leaf] == leaf)
			return false;
		leaf = parents[leaf];
	}
}

static enum why add_line(const struct pick *k, enum leaf leaf, uint64_t quantity, struct charge *c)
{
	struct charge_line *line = &c->line[c->count];

	*line = (struct charge_line){ .leaf = leaf, .quantity = quantity };
	if (!find_rate(k, leaf, &line->rate))
		return WHY_NO_RATE;
	if (k->uplift && leaf < LEAF_N_WEB_SEARCH &&
	    (__builtin_mul_overflow(line->rate.pico, k->uplift->num, &line->rate.pico) ||
	     __builtin_mul_overflow(line->rate.per, k->uplift->den, &line->rate.per)))
		return WHY_OVERFLOW;
	if (dec_line(quantity, line->rate, &line->pico) < 0 ||
	    __builtin_add_overflow(c->pico, line->pico, &c->pico))
		return WHY_OVERFLOW;
	c->count++;
	return WHY_NONE;
}

static enum why add_lines(const struct pick *k, const struct leaves *l, struct charge *c)
{
	enum why why = WHY_NONE;

	c->count = 0;
	c->pico = 0;
	for (int i = 0; why == WHY_NONE && i < LEAF_COUNT; i++)
		if (l->n[i])
			why = add_line(k, i, l->n[i], c);
	/* an entry that charges for requests charges for this one */
	if (why == WHY_NONE && !l->n[LEAF_N_REQUEST] && k->price->counts.has >> LEAF_N_REQUEST & 1)
		why = add_line(k, LEAF_N_REQUEST, 1, c);
	return why;
}

static enum why price_leaves(const struct usage *u, const struct leaves *l, struct pick *k,
			     struct charge *c)
{
	enum why why = find_rates(u, l, k);

	return why ? why : add_lines(k, l, c);
}

static enum why bounds(const struct usage *u, const struct pick *k, struct charge *c)
{
	struct charge low = { 0 }, high = { 0 };
	struct pick at = *k;
	enum why why = WHY_NONE;

	c->low_pico = c->high_pico = c->pico;
	if (u->source == SOURCE_REPORTED)
		return WHY_NONE;
	why = price_leaves(u, &u->low, &at, &low);
	if (why == WHY_NONE)
		why = price_leaves(u, &u->high, &at, &high);
	if (why == WHY_NONE) {
		c->low_pico = low.pico;
		c->high_pico = high.pico;
	}
	return why;
}

static void unpriced(struct charge *c, enum why why)
{
	*c = (struct charge){
		.usage = c->usage, .billing = BILLING_UNPRICED, .why = why, .flags = c->usage->flags
	};
}

static void rate(const struct price *p, struct charge *c)
{
	const struct usage *u = c->usage;
	struct pick k = { 0 };
	enum why why = find_price(p->book, u, &k);

	if (why == WHY_NONE && k.price->free) {
		c->billing = BILLING_FREE;
		c->book = k.price->book;
		c->entry = k.price->name;
		c->match = str_of(k.match);
		return;
	}
	if (why == WHY_NONE)
		why = price_leaves(u, &u->used, &k, c);
	if (why == WHY_NONE)
		why = bounds(u, &k, c);
	if (why != WHY_NONE) {
		unpriced(c, why);
		return;
	}
	c->list_pico = c->pico;
	c->book = k.price->book;
	c->entry = k.price->name;
	c->match = str_of(k.match);
	c->tier = k.tier->name;
	c->band = k.band->name;
	c->region = k.uplift ? k.uplift->region : STR_NONE;
}

int price_feed(struct price *p, const struct usage *in)
{
	struct charge c = {
		.usage = in, .billing = in->billing, .why = in->why, .flags = in->flags
	};

	obj_check(p, PRICE_MAGIC);
	if (in->kind != KIND_INFERENCE && c.billing != BILLING_FREE)
		c.billing = BILLING_UNPRICED;
	if (c.billing == BILLING_METERED)
		rate(p, &c);
	return charge_put(p->out, &c);
}
