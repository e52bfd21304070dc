#include "price/chain.h"
#include "price/decode.h"
#include "price/match.h"

/* ---- the names of the book ------------------------------------------------------------------------------- */

static bool add_key(struct str s, char out[MATCH_KEY], size_t *n)
{
	if (s.n > MATCH_KEY - *n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		out[(*n)++] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	return true;
}

size_t match_key(struct str a, struct str b, struct str c, char out[MATCH_KEY])
{
	size_t n = 0;

	if (!a.n || !add_key(a, out, &n) || !add_key(S("\0"), out, &n) || !add_key(b, out, &n))
		return 0;
	return !c.p || (add_key(S("\0"), out, &n) && add_key(c, out, &n)) ? n : 0;
}

static const struct book_key *find_key(const struct book *b, struct str provider, struct str id)
{
	char key[MATCH_KEY];
	size_t n = id.n ? match_key(provider, id, STR_NONE, key) : 0;
	struct book_key *found = NULL;

	if (n)
		HASH_FIND(hh, b->keys, key, n, found);
	return found;
}

int match_add(struct book *b, const struct load *l, const struct yaml_node *at, struct str id,
	      bool alias, struct book_model *m)
{
	const struct book_key *old = find_key(b, m->provider, id);
	char key[MATCH_KEY];
	size_t n = id.n && id.n <= LIMIT_MODEL_TEXT ? match_key(m->provider, id, STR_NONE, key) : 0;
	struct book_key *k;

	if (!n)
		return yaml_wrong(l->error, l->name, at, "a name is empty or too long");
	if (old)
		return yaml_wrong(l->error, l->name, at,
				  "'" STR_FMT "' is already a name of " STR_FMT "/" STR_FMT
				  "; a file may add models, not redefine them",
				  STR_ARG(id), STR_ARG(old->model->provider),
				  STR_ARG(old->model->id));
	k = arena_get(&b->arena, sizeof(*k) + n);
	if (!k)
		return load_no_memory(l);
	k->model = m;
	k->alias = alias;
	k->n = n;
	memcpy(k->key, key, n);
	HASH_ADD_KEYPTR(hh, b->keys, k->key, k->n, k);
	return k->hh.tbl ? 0 : load_no_memory(l);
}

/* ---- candidates -------------------------------------------------------------------------------------------- */

/* An entry says nothing of other days: adding one changes no price before it. */
static bool found(const struct book_key *k, const char *kind, struct match *m)
{
	const struct book_price *price = k ? book_entry(k->model, m->at_ns) : NULL;

	m->late = m->late || (k && !price);
	if (!price)
		return false;
	m->model = k->model;
	m->price = price;
	m->kind = kind;
	return true;
}

static bool find_name(const struct book *b, struct str provider, struct str name, struct match *m)
{
	const struct book_key *k = find_key(b, provider, name);

	return found(k, k && k->alias ? "alias" : "exact", m);
}

static bool find_undated(const struct book *b, struct str provider, struct str name,
			 struct match *m)
{
	const struct book_key *k = find_key(b, provider, decode_undated(name));

	return found(k && k->model->allow_dated ? k : NULL, "dated", m);
}

/* The list of one provider, by every name that `names` has, the fullest first. */
static bool find_in(const struct book *b, struct str provider, const struct str *names,
		    size_t count, struct match *m)
{
	for (size_t i = 0; i < 2 * count; i++) {
		struct str name = names[i % count];

		if (!(i < count ? find_name : find_undated)(b, provider, name, m))
			continue;
		m->name = name;
		return true;
	}
	return false;
}

static bool find_tuned(const struct book *b, struct str provider, const struct decoded *d,
		       struct match *m)
{
	if (!d->base.n || !find_in(b, provider, &d->base, 1, m))
		return false;
	m->kind = "ft";
	return true;
}

/* "x:nitro" costs what "x" does where the book says so. */
static bool find_variant(const struct book *b, const struct book_provider *p,
			 const struct decoded *d, struct match *m)
{
	const struct book_variant *v = p ? p->variants : NULL;

	while (v && !(d->variant.n && str_ieq(v->text, d->variant)))
		v = v->next;
	if (!v || !find_in(b, p->id, &d->plain, 1, m))
		return false;
	m->free = v->free;
	return true;
}

static bool find_abroad(const struct book *b, const struct book_provider *p,
			const struct decoded *d, struct match *m)
{
	for (const struct book_fall *f = p ? p->falls : NULL; f; f = f->next) {
		if (d->vendor.n && !str_ieq(d->vendor, f->vendor))
			continue;
		if (find_in(b, f->provider, d->abroad, d->abroad_count, m)) {
			m->kind = "fallback";
			m->fall = f;
			return true;
		}
	}
	return false;
}

/* "ID:REGION": who serves may also stand behind the name that is asked for (Hugging Face). */
static struct str without_region(struct str name, struct str region)
{
	struct str end = str_skip(name, name.n - MIN(name.n, region.n + 1));

	if (!str_starts(end, S(":")) || !str_ieq(str_skip(end, 1), region))
		return name;
	return str_head(name, name.n - end.n);
}

/* Where the list has "REGION:ID", that is what ID costs there. */
static bool find_there(const struct book *b, const struct usage *u, struct str name,
		       struct match *m)
{
	char text[2 * LIMIT_MODEL_TEXT + 1];
	struct str id = { text, 0 };

	name = without_region(name, u->region);
	id.n = u->region.n + name.n + 1;
	if (!u->region.n || !name.n || id.n > sizeof(text))
		return false;
	memcpy(text, u->region.p, u->region.n);
	text[u->region.n] = ':';
	memcpy(text + u->region.n + 1, name.p, name.n);
	return find_name(b, u->provider, id, m);
}

/* What the operator did not name himself. */
static bool find_listed(const struct book *b, struct str provider, const struct decoded *d,
			struct match *m)
{
	const struct book_provider *p = book_provider(b, provider);

	if (!find_in(b, provider, d->name, d->count, m) && !find_tuned(b, provider, d, m) &&
	    !find_variant(b, p, d, m) && !find_abroad(b, p, d, m))
		return false;
	m->geo = d->geo;
	m->far = d->geo.n && !m->fall && m->name.p > d->geo.p; /* names are parts of one text */
	m->flags |= d->flags;
	return true;
}

/* ---- a call -------------------------------------------------------------------------------------------------- */

/* A deployment is what was asked for at a host; any other name may also be what answered. */
static const struct book_override *find_override(const struct book *b, const struct usage *u)
{
	const struct book_override *o = chain_override(b, u->provider, u->host, u->model_requested);

	if (!o)
		o = chain_override(b, u->provider, STR_NONE, u->model_served);
	return o ? o : chain_override(b, u->provider, STR_NONE, u->model_requested);
}

static enum why none(const struct match *m)
{
	return m->late ? WHY_NO_PRICE_DATE : WHY_NO_PRICE;
}

struct str match_said(const struct book *b, const struct usage *u)
{
	const struct book_override *o = find_override(b, u);

	return o ? o->model : STR_NONE;
}

/* The operator's word decides; where the answer names another model that is listed, the reader should know. */
static enum why find_said(const struct book *b, const struct usage *u,
			  const struct book_override *o, struct match *m)
{
	const struct book_model *answered = m->model;
	struct decoded d;

	*m = (struct match){ .at_ns = m->at_ns, .sku = o->sku };
	decode_name(u->provider, o->model, &d);
	if (!find_listed(b, u->provider, &d, m))
		return none(m);
	m->kind = "override";
	if (answered && answered != m->model)
		m->flags |= 1u << FLAG_MODEL;
	return WHY_NONE;
}

/* Where in the world stands in the name that was asked for; that name may be listed, too. */
static void use_geo(const struct book *b, const struct usage *u, const struct decoded *asked,
		    struct match *m)
{
	struct match there = { .at_ns = m->at_ns };
	bool same = find_listed(b, u->provider, asked, &there) && there.model == m->model;

	m->geo = asked->geo;
	m->far = !m->fall && !(same && !there.far);
}

enum why match_find(const struct book *b, const struct usage *u, uint64_t at_ns, struct match *ret)
{
	const struct book_override *o = find_override(b, u);
	struct decoded served, asked;

	*ret = (struct match){ .at_ns = at_ns };
	if (!u->model_served.n && !u->model_requested.n)
		return WHY_NO_MODEL;
	decode_name(u->provider, u->model_served, &served);
	decode_name(u->provider, u->model_requested, &asked);
	if (!find_there(b, u, u->model_served, ret))
		find_listed(b, u->provider, &served, ret);
	ret->sku = o ? o->sku : STR_NONE;
	if (o && o->model.n)
		return find_said(b, u, o, ret);
	if (ret->model) {
		if (!ret->geo.n && asked.geo.n)
			use_geo(b, u, &asked, ret);
		return WHY_NONE;
	}
	if (asked.deployed || (!find_there(b, u, u->model_requested, ret) &&
			       !find_listed(b, u->provider, &asked, ret))) {
		if (found(find_key(b, u->provider, S("*")), "any", ret))
			return WHY_NONE;
		return asked.deployed && !u->model_served.n ? WHY_DEPLOYMENT : none(ret);
	}
	if (u->model_served.n && !served.foreign)
		ret->flags |= 1u << FLAG_MODEL;
	if (!asked.by_path || ret->flags & 1u << FLAG_MODEL)
		ret->kind = "requested";
	return WHY_NONE;
}
