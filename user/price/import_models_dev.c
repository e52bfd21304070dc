/* import_models_dev.c -- models.dev's api.json: an object of providers with an object of models; dollars for a million. */
#include "price/import_entry.h"

enum {
	PROVIDER,
	MODEL,
	COST,
	STEP,
	STEP_COST,
	STEP_SIZE,
	STEP_TYPE,
	LONG,
	MODE,
	MODE_COST,
	MODE_TIER,
	MODE_SPEED
};
#define AT "*.models.*."
static const struct json_want want[] = {
	{ "*", PROVIDER, JSON_NAMES },
	{ "*.models.*", MODEL, JSON_NAMES | JSON_EACH },
	{ AT "cost.*", COST, JSON_NAMES },
	{ AT "cost.tiers[]", STEP, JSON_EACH },
	{ AT "cost.tiers[].*", STEP_COST, JSON_NAMES },
	{ AT "cost.tiers[].tier.size", STEP_SIZE, 0 },
	{ AT "cost.tiers[].tier.type", STEP_TYPE, 0 },
	{ AT "cost.context_over_200k", LONG, JSON_EACH }, /* as older copies say it */
	{ AT "cost.context_over_200k.*", STEP_COST, JSON_NAMES },
	{ AT "experimental.modes.*", MODE, JSON_EACH },
	{ AT "experimental.modes.*.cost.*", MODE_COST, JSON_NAMES },
	{ AT "experimental.modes.*.provider.body.service_tier", MODE_TIER, 0 },
	{ AT "experimental.modes.*.provider.body.speed", MODE_SPEED, 0 },
};

static const struct {
	const char *name;
	enum leaf leaf;
	const char *unit;
} costs[] = {
	{ "input", LEAF_IN_TEXT, "Mtok" },
	{ "output", LEAF_OUT_TEXT, "Mtok" },
	{ "cache_read", LEAF_IN_CACHE_READ, "Mtok" },
	{ "cache_write", LEAF_IN_CACHE_WRITE, "Mtok" },
	{ "reasoning", LEAF_OUT_REASONING, "Mtok" },
	{ "input_audio", LEAF_IN_AUDIO, "Mtok" },
	{ "output_audio", LEAF_OUT_AUDIO, "Mtok" },
};

struct cost {
	struct str name, text;
	struct cost *next;
};

struct models {
	struct import *m;
	struct import_entry *e;
	struct str provider, name, size, tier;
	struct cost *held; /* of a step or a mode, until it is known which */
};

static int add(struct models *s, struct str name, struct str text, uint64_t above, struct str tier)
{
	for (size_t i = 0; i < COUNT_OF(costs); i++) {
		struct import_rate at = { .above = above, .tier = tier, .leaf = costs[i].leaf };
		struct import_unit unit = { costs[i].unit, 0 };

		if (str_eq(name, str_of(costs[i].name)))
			return import_add(s->m, s->e, at, unit, text, name);
	}
	import_note(s->e, IMPORT_UNKNOWN_KEY, name);
	return 0;
}

static int hold(struct models *s, struct str text)
{
	struct cost *c = arena_get(&s->m->arena, sizeof(*c)), **to = &s->held;
	int r = c ? arena_str(&s->m->arena, text, &c->text) : -ENOMEM;

	if (r < 0)
		return r;
	c->name = s->name;
	while (*to)
		to = &(*to)->next;
	*to = c;
	return 0;
}

static int end_step(struct models *s)
{
	uint64_t above = 0;
	int r = 0;

	if (!s->size.p || json_count(s->size, &above) < 0 || !above)
		import_note(s->e, IMPORT_TIERS, S("cost.tiers"));
	for (struct cost *c = s->held; c && r == 0; c = c->next)
		r = add(s, c->name, c->text, above, S("standard"));
	s->held = NULL;
	s->size = STR_NONE;
	return r;
}

/* A member that is an object has no value of its own: what it is must be known by its name. */
static void check_name(struct models *s, int id, struct str name)
{
	bool known = str_eq(name, id == STEP_COST ? S("tier") : S("tiers"));

	for (size_t i = 0; i < COUNT_OF(costs); i++)
		known = known || str_eq(name, str_of(costs[i].name));
	if (id == COST && str_eq(name, S("context_over_200k")))
		known = true;
	if (id == MODE_COST ? !known || str_eq(name, S("tiers")) : !known)
		import_note(s->e, IMPORT_UNKNOWN_KEY, name);
}

/* A mode is a tier of ours where the request's body says which. */
static int end_mode(struct models *s)
{
	static const char *const tiers[] = { "fast", "priority", "flex", "batch" };
	bool known = false;
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(tiers); i++)
		known = known || str_eq(s->tier, str_of(tiers[i]));
	if (!known && s->held)
		import_note(s->e, IMPORT_UNMAPPED, S("experimental.modes"));
	for (struct cost *c = s->held; c && known && r == 0; c = c->next)
		r = add(s, c->name, c->text, 0, s->tier);
	s->held = NULL;
	s->tier = STR_NONE;
	return r;
}

static int end_model(struct models *s)
{
	struct str prefix;
	int r = import_fill_bands(s->m, s->e, IMPORT_BAND_RATE);

	if (r < 0)
		return r;
	import_gates(s->e);
	import_provider(s->m, s->e, s->provider, &prefix);
	r = import_close(s->m, s->e);
	s->e = NULL;
	return r;
}

static int on_name(struct models *s, int id, struct str text)
{
	int r;

	if (id == PROVIDER)
		return arena_str(&s->m->arena, text, &s->provider);
	if (id != MODEL) {
		r = arena_str(&s->m->arena, text, &s->name);
		if (r == 0)
			check_name(s, id, s->name);
		return r;
	}
	r = import_open(s->m, text, &s->e);
	if (r == 0)
		s->e->id = s->e->key;
	return r;
}

static int on_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct models *s = ctx;

	if (type == JSON_NAME)
		return on_name(s, id, text.p ? text : S("(a long name)"));
	switch (id) {
	case PROVIDER: /* no object */
		return 0;
	case MODEL:
		return end_model(s);
	case LONG:
		s->size = S("200000");
		return end_step(s);
	case STEP:
		return end_step(s);
	case STEP_TYPE:
		if (!str_eq(text.p ? text : S(""), S("context")))
			import_note(s->e, IMPORT_TIERS, S("cost.tiers.tier.type"));
		return 0;
	case MODE:
		return end_mode(s);
	case COST:
		return add(s, s->name, text.p ? text : S(""), 0, S("standard"));
	case STEP_COST:
	case MODE_COST:
		return hold(s, text.p ? text : S(""));
	case STEP_SIZE:
		return arena_str(&s->m->arena, text.p ? text : S(""), &s->size);
	default:
		return arena_str(&s->m->arena, text.p ? text : S(""), &s->tier);
	}
}

int import_models_dev(struct import *m, struct str json)
{
	struct models s = { .m = m };

	return json_scan(json, want, COUNT_OF(want), on_value, &s);
}
