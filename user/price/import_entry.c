#include "base/dec.h"
#include "base/limit.h"
#include "base/obj.h"
#include "price/import_entry.h"

enum { MTOK = 1000000, KEY_ROOM = 2 * LIMIT_MODEL_TEXT + 1, IMPORT_RATES = 256 };

/* What lists call the providers that are metered. A name that ends in '*' stands for all that begin so. */
static const struct {
	const char *list, *name, *ours, *prefix;
} providers[] = {
	{ "litellm", "anthropic", "anthropic", "anthropic/" },
	{ "litellm", "azure", "azure", "azure/" },
	{ "litellm", "azure_text", "azure", "azure/" },
	{ "litellm", "azure_ai", "azure", "azure_ai/" },
	{ "litellm", "bedrock", "bedrock", "bedrock/" },
	{ "litellm", "bedrock_converse", "bedrock", "bedrock/" },
	{ "litellm", "bedrock_mantle", "bedrock", "bedrock_mantle/" },
	{ "litellm", "cerebras", "cerebras", "cerebras/" },
	{ "litellm", "codestral", "mistral", "codestral/" },
	{ "litellm", "cohere", "cohere", "cohere/" },
	{ "litellm", "cohere_chat", "cohere", "cohere_chat/" },
	{ "litellm", "crusoe", "crusoe", "crusoe/" },
	{ "litellm", "deepseek", "deepseek", "deepseek/" },
	{ "litellm", "fireworks_ai*", "fireworks", "fireworks_ai/" },
	{ "litellm", "gemini", "gemini", "gemini/" },
	{ "litellm", "groq", "groq", "groq/" },
	{ "litellm", "heroku", "heroku", "heroku/" },
	{ "litellm", "huggingface", "huggingface", "huggingface/" },
	{ "litellm", "mistral", "mistral", "mistral/" },
	{ "litellm", "ollama", "ollama", "ollama/" },
	{ "litellm", "openai", "openai", "openai/" },
	{ "litellm", "openrouter", "openrouter", "openrouter/" },
	{ "litellm", "perplexity", "perplexity", "perplexity/" },
	{ "litellm", "snowflake", "snowflake", "snowflake/" },
	{ "litellm", "text-completion-codestral", "mistral", "text-completion-codestral/" },
	{ "litellm", "text-completion-openai", "openai", "text-completion-openai/" },
	{ "litellm", "together_ai", "together", "together_ai/" },
	{ "litellm", "vertex_ai*", "vertex", "vertex_ai/" },
	{ "litellm", "voyage", "voyage", "voyage/" },
	{ "litellm", "xai", "xai", "xai/" },
	{ "litellm", "zai", "zai", "zai/" },
	{ "genai-prices", "anthropic", "anthropic", "" },
	{ "genai-prices", "aws", "bedrock", "" },
	{ "genai-prices", "azure", "azure", "" },
	{ "genai-prices", "cerebras", "cerebras", "" },
	{ "genai-prices", "cohere", "cohere", "" },
	{ "genai-prices", "deepseek", "deepseek", "" },
	{ "genai-prices", "fireworks", "fireworks", "" },
	{ "genai-prices", "google", "gemini", "" },
	{ "genai-prices", "groq", "groq", "" },
	{ "genai-prices", "mistral", "mistral", "" },
	{ "genai-prices", "openai", "openai", "" },
	{ "genai-prices", "openrouter", "openrouter", "" },
	{ "genai-prices", "perplexity", "perplexity", "" },
	{ "genai-prices", "together", "together", "" },
	{ "genai-prices", "voyageai", "voyage", "" },
	{ "genai-prices", "x-ai", "xai", "" },
	{ "genai-prices", "zai", "zai", "" },
	{ "models.dev", "amazon-bedrock", "bedrock", "" },
	{ "models.dev", "anthropic", "anthropic", "" },
	{ "models.dev", "azure", "azure", "" },
	{ "models.dev", "azure-cognitive-services", "azure", "" },
	{ "models.dev", "cerebras", "cerebras", "" },
	{ "models.dev", "cohere", "cohere", "" },
	{ "models.dev", "deepseek", "deepseek", "" },
	{ "models.dev", "fireworks-ai", "fireworks", "" },
	{ "models.dev", "google", "gemini", "" },
	{ "models.dev", "google-vertex", "vertex", "" },
	{ "models.dev", "google-vertex-anthropic", "vertex", "" },
	{ "models.dev", "groq", "groq", "" },
	{ "models.dev", "mistral", "mistral", "" },
	{ "models.dev", "openai", "openai", "" },
	{ "models.dev", "openrouter", "openrouter", "" },
	{ "models.dev", "perplexity", "perplexity", "" },
	{ "models.dev", "snowflake-cortex", "snowflake", "" },
	{ "models.dev", "togetherai", "together", "" },
	{ "models.dev", "xai", "xai", "" },
	{ "models.dev", "zai", "zai", "" },
};

int import_open(struct import *m, struct str key, struct import_entry **ret)
{
	struct import_entry *e = arena_get(&m->arena, sizeof(*e));
	int r = e ? arena_str(&m->arena, key, &e->key) : -ENOMEM;

	if (r < 0)
		return r;
	*m->end = e;
	m->end = &e->next;
	*ret = e;
	return 0;
}

void import_note(struct import_entry *e, enum import_note n, struct str about)
{
	if (import_words[n].refused) {
		if (e->refused)
			return;
		e->refused = n;
	}
	if (!(e->notes >> n & 1))
		e->about[n] = about;
	e->notes |= 1ull << n;
}

/* ---- providers ---------------------------------------------------------------------------------- */

static bool fits(const char *pattern, struct str name)
{
	struct str p = str_of(pattern);

	if (str_ends(p, S("*")))
		return str_starts(name, str_head(p, p.n - 1));
	return str_eq(p, name);
}

static bool wanted(const struct import *m, struct str ours, struct str theirs)
{
	if (!m->o.provider)
		return true;
	for (const char *const *p = m->o.provider; *p; p++)
		if (str_eq(str_of(*p), ours) || str_eq(str_of(*p), theirs))
			return true;
	return false;
}

bool import_provider(struct import *m, struct import_entry *e, struct str name,
		     struct str *ret_prefix)
{
	*ret_prefix = STR_NONE;
	for (size_t i = 0; i < COUNT_OF(providers); i++) {
		if (strcmp(providers[i].list, m->list) != 0 || !fits(providers[i].name, name))
			continue;
		e->provider = str_of(providers[i].ours);
		e->ge = str_eq(e->provider, S("xai")); /* from that many on, not above */
		*ret_prefix = str_of(providers[i].prefix);
		break;
	}
	if (e->provider.n ? wanted(m, e->provider, name) : m->o.provider && wanted(m, name, name)) {
		if (!e->provider.n)
			e->provider = name; /* asked for by its name */
		return true;
	}
	e->provider = STR_NONE;
	import_note(e, IMPORT_PROVIDER, name);
	return false;
}

/* ---- rates -------------------------------------------------------------------------------------- */

const struct import_rate *import_find(const struct import_entry *e, uint64_t above, struct str tier,
				      enum leaf leaf)
{
	for (const struct import_rate *r = e->rates; r; r = r->next)
		if (r->above == above && r->leaf == leaf && str_eq(r->tier, tier))
			return r;
	return NULL;
}

static bool is_zero(struct str number)
{
	__int128 n;

	return dec_scaled(number, 0, &n) == 0 && n == 0;
}

int import_add(struct import *m, struct import_entry *e, struct import_rate at,
	       struct import_unit unit, struct str number, struct str about)
{
	const struct import_rate *old = import_find(e, at.above, at.tier, at.leaf);
	struct import_rate *rate, **to = &e->rates;
	struct rate test;
	int r = import_shift(&m->arena, number, unit.shift, &at.dollars);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || dec_rate(at.dollars, 1, &test) < 0 || dec_rate(at.dollars, MTOK, &test) < 0) {
		import_note(e, IMPORT_NUMBER, about);
		return 0;
	}
	if (is_zero(at.dollars)) {
		import_note(e, IMPORT_ZERO_RATE, about);
		return 0;
	}
	if (old) {
		if (!str_eq(old->dollars, at.dollars))
			import_note(e,
				    m->newest_first && !str_eq(old->name, about)
					    ? IMPORT_TWICE
					    : IMPORT_SAID_TWICE,
				    about);
		return 0;
	}
	rate = arena_get(&m->arena, sizeof(*rate));
	if (!rate)
		return -ENOMEM;
	at.unit = unit.unit;
	at.name = about;
	*rate = at;
	for (int i = 0; *to; to = &(*to)->next) /* as the list has them */
		if (++i == IMPORT_RATES) {
			import_note(e, IMPORT_LARGE, about);
			return 0;
		}
	*to = rate;
	return 0;
}

int import_alias(struct import *m, struct import_entry *e, struct str text)
{
	struct import_text *t, **to = &e->aliases;
	int r;

	for (; *to; to = &(*to)->next)
		if (str_ieq((*to)->text, text))
			return 0;
	t = arena_get(&m->arena, sizeof(*t));
	r = t ? arena_str(&m->arena, text, &t->text) : -ENOMEM;
	if (r == 0)
		*to = t;
	return r;
}

/* ---- is it there already? ----------------------------------------------------------------------- */

static size_t make_key(struct str provider, struct str id, char out[KEY_ROOM])
{
	size_t n = 0;

	/* "*" is every model, which no list means */
	if (!provider.n || !id.n || str_eq(id, S("*")) || id.n > LIMIT_MODEL_TEXT ||
	    provider.n + id.n + 1 > KEY_ROOM)
		return 0;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] > '~')
			return 0;
	for (size_t i = 0; i < provider.n; i++)
		out[n++] = provider.p[i];
	out[n++] = 0;
	for (size_t i = 0; i < id.n; i++)
		out[n++] = id.p[i] >= 'A' && id.p[i] <= 'Z' ? (char)(id.p[i] + 32) : id.p[i];
	return n;
}

static struct import_uplift *find_uplift(const struct import_entry *e, const char *facet,
					 struct str place)
{
	for (struct import_uplift *u = e->uplifts; u; u = u->next)
		if (strcmp(u->facet, facet) == 0 && str_eq(u->place, place))
			return u;
	return NULL;
}

static bool has_all(const struct import_entry *a, const struct import_entry *b)
{
	for (const struct import_rate *r = a->rates; r; r = r->next) {
		const struct import_rate *o = import_find(b, r->above, r->tier, r->leaf);

		if (!o || !str_eq(o->dollars, r->dollars) || o->unit != r->unit)
			return false;
	}
	for (const struct import_uplift *u = a->uplifts; u; u = u->next) {
		const struct import_uplift *o = find_uplift(b, u->facet, u->place);

		if (!o || !str_eq(o->mul, u->mul))
			return false;
	}
	return a->ge == b->ge && !a->windows == !b->windows;
}

struct import_entry *import_named(const struct import *m, struct str provider, struct str id)
{
	struct import_name *name = NULL;
	char key[KEY_ROOM];
	size_t n = make_key(provider, id, key);

	if (n)
		HASH_FIND(hh, m->names, key, n, name);
	return name ? name->entry : NULL;
}

/* Nobody knows which of two different prices is true, so neither is taken. */
static int take_name(struct import *m, struct import_entry *e, struct str text, bool alias,
		     bool *ret_taken)
{
	struct import_name *name = NULL;
	char key[KEY_ROOM];
	size_t n = make_key(e->provider, text, key);

	*ret_taken = false;
	if (!n) {
		import_note(e, IMPORT_NAME, text);
		return 0;
	}
	HASH_FIND(hh, m->names, key, n, name);
	if (name && name->entry != e) {
		bool same = has_all(e, name->entry) && has_all(name->entry, e);

		if (!same)
			import_note(name->entry, IMPORT_CONFLICT, e->key);
		if (!same || !alias)
			import_note(e, same ? IMPORT_SAME : IMPORT_CONFLICT, name->entry->key);
	}
	if (name)
		return 0;
	name = arena_get(&m->arena, sizeof(*name) + n);
	if (!name)
		return -ENOMEM;
	name->entry = e;
	name->n = n;
	memcpy(name->key, key, n);
	HASH_ADD_KEYPTR(hh, m->names, name->key, n, name);
	*ret_taken = name->hh.tbl != NULL;
	return *ret_taken ? 0 : -ENOMEM;
}

static int take_names(struct import *m, struct import_entry *e)
{
	struct import_text **to = &e->aliases;
	bool taken;
	int r = take_name(m, e, e->id, false, &taken);

	while (r == 0 && !e->refused && *to) {
		struct import_text *alias = *to;

		r = take_name(m, e, alias->text, true, &taken);
		if (taken)
			to = &alias->next;
		else
			*to = alias->next; /* its own id, or another model's */
	}
	return r;
}

int import_close(struct import *m, struct import_entry *e)
{
	if (e->refused)
		return 0;
	return take_names(m, e);
}
