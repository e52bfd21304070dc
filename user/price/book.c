#include <stdio.h>
#include "base/obj.h"
#include "base/table.h"
#include "price/load.h"

struct name { /* one spelling of a model: "openai\0gpt-5.5" in lower case */
	struct book_model *model;
	bool alias;
	UT_hash_handle hh;
	size_t n;
	char key[];
};

struct book {
	unsigned magic;
#define BOOK_MAGIC 0x626f6f6bu
	struct arena arena;
	struct name *names;
	size_t models;
};

enum { KEY_ROOM = 2 * LIMIT_MODEL_TEXT + 1, DATE_DIGITS = 8 };

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
	HASH_CLEAR(hh, b->names);
	arena_reset(&b->arena);
	mem_free(b);
}

size_t book_models(const struct book *b)
{
	obj_check(b, BOOK_MAGIC);
	return b->models;
}

/* ---- names ------------------------------------------------------------------------------------------- */

/* 0: does not fit, so it is in no book. */
static size_t make_key(struct str provider, struct str id, char out[KEY_ROOM])
{
	size_t n = 0;

	if (!provider.n || !id.n || provider.n + id.n + 1 > KEY_ROOM)
		return 0;
	for (size_t i = 0; i < provider.n; i++)
		out[n++] = provider.p[i];
	out[n++] = 0;
	for (size_t i = 0; i < id.n; i++)
		out[n++] = id.p[i] >= 'A' && id.p[i] <= 'Z' ? (char)(id.p[i] + 32) : id.p[i];
	return n;
}

static struct name *find_name(const struct book *b, struct str provider, struct str id)
{
	char key[KEY_ROOM];
	size_t n = make_key(provider, id, key);
	struct name *found = NULL;

	if (n)
		HASH_FIND(hh, b->names, key, n, found);
	return found;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* -YYYYMMDD, @YYYYMMDD, -YYYY-MM-DD and nothing else */
static struct str without_date(struct str id)
{
	if (id.n > DATE_DIGITS + 1) {
		struct str tail = str_skip(id, id.n - DATE_DIGITS - 1);

		if ((tail.p[0] == '-' || tail.p[0] == '@') && all_digits(str_skip(tail, 1)))
			return str_head(id, id.n - tail.n);
	}
	if (id.n > DATE_DIGITS + 3) {
		struct str tail = str_skip(id, id.n - DATE_DIGITS - 3);

		if (tail.p[0] == '-' && tail.p[5] == '-' && tail.p[8] == '-' &&
		    all_digits((struct str){ tail.p + 1, 4 }) &&
		    all_digits((struct str){ tail.p + 6, 2 }) &&
		    all_digits((struct str){ tail.p + 9, 2 }))
			return str_head(id, id.n - tail.n);
	}
	return STR_NONE;
}

const struct book_model *book_find(const struct book *b, struct str provider, struct str name,
				   const char **ret_match)
{
	const struct name *found;

	obj_check(b, BOOK_MAGIC);
	found = find_name(b, provider, name);
	if (found) {
		*ret_match = found->alias ? "alias" : "exact";
		return found->model;
	}
	found = find_name(b, provider, without_date(name));
	if (!found || !found->model->allow_dated)
		return NULL;
	*ret_match = "dated";
	return found->model;
}

static int add_name(struct book *b, const struct load *l, const struct yaml_node *at, struct str id,
		    bool alias, struct book_model *m)
{
	struct name *old = find_name(b, m->provider, id), *n;
	char key[KEY_ROOM];
	size_t size = make_key(m->provider, id, key);

	if (!size)
		return yaml_wrong(l->error, l->name, at, "a name is empty or too long");
	if (old)
		return yaml_wrong(l->error, l->name, at,
				  "'" STR_FMT "' is already a name of " STR_FMT "/" STR_FMT
				  "; a file may add models, not redefine them",
				  STR_ARG(id), STR_ARG(old->model->provider),
				  STR_ARG(old->model->id));
	n = arena_get(&b->arena, sizeof(*n) + size);
	if (!n)
		return -ENOMEM;
	n->model = m;
	n->alias = alias;
	n->n = size;
	memcpy(n->key, key, size);
	HASH_ADD_KEYPTR(hh, b->names, n->key, n->n, n);
	return n->hh.tbl ? 0 : -ENOMEM;
}

/* ---- entries ----------------------------------------------------------------------------------------- */

static int add_prices(const struct load *l, const struct yaml_node *at, struct book_model *m)
{
	const struct yaml_node *list = yaml_get(at, "prices");

	if (!list || list->type != YAML_LIST || !list->kids)
		return yaml_wrong(l->error, l->name, at,
				  "'prices' is missing: a list of dated rates");
	yaml_each (one, list) {
		struct book_price *p = NULL;
		int r = load_price(l, one, m, &p);

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

static int add_model(struct book *b, const struct load *l, const struct yaml_node *at)
{
	static const char *const keys[] = { "provider",    "id",     "aliases",
					    "allow_dated", "prices", NULL };
	const struct yaml_node *dated = yaml_get(at, "allow_dated");
	struct book_model *m;
	int r = load_only(l, at, keys);

	if (r < 0)
		return r;
	if (b->models == LIMIT_PRICE_MODELS)
		return yaml_wrong(l->error, l->name, at, "more than %d models", LIMIT_PRICE_MODELS);
	m = arena_get(&b->arena, sizeof(*m));
	if (!m)
		return -ENOMEM;
	r = load_text(l, at, "provider", &m->provider);
	if (r == 0)
		r = load_text(l, at, "id", &m->id);
	if (r < 0)
		return r;
	m->allow_dated = dated && str_eq(dated->text, S("true"));
	r = add_name(b, l, yaml_get(at, "id"), m->id, false, m);
	yaml_each (alias, yaml_get(at, "aliases")) {
		if (r == 0)
			r = add_name(b, l, alias, alias->text, true, m);
	}
	if (r == 0)
		r = add_prices(l, at, m);
	if (r == 0)
		b->models++;
	return r;
}

static int read_head(struct load *l, const struct yaml_node *root)
{
	static const char *const keys[] = { "schema", "book", "models", NULL };
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
		return -ENOMEM;
	snprintf(text, id.n + version.n + 2, STR_FMT " " STR_FMT, STR_ARG(id), STR_ARG(version));
	l->book = str_of(text);
	return 0;
}

static int add_tree(struct book *b, const struct yaml *y, const char *name, char *error)
{
	struct load l = { .arena = &b->arena, .name = name, .error = error };
	const struct yaml_node *root = yaml_root(y), *models;
	int r;

	if (!root)
		return yaml_wrong(error, name, NULL, "the price book is empty");
	r = read_head(&l, root);
	models = yaml_get(root, "models");
	yaml_each (model, models) {
		if (r == 0)
			r = add_model(b, &l, model);
	}
	if (r == -ENOMEM && !error[0])
		snprintf(error, YAML_ERROR, "%s: out of memory", name);
	return r;
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
