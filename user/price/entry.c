#include <stdio.h>
#include "price/entry.h"
#include "price/uplift.h"
#include "price/window.h"

static struct book_tier *find_tier(const struct book_band *band, struct str name)
{
	for (struct book_tier *t = band->tiers; t; t = t->next)
		if (str_eq(t->name, name))
			return t;
	return NULL;
}

static int load_tier(const struct load *l, const struct yaml_node *at, struct book_band *band)
{
	const struct yaml_node *inherit = yaml_get(at, "inherit");
	struct book_tier *t = arena_get(l->arena, sizeof(*t)), *from;
	int r;

	if (!t || arena_str(l->arena, at->key, &t->name) < 0)
		return load_no_memory(l);
	if (inherit) {
		from = find_tier(band, inherit->text);
		if (!from || at->kids->next)
			return yaml_wrong(
				l->error, l->name, at,
				"inherit names a tier written above it, and stands alone");
		t->rates = from->rates;
	} else {
		r = load_rates(l, at, LOAD_ALL, &t->rates);
		if (r < 0)
			return r;
	}
	t->next = band->tiers;
	band->tiers = t;
	return 0;
}

static int load_tiers(const struct load *l, const struct yaml_node *at, struct book_band *band)
{
	if (at->type != YAML_MAP || !at->kids)
		return yaml_wrong(l->error, l->name, at, "expected tiers, as 'standard: {...}'");
	yaml_each (tier, at) {
		int r = load_tier(l, tier, band);

		if (r < 0)
			return r;
	}
	if (!find_tier(band, S("standard")))
		return yaml_wrong(l->error, l->name, at, "there is no tier 'standard' here");
	return 0;
}

static int load_band(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	static const char *const keys[] = { "upto", "cmp", "name", NULL };
	struct book_band *b = &p->band[p->bands];
	const struct yaml_node *upto, *cmp;
	int r = load_only(l, at, keys);

	if (r < 0)
		return r;
	if (p->bands == COUNT_OF(p->band))
		return yaml_wrong(l->error, l->name, at, "more than %d bands", LIMIT_PRICE_BANDS);
	r = load_text(l, at, "name", &b->name);
	if (r < 0)
		return r;
	upto = yaml_get(at, "upto");
	cmp = yaml_get(at, "cmp");
	b->upto = UINT64_MAX;
	b->inclusive = true;
	if (upto && str_u64(upto->text, &b->upto) < 0)
		return yaml_wrong(l->error, l->name, upto, "'upto' is a number of tokens");
	if (upto && (!cmp || (!str_eq(cmp->text, S("le")) && !str_eq(cmp->text, S("lt")))))
		return yaml_wrong(l->error, l->name, at,
				  "a band with 'upto' says 'cmp: le' or 'cmp: lt'");
	if (cmp)
		b->inclusive = str_eq(cmp->text, S("le"));
	if (!upto != !at->next)
		return yaml_wrong(l->error, l->name, at,
				  "the last band, and only it, has no 'upto'");
	if (p->bands && b->upto <= p->band[p->bands - 1].upto)
		return yaml_wrong(l->error, l->name, at, "bands go upwards");
	p->bands++;
	return 0;
}

static int load_bands(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	static const char *const keys[] = { "measure", "bands", NULL };
	const struct yaml_node *context = yaml_get(at, "context"), *measure;
	int r;

	if (!context) {
		p->bands = 1;
		p->band[0] = (struct book_band){ .name = S("all"), .upto = UINT64_MAX };
		return 0;
	}
	r = load_only(l, context, keys);
	if (r < 0)
		return r;
	measure = yaml_get(context, "measure");
	if (!measure || !str_eq(measure->text, S("prompt_total")))
		return yaml_wrong(l->error, l->name, context, "'measure' must be prompt_total");
	yaml_each (band, yaml_get(context, "bands")) {
		r = load_band(l, band, p);
		if (r < 0)
			return r;
	}
	return p->bands ? 0 : yaml_wrong(l->error, l->name, context, "'bands' is missing");
}

static int load_all_rates(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	const struct yaml_node *rates = yaml_get(at, "rates"), *counts = yaml_get(at, "counts");
	size_t found = 0;
	int r = counts ? load_rates(l, counts, LOAD_COUNTS, &p->counts) : 0;

	if (r < 0)
		return r;
	yaml_each (band, rates) {
		size_t i = 0;

		while (i < p->bands && !str_eq(p->band[i].name, band->key))
			i++;
		if (i == p->bands)
			return yaml_wrong(l->error, l->name, band,
					  "there is no band '" STR_FMT "' in 'context'",
					  STR_ARG(band->key));
		r = load_tiers(l, band, &p->band[i]);
		if (r < 0)
			return r;
		found++;
	}
	if (found != p->bands && !(p->free && !rates))
		return yaml_wrong(l->error, l->name, at, "'rates' must have every band ('all')");
	return 0;
}

static bool all_zero(const struct rates *r)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (r->rate[i].pico)
			return false;
	return true;
}

/* Lists of prices say 0 for "not known". Who means free says so. */
static int refuse_zero(const struct load *l, const struct yaml_node *at, const struct book_price *p)
{
	if (p->free || !all_zero(&p->counts))
		return 0;
	for (size_t i = 0; i < p->bands; i++)
		for (const struct book_tier *t = p->band[i].tiers; t; t = t->next)
			if (!all_zero(&t->rates))
				return 0;
	return yaml_wrong(l->error, l->name, at,
			  "every price is 0 here; what costs nothing says 'free: true'");
}

static int load_provenance(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	static const char *const keys[] = { "source", "checked", "note", NULL };
	const struct yaml_node *from = yaml_get(at, "provenance");
	int r;

	if (!from)
		return yaml_wrong(l->error, l->name, at,
				  "'provenance' is missing: {source: URL, checked: DATE}");
	r = load_only(l, from, keys);
	if (r == 0)
		r = load_text(l, from, "source", &p->source);
	if (r == 0)
		r = load_text(l, from, "checked", &p->checked);
	return r < 0 ? r : load_maybe(l, from, "note", &p->note);
}

static int make_name(const struct load *l, const struct book_model *m, struct str since,
		     struct book_price *p)
{
	size_t n = m->provider.n + m->id.n + since.n + 2;
	char *name = arena_get(l->arena, n + 1);

	if (!name)
		return load_no_memory(l);
	snprintf(name, n + 1, STR_FMT "/" STR_FMT "@" STR_FMT, STR_ARG(m->provider), STR_ARG(m->id),
		 STR_ARG(since));
	p->name = (struct str){ name, n };
	return 0;
}

/* By its day; a second one of a day by all of its time. */
static int load_name(const struct load *l, const struct yaml_node *at, const struct book_model *m,
		     struct book_price *p)
{
	struct str from = yaml_get(at, "from")->text;
	int r = make_name(l, m, str_head(from, sizeof("2026-11-22") - 1), p);

	for (const struct book_price *o = m->prices; r == 0 && o; o = o->next)
		if (str_eq(o->name, p->name))
			return make_name(l, m, from, p);
	return r;
}

static int load_flags(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	static const char *const missing[] = { "error", "standard", NULL };
	unsigned which;
	int r = load_bool(l, at, "free", false, &p->free);

	if (r == 0)
		r = load_choice(l, at, "missing_tier", missing, 0, &which);
	if (r == 0)
		p->any_tier = which;
	return r;
}

int entry_load(const struct load *l, const struct yaml_node *at, const struct book_model *m,
	       struct book_price **ret)
{
	static const char *const keys[] = { "from",         "until",      "context", "rates",
					    "counts",       "uplift",     "windows", "free",
					    "missing_tier", "provenance", NULL };
	struct book_price *p = arena_get(l->arena, sizeof(*p));
	int r = load_only(l, at, keys);

	if (!p)
		return load_no_memory(l);
	p->line = at->line;
	p->book = l->book;
	if (r == 0)
		r = load_dates(l, at, &p->from_ns, &p->until_ns);
	if (r == 0)
		r = load_flags(l, at, p);
	if (r == 0)
		r = load_bands(l, at, p);
	if (r == 0)
		r = load_all_rates(l, at, p);
	if (r == 0)
		r = refuse_zero(l, at, p);
	if (r == 0)
		r = load_provenance(l, at, p);
	if (r == 0)
		r = load_name(l, at, m, p);
	if (r == 0)
		r = uplift_load(l, yaml_get(at, "uplift"), &p->uplift);
	if (r == 0)
		r = window_load(l, at, p);
	if (r == 0)
		*ret = p;
	return r;
}
