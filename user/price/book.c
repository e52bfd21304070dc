#include <stdio.h>
#include "base/obj.h"
#include "price/chain.h"
#include "price/contract.h"
#include "price/entry.h"
#include "price/gate.h"
#include "price/match.h"

static const unsigned char shipped[] = {
#include "book.inc"
};

struct str book_shipped(void)
{
	return (struct str){ (const char *)shipped, sizeof(shipped) };
}

int book_new(struct book **ret)
{
	struct book *b = obj_new(b, BOOK_MAGIC);

	if (!b)
		return -ENOMEM;
	b->arena.limit = LIMIT_BOOK_BYTES;
	*ret = b;
	return 0;
}

void book_free(struct book **bb)
{
	struct book *b = obj_take(bb, BOOK_MAGIC);

	if (!b)
		return;
	HASH_CLEAR(hh, b->keys);
	HASH_CLEAR(hh, b->overrides);
	arena_reset(&b->arena);
	mem_free(b);
}

size_t book_models(const struct book *b)
{
	obj_check(b, BOOK_MAGIC);
	return b->models;
}

const struct book_model *book_first(const struct book *b)
{
	obj_check(b, BOOK_MAGIC);
	return b->first;
}

const struct book_price *book_entry(const struct book_model *m, uint64_t at_ns)
{
	for (const struct book_price *p = m->prices; p; p = p->next)
		if (p->from_ns <= at_ns && at_ns < p->until_ns)
			return p;
	return NULL;
}

/* ---- models ------------------------------------------------------------------------------------------ */

static int add_alias(struct book *b, const struct load *l, const struct yaml_node *at,
		     struct book_model *m, struct book_name ***tail)
{
	struct book_name *n = arena_get(&b->arena, sizeof(*n));
	int r = n ? match_add(b, l, at, at->text, true, m) : load_no_memory(l);

	if (r < 0)
		return r;
	if (arena_str(&b->arena, at->text, &n->text) < 0)
		return load_no_memory(l);
	**tail = n;
	*tail = &n->next;
	return 0;
}

static int add_names(struct book *b, const struct load *l, const struct yaml_node *at,
		     struct book_model *m)
{
	struct book_name **tail = &m->aliases;
	int r = match_add(b, l, yaml_get(at, "id"), m->id, false, m);

	yaml_each (alias, yaml_get(at, "aliases"))
		r = r < 0 ? r : add_alias(b, l, alias, m, &tail);
	return r;
}

static int add_prices(const struct load *l, const struct yaml_node *at, struct book_model *m)
{
	const struct yaml_node *list = yaml_get(at, "prices");

	if (!list || list->type != YAML_LIST || !list->kids)
		return yaml_wrong(l->error, l->name, at,
				  "'prices' is missing: a list of dated rates");
	yaml_each (one, list) {
		struct book_price *p = NULL;
		int r = entry_load(l, one, m, &p);

		if (r < 0)
			return r;
		for (struct book_price *o = m->prices; o; o = o->next)
			if (p->from_ns < o->until_ns && o->from_ns < p->until_ns)
				return yaml_wrong(l->error, l->name, one,
						  "holds at the same time as the entry of line %u",
						  o->line);
		p->next = m->prices;
		m->prices = p;
	}
	return 0;
}

static int load_model(struct book *b, const struct load *l, const struct yaml_node *at,
		      struct book_model *m)
{
	static const char *const keys[] = { "provider",    "id",     "aliases",
					    "allow_dated", "prices", NULL };
	int r = load_only(l, at, keys);

	if (r == 0)
		r = load_text(l, at, "provider", &m->provider);
	if (r == 0)
		r = load_text(l, at, "id", &m->id);
	if (r == 0)
		r = load_bool(l, at, "allow_dated", false, &m->allow_dated);
	if (r == 0)
		r = add_names(b, l, at, m);
	return r < 0 ? r : add_prices(l, at, m);
}

static int add_model(struct book *b, const struct load *l, const struct yaml_node *at)
{
	struct book_model *m = arena_get(&b->arena, sizeof(*m));
	int r;

	if (!m)
		return load_no_memory(l);
	if (b->models == LIMIT_PRICE_MODELS)
		return yaml_wrong(l->error, l->name, at, "more than %d models", LIMIT_PRICE_MODELS);
	m->file = l->file;
	m->line = at->line;
	r = load_model(b, l, at, m);
	if (r < 0)
		return r;
	if (b->last)
		b->last->next = m;
	else
		b->first = m;
	b->last = m;
	b->models++;
	return 0;
}

/* ---- a file -------------------------------------------------------------------------------------------- */

static int read_head(struct load *l, const struct yaml_node *root)
{
	static const char *const keys[] = { "schema",    "book",      "gates",
					    "providers", "overrides", "models",
					    "contracts", "unpriced",  NULL };
	static const char *const book_keys[] = { "id", "version", "currency", NULL };
	const struct yaml_node *head = yaml_get(root, "book");
	struct str schema, id, version, currency;
	char *text;
	int r = load_only(l, root, keys);

	if (r == 0)
		r = load_text(l, root, "schema", &schema);
	if (r == 0 && !str_eq(schema, S("submeter.pricebook/1")))
		r = yaml_wrong(l->error, l->name, root, "'schema' must be submeter.pricebook/1");
	if (r == 0 && !head)
		r = yaml_wrong(l->error, l->name, root,
			       "'book' is missing: {id, version, currency}");
	if (r == 0)
		r = load_only(l, head, book_keys);
	if (r == 0)
		r = load_text(l, head, "id", &id);
	if (r == 0)
		r = load_text(l, head, "version", &version);
	if (r == 0)
		r = load_text(l, head, "currency", &currency);
	if (r == 0 && !str_eq(currency, S("USD")))
		r = yaml_wrong(l->error, l->name, head, "only USD is understood");
	if (r < 0)
		return r;
	text = arena_get(l->arena, id.n + version.n + 2);
	if (!text)
		return load_no_memory(l);
	snprintf(text, id.n + version.n + 2, STR_FMT " " STR_FMT, STR_ARG(id), STR_ARG(version));
	l->book = str_of(text);
	return 0;
}

/* What to do about a call without a price: said by one file. */
static int read_unpriced(struct book *b, const struct load *l, const struct yaml_node *at)
{
	static const char *const keys[] = { "policy", "shadow_rate", NULL };
	static const char *const policies[] = { "hold", "alert", "deny", "shadow", NULL };
	const struct yaml_node *rates = yaml_get(at, "shadow_rate");
	unsigned which = POLICY_HOLD;
	int r = load_only(l, at, keys);

	if (r == 0 && b->has_policy)
		r = yaml_wrong(l->error, l->name, at, "'unpriced' has been said by another file");
	b->has_policy = true;
	if (r == 0)
		r = load_choice(l, at, "policy", policies, POLICY_HOLD, &which);
	if (r == 0 && (which == POLICY_SHADOW) != (rates != NULL))
		r = yaml_wrong(l->error, l->name, at,
			       "'shadow_rate' goes with 'policy: shadow', and only with it");
	b->policy = which;
	return r < 0 || !rates ? r : load_rates(l, rates, LOAD_ALL, &b->shadow);
}

static int read_root(struct book *b, struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *unpriced = yaml_get(root, "unpriced");
	int r = read_head(l, root);

	if (r == 0)
		r = gate_load(l, root);
	if (r == 0)
		r = chain_load(b, l, root);
	yaml_each (model, yaml_get(root, "models"))
		r = r < 0 ? r : add_model(b, l, model);
	if (r == 0)
		r = contract_load(b, l, root);
	if (r == 0)
		r = contract_fits(b, l);
	return r < 0 || !unpriced ? r : read_unpriced(b, l, unpriced);
}

static int add_tree(struct book *b, const struct yaml *y, const char *name, char *error)
{
	struct load l = { .arena = &b->arena, .name = name, .error = error };
	const struct yaml_node *root = yaml_root(y);

	if (!root)
		return yaml_wrong(error, name, NULL, "the price book is empty");
	if (arena_str(&b->arena, str_of(name), &l.file) < 0)
		return load_no_memory(&l);
	return read_root(b, &l, root);
}

int book_add(struct book *b, struct str yaml, const char *name, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	int r;

	obj_check(b, BOOK_MAGIC);
	error[0] = 0;
	r = yaml_parse(yaml, name, &y, error);
	return r < 0 ? r : add_tree(b, y, name, error);
}

int book_load(struct book *b, const char *path, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	int r;

	obj_check(b, BOOK_MAGIC);
	error[0] = 0;
	r = yaml_load(path, &y, error);
	return r < 0 ? r : add_tree(b, y, path, error);
}
