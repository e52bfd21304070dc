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

struct str price_said(const struct price *p, const struct usage *u)
{
	obj_check(p, PRICE_MAGIC);
	return match_said(p->book, u);
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
	struct rate listed;
	int64_t list_pico;
	struct term t;

	if (quote_rate(q, leaf, &t) < 0 || contract_rate(&q->deal, &t) < 0)
		return WHY_OVERFLOW;
	if (!t.known)
		return WHY_NO_RATE;
	*line = (struct charge_line){ .leaf = leaf, .quantity = quantity };
	if (dec_wide_line(quantity, t.rate, &line->pico, &line->rate) < 0 ||
	    dec_wide_line(quantity, t.list, &list_pico, &listed) < 0 ||
	    __builtin_add_overflow(s->pico, line->pico, &s->pico) ||
	    __builtin_add_overflow(s->list_pico, list_pico, &s->list_pico))
		return WHY_OVERFLOW;
	q->flags |= t.flags;
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
	if (why != WHY_NONE || l->n[LEAF_N_REQUEST])
		return why;
	/* who charges for requests charges for this one */
	why = add_line(q, LEAF_N_REQUEST, 1, s);
	return why == WHY_NO_RATE ? WHY_NONE : why;
}

/* Nobody knows what of a guess was cached, nor which is dearer by an agreement: it is priced as said, and as all of the other. */
static enum why add_bound(const struct usage *u, const struct leaves *said, enum leaf from,
			  enum leaf to, const struct quote *q, int64_t pico[2])
{
	struct leaves other = *said;
	struct quote at = *q;
	struct sum s;
	enum why why = add_up(u, said, &at, &s);

	if (why != WHY_NONE)
		return why;
	pico[0] = pico[1] = s.pico;
	other.n[from] = 0;
	if (!__builtin_add_overflow(said->n[from], said->n[to], &other.n[to]) &&
	    add_up(u, &other, &at, &s) == WHY_NONE)
		pico[1] = s.pico;
	return WHY_NONE;
}

static enum why add_bounds(const struct usage *u, const struct quote *q, struct charge *c)
{
	int64_t low[2], high[2];
	enum why why;

	c->low_pico = c->high_pico = c->pico;
	if (u->source == SOURCE_REPORTED)
		return WHY_NONE;
	why = add_bound(u, &u->low, LEAF_IN_CACHE_READ, LEAF_IN_TEXT, q, low);
	if (why == WHY_NONE)
		why = add_bound(u, &u->high, LEAF_IN_TEXT, LEAF_IN_CACHE_READ, q, high);
	if (why == WHY_NONE) {
		c->low_pico = MIN(low[0], low[1]);
		c->high_pico = MAX(high[0], high[1]);
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
	c->tier = q->deal.tier;
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
		if (used->n[i] && rates_find(&b->shadow, i, &rate, &flags) &&
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
