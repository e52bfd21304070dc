/* The JSON scanner tells the same however its input is cut, and its sizes obey the limits.
 * Input: a byte that seeds the cuts, then the document. */
#include "base/hash.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/limit.h"
#include "fuzz.h"

#define DIGEST 16
#define RAW    1
#define WHOLE  0

static const struct json_want want[] = {
	{ "", WHOLE, JSON_RAW },        { "a", RAW, JSON_RAW },  { "a.b", 2, JSON_RAW | JSON_EACH },
	{ "[]", 3, JSON_EACH },         { "[].a[]", 4, 0 },      { "a[].b", 5, 0 },
	{ "usage.input_tokens", 6, 0 }, { "[][]", 7, JSON_RAW }, { "a", 8, 0 },
};

/* A wanted object is itself a document, and a string can be written and read back. */
static int same(void *ctx, int id, enum json_type type, struct str text)
{
	(void)id;
	MUST(type == JSON_STRING && text.p && str_eq(text, *(struct str *)ctx));
	return 0;
}

static void check(enum json_type type, struct str text)
{
	static const struct json_want string[] = { { "", 0, 0 } };
	_cleanup_(buf_done) struct buf b = { .limit = 8 * LIMIT_JSON_TEXT };
	struct jsonw w;
	size_t ascii = 0;
	uint64_t n;

	if (!text.p) {
		MUST(text.n > (type < JSON_OBJECT ? LIMIT_JSON_TEXT : LIMIT_JSON_VALUE));
		return;
	}
	MUST(text.n <= (type < JSON_OBJECT ? LIMIT_JSON_TEXT : LIMIT_JSON_VALUE));
	if (type >= JSON_OBJECT && text.n)
		MUST(json_scan(text, NULL, 0, NULL, NULL) == 0);
	if (type == JSON_NUMBER && json_count(text, &n) == 0)
		MUST(n <= 1ull << 53);
	while (ascii < text.n && text.p[ascii] >= 0)
		ascii++;
	if (type != JSON_STRING || ascii < text.n)
		return;
	jsonw_init(&w, &b);
	jsonw_str(&w, text);
	MUST(jsonw_done(&w) == 0);
	MUST(json_scan(buf_str(&b), string, 1, same, &text) == 0);
}

static int note(void *ctx, int id, enum json_type type, struct str text)
{
	hash_u64(ctx, (uint64_t)id << 8 | type);
	hash_u64(ctx, text.n);
	hash_add(ctx, text.p ? text : STR_NONE);
	check(type, text);
	return 0;
}

/* Feeds in steps of 1 to `step` bytes; each from memory of its own. */
static int feed(struct json *j, struct str doc, size_t step)
{
	size_t i = 0;
	int r = 0;

	while (doc.n && r == 0) {
		size_t size = step ? 1 + i++ * 7 % step : doc.n, n = MIN(size, doc.n);
		char *part = malloc(n);

		MUST(part);
		memcpy(part, doc.p, n);
		r = json_feed(j, (struct str){ part, n });
		free(part);
		doc = str_skip(doc, n);
	}
	return r < 0 ? r : json_end(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str doc = { (const char *)data, size };
	unsigned char told[2][DIGEST];
	struct json *j = NULL;
	struct hash h;
	int r[2];

	if (!size)
		return 0;
	doc = str_skip(doc, 1);
	MUST(json_new(want, COUNT_OF(want), note, &h, &j) == 0);
	for (int i = 0; i < 2; i++) {
		hash_init(&h, NULL, DIGEST);
		json_reset(j);
		r[i] = feed(j, doc, i ? (size_t)data[0] % 32 + 1 : 0);
		hash_end(&h, told[i], DIGEST);
	}
	MUST(r[0] == r[1]);
	MUST(r[0] == 0 || r[0] == -EBADMSG || r[0] == -EMSGSIZE);
	MUST(memcmp(told[0], told[1], DIGEST) == 0);
	json_free(&j);
	return 0;
}
