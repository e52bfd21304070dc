#include <stdio.h>
#include "base/clock.h"
#include "base/names.h"
#include "price/gate.h"
#include "price/load.h"

enum { PERCENT_DECIMALS = 6 };

enum of { OF_TOKENS, OF_CALLS, OF_CHARS, OF_PAGES, OF_IMAGES, OF_MS };

static const struct {
	const char *name;
	uint64_t per;
	enum of of;
} units[] = {
	{ "Mtok", 1000000, OF_TOKENS }, { "tok", 1, OF_TOKENS },        { "kcall", 1000, OF_CALLS },
	{ "call", 1, OF_CALLS },        { "Mchar", 1000000, OF_CHARS }, { "char", 1, OF_CHARS },
	{ "kpage", 1000, OF_PAGES },    { "page", 1, OF_PAGES },        { "image", 1, OF_IMAGES },
	{ "min", 60000, OF_MS },        { "hour", 3600000, OF_MS },     { "second", 1000, OF_MS },
};

/* Counts that are no calls. */
static const enum of counted[LEAF_COUNT] = {
	[LEAF_N_IMAGE] = OF_IMAGES, [LEAF_N_PAGE] = OF_PAGES,  [LEAF_N_CHAR] = OF_CHARS,
	[LEAF_N_AUDIO_MS] = OF_MS,  [LEAF_N_VIDEO_MS] = OF_MS,
};

static enum of leaf_of(int leaf)
{
	if (leaf < LEAF_N_WEB_SEARCH)
		return OF_TOKENS;
	return counted[leaf] ? counted[leaf] : OF_CALLS;
}

int load_no_memory(const struct load *l)
{
	snprintf(l->error, YAML_ERROR, "%s: out of memory, or a larger book than %d bytes", l->name,
		 LIMIT_BOOK_BYTES);
	return -ENOMEM;
}

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

int load_maybe(const struct load *l, const struct yaml_node *map, const char *key, struct str *ret)
{
	*ret = STR_NONE;
	return yaml_get(map, key) ? load_text(l, map, key, ret) : 0;
}

int load_text(const struct load *l, const struct yaml_node *map, const char *key, struct str *ret)
{
	const struct yaml_node *at = yaml_get(map, key);

	if (!at || at->type != YAML_TEXT || !at->text.n)
		return yaml_wrong(l->error, l->name, at ? at : map, "'%s' is missing or empty",
				  key);
	return arena_str(l->arena, at->text, ret) < 0 ? load_no_memory(l) : 0;
}

int load_choice(const struct load *l, const struct yaml_node *map, const char *key,
		const char *const *words, unsigned otherwise, unsigned *ret)
{
	const struct yaml_node *at = yaml_get(map, key);
	char all[64] = "";
	size_t n = 0;

	*ret = otherwise;
	if (!at)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (at->type == YAML_TEXT && str_eq(at->text, str_of(words[i]))) {
			*ret = i;
			return 0;
		}
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", words[i]);
		assert(n < sizeof(all));
	}
	return yaml_wrong(l->error, l->name, at, "'%s' is one of: %s", key, all);
}

int load_bool(const struct load *l, const struct yaml_node *map, const char *key, bool otherwise,
	      bool *ret)
{
	static const char *const words[] = { "false", "true", NULL };
	unsigned n;
	int r = load_choice(l, map, key, words, otherwise, &n);

	*ret = n;
	return r;
}

static int add_word(const struct load *l, const struct yaml_node *at, struct word **tail)
{
	struct word *w = arena_get(l->arena, sizeof(*w));

	if (!w)
		return load_no_memory(l);
	if (at->type != YAML_TEXT || !at->text.n)
		return yaml_wrong(l->error, l->name, at, "expected a text here");
	*tail = w;
	return arena_str(l->arena, at->text, &w->text) < 0 ? load_no_memory(l) : 0;
}

int load_words(const struct load *l, const struct yaml_node *at, struct word **ret)
{
	struct word **tail = ret;

	*ret = NULL;
	if (!at)
		return 0;
	if (at->type != YAML_LIST)
		return add_word(l, at, tail);
	if (!at->kids)
		return yaml_wrong(l->error, l->name, at, "this list is empty");
	yaml_each (one, at) {
		int r = add_word(l, one, tail);

		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

int load_ratio(const struct load *l, const struct yaml_node *at, struct ratio *ret)
{
	struct str den, num;
	uint64_t n = 0, d = 1;

	if (at && at->type == YAML_TEXT) {
		num = den = at->text;
		if (str_cut(&den, &num, '/') && str_u64(den, &d) < 0)
			d = 0;
		if (str_u64(num, &n) < 0)
			n = 0;
	}
	if (!n || n > INT32_MAX || !d || d > INT32_MAX)
		return yaml_wrong(l->error, l->name, at, "'mul' is a ratio such as 11/10");
	*ret = (struct ratio){ n, d };
	return 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	return b ? gcd(b, a % b) : a;
}

int load_percent(const struct load *l, const struct yaml_node *map, const char *key, unsigned most,
		 struct ratio *ret)
{
	const uint64_t million = 1000000, whole = 100 * million;
	const struct yaml_node *at = yaml_get(map, key);
	__int128 n = -1;

	if (!at || at->type != YAML_TEXT || dec_scaled(at->text, PERCENT_DECIMALS, &n) < 0 ||
	    n < 0 || n > most * (__int128)million)
		return yaml_wrong(l->error, l->name, at ? at : map,
				  "'%s' is percent, as 12.5: 0 to %u, at most %d decimals", key,
				  most, PERCENT_DECIMALS);
	*ret = (struct ratio){ (uint64_t)n / gcd((uint64_t)n, whole),
			       whole / gcd((uint64_t)n, whole) };
	return 0;
}

int load_date(const struct load *l, const struct yaml_node *map, const char *key,
	      uint64_t otherwise, uint64_t *ret)
{
	const struct yaml_node *date = yaml_get(map, key);

	*ret = otherwise;
	if (!date || clock_parse(date->text, ret) == 0)
		return 0;
	return yaml_wrong(l->error, l->name, date, "'%s' is a date, as 2026-11-22", key);
}

int load_dates(const struct load *l, const struct yaml_node *at, uint64_t *ret_from,
	       uint64_t *ret_until)
{
	int r;

	if (!yaml_get(at, "from"))
		return yaml_wrong(l->error, l->name, at, "'from' is missing: since when it holds");
	r = load_date(l, at, "from", 0, ret_from);
	if (r == 0)
		r = load_date(l, at, "until", UINT64_MAX, ret_until);
	if (r == 0 && *ret_until <= *ret_from)
		r = yaml_wrong(l->error, l->name, at, "'until' is not after 'from'");
	return r;
}

/* ---- rates ------------------------------------------------------------------------------------------- */

/* "1.25/Mtok" */
static int load_rate(const struct load *l, const struct yaml_node *at, int leaf, struct rate *ret)
{
	struct str unit = at->text, dollars;

	if (at->type == YAML_TEXT && str_cut(&unit, &dollars, '/')) {
		for (size_t i = 0; i < COUNT_OF(units); i++)
			if (str_eq(str_of(units[i].name), unit) && units[i].of == leaf_of(leaf) &&
			    dec_rate(dollars, units[i].per, ret) == 0)
				return 0;
	}
	return yaml_wrong(l->error, l->name, at,
			  "'" STR_FMT "' is no rate of this; write DOLLARS/UNIT, as in "
			  "\"1.25/Mtok\"",
			  STR_ARG(at->text));
}

static bool is_wanted(int leaf, enum load_leaves which)
{
	return which == LOAD_ALL || leaf >= LEAF_N_WEB_SEARCH;
}

int load_rates(const struct load *l, const struct yaml_node *map, enum load_leaves which,
	       struct rates *ret)
{
	if (!map || map->type != YAML_MAP)
		return yaml_wrong(l->error, l->name, map, "expected rates, as 'in_text: 5/Mtok'");
	yaml_each (m, map) {
		int leaf = 0, r;

		while (leaf < LEAF_COUNT && !str_eq(str_of(names_leaf[leaf]), m->key))
			leaf++;
		if (leaf == LEAF_COUNT || !is_wanted(leaf, which))
			return yaml_wrong(l->error, l->name, m,
					  "'" STR_FMT "' is not a unit that can be priced here",
					  STR_ARG(m->key));
		r = load_rate(l, m, leaf, &ret->rate[leaf]);
		if (r == 0)
			r = gate_rate(l, m, leaf, ret->rate[leaf]);
		if (r < 0)
			return r;
		ret->has |= 1ull << leaf;
	}
	return gate_rates(l, map, ret);
}
