/* import_litellm_price.c -- what a member of LiteLLM's list costs, and for what: `<base>[_above_1hr][_above_<N>k_tokens][_<tier>]`,
 * in dollars for one unit. */
#include "price/import_litellm.h"

#define MTOK              \
	{                 \
		"Mtok", 6 \
	}
#define MCHAR              \
	{                  \
		"Mchar", 6 \
	}
#define EACH(unit)      \
	{               \
		unit, 0 \
	}

/* Prices, in the kinds of service where they are what is billed; elsewhere they are another way to say the same, or not
 * counted here (UNMAPPED). Of two rows for one unit the upper one counts. */
static const struct {
	const char *name;
	enum leaf leaf;
	struct import_unit unit;
	unsigned in;
} prices[] = {
	{ "input_cost_per_token", LEAF_IN_TEXT, MTOK, LITELLM_ALL },
	{ "output_cost_per_token", LEAF_OUT_TEXT, MTOK, LITELLM_ALL },
	{ "cache_read_input_token_cost", LEAF_IN_CACHE_READ, MTOK, LITELLM_ALL },
	{ "input_cost_per_token_cache_hit", LEAF_IN_CACHE_READ, MTOK, LITELLM_ALL },
	{ "cache_creation_input_token_cost", LEAF_IN_CACHE_WRITE, MTOK, LITELLM_ALL },
	{ "input_cost_per_audio_token", LEAF_IN_AUDIO, MTOK, LITELLM_ALL },
	{ "output_cost_per_audio_token", LEAF_OUT_AUDIO, MTOK, LITELLM_ALL },
	{ "cache_read_input_audio_token_cost", LEAF_IN_AUDIO_CACHED, MTOK, LITELLM_ALL },
	{ "input_cost_per_image_token", LEAF_IN_IMAGE, MTOK, LITELLM_ALL },
	{ "output_cost_per_image_token", LEAF_OUT_IMAGE, MTOK, LITELLM_ALL },
	{ "input_cost_per_video_token", LEAF_IN_VIDEO, MTOK, LITELLM_ALL },
	{ "output_cost_per_video_token", LEAF_OUT_VIDEO, MTOK, LITELLM_ALL },
	{ "output_cost_per_reasoning_token", LEAF_OUT_REASONING, MTOK, LITELLM_ALL },
	{ "citation_cost_per_token", LEAF_OUT_CITATION, MTOK, LITELLM_ALL },
	{ "input_cost_per_character", LEAF_N_CHAR, MCHAR, LITELLM_SPOKEN },
	{ "output_cost_per_image", LEAF_N_IMAGE, EACH("image"), LITELLM_IMAGE },
	{ "input_cost_per_image", LEAF_N_IMAGE, EACH("image"), LITELLM_IMAGE },
	{ "input_cost_per_second", LEAF_N_AUDIO_MS, EACH("second"), LITELLM_HEARD },
	{ "output_cost_per_second", LEAF_N_AUDIO_MS, EACH("second"), LITELLM_HEARD },
	{ "output_cost_per_second", LEAF_N_VIDEO_MS, EACH("second"), LITELLM_FILM },
	{ "output_cost_per_video_per_second", LEAF_N_VIDEO_MS, EACH("second"), LITELLM_FILM },
	{ "input_cost_per_query", LEAF_N_RERANK_UNIT, EACH("call"), LITELLM_RANK },
	{ "ocr_cost_per_page", LEAF_N_PAGE, EACH("page"), LITELLM_PAGES },
	{ "input_cost_per_request", LEAF_N_REQUEST, EACH("call"), LITELLM_ALL },
	{ "code_interpreter_cost_per_session", LEAF_N_CODE_SESSION, EACH("call"), LITELLM_ALL },
	{ "file_search_cost_per_1k_calls", LEAF_N_FILE_SEARCH, EACH("kcall"), LITELLM_ALL },
};

/* Prices of what is not counted: known, so that a new name is noticed. */
static const char *const unmapped[] = {
	"annotation_cost_per_page",
	"cache_creation_input_audio_token_cost",
	"computer_use_input_cost_per_1k_tokens",
	"computer_use_output_cost_per_1k_tokens",
	"file_search_cost_per_gb_per_day",
	"input_cost_per_audio_per_second",
	"input_cost_per_pixel",
	"input_cost_per_video_per_second",
	"ocr_cost_per_credit",
	"output_cost_per_character",
	"output_cost_per_pixel",
	"regional_endpoint_uplift_multiplier",
	"vector_store_cost_per_gb_per_day",
};

/* Members that are no prices. "*": all that begin so. The DBU is a price in another currency, beside the dollars. */
static const char *const others[] = {
	"audio_transcription_config",
	"bedrock_converse_*",
	"bedrock_output_*",
	"comment",
	"deprecation_date",
	"gemini_audio_only_live",
	"gemini_native_audio",
	"input_dbu_cost_per_token",
	"litellm_provider",
	"max_input_tokens",
	"max_output_tokens",
	"max_tokens",
	"metadata",
	"mode",
	"off_peak_pricing",
	"output_dbu_cost_per_token",
	"output_vector_size",
	"prompt_cache_min_tokens",
	"provider_specific_entry",
	"regional_processing_uplift_multiplier_eu",
	"regional_processing_uplift_multiplier_us",
	"rpm",
	"rules",
	"search_context_cost_per_query",
	"source",
	"supported_*",
	"supports_*",
	"tiered_pricing",
	"tpm",
	"use_openai_responses_path",
	"uses_embed_content",
	"web_search_billing_unit",
};

static bool is_one_of(const char *const *list, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		struct str p = str_of(list[i]);

		if (str_ends(p, S("*")) ? str_starts(name, str_head(p, p.n - 1)) : str_eq(p, name))
			return true;
	}
	return false;
}

/* ---- prices ------------------------------------------------------------------------------------- */

struct price_name { /* a member's name taken apart */
	struct str base, tier;
	uint64_t above;
	bool hour;
};

static bool cut_tail(struct str *name, struct str tail)
{
	if (!str_ends(*name, tail))
		return false;
	*name = str_head(*name, name->n - tail.n);
	return true;
}

/* "..._above_272k_tokens" */
static bool cut_above(struct str *name, uint64_t *ret)
{
	struct str rest = *name, digits;
	size_t n;

	if (!cut_tail(&rest, S("k_tokens")))
		return false;
	for (n = rest.n; n && rest.p[n - 1] >= '0' && rest.p[n - 1] <= '9'; n--)
		;
	digits = str_skip(rest, n);
	rest = str_head(rest, n);
	if (!cut_tail(&rest, S("_above_")) || digits.n > 6 || str_u64(digits, ret) < 0 || !*ret)
		return false;
	*ret *= 1000;
	*name = rest;
	return true;
}

/* The parts of a name stand in any order. */
static struct price_name take_apart(struct str name)
{
	static const struct {
		struct str tail, tier;
	} tiers[] = { { S("_flex"), S("flex") },
		      { S("_priority"), S("priority") },
		      { S("_ultrafast"), S("ultrafast") },
		      { S("_batches"), S("batch") } };
	struct price_name p = { .base = name, .tier = S("standard") };
	bool more = true, tier = false;

	while (more) {
		more = !p.hour && cut_tail(&p.base, S("_above_1hr"));
		p.hour = p.hour || more;
		for (size_t i = 0; !more && !tier && i < COUNT_OF(tiers); i++)
			if (cut_tail(&p.base, tiers[i].tail)) {
				p.tier = tiers[i].tier;
				tier = more = true;
			}
		if (!more && !p.above)
			more = cut_above(&p.base, &p.above);
	}
	return p;
}

static enum leaf leaf_of(size_t row, const struct price_name *p)
{
	return p->hour ? LEAF_IN_CACHE_WRITE_1H : prices[row].leaf;
}

/* A picture, or a second of sound, that is billed by its tokens. */
static bool is_other_way(const struct litellm *l, enum leaf leaf)
{
	if (leaf != LEAF_N_IMAGE && leaf != LEAF_N_AUDIO_MS && leaf != LEAF_N_VIDEO_MS)
		return false;
	for (const struct import_rate *r = l->e->rates; r; r = r->next)
		if (r->leaf < LEAF_N_WEB_SEARCH)
			return true;
	return false;
}

/* One member, with the lower end of its step where it is in tiered_pricing. */
static int add_price(struct litellm *l, const struct litellm_field *f, uint64_t above, size_t row)
{
	struct price_name p = take_apart(f->name);
	struct import_rate at = { .above = p.above ? p.above : above, .tier = p.tier };

	if (!str_eq(p.base, str_of(prices[row].name)) || !(prices[row].in & l->mode))
		return 0;
	if (p.hour && prices[row].leaf != LEAF_IN_CACHE_WRITE)
		return 0;
	if (is_other_way(l, prices[row].leaf)) {
		import_note(l->e, IMPORT_UNMAPPED, f->name);
		return 0;
	}
	if (f->type != JSON_NUMBER) {
		if (f->type != JSON_NULL)
			import_note(l->e, IMPORT_NUMBER, f->name);
		return 0;
	}
	at.leaf = leaf_of(row, &p);
	return import_add(l->m, l->e, at, prices[row].unit, f->text, f->name);
}

/* Is anything known about this name? */
static void check_name(struct litellm *l, const struct litellm_field *f)
{
	struct price_name p = take_apart(f->name);
	bool price = is_one_of(unmapped, COUNT_OF(unmapped), p.base), counted = false;

	for (size_t i = 0; i < COUNT_OF(prices); i++)
		if (str_eq(p.base, str_of(prices[i].name)) &&
		    (!p.hour || prices[i].leaf == LEAF_IN_CACHE_WRITE)) {
			price = true;
			counted = counted || prices[i].in & l->mode;
		}
	if (price && !counted)
		import_note(l->e, IMPORT_UNMAPPED, f->name);
	else if (!price && !is_one_of(others, COUNT_OF(others), f->name))
		import_note(l->e, IMPORT_UNKNOWN_KEY, f->name);
}

/* ---- what is not one number --------------------------------------------------------------------- */

/* Dollars for one search, by how much it looks at; an answer does not tell that, so only one price for all is a price. */
static int add_search(struct litellm *l)
{
	struct import_rate at = { .tier = S("standard"), .leaf = LEAF_N_WEB_SEARCH };
	const struct litellm_field *first = NULL;
	struct str unit = litellm_text(l, LITELLM_FIELD, "web_search_billing_unit");

	for (const struct litellm_field *f = l->fields; f; f = f->next) {
		if (f->where != LITELLM_SEARCH)
			continue;
		if (first && !str_eq(first->text, f->text)) {
			import_note(l->e, IMPORT_SEARCH_SIZE, S("search_context_cost_per_query"));
			return 0;
		}
		first = f;
	}
	if (!first)
		return 0;
	if (unit.n && !str_eq(unit, S("per_query"))) {
		import_note(l->e, IMPORT_UNMAPPED, S("web_search_billing_unit"));
		return 0;
	}
	if (first->type != JSON_NUMBER) {
		import_note(l->e, IMPORT_NUMBER, first->name);
		return 0;
	}
	return import_add(l->m, l->e, at, (struct import_unit)EACH("call"), first->text,
			  S("search_context_cost_per_query"));
}

static int add_uplift(struct litellm *l, struct str region, const struct litellm_field *f)
{
	struct str mul;
	int r = f->type == JSON_NUMBER ? import_ratio(&l->m->arena, f->text, &mul) : -EBADMSG;

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		import_note(l->e, IMPORT_NUMBER, f->name);
		return 0;
	}
	return import_uplift(l->m, l->e, "region", region, mul);
}

/* Fast mode as LiteLLM reads it: fresh input and output times the number, cached tokens as they are. */
static int add_fast(struct litellm *l, const struct litellm_field *f)
{
	if (f->type != JSON_NUMBER)
		import_note(l->e, IMPORT_NUMBER, f->name);
	for (const struct import_rate *r = l->e->rates; r; r = r->next) {
		bool scaled = r->leaf == LEAF_IN_TEXT || r->leaf == LEAF_OUT_TEXT;
		struct import_rate at = { .above = r->above, .tier = S("fast"), .leaf = r->leaf };
		struct str dollars = r->dollars;
		int e = 0;

		if (r->leaf >= LEAF_N_WEB_SEARCH || !str_eq(r->tier, S("standard")))
			continue;
		if (scaled)
			e = import_times(&l->m->arena, r->dollars, f->text, &dollars);
		if (e == 0)
			e = import_add(l->m, l->e, at, (struct import_unit)EACH("Mtok"), dollars,
				       f->name);
		if (e == -ENOMEM)
			return e;
		if (e < 0)
			import_note(l->e, IMPORT_NUMBER, f->name);
		else if (!scaled)
			import_note(l->e, IMPORT_FAST_CACHE, S("provider_specific_entry.fast"));
	}
	return 0;
}

static bool is_region(struct str s)
{
	return str_eq(s, S("us")) || str_eq(s, S("eu"));
}

static int add_specific(struct litellm *l)
{
	const struct str uplift = S("regional_processing_uplift_multiplier_");
	int r = 0;

	for (const struct litellm_field *f = l->fields; f && r == 0; f = f->next) {
		bool specific = f->where == LITELLM_SPECIFIC;
		struct str region = specific ? f->name : str_skip(f->name, uplift.n);

		if (!specific && (f->where != LITELLM_FIELD || !str_starts(f->name, uplift)))
			continue;
		if (is_region(region))
			r = add_uplift(l, region, f);
		else if (specific && str_eq(f->name, S("fast")))
			r = add_fast(l, f);
		else if (specific && !str_starts(f->name, S("bedrock_")))
			import_note(l->e, IMPORT_UNKNOWN_KEY, f->name);
	}
	return r;
}

/* ---- steps of prompt size ----------------------------------------------------------------------- */

/* The ranges, from 0 on and each from the end of the one before; *ret is the lower end of step `step`. */
static bool range_from(const struct litellm *l, unsigned step, uint64_t *ret)
{
	uint64_t n, last = 0, begin = 0;
	unsigned at = 0, ends = 0;

	for (const struct litellm_field *f = l->fields; f; f = f->next) {
		if (f->where != LITELLM_RANGE || f->step > step)
			continue;
		if (f->type != JSON_NUMBER || json_count(f->text, &n) < 0)
			return false;
		if (f->step != at) { /* a lower end */
			if (f->step != at + 1 || (at && ends != 2) || n != last)
				return false;
			at = f->step;
			begin = n;
			ends = 1;
		} else if (ends++ != 1 || n <= last) {
			return false;
		}
		last = n;
	}
	*ret = begin;
	return at == step && ends == 2;
}

static int add_steps(struct litellm *l, size_t row)
{
	int r = 0;

	for (const struct litellm_field *f = l->fields; f && r == 0; f = f->next) {
		uint64_t above;

		if (f->where != LITELLM_STEP_FIELD || str_eq(f->name, S("range")))
			continue;
		if (range_from(l, f->step, &above))
			r = add_price(l, f, above, row);
		else
			import_note(l->e, IMPORT_TIERS, S("tiered_pricing"));
	}
	return r;
}

int litellm_prices(struct litellm *l)
{
	int r = 0;

	for (size_t row = 0; row < COUNT_OF(prices) && r == 0; row++) {
		for (const struct litellm_field *f = l->fields; f && r == 0; f = f->next)
			if (f->where == LITELLM_FIELD)
				r = add_price(l, f, 0, row);
		if (r == 0)
			r = add_steps(l, row);
	}
	for (const struct litellm_field *f = l->fields; f; f = f->next)
		if (f->where == LITELLM_NAMED)
			check_name(l, f);
	if (r == 0)
		r = add_search(l);
	if (r == 0)
		r = import_fill_bands(l->m, l->e, IMPORT_BAND_RATE);
	return r < 0 ? r : add_specific(l);
}
