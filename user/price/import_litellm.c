/* import_litellm.c -- LiteLLM's model_prices_and_context_window.json: an object of models. */
#include <stdio.h>
#include "base/limit.h"
#include "price/import_litellm.h"

enum { MEMBERS = 1000 };

static const struct json_want want[] = {
	{ "*", LITELLM_ENTRY, JSON_NAMES | JSON_EACH },
	{ "*.*", LITELLM_FIELD, JSON_NAMES },
	{ "*.search_context_cost_per_query.*", LITELLM_SEARCH, JSON_NAMES },
	{ "*.provider_specific_entry.*", LITELLM_SPECIFIC, JSON_NAMES },
	{ "*.tiered_pricing[]", LITELLM_STEP, JSON_EACH },
	{ "*.tiered_pricing[].*", LITELLM_STEP_FIELD, JSON_NAMES },
	{ "*.tiered_pricing[].range[]", LITELLM_RANGE, 0 },
	{ "*.off_peak_pricing.*", LITELLM_OFF_PEAK, JSON_NAMES },
	{ "*.off_peak_pricing.hours_utc[]", LITELLM_OFF_HOURS, 0 },
};

static const struct {
	const char *name;
	enum litellm_mode is;
} modes[] = {
	{ "chat", LITELLM_TEXT },
	{ "completion", LITELLM_TEXT },
	{ "responses", LITELLM_TEXT },
	{ "realtime", LITELLM_TEXT },
	{ "embedding", LITELLM_TEXT },
	{ "moderation", LITELLM_TEXT },
	{ "image_generation", LITELLM_IMAGE },
	{ "image_edit", LITELLM_IMAGE },
	{ "audio_transcription", LITELLM_HEARD },
	{ "audio_speech", LITELLM_SPOKEN },
	{ "rerank", LITELLM_RANK },
	{ "ocr", LITELLM_PAGES },
	{ "video_generation", LITELLM_FILM },
};

struct str litellm_text(const struct litellm *l, enum litellm_where where, const char *name)
{
	for (const struct litellm_field *f = l->fields; f; f = f->next)
		if (f->where == where && str_eq(f->name, str_of(name)))
			return f->text;
	return STR_NONE;
}

struct str litellm_number(const struct litellm *l, enum litellm_where where, const char *name)
{
	for (const struct litellm_field *f = l->fields; f; f = f->next)
		if (f->where == where && f->type == JSON_NUMBER && str_eq(f->name, str_of(name)))
			return f->text;
	return STR_NONE;
}

/* ---- hours -------------------------------------------------------------------------------------- */

static bool is_hour(struct str s)
{
	uint64_t hour, min;

	return s.n == 5 && s.p[2] == ':' && str_u64(str_head(s, 2), &hour) == 0 &&
	       str_u64(str_skip(s, 3), &min) == 0 && hour < 24 && min < 60;
}

/* "16:30-00:30" as one or two pieces of a day: "\"16:30-24:00\", \"00:00-00:30\"". */
static int read_hours(struct litellm *l, struct str s, struct str *ret)
{
	struct str until = s, from;
	char text[64];

	*ret = STR_NONE;
	if (!str_cut(&until, &from, '-') || !is_hour(from) || !is_hour(until))
		return 0;
	if (str_eq(from, until)) /* all day, or never? */
		return 0;
	if (memcmp(from.p, until.p, until.n) < 0)
		snprintf(text, sizeof(text), "\"" STR_FMT "\"", STR_ARG(s));
	else if (str_eq(until, S("00:00")))
		snprintf(text, sizeof(text), "\"" STR_FMT "-24:00\"", STR_ARG(from));
	else
		snprintf(text, sizeof(text), "\"" STR_FMT "-24:00\", \"00:00-" STR_FMT "\"",
			 STR_ARG(from), STR_ARG(until));
	return arena_str(&l->m->arena, str_of(text), ret);
}

static const struct {
	const char *name;
	enum leaf leaf;
} off_peak[] = { { "input_cost_per_token", LEAF_IN_TEXT },
		 { "output_cost_per_token", LEAF_OUT_TEXT },
		 { "cache_read_input_token_cost", LEAF_IN_CACHE_READ },
		 { "cache_creation_input_token_cost", LEAF_IN_CACHE_WRITE },
		 { "output_cost_per_reasoning_token", LEAF_OUT_REASONING } };

static bool is_off_peak(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(off_peak); i++)
		if (str_eq(name, str_of(off_peak[i].name)))
			return true;
	return str_eq(name, S("hours_utc"));
}

/* The block names every rate anew; our windows multiply all of them, so they must all change alike. */
static int one_ratio(struct litellm *l, struct str *ret)
{
	struct str ratio, other;
	int e;

	*ret = STR_NONE;
	for (const struct import_rate *r = l->e->rates; r; r = r->next) {
		size_t i = 0;

		while (i < COUNT_OF(off_peak) && off_peak[i].leaf != r->leaf)
			i++;
		if (r->leaf >= LEAF_N_WEB_SEARCH)
			continue;
		if (i == COUNT_OF(off_peak) || r->above || !str_eq(r->tier, S("standard")))
			return -EDOM;
		e = import_shift(&l->m->arena,
				 litellm_number(l, LITELLM_OFF_PEAK, off_peak[i].name), 6, &other);
		if (e == 0)
			e = import_quotient(&l->m->arena, other, r->dollars, &ratio);
		if (e < 0)
			return e;
		if (!ratio.n || (ret->n && !str_eq(*ret, ratio)))
			return -EDOM;
		*ret = ratio;
	}
	return ret->n ? 0 : -EDOM;
}

static int add_window(struct litellm *l, struct str hours, struct str mul)
{
	struct import_window *w = arena_get(&l->m->arena, sizeof(*w)), **to = &l->e->windows;
	int r = w ? read_hours(l, hours, &w->time) : -ENOMEM;

	if (r < 0)
		return r;
	if (!w->time.n) {
		import_note(l->e, IMPORT_HOURS, S("off_peak_pricing.hours_utc"));
		return 0;
	}
	w->mul = mul;
	while (*to)
		to = &(*to)->next;
	*to = w;
	return 0;
}

static int add_hours(struct litellm *l)
{
	bool there = false;
	struct str mul;
	int r = 0;

	for (const struct litellm_field *f = l->fields; f; f = f->next) {
		if (f->where != LITELLM_OFF_NAMED)
			continue;
		there = true;
		if (!is_off_peak(f->name))
			import_note(l->e, IMPORT_HOURS, f->name);
	}
	if (!there || l->e->refused)
		return 0;
	r = one_ratio(l, &mul);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		import_note(l->e, IMPORT_HOURS, S("off_peak_pricing"));
		return 0;
	}
	if (!import_is_sane(mul)) {
		import_note(l->e, IMPORT_RATIO, S("off_peak_pricing"));
		return 0;
	}
	for (const struct litellm_field *f = l->fields; f && r == 0; f = f->next)
		if ((f->where == LITELLM_OFF_PEAK && str_eq(f->name, S("hours_utc")) &&
		     f->type == JSON_STRING) ||
		    f->where == LITELLM_OFF_HOURS)
			r = add_window(l, f->text, mul);
	if (r == 0 && !l->e->windows)
		import_note(l->e, IMPORT_HOURS, S("off_peak_pricing.hours_utc"));
	return r;
}

/* ---- the model ---------------------------------------------------------------------------------- */

/* What stands before the last '/': a region, a size, a quality? */
static bool is_facet(struct str s)
{
	static const char *const words[] = { "eu",   "us",       "global", "global-standard",
					     "hd",   "standard", "low",    "medium",
					     "high", "auto",     "*" };
	size_t dashes = 0;

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(s, str_of(words[i])))
			return true;
	for (size_t i = 0; i < s.n; i++)
		dashes += s.p[i] == '-';
	/* 1024-x-1024, us-east-1, us-gov-west-1, 1-month-commitment, 50-steps */
	return s.n > 3 && (str_ends(s, S("-steps")) || str_ends(s, S("-commitment")) ||
			   (dashes >= 2 && s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9' &&
			    (s.p[1] == '-' || s.p[2] == '-' || s.p[3] == '-' || s.p[4] == '-')));
}

/* us-gov-west-1 */
static bool is_region(struct str s)
{
	size_t dashes = 0;

	for (size_t i = 0; i < s.n; i++)
		dashes += s.p[i] == '-';
	return dashes >= 2 && s.p[0] >= 'a' && s.p[0] <= 'z' && s.p[s.n - 1] >= '0' &&
	       s.p[s.n - 1] <= '9';
}

/* "eu/gpt-4o" of Azure is the price of its data zone, "us-gov-west-1/..." of Bedrock that of a region. */
static int name_variant(struct litellm *l, struct str place, struct str of)
{
	bool azure = str_eq(l->e->provider, S("azure")),
	     bedrock = str_eq(l->e->provider, S("bedrock")) && is_region(place);
	bool zone = str_eq(place, S("eu")) || str_eq(place, S("us"));
	struct import_uplift *u;

	if (memchr(of.p, '/', of.n) ||
	    !(bedrock || (azure && (zone || str_starts(place, S("global"))))))
		return 0;
	u = arena_get(&l->m->arena, sizeof(*u));
	if (!u)
		return -ENOMEM;
	*u = (struct import_uplift){ .facet = bedrock ? "region" : "sku",
				     .place = bedrock ? place
					      : zone  ? S("datazone")
						      : S("global") };
	l->e->variant = u;
	l->e->variant_of = of;
	return 0;
}

static int name_model(struct litellm *l, struct str prefix)
{
	struct import_entry *e = l->e;
	struct str rest = str_starts(e->key, prefix) ? str_skip(e->key, prefix.n) : e->key, head;

	e->id = rest;
	while (str_cut(&rest, &head, '/')) {
		if (str_ends(head, S("-commitment")))
			import_note(e, IMPORT_COMMITMENT, head);
	}
	rest = e->id;
	if (e->refused || !str_cut(&rest, &head, '/'))
		return 0;
	if (is_facet(head)) {
		import_note(e, IMPORT_VARIANT, head);
		return name_variant(l, head, rest);
	}
	while (str_cut(&rest, &head, '/'))
		if (is_facet(head))
			import_note(e, IMPORT_VARIANT, head);
	return 0;
}

static bool has_price(const struct litellm *l, const char *name)
{
	struct str text = litellm_number(l, LITELLM_FIELD, name);
	__int128 n;

	return text.n && dec_scaled(text, 0, &n) != -EBADMSG &&
	       !(dec_scaled(text, 0, &n) == 0 && !n);
}

/* What an entry without a rate that counts was priced by. */
static void why_no_rate(struct litellm *l)
{
	if (l->e->rates)
		return;
	if (strstr(l->e->key.p, "-commitment/"))
		import_note(l->e, IMPORT_COMMITMENT, S("input_cost_per_second"));
	else if (has_price(l, "input_cost_per_pixel") || has_price(l, "output_cost_per_pixel"))
		import_note(l->e, IMPORT_PIXELS, S("input_cost_per_pixel"));
	else if (has_price(l, "input_cost_per_second") || has_price(l, "output_cost_per_second"))
		import_note(l->e, IMPORT_TIME_PRICED, S("input_cost_per_second"));
}

static void check_cache(struct litellm *l)
{
	if (str_eq(litellm_text(l, LITELLM_FIELD, "supports_prompt_caching"), S("true")) &&
	    import_find(l->e, 0, S("standard"), LEAF_IN_TEXT) &&
	    !import_find(l->e, 0, S("standard"), LEAF_IN_CACHE_READ))
		import_note(l->e, IMPORT_CACHE_RATE, S("cache_read_input_token_cost"));
}

static struct str cut_last(struct str *path)
{
	size_t n = path->n;
	struct str last;

	while (n && path->p[n - 1] != '/')
		n--;
	last = str_skip(*path, n);
	*path = str_head(*path, n ? n - 1 : 0);
	return last;
}

/* ".../[QUALITY/]WIDTH-x-HEIGHT/MODEL", perhaps by the pixel, a number that is cut short. */
static int add_picture(struct litellm *l)
{
	static const char *const qualities[] = { "hd", "low", "medium", "high" };
	struct import_rate at = { .tier = S("standard"), .leaf = LEAF_N_IMAGE };
	struct str rest = l->e->key, model = cut_last(&rest), size = cut_last(&rest);
	struct str told = cut_last(&rest), quality = S("standard"), dollars;
	struct str pixel = litellm_number(l, LITELLM_FIELD, "input_cost_per_pixel");
	unsigned pixels = import_pixels(size);
	int r;

	for (size_t i = 0; i < COUNT_OF(qualities); i++)
		if (str_eq(told, str_of(qualities[i])))
			quality = told;
	if (!pixels)
		return 0;
	l->e->variant_of = model;
	r = import_picture(l->m, l->e, quality, size);
	if (r < 0 || l->e->rates || !has_price(l, "input_cost_per_pixel"))
		return r;
	r = import_rounded(&l->m->arena, pixel, pixels, &dollars);
	if (r == 0) {
		import_note(l->e, IMPORT_BY_PIXEL, S("input_cost_per_pixel"));
		r = import_add(l->m, l->e, at, (struct import_unit){ "image", 0 }, dollars,
			       S("input_cost_per_pixel"));
	}
	return r == -ENOMEM ? r : 0;
}

static int finish(struct litellm *l)
{
	struct str provider = litellm_text(l, LITELLM_FIELD, "litellm_provider"), prefix;
	struct str mode = litellm_text(l, LITELLM_FIELD, "mode");
	size_t i = 0;
	int r;

	if (!provider.n || str_eq(l->e->key, S("sample_spec")))
		import_note(l->e, IMPORT_NOT_A_MODEL, l->e->key);
	while (i < COUNT_OF(modes) && !str_eq(mode, str_of(modes[i].name)))
		i++;
	l->mode = i < COUNT_OF(modes) ? modes[i].is : LITELLM_ALL;
	r = litellm_prices(l);
	if (r == 0)
		r = add_hours(l);
	if (r == 0)
		r = add_picture(l);
	if (r < 0)
		return r;
	why_no_rate(l);
	import_gates(l->e);
	if (import_provider(l->m, l->e, provider, &prefix))
		r = name_model(l, prefix);
	if (r < 0)
		return r;
	if (i == COUNT_OF(modes))
		import_note(l->e, IMPORT_MODE, mode.n ? mode : S("no mode"));
	check_cache(l);
	return import_close(l->m, l->e);
}

static int keep(struct litellm *l, enum litellm_where where, enum json_type type, struct str name,
		struct str text)
{
	struct litellm_field *f = arena_get(&l->m->arena, sizeof(*f));
	int r = f ? arena_str(&l->m->arena, text, &f->text) : -ENOMEM;

	if (r < 0)
		return r;
	f->where = where;
	f->step = l->step + 1;
	f->name = name;
	f->type = type;
	if (l->count++ == MEMBERS) {
		import_note(l->e, IMPORT_LARGE, f->name);
		l->count--;
		return 0;
	}
	*l->end = f;
	l->end = &f->next;
	return 0;
}

static int open_model(struct litellm *l, struct str key)
{
	l->fields = NULL;
	l->end = &l->fields;
	l->step = 0;
	l->count = 0;
	return import_open(l->m, key, &l->e);
}

static int on_name(struct litellm *l, enum litellm_where where, struct str text)
{
	struct str *name = &l->name[where];
	int r;

	if (!text.p)
		text = S("(a long name)");
	if (where == LITELLM_ENTRY)
		return open_model(l, text);
	r = arena_str(&l->m->arena, text, name);
	if (r == 0 && where == LITELLM_OFF_PEAK)
		return keep(l, LITELLM_OFF_NAMED, JSON_NAME, *name, STR_NONE);
	if (r < 0 || (where != LITELLM_FIELD && where != LITELLM_STEP_FIELD) ||
	    (where == LITELLM_STEP_FIELD && str_eq(text, S("range"))))
		return r;
	return keep(l, LITELLM_NAMED, JSON_NAME, *name, STR_NONE);
}

static int on_value(void *ctx, int where, enum json_type type, struct str text)
{
	struct litellm *l = ctx;

	if (type == JSON_NAME)
		return on_name(l, (enum litellm_where)where, text);
	if (where == LITELLM_ENTRY)
		return finish(l);
	if (where == LITELLM_STEP) {
		l->step++;
		return 0;
	}
	return keep(l, (enum litellm_where)where, type, l->name[where], text.p ? text : STR_NONE);
}

int import_litellm(struct import *m, struct str json)
{
	struct litellm l = { .m = m };
	int r;

	m->newest_first = true;
	r = json_scan(json, want, COUNT_OF(want), on_value, &l);

	if (r == 0)
		r = import_variants(m);
	return r < 0 ? r : import_pictures(m);
}
