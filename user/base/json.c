#include "base/buf.h"
#include "base/json.h"
#include "base/jsonpath.h"
#include "base/jsontext.h"
#include "base/obj.h"

enum json_state {
	AT_VALUE,     /* a value must come */
	AT_FIRST,     /* after '[': a value or ']' */
	AT_KEY_FIRST, /* after '{': a name or '}' */
	AT_KEY,       /* after ',' in an object */
	AT_COLON,
	AT_NEXT, /* after a value inside something */
	AT_DONE, /* after the document */
	IN_KEY,
	IN_STRING,
	IN_NUMBER,
	IN_WORD,
};

enum json_number {
	NUM_MINUS,
	NUM_ZERO,
	NUM_INT,
	NUM_DOT,
	NUM_FRAC,
	NUM_E,
	NUM_SIGN,
	NUM_EXP,
	NUM_STOP
};

struct json {
	unsigned magic;
#define JSON_MAGIC 0x15010001u
	json_fn *fn;
	void *ctx;
	struct jsonpath table;

	/* The document. */
	int error;
	enum json_state state;
	unsigned depth;  /* open brackets */
	uint64_t arrays; /* bit d: bracket d is a '[' */
	uint64_t live[LIMIT_JSON_DEPTH +
		      1]; /* rows that lead to, or through, the value at depth d */

	/* The scalar or name being read. */
	struct jsontext text;
	enum json_number number;
	enum json_type word_type;
	const char *word; /* what must still come of "true", "false", "null" */

	/* Verbatim text of wanted objects and arrays. They nest, so one buffer serves all: it starts
	 * at the outermost that can still be kept. */
	struct buf raw;
	uint64_t raw_from;                /* offset in the document of raw.p[0] */
	uint64_t held;                    /* bit d: bracket d is kept */
	uint64_t start[LIMIT_JSON_DEPTH]; /* offset of bracket d */

	/* The feed under way. */
	const char *chunk, *p, *end;
	uint64_t at; /* offset in the document of chunk[0] */
};

int json_new(const struct json_want *want, size_t count, json_fn *fn, void *ctx, struct json **ret)
{
	_cleanup_(json_free) struct json *j = obj_new(j, JSON_MAGIC);
	int r;

	if (!j)
		return -ENOMEM;
	j->fn = fn;
	j->ctx = ctx;
	j->raw.limit = LIMIT_JSON_VALUE;
	jsontext_init(&j->text);
	r = jsonpath_init(&j->table, want, count);
	if (r < 0)
		return r;
	json_reset(j);
	*ret = take(j);
	return 0;
}

void json_hold(struct json *j, size_t value, size_t text)
{
	obj_check(j, JSON_MAGIC);
	j->raw.limit = value;
	j->text.kept.limit = text;
}

/* ---- telling -------------------------------------------------------------------------------- */

static int json_tell(struct json *j, uint64_t rows, enum json_type type, struct str text)
{
	for (; rows; rows &= rows - 1) {
		int r = j->fn(j->ctx, j->table.want[__builtin_ctzll(rows)].id, type, text);

		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t json_wanted(const struct json *j)
{
	return j->live[j->depth] & j->table.ends[j->depth];
}

/* Rows that go on inside the value at this depth. */
static uint64_t json_beyond(const struct json *j, unsigned depth)
{
	return j->live[depth] & (~j->table.ends[depth] | j->table.within[depth]);
}

/* Of an object or array itself. */
static uint64_t json_whole(const struct json *j)
{
	return json_wanted(j) & ~j->table.deep;
}

static int json_scalar(struct json *j, enum json_type type)
{
	j->state = j->depth ? AT_NEXT : AT_DONE;
	return json_tell(j, json_wanted(j), type, jsontext_get(&j->text));
}

/* ---- verbatim text -------------------------------------------------------------------------- */

static uint64_t json_offset(const struct json *j)
{
	return j->at + (uint64_t)(j->p - j->chunk);
}

/* The outermost kept bracket has become too long: what lies inside may still be short. */
static void raw_drop(struct json *j)
{
	uint64_t cut;

	j->held &= j->held - 1;
	if (!j->held) {
		j->raw.n = 0;
		return;
	}
	cut = j->start[__builtin_ctzll(j->held)] - j->raw_from;
	j->raw_from += cut;
	cut = MIN(cut, j->raw.n);
	j->raw.n -= cut;
	if (j->raw.n)
		memmove(j->raw.p, j->raw.p + cut, j->raw.n);
}

/* Keeps what has been read of this chunk and is not kept yet. */
static int raw_save(struct json *j)
{
	while (j->held) {
		uint64_t from = j->raw_from + j->raw.n;
		struct str more = { j->chunk + (from - j->at), json_offset(j) - from };
		int r = buf_add(&j->raw, more);

		if (r != -EMSGSIZE)
			return r;
		raw_drop(j);
	}
	return 0;
}

static int json_open(struct json *j, bool array)
{
	unsigned d = j->depth;

	if (d == LIMIT_JSON_DEPTH)
		return -EMSGSIZE;
	if (json_whole(j) & (j->table.raw | j->table.size))
		j->start[d] = json_offset(j);
	if (json_whole(j) & j->table.raw) {
		if (!j->held)
			j->raw_from = j->start[d];
		j->held |= 1ull << d;
	}
	j->arrays = (j->arrays & ~(1ull << d)) | (uint64_t)array << d;
	j->depth++;
	j->live[d + 1] = array ? j->live[d] & (j->table.elements[d] | j->table.within[d]) : 0;
	j->state = array ? AT_FIRST : AT_KEY_FIRST;
	j->p++;
	return 0;
}

static int json_close(struct json *j)
{
	unsigned d = --j->depth;
	uint64_t wanted = json_whole(j), bit = 1ull << d;
	enum json_type type = j->arrays & bit ? JSON_ARRAY : JSON_OBJECT;
	struct str text = S(""), size = { NULL, 0 };
	int r;

	j->p++;
	j->state = j->depth ? AT_NEXT : AT_DONE;
	if (wanted & (j->table.raw | j->table.size))
		text = size = (struct str){ NULL, json_offset(j) - j->start[d] };
	if (wanted & j->table.raw) {
		r = raw_save(j);
		if (r < 0)
			return r;
		if (j->held & bit)
			text.p = j->raw.p + (j->start[d] - j->raw_from);
	}
	for (wanted &= j->table.raw | j->table.each | j->table.size; wanted; wanted &= wanted - 1) {
		uint64_t row = wanted & -wanted;

		r = json_tell(j, row, type,
			      row & j->table.raw    ? text
			      : row & j->table.size ? size
						    : S(""));
		if (r < 0)
			return r;
	}
	j->held &= ~bit;
	if (!j->held)
		j->raw.n = 0;
	return 0;
}

/* ---- scalars and names ---------------------------------------------------------------------- */

static int json_string(struct json *j, bool is_key)
{
	/* A name matters only where some path goes on, a value only where one ends. */
	uint64_t rows = is_key ? json_beyond(j, j->depth - 1) : json_wanted(j);

	jsontext_start(&j->text, rows != 0);
	j->text.count = !is_key && !(rows & ~j->table.size);
	j->state = is_key ? IN_KEY : IN_STRING;
	j->p++;
	return 0;
}

/* Escapes never make a text longer, so a run that is read fits. */
static int in_runs(struct json *j)
{
	struct str rest = { j->p, MIN((size_t)(j->end - j->p), (size_t)JSON_RUN - 4) };
	int r = jsontext_feed(&j->text, &rest), e = 0;

	j->p = rest.p;
	if (r >= 0 && j->text.kept.n)
		e = json_tell(j, json_wanted(j), JSON_STRING, buf_str(&j->text.kept));
	buf_reset(&j->text.kept);
	j->text.size = 0;
	if (e < 0 || r <= 0)
		return e < 0 ? e : r;
	return json_scalar(j, JSON_STRING);
}

static int in_string(struct json *j)
{
	struct str rest = { j->p, (size_t)(j->end - j->p) };
	unsigned above = j->depth - 1;
	int r;

	if (j->state == IN_STRING && json_wanted(j) & j->table.runs)
		return in_runs(j);
	r = jsontext_feed(&j->text, &rest);
	j->p = rest.p;
	if (r <= 0)
		return r;
	if (j->state == IN_STRING)
		return json_scalar(j, JSON_STRING);
	j->live[j->depth] =
		jsonpath_member(&j->table, j->live[above], above, jsontext_get(&j->text));
	j->state = AT_COLON;
	return json_tell(j, json_wanted(j) & j->table.names, JSON_NAME, jsontext_get(&j->text));
}

static enum json_number number_next(enum json_number at, char c)
{
	bool digit = c >= '0' && c <= '9';

	switch (at) {
	case NUM_MINUS:
		return c == '0' ? NUM_ZERO : digit ? NUM_INT : NUM_STOP;
	case NUM_ZERO:
	case NUM_INT:
		if (digit && at == NUM_INT)
			return NUM_INT;
		return c == '.' ? NUM_DOT : (c | 32) == 'e' ? NUM_E : NUM_STOP;
	case NUM_DOT:
		return digit ? NUM_FRAC : NUM_STOP;
	case NUM_FRAC:
		return digit ? NUM_FRAC : (c | 32) == 'e' ? NUM_E : NUM_STOP;
	case NUM_E:
		return c == '+' || c == '-' ? NUM_SIGN : digit ? NUM_EXP : NUM_STOP;
	case NUM_SIGN:
	case NUM_EXP:
		return digit ? NUM_EXP : NUM_STOP;
	case NUM_STOP:
		break;
	}
	return NUM_STOP;
}

static int number_end(struct json *j)
{
	if (j->number != NUM_ZERO && j->number != NUM_INT && j->number != NUM_FRAC &&
	    j->number != NUM_EXP)
		return -EBADMSG;
	return json_scalar(j, JSON_NUMBER);
}

static int in_number(struct json *j)
{
	const char *from = j->p;
	enum json_number next = j->number;
	int r;

	while (j->p < j->end) {
		next = number_next(j->number, *j->p);
		if (next == NUM_STOP)
			break;
		j->number = next;
		j->p++;
	}
	r = jsontext_add(&j->text, (struct str){ from, (size_t)(j->p - from) });
	if (r < 0 || next != NUM_STOP)
		return r;
	return number_end(j);
}

static int in_word(struct json *j)
{
	if (*j->p != *j->word)
		return -EBADMSG;
	j->p++;
	if (*++j->word)
		return 0;
	return json_scalar(j, j->word_type);
}

static int json_word(struct json *j, enum json_type type, const char *word)
{
	jsontext_start(&j->text, json_wanted(j) != 0);
	j->word_type = type;
	j->word = word;
	j->state = IN_WORD;
	return jsontext_add(&j->text, str_of(word));
}

/* ---- structure ------------------------------------------------------------------------------ */

static int at_value(struct json *j)
{
	switch (*j->p) {
	case '{':
		return json_open(j, false);
	case '[':
		return json_open(j, true);
	case ']':
		return j->state == AT_FIRST ? json_close(j) : -EBADMSG;
	case '"':
		return json_string(j, false);
	case 't':
		return json_word(j, JSON_TRUE, "true");
	case 'f':
		return json_word(j, JSON_FALSE, "false");
	case 'n':
		return json_word(j, JSON_NULL, "null");
	default:
		jsontext_start(&j->text, json_wanted(j) != 0);
		j->number = *j->p == '-' ? NUM_MINUS : number_next(NUM_MINUS, *j->p);
		if (j->number == NUM_STOP)
			return -EBADMSG;
		j->state = IN_NUMBER;
		return jsontext_add(&j->text, (struct str){ j->p++, 1 });
	}
}

static int at_key(struct json *j)
{
	if (*j->p == '}' && j->state == AT_KEY_FIRST)
		return json_close(j);
	if (*j->p != '"')
		return -EBADMSG;
	return json_string(j, true);
}

static int at_colon(struct json *j)
{
	if (*j->p++ != ':')
		return -EBADMSG;
	j->state = AT_VALUE;
	return 0;
}

static int at_next(struct json *j)
{
	bool array = j->arrays >> (j->depth - 1) & 1;

	if (*j->p == (array ? ']' : '}'))
		return json_close(j);
	if (*j->p++ != ',')
		return -EBADMSG;
	j->state = array ? AT_VALUE : AT_KEY;
	return 0;
}

static int at_done(struct json *j)
{
	(void)j;
	return -EBADMSG; /* a second document */
}

static int (*const json_steps[])(struct json *j) = {
	[AT_VALUE] = at_value,   [AT_FIRST] = at_value, [AT_KEY_FIRST] = at_key,
	[AT_KEY] = at_key,       [AT_COLON] = at_colon, [AT_NEXT] = at_next,
	[AT_DONE] = at_done,     [IN_KEY] = in_string,  [IN_STRING] = in_string,
	[IN_NUMBER] = in_number, [IN_WORD] = in_word,
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int json_feed(struct json *j, struct str bytes)
{
	int r;

	obj_check(j, JSON_MAGIC);
	if (j->error || !bytes.n)
		return j->error;
	j->chunk = j->p = bytes.p;
	j->end = bytes.p + bytes.n;
	while (j->p < j->end) {
		if (j->state < IN_KEY && is_space(*j->p)) {
			j->p++;
			continue;
		}
		r = json_steps[j->state](j);
		if (r < 0)
			return j->error = r;
	}
	r = raw_save(j);
	if (r < 0)
		return j->error = r;
	j->at += bytes.n;
	return 0;
}

int json_end(struct json *j)
{
	int r;

	obj_check(j, JSON_MAGIC);
	if (!j->error && j->state == IN_NUMBER && j->depth == 0) {
		r = number_end(j);
		if (r < 0)
			j->error = r;
	}
	if (j->error)
		return j->error;
	return j->state == AT_DONE ? 0 : -EBADMSG;
}

bool json_started(const struct json *j)
{
	obj_check(j, JSON_MAGIC);
	return j->state != AT_VALUE || j->depth || j->error;
}

bool json_closed(const struct json *j)
{
	obj_check(j, JSON_MAGIC);
	return !j->error && j->state == AT_DONE;
}

void json_reset(struct json *j)
{
	obj_check(j, JSON_MAGIC);
	buf_reset(&j->raw);
	j->error = 0;
	j->state = AT_VALUE;
	j->depth = 0;
	j->live[0] = j->table.rows;
	j->held = 0;
	j->at = 0;
}

void json_free(struct json **ptr)
{
	struct json *j = obj_take(ptr, JSON_MAGIC);

	if (!j)
		return;
	jsontext_done(&j->text);
	buf_done(&j->raw);
	jsonpath_done(&j->table);
	mem_free(j);
}
