#include "price/chain.h"
#include "price/match.h"
#include "price/uplift.h"

/* ---- providers -------------------------------------------------------------------------------------------- */

const struct book_provider *book_provider(const struct book *b, struct str id)
{
	const struct book_provider *p = b->providers;

	while (p && !str_eq(p->id, id))
		p = p->next;
	return p;
}

static int load_fall(const struct load *l, const struct yaml_node *at, struct book_fall *f)
{
	static const char *const keys[] = { "provider", "vendor", "mul", "uplift", NULL };
	const struct yaml_node *mul = yaml_get(at, "mul"), *uplift = yaml_get(at, "uplift");
	int r = load_only(l, at, keys);

	if (r == 0)
		r = load_text(l, at, "provider", &f->provider);
	if (r == 0)
		r = load_maybe(l, at, "vendor", &f->vendor);
	if (r == 0 && mul && uplift)
		r = yaml_wrong(l->error, l->name, at, "'mul' or 'uplift', not both");
	if (r == 0 && mul)
		r = uplift_always(l, mul, &f->uplift);
	else if (r == 0)
		r = uplift_load(l, uplift, &f->uplift);
	if (r == 0 && !f->vendor.n)
		f->vendor = f->provider;
	return r;
}

static int load_falls(const struct load *l, const struct yaml_node *list, struct book_provider *p)
{
	struct book_fall **tail = &p->falls;

	if (p->has_falls || list->type != YAML_LIST)
		return yaml_wrong(l->error, l->name, list,
				  "'fallback' is a list, and said once for a provider");
	p->has_falls = true;
	yaml_each (one, list) {
		int r;

		*tail = arena_get(l->arena, sizeof(**tail));
		if (!*tail)
			return load_no_memory(l);
		r = load_fall(l, one, *tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

static int load_variants(const struct load *l, const struct yaml_node *map, struct book_provider *p)
{
	if (p->has_variants || map->type != YAML_MAP)
		return yaml_wrong(l->error, l->name, map,
				  "'variants' is {TEXT: same, TEXT: free}, and said once for a "
				  "provider");
	p->has_variants = true;
	yaml_each (one, map) {
		struct book_variant *v = arena_get(l->arena, sizeof(*v));

		if (!v || arena_str(l->arena, one->key, &v->text) < 0)
			return load_no_memory(l);
		v->free = str_eq(one->text, S("free"));
		if (!v->free && !str_eq(one->text, S("same")))
			return yaml_wrong(l->error, l->name, one,
					  "a variant costs the 'same', or is 'free'");
		v->next = p->variants;
		p->variants = v;
	}
	return 0;
}

static int load_time(const struct load *l, const struct yaml_node *at, struct book_provider *p)
{
	static const char *const when[] = { "start", "end", NULL };
	unsigned which;
	int r = load_choice(l, at, "priced_at", when, 0, &which);

	if (r < 0)
		return r;
	if (p->has_time)
		return yaml_wrong(l->error, l->name, at, "'priced_at' is said once for a provider");
	p->has_time = true;
	p->at_end = which;
	return 0;
}

static int make_provider(struct book *b, const struct load *l, const struct yaml_node *at,
			 struct book_provider **ret)
{
	struct book_provider *p;
	struct str id;
	int r = load_text(l, at, "id", &id);

	if (r < 0)
		return r;
	for (p = b->providers; p; p = p->next)
		if (str_eq(p->id, id)) {
			*ret = p;
			return 0;
		}
	p = arena_get(l->arena, sizeof(*p));
	if (!p)
		return load_no_memory(l);
	p->id = id;
	p->next = b->providers;
	b->providers = p;
	*ret = p;
	return 0;
}

/* ---- what the operator says of a name ------------------------------------------------------------------------ */

static struct book_override *find(const struct book *b, const char *key, size_t n)
{
	struct book_override *found = NULL;

	if (n)
		HASH_FIND(hh, b->overrides, key, n, found);
	return found;
}

const struct book_override *chain_override(const struct book *b, struct str provider,
					   struct str host, struct str name)
{
	char key[MATCH_KEY];

	return b->overrides && name.n ? find(b, key, match_key(provider, host, name, key)) : NULL;
}

static int add_override(struct book *b, const struct load *l, const struct yaml_node *at,
			struct str provider, struct str host)
{
	struct book_override *o;
	char key[MATCH_KEY];
	struct str name;
	size_t n;
	int r = load_text(l, at, "name", &name);

	if (r < 0)
		return r;
	n = match_key(provider, host, name, key);
	if (!n)
		return yaml_wrong(l->error, l->name, at, "a name is too long");
	if (find(b, key, n))
		return yaml_wrong(l->error, l->name, at,
				  "what '" STR_FMT "' stands for has been said already",
				  STR_ARG(name));
	o = arena_get(l->arena, sizeof(*o) + n);
	if (!o)
		return load_no_memory(l);
	r = load_maybe(l, at, "model", &o->model);
	if (r == 0)
		r = load_maybe(l, at, "sku", &o->sku);
	if (r == 0 && !o->model.n && !o->sku.n)
		r = yaml_wrong(l->error, l->name, at, "say the 'model', the 'sku' or both");
	if (r < 0)
		return r;
	o->n = n;
	memcpy(o->key, key, n);
	HASH_ADD_KEYPTR(hh, b->overrides, o->key, o->n, o);
	return o->hh.tbl ? 0 : load_no_memory(l);
}

static int load_deployment(struct book *b, const struct load *l, const struct yaml_node *at,
			   struct str provider)
{
	static const char *const keys[] = { "host", "name", "model", "sku", NULL };
	struct str host;
	int r = load_only(l, at, keys);

	if (r == 0)
		r = load_text(l, at, "host", &host);
	return r < 0 ? r : add_override(b, l, at, provider, host);
}

static int load_override(struct book *b, const struct load *l, const struct yaml_node *at)
{
	static const char *const keys[] = { "provider", "name", "model", "sku", NULL };
	struct str provider;
	int r = load_only(l, at, keys);

	if (r == 0)
		r = load_text(l, at, "provider", &provider);
	return r < 0 ? r : add_override(b, l, at, provider, STR_NONE);
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

static int load_provider(struct book *b, const struct load *l, const struct yaml_node *at)
{
	static const char *const keys[] = { "id",       "fallback",  "deployments",
					    "variants", "priced_at", NULL };
	const struct yaml_node *falls = yaml_get(at, "fallback"),
			       *variants = yaml_get(at, "variants");
	struct book_provider *p = NULL;
	int r = load_only(l, at, keys);

	if (r == 0)
		r = make_provider(b, l, at, &p);
	if (r == 0 && falls)
		r = load_falls(l, falls, p);
	if (r == 0 && variants)
		r = load_variants(l, variants, p);
	if (r == 0 && yaml_get(at, "priced_at"))
		r = load_time(l, at, p);
	yaml_each (one, yaml_get(at, "deployments"))
		r = r < 0 ? r : load_deployment(b, l, one, p->id);
	return r;
}

int chain_load(struct book *b, const struct load *l, const struct yaml_node *root)
{
	int r = 0;

	yaml_each (one, yaml_get(root, "providers"))
		r = r < 0 ? r : load_provider(b, l, one);
	yaml_each (one, yaml_get(root, "overrides"))
		r = r < 0 ? r : load_override(b, l, one);
	return r;
}
