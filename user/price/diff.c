#include <stdio.h>
#include "base/names.h"
#include "base/obj.h"
#include "price/diff.h"
#include "price/match.h"
#include "price/rates.h"
#include "price/say.h"

enum { JUMP = 5, TEXT = 65536, PERCENT = 32 };

struct diff {
	const struct diff_opts *o;
	struct diff_row row;          /* the model and the moment that are compared */
	const struct book_fall *fall; /* the way to the old one */
	struct buf was, is, band;
};

const struct book_model *diff_find(const struct book *b, struct str provider, struct str name)
{
	char key[MATCH_KEY];
	size_t n = match_key(provider, name, STR_NONE, key);
	struct book_key *found = NULL;

	if (n)
		HASH_FIND(hh, b->keys, key, n, found);
	return found ? found->model : NULL;
}

const struct book_price *diff_priced(const struct book *b, struct str provider, struct str name,
				     uint64_t at_ns, struct diff_old *ret)
{
	struct usage u = { .provider = provider, .model_served = name };
	struct match m;

	*ret = (struct diff_old){ NULL, NULL };
	if (match_find(b, &u, at_ns, &m) != WHY_NONE) {
		/* "REGION:ID"? */
		if (!str_cut(&u.model_served, &u.region, ':') ||
		    match_find(b, &u, at_ns, &m) != WHY_NONE)
			return NULL;
	}
	*ret = (struct diff_old){ m.model, m.fall };
	return m.price;
}

/* ---- rows --------------------------------------------------------------------------------------- */

static int tell(struct diff *d, enum diff_kind kind, const char *what, const char *was,
		const char *is)
{
	d->row.kind = kind;
	d->row.what = what;
	d->row.was = was;
	d->row.is = is;
	return d->o->fn(d->o->ctx, &d->row);
}

static bool same_rate(struct rate a, struct rate b)
{
	return (__int128)a.pico * b.per == (__int128)b.pico * a.per;
}

/* By how much b is more than a: "+12.5", a number for people; empty where a is nothing. */
static void percent(struct rate a, struct rate b, char out[static PERCENT])
{
	unsigned __int128 was = (unsigned __int128)a.pico * b.per;
	unsigned __int128 is = (unsigned __int128)b.pico * a.per, change;
	unsigned __int128 whole;

	out[0] = 0;
	while (was >> 110 || is >> 110) {
		was >>= 1;
		is >>= 1;
	}
	if (!was)
		return;
	change = (is > was ? is - was : was - is) * 1000;
	whole = (change + was / 2) / was;
	if (whole > INT32_MAX)
		return;
	snprintf(out, PERCENT, "%c%u.%u", is > was ? '+' : '-', (unsigned)whole / 10,
		 (unsigned)whole % 10);
}

static bool is_jump(struct rate a, struct rate b)
{
	unsigned __int128 x = (unsigned __int128)a.pico * b.per;
	unsigned __int128 y = (unsigned __int128)b.pico * a.per;

	return x / JUMP > y || y / JUMP > x;
}

struct cost { /* of a leaf, its own rate or another's */
	struct rate rate;
	bool there, own;
};

static struct cost cost_of(const struct rates *r, enum leaf leaf)
{
	struct cost c = { 0 };
	unsigned flags = 0;

	c.there = r && rates_find(r, leaf, &c.rate, &flags);
	c.own = c.there && r->has >> leaf & 1;
	return c;
}

static int tell_rate(struct diff *d, enum leaf leaf, struct cost a, struct cost b)
{
	char was[SAY_RATE] = "", is[SAY_RATE] = "", change[PERCENT] = "";
	int r;

	if (a.there && b.there && same_rate(a.rate, b.rate))
		return 0;
	if (d->o->stated && !b.own)
		b.there = false;
	if (a.there)
		say_rate(leaf, a.rate, was);
	if (b.there)
		say_rate(leaf, b.rate, is);
	if (a.there && b.there)
		percent(a.rate, b.rate, change);
	d->row.jump = a.own && b.own && is_jump(a.rate, b.rate);
	d->row.percent = change;
	r = tell(d, DIFF_RATE, names_leaf[leaf], was, is);
	d->row.jump = false;
	d->row.percent = "";
	return r;
}

/* What a leaf costs, not how it is written: a rate that says what its parent says is no change. */
static int rates(struct diff *d, const struct rates *a, const struct rates *b)
{
	uint64_t has = (a ? a->has : 0) | (b ? b->has : 0);
	int r = 0;

	for (int leaf = 0; leaf < LEAF_COUNT && r == 0; leaf++)
		if (has >> leaf & 1)
			r = tell_rate(d, leaf, cost_of(a, leaf), cost_of(b, leaf));
	return r;
}

/* ---- bands and tiers ---------------------------------------------------------------------------- */

/* The first prompt size of a band. */
static uint64_t band_from(const struct book_price *p, size_t i)
{
	return i ? p->band[i - 1].upto + p->band[i - 1].inclusive : 0;
}

static const struct book_band *band_of(const struct book_price *p, uint64_t size)
{
	size_t i = 0;

	if (!p)
		return NULL;
	while (i + 1 < p->bands && band_from(p, i + 1) <= size)
		i++;
	return &p->band[i];
}

static const struct book_tier *tier_of(const struct book_band *b, struct str name)
{
	for (const struct book_tier *t = b ? b->tiers : NULL; t; t = t->next)
		if (str_eq(t->name, name))
			return t;
	return NULL;
}

static int tiers(struct diff *d, const struct book_band *a, const struct book_band *b)
{
	int r = 0;

	for (const struct book_tier *t = a ? a->tiers : NULL; t && r == 0; t = t->next) {
		const struct book_tier *o = tier_of(b, t->name);

		d->row.tier = t->name.p;
		r = rates(d, &t->rates, o ? &o->rates : NULL);
	}
	for (const struct book_tier *t = b ? b->tiers : NULL; t && r == 0; t = t->next) {
		d->row.tier = t->name.p;
		if (!tier_of(a, t->name))
			r = rates(d, NULL, &t->rates);
	}
	d->row.tier = "";
	return r;
}

/* The sizes at which a band of either begins after `size`; UINT64_MAX: none. */
static uint64_t next_size(const struct book_price *a, const struct book_price *b, uint64_t size)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 1; a && i < a->bands; i++)
		if (band_from(a, i) > size)
			next = MIN(next, band_from(a, i));
	for (size_t i = 1; b && i < b->bands; i++)
		if (band_from(b, i) > size)
			next = MIN(next, band_from(b, i));
	return next;
}

static int bands(struct diff *d, const struct book_price *a, const struct book_price *b)
{
	uint64_t size = 0, next;
	int r = 0;

	do {
		next = next_size(a, b, size);
		buf_reset(&d->band);
		if (next != UINT64_MAX)
			r = buf_printf(&d->band, "<=%llu", (unsigned long long)next - 1);
		else if (size)
			r = buf_printf(&d->band, ">%llu", (unsigned long long)size - 1);
		else
			r = buf_add(&d->band, S("all"));
		if (r == 0)
			r = buf_put(&d->band, 0);
		d->row.band = d->band.p;
		if (r == 0)
			r = tiers(d, band_of(a, size), band_of(b, size));
		size = next;
	} while (r == 0 && next != UINT64_MAX);
	d->row.band = "";
	return r;
}

/* ---- the rest of an entry ----------------------------------------------------------------------- */

static int finish(struct diff *d, const char *what)
{
	int r = buf_put(&d->was, 0);

	if (r == 0)
		r = buf_put(&d->is, 0);
	if (r == 0 && strcmp(d->was.p, d->is.p) != 0)
		r = tell(d, DIFF_RULE, what, d->was.p, d->is.p);
	buf_reset(&d->was);
	buf_reset(&d->is);
	return r;
}

/* Is this facet all that the list goes by, place by place? */
static bool only(const struct book_uplift *u, int facet)
{
	for (; u; u = u->next) {
		for (int i = 0; i < FACET_COUNT; i++)
			if (!u->when[i] != (i != facet))
				return false;
		for (const struct word *w = u->when[facet]; w; w = w->next)
			if (str_eq(w->text, S("*")))
				return false;
	}
	return true;
}

/* The first that fits applies. */
static const struct book_uplift *of_place(const struct book_uplift *u, int facet, struct str place)
{
	for (; u; u = u->next)
		for (const struct word *w = u->when[facet]; w; w = w->next)
			if (str_ieq(w->text, place))
				return u;
	return NULL;
}

static bool has_places(const struct book_uplift *a, const struct book_uplift *b, int facet)
{
	for (const struct book_uplift *u = a; u; u = u->next)
		for (const struct word *w = u->when[facet]; w; w = w->next) {
			const struct book_uplift *x = of_place(a, facet, w->text),
						 *y = of_place(b, facet, w->text);

			if (!y ||
			    (__int128)x->mul.num * y->mul.den != (__int128)y->mul.num * x->mul.den)
				return false;
		}
	return true;
}

/* However they are written. */
static bool same_places(const struct book_uplift *a, const struct book_uplift *b)
{
	for (int f = 0; f < FACET_COUNT; f++)
		if (only(a, f) && only(b, f) && has_places(a, b, f) && has_places(b, a, f))
			return true;
	return false;
}

static int uplifts(struct diff *d, const struct book_uplift *a, const struct book_uplift *b)
{
	int r;

	if (same_places(a, b))
		return 0;
	r = say_uplifts(a, &d->was);
	if (r == 0)
		r = say_uplifts(b, &d->is);
	return r < 0 ? r : finish(d, "uplift");
}

static int rules(struct diff *d, const struct book_price *a, const struct book_price *b)
{
	const struct book_uplift *was = d->fall ? d->fall->uplift : a ? a->uplift : NULL;
	int r = uplifts(d, was, b ? b->uplift : NULL);

	if (r == 0 && a)
		r = say_windows(a->windows, &d->was);
	if (r == 0 && b)
		r = say_windows(b->windows, &d->is);
	if (r == 0)
		r = finish(d, "windows");
	if (r == 0 && (a && a->free) != (b && b->free))
		r = tell(d, DIFF_RULE, "free", a && a->free ? "yes" : "",
			 b && b->free ? "yes" : "");
	if (r == 0 && a && b && !d->o->stated && a->any_tier != b->any_tier)
		r = tell(d, DIFF_RULE, "missing_tier", a->any_tier ? "standard" : "error",
			 b->any_tier ? "standard" : "error");
	return r;
}

static int entries(struct diff *d, uint64_t at_ns)
{
	const struct book_price *a = d->row.old ? book_entry(d->row.old, at_ns) : NULL,
				*b = d->row.now ? book_entry(d->row.now, at_ns) : NULL;
	int r;

	d->row.at_ns = at_ns;
	d->row.entry_old = a;
	d->row.entry_now = b;
	if (!a && !b)
		return 0;
	r = bands(d, a, b);
	if (r == 0)
		r = rates(d, a ? &a->counts : NULL, b ? &b->counts : NULL);
	if (r == 0)
		r = rules(d, a, b);
	d->row.entry_old = d->row.entry_now = NULL;
	return r;
}

/* The next moment at which an entry of either begins or ends. */
static uint64_t next_time(const struct diff *d, uint64_t at_ns, bool first)
{
	const struct book_model *both[] = { d->row.old, d->row.now };
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < COUNT_OF(both); i++)
		for (const struct book_price *p = both[i] ? both[i]->prices : NULL; p;
		     p = p->next) {
			if (p->from_ns > at_ns || first)
				next = MIN(next, p->from_ns);
			if (p->until_ns > at_ns)
				next = MIN(next, p->until_ns);
		}
	return next;
}

/* ---- models ------------------------------------------------------------------------------------- */

static bool has_name(const struct book_model *m, struct str name)
{
	if (str_ieq(m->id, name))
		return true;
	for (const struct book_name *n = m->aliases; n; n = n->next)
		if (str_ieq(n->text, name))
			return true;
	return false;
}

static int names(struct diff *d, const struct book_model *a, const struct book_model *b)
{
	int r = 0;

	if (!str_ieq(a->id, b->id))
		r = tell(d, DIFF_NAME, "id", a->id.p, b->id.p);
	for (const struct book_name *n = a->aliases; n && r == 0; n = n->next)
		if (!has_name(b, n->text))
			r = tell(d, DIFF_NAME, "alias", n->text.p, "");
	for (const struct book_name *n = b->aliases; n && r == 0; n = n->next)
		if (!has_name(a, n->text))
			r = tell(d, DIFF_NAME, "alias", "", n->text.p);
	if (r == 0 && a->allow_dated != b->allow_dated)
		r = tell(d, DIFF_NAME, "allow_dated", a->allow_dated ? "true" : "false",
			 b->allow_dated ? "true" : "false");
	return r;
}

static int models(struct diff *d, struct diff_old old, const struct book_model *b)
{
	const struct book_model *a = old.model;
	uint64_t at = d->o->at_ns;
	int r = 0;

	d->fall = old.fall;
	d->row.old = a;
	d->row.now = b;
	d->row.at_ns = at;
	if (!a || !b)
		r = tell(d, a ? DIFF_REMOVED : DIFF_ADDED, "", "", "");
	else
		r = names(d, a, b);
	if (r < 0 || !b)
		return r;
	if (at)
		return entries(d, at);
	for (at = next_time(d, 0, true); at != UINT64_MAX && r == 0; at = next_time(d, at, false))
		r = entries(d, at);
	return r;
}

static struct diff_old find_old(const struct diff *d, const struct book *old,
				const struct book_model *m)
{
	if (d->o->find)
		return d->o->find(d->o->ctx, m);
	return (struct diff_old){ diff_find(old, m->provider, m->id), NULL };
}

int diff_books(const struct book *old, const struct book *now, const struct diff_opts *o)
{
	struct diff d = { .o = o,
			  .row = { .band = "", .tier = "", .percent = "" },
			  .was = { .limit = TEXT },
			  .is = { .limit = TEXT },
			  .band = { .limit = TEXT } };
	int r = 0;

	for (const struct book_model *m = book_first(now); m && r == 0; m = m->next)
		if (!o->wanted || o->wanted(o->ctx, m))
			r = models(&d, find_old(&d, old, m), m);
	for (const struct book_model *m = book_first(old); o->removed && m && r == 0; m = m->next)
		if (!diff_find(now, m->provider, m->id))
			r = models(&d, (struct diff_old){ m, NULL }, NULL);
	buf_done(&d.was);
	buf_done(&d.is);
	buf_done(&d.band);
	return r;
}
