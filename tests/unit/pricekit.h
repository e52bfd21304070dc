/* pricekit.h -- one usage through the price stage, and what came out. */
#ifndef TESTS_PRICEKIT_H
#define TESTS_PRICEKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/names.h"
#include "base/obj.h"
#include "price/price.h"

#define HEAD     "schema: submeter.pricebook/1\nbook: {id: t, version: 1, currency: USD}\n"
#define FROM     "provenance: {source: x, checked: 2026-01-01}"
#define NO_GATES "gates: {max_usd_per_Mtok: \"9100000000000\"}\n"

/* What the price stage made of one usage; texts point into the book. */
struct out {
	size_t count;
	int fail;
	struct charge c;
};

static inline int keep_charge(void *ctx, const struct charge *c)
{
	struct out *o = ctx;

	o->count++;
	o->c = *c;
	return o->fail;
}

static inline uint64_t at(const char *date)
{
	uint64_t ns;

	assert_int_equal(clock_parse(str_of(date), &ns), 0);
	return ns;
}

static inline struct usage call(const char *provider, const char *served)
{
	struct usage u = { .kind = KIND_INFERENCE,
			   .source = SOURCE_REPORTED,
			   .billing = BILLING_METERED,
			   .provider = str_of(provider),
			   .model_served = str_of(served),
			   .start_ns = at("2026-11-22") };

	return u;
}

static inline struct book *book_from(const char *yaml)
{
	struct book *b = NULL;
	char error[YAML_ERROR] = "";

	assert_int_equal(book_new(&b), 0);
	if (book_add(b, str_of(yaml), "own.yaml", error) < 0)
		fail_msg("%s", error);
	return b;
}

static inline struct charge price_with(struct price *p, struct out *o, const struct usage *u)
{
	o->count = 0;
	assert_int_equal(price_feed(p, u), 0);
	assert_int_equal(o->count, 1);
	return o->c;
}

static inline struct charge price(const struct book *b, const struct usage *u)
{
	struct price *p = NULL;
	struct out o = { 0 };

	assert_int_equal(price_new(b, (struct charge_sink){ keep_charge, &o }, &p), 0);
	price_with(p, &o, u);
	price_free(&p);
	return o.c;
}

static inline void assert_text(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("'" STR_FMT "' is not '%s'", STR_ARG(got), want ? want : "");
}

static inline void assert_pico(int64_t pico, const char *want)
{
	char text[DEC_TEXT];

	dec_text(pico, text);
	assert_string_equal(text, want);
}

/* Exactly these flags, as "cache_rate_missing parent_rate". */
static inline void assert_flags(unsigned flags, const char *want)
{
	char all[256] = "";
	size_t n = 0;

	for (int i = 0; i < FLAG_COUNT; i++)
		if (flags >> i & 1)
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? " " : "",
					      names_flag[i]);
	assert_string_equal(all, want);
}

static inline void assert_charge(const struct charge *c, const char *want)
{
	int64_t sum = 0;

	assert_int_equal(c->why, WHY_NONE);
	assert_int_equal(c->billing, BILLING_METERED);
	for (size_t i = 0; i < c->count; i++)
		sum += c->line[i].pico;
	assert_true(sum == c->pico);
	assert_pico(c->pico, want);
}

static inline void assert_cost(const struct book *b, const struct usage *u, const char *want)
{
	struct charge c = price(b, u);

	assert_charge(&c, want);
}

static inline void assert_unpriced(const struct book *b, const struct usage *u, enum why why)
{
	struct charge c = price(b, u);

	assert_int_equal(c.billing, BILLING_UNPRICED);
	assert_int_equal(c.why, why);
	assert_int_equal(c.count, 0);
	assert_int_equal(c.pico, 0);
	assert_null(c.entry.p);
	assert_null(c.contract.p);
}

#endif
