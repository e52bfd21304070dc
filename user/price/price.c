#include "base/obj.h"
#include "price/quote.h"
#include "price/rates.h"
#include "price/tally.h"

struct price {
	unsigned magic;
#define PRICE_MAGIC 0x70726963u
	const struct book *book;
	price_sums_fn *sums;
	void *sums_ctx;
	struct tally tally; /* while nobody else tells the sums */
	struct charge_sink out;
};

struct sum { /* what the leaves of a call come to */
	size_t count;
	struct charge_line line[LEAF_COUNT];
	int64_t pico, list_pico;
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

void price_sums_from(struct price *p, price_sums_fn *fn, void *ctx)
{
	obj_check(p, PRICE_MAGIC);
	p->sums = fn;
	p->sums_ctx = ctx;
}

void price_use(struct price *p, const struct book *b)
{
	obj_check(p, PRICE_MAGIC);
	assert(p->sums); /* what the stage adds up itself goes by the contracts of its book */
	p->book = b;
}

void price_free(struct price **pp)
{
	struct price *p = obj_take(pp, PRICE_MAGIC);

	if (!p)
		return;
	tally_done(&p->tally);
	mem_free(p);
}

/* ---- what was agreed -------------------------------------------------------------------------------- */

static int find_deal(const struct price *p, const struct usage *u, struct quote *q)
{
	const struct contract *c = contract_find(p->book, u);
	int r = 0;

	q->deal.contract = c;
	for (int i = 0; r == 0 && c && c->needs_sums && i < PERIOD_COUNT; i++) {
		uint64_t from_ns, until_ns;

		contract_period(c, i, u->start_ns, &from_ns, &until_ns);
		if (p->sums)
			r = p->sums(p->sums_ctx, c->id, from_ns, until_ns, &q->deal.sums[i]);
		else
			tally_get(&p->tally, c->id, i, from_ns, &q->deal.sums[i]);
	}
	return r;
}

/* ---- what it comes to --------------------------------------------------------------------------------- */

static enum why add_line(struct quote *q, enum leaf leaf, uint64_t quantity, struct sum *s)
{
	struct charge_line *line = &s->line[s->count];
	struct rate list;
	int64_t list_pico;
	enum leaf as;
	enum why why = quote_rate(q, leaf, &list, &as);

	if (why != WHY_NONE)
		return why;
	*line = (struct charge_line){ .leaf = leaf, .quantity = quantity };
	if (contract_rate(&q->deal, leaf, as, list, &line->rate) < 0 ||
	    dec_line(quantity, line->rate, &line->pico) < 0 ||
	    dec_line(quantity, list, &list_pico) < 0 ||
	    __builtin_add_overflow(s->pico, line->pico, &s->pico) ||
	    __builtin_add_overflow(s->list_pico, list_pico, &s->list_pico))
		return WHY_OVERFLOW;
	s->count++;
	return WHY_NONE;
}

static enum why add_up(const struct usage *u, const struct leaves *l, struct quote *q,
		       struct sum *s)
{
	enum why why = quote_rates(u, l, q);

	*s = (struct sum){ .count = 0 };
	for (int i = 0; why == WHY_NONE && i < LEAF_COUNT; i++)
		if (l->n[i])
			why = add_line(q, i, l->n[i], s);
	/* an entry that charges for requests charges for this one */
	if (why == WHY_NONE && !l->n[LEAF_N_REQUEST] && quote_per_request(q))
		why = add_line(q, LEAF_N_REQUEST, 1, s);
	return why;
}

static enum why add_bounds(const struct usage *u, const struct quote *q, struct charge *c)
{
	struct quote at = *q;
	struct sum low, high;
	enum why why;

	c->low_pico = c->high_pico = c->pico;
	if (u->source == SOURCE_REPORTED)
		return WHY_NONE;
	why = add_up(u, &u->low, &at, &low);
	if (why == WHY_NONE)
		why = add_up(u, &u->high, &at, &high);
	if (why == WHY_NONE) {
		c->low_pico = low.pico;
		c->high_pico = high.pico;
	}
	return why;
}

static enum why add_lines(const struct usage *u, struct quote *q, struct charge *c)
{
	struct sum s;
	enum why why = add_up(u, &u->used, q, &s);

	if (why != WHY_NONE)
		return why;
	c->count = s.count;
	memcpy(c->line, s.line, sizeof(c->line));
	c->pico = s.pico;
	c->list_pico = s.list_pico;
	return add_bounds(u, q, c);
}

static void describe(const struct quote *q, struct charge *c)
{
	const struct contract *contract = q->deal.contract;

	c->flags |= q->flags;
	c->book = q->price->book;
	c->entry = q->price->name;
	c->match = str_of(q->match.kind);
	if (!q->tier) /* it is free */
		return;
	c->tier = q->tier->name;
	c->band = q->window ? q->window->band[q->band - q->price->band] : q->band->name;
	c->region = q->region;
	c->contract = contract ? contract->id : STR_NONE;
}

/* What a plan pays stays paid by it. */
static void unpriced(struct charge *c, enum why why)
{
	bool plan = c->billing == BILLING_SUBSCRIPTION;

	*c = (struct charge){ .usage = c->usage,
			      .billing = plan ? BILLING_SUBSCRIPTION : BILLING_UNPRICED,
			      .why = why,
			      .flags = c->usage->flags };
}

static int count_in(struct price *p, const struct quote *q, const struct charge *c)
{
	const struct contract *contract = q->deal.contract;
	int r = 0;

	for (int i = 0; r == 0 && !p->sums && contract && contract->needs_sums && i < PERIOD_COUNT;
	     i++) {
		uint64_t from_ns, until_ns;

		contract_period(contract, i, c->usage->start_ns, &from_ns, &until_ns);
		r = tally_add(&p->tally, contract->id, i, from_ns, c->pico, c->list_pico);
	}
	return r;
}

/* Providers round to about a millionth of a dollar, some each part of the sum. */
static void compare(struct charge *c)
{
	const int64_t slack = 2000000;
	struct str cost = c->usage->reported_cost;
	int64_t reported, apart;
	struct rate whole; /* it may be finer than we count */

	if (!cost.n)
		return;
	if (dec_rate(cost, 1, &whole) < 0 || dec_line(1, whole, &reported) < 0 ||
	    __builtin_sub_overflow(reported, c->pico, &apart) || apart > slack || apart < -slack)
		c->flags |= 1u << FLAG_COST_DIFFERS;
}

static int rate(struct price *p, struct charge *c)
{
	const struct usage *u = c->usage;
	struct quote q;
	enum why why = quote_find(p->book, u, &q);
	int r = 0;

	if (why == WHY_NONE && quote_is_free(&q)) {
		if (c->billing == BILLING_METERED)
			c->billing = BILLING_FREE;
		describe(&q, c);
		compare(c);
		return 0;
	}
	if (why == WHY_NONE) {
		/* a plan is no contract for what calls cost */
		r = c->billing == BILLING_METERED ? find_deal(p, u, &q) : 0;
		why = add_lines(u, &q, c);
	}
	if (why != WHY_NONE) {
		unpriced(c, why);
		return r;
	}
	describe(&q, c);
	compare(c);
	return r < 0 ? r : count_in(p, &q, c);
}

/* ---- without a price ------------------------------------------------------------------------------------ */

/* Something to show in place of nothing, where the book has a rate for that: no money. */
static void shade(const struct book *b, struct charge *c)
{
	const struct leaves *used = &c->usage->used;
	int64_t all = 0, pico;
	struct rate rate;
	unsigned flags = 0;

	for (int i = 0; i < LEAF_COUNT; i++)
		if (used->n[i] && rates_find(&b->shadow, i, &rate, NULL, &flags) &&
		    (dec_line(used->n[i], rate, &pico) < 0 ||
		     __builtin_add_overflow(all, pico, &all)))
			return;
	c->shadow_pico = all;
}

int price_feed(struct price *p, const struct usage *in)
{
	struct charge c = {
		.usage = in, .billing = in->billing, .why = in->why, .flags = in->flags
	};
	int r = 0;

	obj_check(p, PRICE_MAGIC);
	if (in->kind != KIND_INFERENCE && c.billing != BILLING_FREE)
		c.billing = BILLING_UNPRICED;
	if (c.billing == BILLING_METERED || c.billing == BILLING_SUBSCRIPTION)
		r = rate(p, &c);
	if (c.billing == BILLING_UNPRICED && in->kind == KIND_INFERENCE)
		shade(p->book, &c);
	return r < 0 ? r : charge_put(p->out, &c);
}
