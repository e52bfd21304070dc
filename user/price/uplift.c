#include "price/uplift.h"

static const char *const facets[] = { "region", "geo", "sku", NULL };

static int load_when(const struct load *l, const struct yaml_node *at, struct book_uplift *u)
{
	int r = load_only(l, at, facets);

	for (int i = 0; r == 0 && i < FACET_COUNT; i++)
		r = load_words(l, yaml_get(at, facets[i]), &u->when[i]);
	if (r == 0 && !at->kids)
		r = yaml_wrong(l->error, l->name, at, "'when' names a region, a geo or an sku");
	return r;
}

static int load_one(const struct load *l, const struct yaml_node *at, struct book_uplift *u)
{
	static const char *const keys[] = { "when", "mul", "on", NULL };
	static const char *const on[] = { "tokens", NULL };
	const struct yaml_node *when = yaml_get(at, "when"), *mul = yaml_get(at, "mul");
	unsigned which;
	int r = load_only(l, at, keys);

	if (r == 0 && (!when || !mul))
		r = yaml_wrong(l->error, l->name, at,
			       "an uplift is {when: {region: [...]}, mul: 11/10, on: tokens}");
	if (r == 0)
		r = load_choice(l, at, "on", on, 0, &which);
	if (r == 0)
		r = load_when(l, when, u);
	return r < 0 ? r : load_ratio(l, mul, &u->mul);
}

int uplift_load(const struct load *l, const struct yaml_node *at, struct book_uplift **ret)
{
	struct book_uplift **tail = ret;

	*ret = NULL;
	if (at && at->type != YAML_LIST)
		return yaml_wrong(l->error, l->name, at, "'uplift' is a list");
	yaml_each (one, at) {
		int r;

		*tail = arena_get(l->arena, sizeof(**tail));
		if (!*tail)
			return load_no_memory(l);
		r = load_one(l, one, *tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

int uplift_always(const struct load *l, const struct yaml_node *mul, struct book_uplift **ret)
{
	*ret = arena_get(l->arena, sizeof(**ret));
	return *ret ? load_ratio(l, mul, &(*ret)->mul) : load_no_memory(l);
}

static bool fits(const struct word *list, struct str told)
{
	if (!list)
		return true;
	for (; told.n && list; list = list->next)
		if (str_eq(list->text, S("*")) || str_ieq(list->text, told))
			return true;
	return false;
}

const struct book_uplift *uplift_find(const struct book_uplift *list,
				      const struct str told[FACET_COUNT], struct str *ret_why)
{
	for (; list; list = list->next) {
		bool all = true;

		for (int i = 0; i < FACET_COUNT; i++)
			all = all && fits(list->when[i], told[i]);
		if (!all)
			continue;
		*ret_why = STR_NONE;
		for (int i = FACET_COUNT - 1; i >= 0; i--)
			if (list->when[i])
				*ret_why = told[i];
		return list;
	}
	return NULL;
}
