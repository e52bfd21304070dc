#include "base/dec.h"
#include "llm/provider.h"

/* pico-dollars in a thousandth: dec_pico() is the exact reader of decimals, seconds included */
#define PICO_PER_MILLI 1000000000

struct reader {
	const struct llm_format *format;
	struct llm_count *out;
	uint64_t total;
	bool total_given;
	char speed[sizeof(((struct llm_count *)0)->tier)];
	uint64_t n[64]; /* one per row */
	bool given[64];
	uint64_t told[LEAF_COUNT]; /* as the provider counts: parts are still within */
};

bool llm_leaves_add(struct leaves *a, const struct leaves *b)
{
	struct leaves sum = *a;

	for (int i = 0; i < LEAF_COUNT; i++)
		if (__builtin_add_overflow(sum.n[i], b->n[i], &sum.n[i]))
			return false;
	sum.has |= b->has;
	*a = sum;
	return true;
}

/* What is too long is cut, and still another name than any that is known. */
static void copy_text(char *to, struct str s)
{
	s = str_head(s, LIMIT_MODEL_TEXT - 1);
	if (s.n)
		memcpy(to, s.p, s.n);
	to[s.n] = 0;
}

static int read_seconds(struct str text, uint64_t *ret)
{
	int64_t pico;
	int r = dec_pico(text, &pico);

	if (r < 0)
		return r;
	if (pico < 0)
		return -EBADMSG;
	/* a started millisecond counts */
	*ret = ((uint64_t)pico + PICO_PER_MILLI - 1) / PICO_PER_MILLI;
	return 0;
}

static int read_field(void *ctx, int id, enum json_type type, struct str text)
{
	struct reader *r = ctx;
	const struct llm_field *f = &r->format->fields[id];
	uint64_t n = 0;
	int e;

	if (type == JSON_NULL)
		return 0;
	if (f->flags & (FIELD_TIER | FIELD_SPEED | FIELD_REGION)) {
		if (type == JSON_STRING && text.n && !text.p)
			r->out->why = WHY_BAD_USAGE;
		else if (type == JSON_STRING)
			copy_text(f->flags & FIELD_TIER    ? r->out->tier
				  : f->flags & FIELD_SPEED ? r->speed
							   : r->out->region,
				  text);
		return 0;
	}
	if (type != JSON_NUMBER) {
		r->out->why = WHY_BAD_USAGE;
		return 0;
	}
	e = f->flags & FIELD_SECONDS ? read_seconds(text, &n) : json_count(text, &n);
	if (e < 0) {
		r->out->why = WHY_BAD_USAGE;
		return 0;
	}
	if (f->flags & FIELD_TOTAL) {
		r->total = n;
		r->total_given = true;
		return 0;
	}
	if (f->flags & FIELD_EXTRA) {
		r->out->extra = n ? WHY_UNKNOWN_FORMAT : r->out->extra;
		return 0;
	}
	r->n[id] = n;
	r->given[id] = true;
	return 0;
}

/* Takes a part out of what contains it. A part larger than the whole is a contradiction, unless it may also
 * lie in an earlier part, or is counted otherwise: then what is left of the whole bounds it. */
static bool take_part(struct reader *r, const struct llm_field *f, uint64_t n)
{
	struct leaves *l = &r->out->used;
	uint64_t left, whole;

	if (!leaf_has(l, f->inside)) {
		leaf_set(l, f->leaf, l->n[f->leaf] + n);
		return true;
	}
	left = l->n[f->inside];
	whole = MAX(r->told[f->inside], left);
	if (f->flags & FIELD_LOOSE && n > left)
		r->out->flags |= 1u << FLAG_LOOSE_PART;
	else if (n > whole || (n > left && !(f->flags & FIELD_SHARED)))
		return false;
	n = MIN(n, left);
	l->n[f->inside] = left - n;
	leaf_set(l, f->leaf, l->n[f->leaf] + n);
	return true;
}

/* Is a leaf given already, and is that all right? */
static bool is_again(const struct reader *r, const struct llm_field *f, uint64_t n, bool *ret_bad)
{
	bool again = f->flags & (FIELD_ELSE | FIELD_SAME) && leaf_has(&r->out->used, f->leaf);

	*ret_bad |= again && f->flags & FIELD_SAME && n != r->told[f->leaf];
	return again;
}

static bool make_leaves(struct reader *r)
{
	const struct llm_format *f = r->format;
	struct leaves *l = &r->out->used;
	uint64_t sum = 0;
	bool bad = false;

	for (size_t i = 0; i < f->field_count; i++) {
		const struct llm_field *row = &f->fields[i];

		if (!r->given[i] || row->flags & FIELD_PART || is_again(r, row, r->n[i], &bad))
			continue;
		leaf_set(l, row->leaf, r->n[i]);
		r->told[row->leaf] = r->n[i];
		if (row->leaf < LEAF_N_WEB_SEARCH && !(row->flags & FIELD_BEYOND) &&
		    __builtin_add_overflow(sum, r->n[i], &sum))
			return false;
	}
	for (size_t i = 0; i < f->field_count; i++) {
		const struct llm_field *row = &f->fields[i];
		uint64_t n = r->n[i];

		if (!r->given[i] || !(row->flags & FIELD_PART) || is_again(r, row, n, &bad))
			continue;
		r->told[row->leaf] = n;
		if (row->flags & FIELD_APART && r->total_given && n && sum + n == r->total) {
			leaf_set(l, row->leaf, n);
			sum += n;
		} else if (!take_part(r, row, n)) {
			return false;
		}
	}
	return !bad && (!r->total_given || sum == r->total);
}

static bool any_given(const struct reader *r)
{
	for (size_t i = 0; i < r->format->field_count; i++)
		if (r->given[i])
			return true;
	return false;
}

int llm_count_fields(const struct llm_format *f, struct str raw, struct llm_count *ret)
{
	struct json_want want[64];
	struct reader r = { .format = f, .out = ret };
	int e;

	assert(f->field_count <= COUNT_OF(want));
	*ret = (struct llm_count){ .why = WHY_NONE };
	for (size_t i = 0; i < f->field_count; i++)
		want[i] = (struct json_want){ .path = f->fields[i].path, .id = (int)i };
	e = json_scan(raw, want, f->field_count, read_field, &r);
	if (e == -ENOMEM)
		return e;
	ret->none = e == 0 && !ret->why && !any_given(&r);
	/* nothing of what we know is not nothing used */
	if (e < 0 || ret->why || !make_leaves(&r) || !ret->used.has)
		ret->why = WHY_BAD_USAGE;
	if (r.speed[0] && strcmp(r.speed, "standard") != 0)
		memcpy(ret->tier, r.speed, sizeof(ret->tier));
	if (ret->why)
		ret->used = (struct leaves){ 0 };
	return 0;
}
