/* import_variant.c -- entries that are the price of another one in one place, as uplifts of that one. */
#include "price/import_entry.h"

static struct import_uplift **find(struct import_entry *e, const char *facet, struct str place)
{
	struct import_uplift **u = &e->uplifts;

	while (*u && !(strcmp((*u)->facet, facet) == 0 && str_eq((*u)->place, place)))
		u = &(*u)->next;
	return u;
}

/* One that changes nothing is kept, too: another for the same place would differ from it. */
int import_uplift(struct import *m, struct import_entry *e, const char *facet, struct str place,
		  struct str mul)
{
	struct import_uplift **u = find(e, facet, place);

	if (*u) {
		if (!str_eq((*u)->mul, mul)) {
			import_note(e, IMPORT_PLACES, place);
			(*u)->mul = S("1/1"); /* nobody knows which of them is true */
		}
		return 0;
	}
	if (!import_is_sane(mul)) {
		import_note(e, IMPORT_RATIO, place);
		return 0;
	}
	*u = arena_get(&m->arena, sizeof(**u));
	if (!*u)
		return -ENOMEM;
	**u = (struct import_uplift){ .facet = facet, .place = place, .mul = mul };
	return 0;
}

/* Is there the same rate for every one, as one ratio? Absent: there is not. */
static int one_ratio(struct import *m, const struct import_entry *e, const struct import_entry *of,
		     struct str *ret)
{
	size_t rates = 0, others = 0;
	struct str one;
	int r;

	*ret = STR_NONE;
	for (const struct import_rate *x = e->rates; x; x = x->next) {
		const struct import_rate *o = import_find(of, x->above, x->tier, x->leaf);

		if (!o || (x->leaf >= LEAF_N_WEB_SEARCH && !str_eq(x->dollars, o->dollars)))
			goto no;
		if (x->leaf >= LEAF_N_WEB_SEARCH)
			continue;
		r = import_quotient(&m->arena, x->dollars, o->dollars, &one);
		if (r < 0)
			return r;
		if (!one.n || (rates && !str_eq(one, *ret)))
			goto no;
		*ret = one;
		rates++;
	}
	for (const struct import_rate *o = of->rates; o; o = o->next)
		others += o->leaf < LEAF_N_WEB_SEARCH;
	if (rates == others)
		return 0;
no:
	*ret = STR_NONE;
	return 0;
}

/* No rate is so far from that one's that it is a slip. */
static int is_near(struct import *m, const struct import_entry *e, const struct import_entry *of,
		   bool *ret)
{
	*ret = true;
	for (const struct import_rate *x = e->rates; x; x = x->next) {
		const struct import_rate *o = import_find(of, x->above, x->tier, x->leaf);
		struct str mul = STR_NONE;
		int r = o ? import_quotient(&m->arena, x->dollars, o->dollars, &mul) : 0;

		if (r < 0)
			return r;
		if (mul.n && !import_is_sane(mul))
			*ret = false;
	}
	return 0;
}

/* What is no one ratio is an entry of its own, "REGION:ID". */
static int become_region(struct import *m, struct import_entry *e)
{
	struct str region = e->variant->place, id = e->variant_of;
	size_t n = region.n + 1 + id.n;
	char *text = arena_get(&m->arena, n + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text, region.p, region.n);
	text[region.n] = ':';
	memcpy(text + region.n + 1, id.p, id.n);
	e->id = (struct str){ text, n };
	e->refused = IMPORT_NONE;
	e->notes &= ~(1ull << IMPORT_VARIANT);
	return import_close(m, e);
}

static int take_variant(struct import *m, struct import_entry *e, struct import_entry *of)
{
	bool alone = strcmp(e->variant->facet, "region") == 0 && e->rates;
	struct str mul = STR_NONE;
	int r = of ? one_ratio(m, e, of, &mul) : 0;

	if (r == 0 && of && alone)
		r = is_near(m, e, of, &alone);
	if (r < 0)
		return r;
	if (!mul.n && alone)
		return become_region(m, e);
	if (!of)
		return 0;
	if (!import_is_sane(mul)) {
		import_note(of, IMPORT_PLACES, e->variant->place);
		return 0;
	}
	e->refused = str_eq(mul, S("1/1")) ? IMPORT_SAME : IMPORT_UPLIFT;
	e->notes |= 1ull << e->refused;
	e->about[e->refused] = of->key;
	return import_uplift(m, of, e->variant->facet, e->variant->place, mul);
}

int import_variants(struct import *m)
{
	int r = 0;

	for (struct import_entry *e = m->first; e && r == 0; e = e->next) {
		struct import_entry *of;

		if (!e->variant || e->refused != IMPORT_VARIANT)
			continue;
		of = import_named(m, e->provider, e->variant_of);
		r = take_variant(m, e, of && of->refused ? NULL : of);
	}
	return r;
}
