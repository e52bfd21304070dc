/* A price book of any text: a message, or prices whose lines are exact and add up; bounds hold what calls of that size cost, and a
 * contract leaves the list price as it is without. And five lines of any text as the provider,
 * host, models and tier of a call: a price of the shipped book, with reasons, or none; never another for the same names. */
#include "base/obj.h"
#include "fuzz.h"
#include "price/book.h"

enum { MODELS = 64 }; /* looked at of one book */

static struct charge last;

static int on_charge(void *ctx, const struct charge *c)
{
	int64_t sum = 0;

	(void)ctx;
	for (size_t i = 0; i < c->count; i++) {
		const struct charge_line *l = &c->line[i];
		int64_t pico;

		MUST(l->rate.per && l->rate.pico >= 0);
		MUST(dec_line(l->quantity, l->rate, &pico) == 0 && pico == l->pico);
		sum += l->pico;
	}
	MUST(sum == c->pico && c->pico >= 0 && c->list_pico >= 0);
	MUST(c->billing == BILLING_SUBSCRIPTION ||
	     (c->billing == BILLING_UNPRICED) == (c->entry.n == 0));
	MUST(c->entry.n || (c->why != WHY_NONE && c->count == 0 && c->pico == 0));
	last = *c;
	return 0;
}

static struct charge price_call(const struct book *b, const struct usage *u)
{
	struct price *p = NULL;
	struct charge first;

	MUST(price_new(b, (struct charge_sink){ on_charge, NULL }, &p) == 0);
	MUST(price_feed(p, u) == 0);
	first = last;
	price_free(&p);
	MUST(price_new(b, (struct charge_sink){ on_charge, NULL }, &p) == 0);
	MUST(price_feed(p, u) == 0);
	MUST(first.pico == last.pico && first.entry.p == last.entry.p && first.flags == last.flags);
	price_free(&p);
	return first;
}

static bool has_line(const struct charge *c, enum leaf leaf)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->line[i].leaf == leaf)
			return true;
	return false;
}

static bool has_price(const struct charge *c)
{
	return c->entry.n > 0;
}

/* Between nothing and itself. */
static void price_bounds(const struct book *b, const struct usage *u, const struct charge *whole)
{
	struct usage less = *u, guess = *u;
	struct charge low, c;

	for (int i = 0; i < LEAF_COUNT; i++)
		less.used.n[i] /= 2;
	low = price_call(b, &less);
	guess.source = SOURCE_ESTIMATED;
	guess.low = less.used;
	guess.high = u->used;
	c = price_call(b, &guess);
	MUST(has_price(&c) == (has_price(whole) && has_price(&low)));
	MUST(!has_price(&c) || (c.pico == whole->pico && c.high_pico >= whole->pico &&
				c.low_pico <= low.pico && c.flags == whole->flags));
}

/* A plan's calls are priced by the list. What is agreed for each request is in the list price, too. */
static void price_plan(const struct book *b, const struct usage *u, const struct charge *whole)
{
	struct usage plan = *u;
	struct charge c;

	plan.billing = BILLING_SUBSCRIPTION;
	c = price_call(b, &plan);
	MUST(!c.contract.n);
	if (!has_price(&c) || !has_price(whole))
		return;
	MUST(whole->contract.n || whole->pico == c.pico);
	MUST(whole->list_pico >= c.pico);
	MUST(whole->list_pico == c.pico ||
	     (has_line(whole, LEAF_N_REQUEST) && !has_line(&c, LEAF_N_REQUEST)));
}

static void price_ways(const struct book *b, struct usage *u)
{
	struct charge c = price_call(b, u);

	price_bounds(b, u, &c);
	price_plan(b, u, &c);
}

static struct usage any_call(void)
{
	struct usage u = { .kind = KIND_INFERENCE,
			   .source = SOURCE_REPORTED,
			   .billing = BILLING_METERED,
			   .start_ns = 1795305600000000000, /* 2026-11-22 */
			   .end_ns = 1795305600000000000 };

	for (int i = 0; i < LEAF_N_WEB_SEARCH; i++)
		leaf_set(&u.used, (enum leaf)i, (uint64_t)i * 1001 + 1);
	return u;
}

static void try_book(struct str yaml)
{
	struct book *b = NULL;
	char error[YAML_ERROR] = "";
	int left = MODELS;
	int r;

	MUST(book_new(&b) == 0);
	r = book_add(b, yaml, "book", error);
	MUST(r == 0 || (r == -EBADMSG && strncmp(error, "book", 4) == 0) || r == -ENOMEM);
	for (const struct book_model *m = book_first(b); r == 0 && m && left--; m = m->next) {
		struct usage u = any_call();

		u.provider = m->provider;
		u.model_requested = m->id;
		for (const struct book_price *p = m->prices; p; p = p->next) {
			u.start_ns = u.end_ns = p->from_ns;
			price_ways(b, &u);
			leaf_set(&u.used, LEAF_N_WEB_SEARCH, 3);
			price_ways(b, &u);
			leaf_set(&u.used, LEAF_N_WEB_SEARCH, 0);
		}
	}
	book_free(&b);
}

static void try_names(struct str text)
{
	static struct book *shipped;
	struct usage u = any_call();
	struct str *const to[] = { &u.provider, &u.host, &u.model_requested, &u.model_served,
				   &u.tier };
	char error[YAML_ERROR];

	if (!shipped)
		MUST(book_new(&shipped) == 0 &&
		     book_add(shipped, book_shipped(), "book", error) == 0);
	for (size_t i = 0; i < COUNT_OF(to); i++)
		if (!str_cut(&text, to[i], '\n')) {
			*to[i] = text;
			break;
		}
	price_ways(shipped, &u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	if (str_starts(text, S("schema:")))
		try_book(text);
	else
		try_names(text);
	return 0;
}
