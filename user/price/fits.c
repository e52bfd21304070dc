/* fits.c -- contracts against the book (contract.h): rates are exact fractions, of 127 bits above and below the line. What would
 * not fit is refused when it is read, not found out at a call. */
#include "price/contract.h"
#include "price/rates.h"

enum { MOST_PATHS = 4096 }; /* of steps that a line may go through */

struct fit {
	const struct book *book;
	const struct book_price *price;
	struct deal deal;
	unsigned paths;
};

static unsigned bits(unsigned __int128 n)
{
	uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;

	if (high)
		return 128 - (unsigned)__builtin_clzll(high);
	return low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

/* So short that no rule can matter: most contracts are, and need not be walked through. */
static bool is_short(const struct contract *c, const struct wide *list)
{
	unsigned over = bits(list->pico), under = bits(list->per);

	for (const struct rule *r = c->rules; r; r = r->next) {
		unsigned num = bits(r->mul.num), den = bits(r->mul.den);

		for (const struct step *s = r->steps; s; s = s->next) {
			num = MAX(num, bits(s->mul.num));
			den = MAX(den, bits(s->mul.den));
		}
		for (int i = 0; i < LEAF_COUNT; i++) {
			over = MAX(over, bits((uint64_t)r->rates.rate[i].pico));
			under = MAX(under, bits(r->rates.rate[i].per));
		}
		over += num;
		under += den;
	}
	return over <= DEC_WIDE_BITS && under <= DEC_WIDE_BITS;
}

/* Whichever step each rule is at. */
static bool rules_fit(struct fit *f, const struct rule *r, struct term t)
{
	while (r && !rule_meant(r, &f->deal, t.leaf))
		r = r->next;
	if (!r)
		return ++f->paths <= MOST_PATHS;
	for (unsigned i = rule_choices(r); i--;) {
		struct term then = t;

		if (rule_use(r, i, &then) < 0 || !rules_fit(f, r->next, then))
			return false;
	}
	return true;
}

/* A list price that does not fit by itself is no fault of a contract. */
static bool dearer_fits(struct fit *f, struct term t, struct ratio place, struct ratio hour)
{
	const struct ratio token = { 1, 1 };

	if (t.leaf >= LEAF_N_WEB_SEARCH)
		place = hour = token;
	if (dec_wide_times(&t.list, place.num, place.den) < 0 ||
	    dec_wide_times(&t.list, hour.num, hour.den) < 0)
		return true;
	t.rate = t.list;
	f->paths = 0;
	return is_short(f->deal.contract, &t.list) || rules_fit(f, f->deal.contract->rules, t);
}

static bool hours_fit(struct fit *f, struct term t, struct ratio place)
{
	bool fits = dearer_fits(f, t, place, (struct ratio){ 1, 1 });

	for (const struct book_window *w = f->price->windows; fits && w; w = w->next)
		fits = dearer_fits(f, t, place, w->mul);
	return fits;
}

static bool uplifts_fit(struct fit *f, struct term t, const struct book_uplift *u)
{
	bool fits = true;

	for (; fits && u; u = u->next)
		fits = hours_fit(f, t, u->mul);
	return fits;
}

static bool places_fit(struct fit *f, struct term t)
{
	bool fits = hours_fit(f, t, (struct ratio){ 1, 1 }) && uplifts_fit(f, t, f->price->uplift);

	for (const struct book_provider *p = f->book->providers; p; p = p->next)
		for (const struct book_fall *a = p->falls; fits && a; a = a->next)
			if (str_eq(a->provider, f->deal.model->provider))
				fits = uplifts_fit(f, t, a->uplift);
	return fits;
}

static uint64_t agreed(const struct contract *c)
{
	uint64_t has = 0;

	for (const struct rule *r = c->rules; r; r = r->next)
		has |= r->rates.has;
	return has;
}

static bool rates_fit(struct fit *f, const struct rates *tier, struct str name)
{
	const struct rates *counts = &f->price->counts;
	uint64_t all = tier->has | counts->has | agreed(f->deal.contract);
	bool fits = true;

	f->deal.tier = name;
	for (int i = 0; fits && i < LEAF_COUNT; i++) {
		struct term t = { .leaf = i, .listed = tier->has | counts->has };
		struct rate own = { 0, 1 };

		t.known = rates_find(tier, i, &own, &t.list_flags) ||
			  rates_find(counts, i, &own, &t.list_flags);
		t.list = dec_wide(own);
		fits = !(all >> i & 1) || places_fit(f, t);
	}
	return fits;
}

/* A call may be of a tier that only the contract has. */
static bool tiers_fit(struct fit *f, const struct book_band *b)
{
	static const struct rates none;
	bool fits = true;

	f->deal.band = b->name;
	for (const struct book_tier *t = b->tiers; fits && t; t = t->next)
		fits = rates_fit(f, &t->rates, t->name);
	for (const struct rule *r = f->deal.contract->rules; fits && r; r = r->next)
		if (r->tier.n)
			fits = rates_fit(f, &none, r->tier);
	return fits;
}

static bool price_fits(struct fit *f)
{
	bool fits = true;

	for (size_t i = 0; fits && i < f->price->bands; i++)
		fits = tiers_fit(f, &f->price->band[i]);
	return fits;
}

int contract_fits(const struct book *b, const struct load *l)
{
	for (const struct contract *c = b->contracts; c; c = c->next)
		for (const struct book_model *m = b->first; m; m = m->next) {
			struct fit f = { .book = b, .deal = { .contract = c, .model = m } };
			struct yaml_node at = { .line = c->line };
			bool fits = true;

			if (!contract_reaches(b, c, m))
				continue;
			for (f.price = m->prices; fits && f.price; f.price = f.price->next)
				fits = price_fits(&f);
			if (!fits)
				return yaml_wrong(
					l->error, c->file.p, &at,
					"the percentages of this contract together need more "
					"digits than "
					"a price can have, as for " STR_FMT "/" STR_FMT
					"; write them with fewer decimals, or fewer of them",
					STR_ARG(m->provider), STR_ARG(m->id));
		}
	return 0;
}
