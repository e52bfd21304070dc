/* import_gate.c -- is what a list says of a model sane, and whole? */
#include "base/dec.h"
#include "base/limit.h"
#include "base/names.h"
#include "price/import_entry.h"

/* Nobody charges five times as much elsewhere, or for writing to a cache; ten times in a tier; twenty times for a long
 * prompt (twelve has been seen): such a number is a slip. */
enum { MOST_PLACE = 5, MOST_CACHE = 5, MOST_TIER = 10, MOST_LONG = 20 };

/* Dollars that no unit of a count costs. Lists that mean a thousand of them are caught by it. */
static const struct {
	const char *unit;
	enum leaf leaf; /* LEAF_COUNT: any */
	struct str most;
} most[] = {
	{ "Mtok", LEAF_COUNT, S("1000") },     { "call", LEAF_COUNT, S("1") },
	{ "kcall", LEAF_COUNT, S("1000") },    { "image", LEAF_COUNT, S("5") },
	{ "page", LEAF_COUNT, S("0.5") },      { "kpage", LEAF_COUNT, S("500") },
	{ "Mchar", LEAF_COUNT, S("1000") },    { "second", LEAF_N_AUDIO_MS, S("0.05") },
	{ "second", LEAF_N_VIDEO_MS, S("5") }, { "hour", LEAF_COUNT, S("180") },
};

/* a > b x times; a is more than nothing */
static bool is_more(struct str a, struct str b, unsigned times)
{
	struct rate x, y;

	/* they have been read before */
	return dec_rate(a, 1, &x) == 0 && dec_rate(b, 1, &y) == 0 &&
	       ((unsigned __int128)x.pico * y.per - 1) / times >= (unsigned __int128)y.pico * x.per;
}

bool import_is_sane(struct str mul)
{
	struct str den = mul, num;
	uint64_t n, d;

	return str_cut(&den, &num, '/') && str_u64(num, &n) == 0 && str_u64(den, &d) == 0 &&
	       n <= MOST_PLACE * d && d <= MOST_PLACE * n;
}

static void check_most(struct import_entry *e, const struct import_rate *r)
{
	for (size_t i = 0; i < COUNT_OF(most); i++)
		if (strcmp(most[i].unit, r->unit) == 0 &&
		    (most[i].leaf == LEAF_COUNT || most[i].leaf == r->leaf) &&
		    is_more(r->dollars, most[i].most, 1))
			import_note(e, IMPORT_ABSURD, r->dollars);
}

/* Against the same unit of standard calls, and against what a fresh token costs. */
static void check_ratio(struct import_entry *e, const struct import_rate *r)
{
	const struct import_rate *fresh = import_find(e, r->above, r->tier, LEAF_IN_TEXT);
	bool tier = !str_eq(r->tier, S("standard"));
	const struct import_rate *base =
		import_find(e, tier ? r->above : 0, S("standard"), r->leaf);

	if (r->leaf == LEAF_IN_CACHE_READ && fresh && is_more(r->dollars, fresh->dollars, 1))
		import_note(e, IMPORT_CACHE_ABOVE, r->dollars);
	if (r->leaf >= LEAF_IN_CACHE_WRITE_5M && r->leaf <= LEAF_IN_CACHE_WRITE && fresh &&
	    is_more(r->dollars, fresh->dollars, MOST_CACHE))
		import_note(e, IMPORT_RATIO, str_of(names_leaf[r->leaf]));
	if (base && r->leaf < LEAF_N_WEB_SEARCH &&
	    (is_more(r->dollars, base->dollars, tier ? MOST_TIER : MOST_LONG) ||
	     is_more(base->dollars, r->dollars, tier ? MOST_TIER : MOST_LONG)))
		import_note(e, IMPORT_RATIO, r->tier);
}

/* Every range of prompt sizes has standard prices, and there are not too many. */
static void check_bands(struct import_entry *e)
{
	uint64_t band[LIMIT_PRICE_BANDS];
	size_t n = 0;

	for (const struct import_rate *r = e->rates; r; r = r->next) {
		const struct import_rate *o = e->rates;
		size_t i = 0;

		while (i < n && band[i] != r->above)
			i++;
		if (i == LIMIT_PRICE_BANDS) {
			import_note(e, IMPORT_TIERS, r->dollars);
			return;
		}
		if (i < n)
			continue;
		band[n++] = r->above;
		while (o && (o->above != r->above || !str_eq(o->tier, S("standard"))))
			o = o->next;
		if (!o)
			import_note(e, r->above ? IMPORT_TIERS : IMPORT_NO_PRICE, r->tier);
	}
}

static bool tier_seen(const struct import_entry *e, const struct import_rate *before)
{
	for (const struct import_rate *r = e->rates; r != before; r = r->next)
		if (str_eq(r->tier, before->tier))
			return true;
	return false;
}

/* What is there for standard calls of this prompt size and not in another tier. */
static void check_tiers(struct import_entry *e)
{
	for (const struct import_rate *t = e->rates; t; t = t->next) {
		if (str_eq(t->tier, S("standard")) || tier_seen(e, t))
			continue;
		for (const struct import_rate *r = e->rates; r; r = r->next)
			if (r->leaf < LEAF_N_WEB_SEARCH && str_eq(r->tier, S("standard")) &&
			    !import_find(e, r->above, t->tier, r->leaf))
				import_note(e,
					    import_find(e, r->above, t->tier, LEAF_OUT_TEXT)
						    ? IMPORT_TIER_RATE
						    : IMPORT_TIER_BAND,
					    t->tier);
	}
}

void import_gates(struct import_entry *e)
{
	check_bands(e);
	for (const struct import_rate *r = e->rates; r; r = r->next) {
		check_most(e, r);
		check_ratio(e, r);
	}
	if (!e->rates)
		import_note(e, e->notes >> IMPORT_ZERO_RATE & 1 ? IMPORT_ZERO : IMPORT_NO_PRICE,
			    e->about[IMPORT_ZERO_RATE]);
	if (!e->refused)
		check_tiers(e);
}

/* ---- ranges of prompt sizes -------------------------------------------------------------------------- */

/* Of this unit, in the nearest range below; NULL: it has none. */
static const struct import_rate *below(const struct import_entry *e, uint64_t above,
				       struct str tier, enum leaf leaf)
{
	const struct import_rate *best = NULL;

	for (const struct import_rate *r = e->rates; r; r = r->next)
		if (r->leaf == leaf && str_eq(r->tier, tier) && r->above < above &&
		    (!best || r->above > best->above))
			best = r;
	return best;
}

int import_fill_bands(struct import *m, struct import_entry *e, enum import_note note)
{
	int r = 0;

	for (const struct import_rate *b = e->rates; b && r == 0; b = b->next)
		for (int leaf = 0; b->above && leaf < LEAF_N_WEB_SEARCH && r == 0; leaf++) {
			const struct import_rate *from = below(e, b->above, b->tier, leaf);
			struct import_rate at = { .above = b->above,
						  .tier = b->tier,
						  .leaf = leaf };

			if (!from || import_find(e, b->above, b->tier, leaf))
				continue;
			r = import_add(m, e, at, (struct import_unit){ "Mtok", 0 }, from->dollars,
				       STR_NONE);
			if (note)
				import_note(e, note, str_of(names_leaf[leaf]));
		}
	return r;
}
