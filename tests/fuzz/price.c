/* A price book of any text: a message, or prices whose lines are exact and add up. And five lines of any text as the provider,
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
	MUST((c->billing == BILLING_UNPRICED) == (c->entry.n == 0));
	MUST(c->billing != BILLING_UNPRICED ||
	     (c->why != WHY_NONE && c->count == 0 && c->pico == 0));
	last = *c;
	return 0;
}

static void price_call(const struct book *b, const struct usage *u)
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
			price_call(b, &u);
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
	price_call(shipped, &u);
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
