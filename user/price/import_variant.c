/* import_variant.c -- entries that are the price of another one in one place, as uplifts of that one. */
#include "price/import_entry.h"

enum { MOST = 5 };

static struct import_uplift **find(struct import_entry *e, const char *facet, struct str place)
{
	struct import_uplift **u = &e->uplifts;

	while (*u && !(strcmp((*u)->facet, facet) == 0 && str_eq((*u)->place, place)))
		u = &(*u)->next;
	return u;
}

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
	if (str_eq(mul, S("1/1")))
		return 0;
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

/* Nobody charges five times as much elsewhere: such a number is a mistake. */
static bool is_sane(struct str mul)
{
	struct str den = mul, num;
	uint64_t n, d;

	return str_cut(&den, &num, '/') && str_u64(num, &n) == 0 && str_u64(den, &d) == 0 &&
	       n <= MOST * d && d <= MOST * n;
}

static int take_variant(struct import *m, struct import_entry *e, struct import_entry *of)
{
	struct str mul;
	int r = one_ratio(m, e, of, &mul);

	if (r < 0)
		return r;
	if (!is_sane(mul)) {
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
		struct import_entry *of = e->variant && e->refused == IMPORT_VARIANT
						  ? import_named(m, e->provider, e->variant_of)
						  : NULL;

		if (of && !of->refused)
			r = take_variant(m, e, of);
	}
	return r;
}
