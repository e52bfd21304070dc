#include "base/limit.h"
#include "base/obj.h"
#include "price/import_entry.h"

#define IMPORT_MAGIC 0x696d7072u

const struct import_words import_words[IMPORT_COUNT] = {
	[IMPORT_NONE] = { false, "", "" },
#define IMPORT(name, refused, text, words) [IMPORT_##name] = { refused, text, words },
#include "tbl/import.h"
#undef IMPORT
};

static const struct {
	const char *name;
	import_fn *fn;
} lists[] = {
	{ "litellm", import_litellm },
	{ "genai-prices", import_genai },
	{ "models.dev", import_models_dev },
};

/* genai-prices is a list; LiteLLM says on every model whose it is. */
static const char *guess(struct str json)
{
	static const char mark[] = "\"litellm_provider\"";
	size_t i = 0;

	while (i < json.n && strchr(" \t\r\n", json.p[i]))
		i++;
	if (i < json.n && json.p[i] == '[')
		return "genai-prices";
	return memmem(json.p, json.n, mark, sizeof(mark) - 1) ? "litellm" : "models.dev";
}

int import_new(const struct import_opts *o, struct str json, struct import **ret)
{
	_cleanup_(import_free) struct import *m = obj_new(m, IMPORT_MAGIC);
	size_t i = 0;
	int r;

	if (!m)
		return -ENOMEM;
	m->o = *o;
	m->end = &m->first;
	m->arena.limit = LIMIT_IMPORT_BYTES;
	m->list = o->list ? o->list : guess(json);
	while (i < COUNT_OF(lists) && strcmp(lists[i].name, m->list) != 0)
		i++;
	if (i == COUNT_OF(lists))
		return -EINVAL;
	r = lists[i].fn(m, json);
	if (r == 0 && !m->first)
		r = -EBADMSG;
	if (r < 0)
		return r;
	*ret = take(m);
	return 0;
}

void import_free(struct import **mm)
{
	struct import *m = obj_take(mm, IMPORT_MAGIC);

	if (!m)
		return;
	HASH_CLEAR(hh, m->names);
	arena_reset(&m->arena);
	mem_free(m);
}

const struct import_entry *import_first(const struct import *m)
{
	obj_check(m, IMPORT_MAGIC);
	return m->first;
}

const char *import_list(const struct import *m)
{
	obj_check(m, IMPORT_MAGIC);
	return m->list;
}
