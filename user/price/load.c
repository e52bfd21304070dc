#include <stdio.h>
#include "base/clock.h"
#include "base/names.h"
#include "price/load.h"

static const struct {
	const char *name;
	uint64_t per;
} units[] = {
	{ "Mtok", 1000000 },  { "tok", 1 },        { "kcall", 1000 },  { "call", 1 },
	{ "Mchar", 1000000 }, { "char", 1 },       { "kpage", 1000 },  { "page", 1 },
	{ "min", 60000 },     { "hour", 3600000 }, { "second", 1000 }, { "image", 1 },
};

int load_only(const struct load *l, const struct yaml_node *map, const char *const *keys)
{
	if (map->type != YAML_MAP)
		return yaml_wrong(l->error, l->name, map, "expected members here, as 'key: value'");
	yaml_each (m, map) {
		size_t i = 0;

		while (keys[i] && !str_eq(str_of(keys[i]), m->key))
			i++;
		if (!keys[i])
			return yaml_wrong(l->error, l->name, m, "unknown key '" STR_FMT "'",
					  STR_ARG(m->key));
	}
	return 0;
}

int load_text(const struct load *l, const struct yaml_node *map, const char *key, struct str *ret)
{
	const struct yaml_node *at = yaml_get(map, key);

	if (!at || at->type != YAML_TEXT || !at->text.n)
		return yaml_wrong(l->error, l->name, at ? at : map, "'%s' is missing or empty",
				  key);
	return arena_str(l->arena, at->text, ret);
}

static int no_memory(const struct load *l)
{
	snprintf(l->error, YAML_ERROR, "%s: out of memory, or a larger book than %d bytes", l->name,
		 LIMIT_BOOK_BYTES);
	return -ENOMEM;
}

/* "1.25/Mtok" */
static int load_rate(const struct load *l, const struct yaml_node *at, struct rate *ret)
{
	struct str unit = at->text, dollars;

	if (at->type == YAML_TEXT && str_cut(&unit, &dollars, '/')) {
		for (size_t i = 0; i < COUNT_OF(units); i++)
			if (str_eq(str_of(units[i].name), unit) &&
			    dec_rate(dollars, units[i].per, ret) == 0)
				return 0;
	}
	return yaml_wrong(l->error, l->name, at,
			  "'" STR_FMT "' is no rate; write DOLLARS/UNIT, as in \"1.25/Mtok\"",
			  STR_ARG(at->text));
}

static int load_rates(const struct load *l, const struct yaml_node *map, bool counts,
		      struct rates *ret)
{
	if (!map || map->type != YAML_MAP)
		return yaml_wrong(l->error, l->name, map, "expected rates, as 'in_text: 5/Mtok'");
	yaml_each (m, map) {
		int leaf = 0, r;

		while (leaf < LEAF_COUNT && !str_eq(str_of(names_leaf[leaf]), m->key))
			leaf++;
		if (leaf == LEAF_COUNT || (leaf >= LEAF_N_WEB_SEARCH) != counts)
			return yaml_wrong(l->error, l->name, m,
					  "'" STR_FMT "' is not a unit that can be priced here",
					  STR_ARG(m->key));
		r = load_rate(l, m, &ret->rate[leaf]);
		if (r < 0)
			return r;
		ret->has |= 1ull << leaf;
	}
	return 0;
}

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
		return no_memory(l);
	if (inherit) {
		from = find_tier(band, inherit->text);
		if (!from || at->kids->next)
			return yaml_wrong(
				l->error, l->name, at,
				"inherit names a tier written above it, and stands alone");
		t->rates = from->rates;
	} else {
		r = load_rates(l, at, false, &t->rates);
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
	int r = counts ? load_rates(l, counts, true, &p->counts) : 0;

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

/* "11/10" or "1" */
static int load_ratio(const struct load *l, const struct yaml_node *at, struct book_uplift *u)
{
	struct str den = at->text, num = den;
	uint64_t n;

	u->den = 1;
	if (str_cut(&den, &num, '/') && str_u64(den, &u->den) < 0)
		u->den = 0;
	if (str_u64(num, &n) < 0 || n == 0 || n > INT32_MAX || u->den == 0 || u->den > INT32_MAX)
		return yaml_wrong(l->error, l->name, at, "'mul' is a ratio such as 11/10");
	u->num = (int64_t)n;
	return 0;
}

static int add_uplift(const struct load *l, const struct yaml_node *region,
		      const struct yaml_node *mul, struct book_price *p)
{
	struct book_uplift *u = arena_get(l->arena, sizeof(*u));

	if (!u || arena_str(l->arena, region->text, &u->region) < 0)
		return no_memory(l);
	u->next = p->uplift;
	p->uplift = u;
	return load_ratio(l, mul, u);
}

static int load_uplift(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	static const char *const keys[] = { "when", "mul", "on", NULL };
	static const char *const when_keys[] = { "region", NULL };
	const struct yaml_node *when = yaml_get(at, "when"), *mul = yaml_get(at, "mul");
	const struct yaml_node *on = yaml_get(at, "on"), *region = yaml_get(when, "region");
	int r = load_only(l, at, keys);

	if (r == 0 && when)
		r = load_only(l, when, when_keys);
	if (r < 0)
		return r;
	if (!region || !mul || !on || !str_eq(on->text, S("tokens")))
		return yaml_wrong(l->error, l->name, at,
				  "an uplift is {when: {region: [...]}, mul: 11/10, on: tokens}");
	if (region->type == YAML_TEXT)
		return add_uplift(l, region, mul, p);
	yaml_each (one, region) {
		r = add_uplift(l, one, mul, p);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_date(const struct load *l, const struct yaml_node *at, const char *key,
		     uint64_t otherwise, uint64_t *ret)
{
	const struct yaml_node *date = yaml_get(at, key);

	*ret = otherwise;
	if (!date || clock_parse(date->text, ret) == 0)
		return 0;
	return yaml_wrong(l->error, l->name, date, "'%s' is a date, as 2026-11-22", key);
}

static int load_provenance(const struct load *l, const struct yaml_node *at)
{
	static const char *const keys[] = { "source", "checked", "note", NULL };
	const struct yaml_node *from = yaml_get(at, "provenance");
	struct str text;
	int r;

	if (!from)
		return yaml_wrong(l->error, l->name, at,
				  "'provenance' is missing: {source: URL, checked: DATE}");
	r = load_only(l, from, keys);
	if (r == 0)
		r = load_text(l, from, "source", &text);
	return r < 0 ? r : load_text(l, from, "checked", &text);
}

static int load_name(const struct load *l, const struct yaml_node *at, const struct book_model *m,
		     struct book_price *p)
{
	const struct yaml_node *from = yaml_get(at, "from");
	struct str day = str_head(from->text, 10);
	size_t n = m->provider.n + m->id.n + day.n + 2;
	char *name = arena_get(l->arena, n + 1);

	if (!name)
		return no_memory(l);
	snprintf(name, n + 1, STR_FMT "/" STR_FMT "@" STR_FMT, STR_ARG(m->provider), STR_ARG(m->id),
		 STR_ARG(day));
	p->name = (struct str){ name, n };
	return 0;
}

static int load_flags(const struct load *l, const struct yaml_node *at, struct book_price *p)
{
	const struct yaml_node *free_ = yaml_get(at, "free"),
			       *missing = yaml_get(at, "missing_tier");

	p->free = free_ && str_eq(free_->text, S("true"));
	if (missing && !str_eq(missing->text, S("error")) && !str_eq(missing->text, S("standard")))
		return yaml_wrong(l->error, l->name, missing,
				  "'missing_tier' is error or standard");
	p->any_tier = missing && str_eq(missing->text, S("standard"));
	return 0;
}

int load_price(const struct load *l, const struct yaml_node *at, const struct book_model *m,
	       struct book_price **ret)
{
	static const char *const keys[] = { "from",       "until",  "context", "rates",
					    "counts",     "uplift", "free",    "missing_tier",
					    "provenance", NULL };
	struct book_price *p = arena_get(l->arena, sizeof(*p));
	int r = load_only(l, at, keys);

	if (!p)
		return no_memory(l);
	if (r < 0)
		return r;
	if (!yaml_get(at, "from"))
		return yaml_wrong(l->error, l->name, at, "'from' is missing: since when it holds");
	p->line = at->line;
	p->book = l->book;
	r = load_date(l, at, "from", 0, &p->from_ns);
	if (r == 0)
		r = load_date(l, at, "until", UINT64_MAX, &p->until_ns);
	if (r == 0 && p->until_ns <= p->from_ns)
		r = yaml_wrong(l->error, l->name, at, "'until' is not after 'from'");
	if (r == 0)
		r = load_flags(l, at, p);
	if (r == 0)
		r = load_bands(l, at, p);
	if (r == 0)
		r = load_all_rates(l, at, p);
	if (r == 0)
		r = load_provenance(l, at);
	if (r == 0)
		r = load_name(l, at, m, p);
	yaml_each (uplift, yaml_get(at, "uplift")) {
		if (r == 0)
			r = load_uplift(l, uplift, p);
	}
	if (r == 0)
		*ret = p;
	return r;
}
