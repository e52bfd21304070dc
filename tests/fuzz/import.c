/* Public price lists: any bytes are a list whose book can be loaded, or none; what is taken is sane; limits. */
#include "base/limit.h"
#include "fuzz.h"
#include "price/import.h"
#include "price/price.h"

enum { MTOK_MOST = 1000 };

/* What is not refused can be said in our book, one reason for what is. */
static void check(const struct import_entry *e)
{
	MUST(e->refused < IMPORT_COUNT);
	if (e->refused) {
		MUST(import_words[e->refused].refused);
		return;
	}
	MUST(e->provider.n && e->id.n && e->rates);
	for (const struct import_rate *r = e->rates; r; r = r->next) {
		struct rate rate;

		MUST(dec_rate(r->dollars, 1, &rate) == 0 && rate.pico > 0);
		if (r->leaf < LEAF_N_WEB_SEARCH)
			MUST((__int128)rate.pico <= (__int128)MTOK_MOST * 1000000000000 * rate.per);
	}
}

static const struct import_stamp stamp = { S("2026-11-22"), S("f"), S("2026-11-22"), false };

static void as_a_book(const struct import *m, bool any)
{
	struct buf b = { .limit = LIMIT_YAML_BYTES };
	char error[YAML_ERROR];
	struct book *book = NULL;

	MUST(import_yaml(m, &stamp, &b) == 0 && book_new(&book) == 0);
	if (any && book_add(book, buf_str(&b), "f", error) < 0) {
		fprintf(stderr, "%s\n%.*s", error, (int)b.n, b.p);
		MUST(!"a book");
	}
	book_free(&book);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lists[] = { "litellm", "genai-prices", "models.dev", NULL };
	struct import_opts o = { .at_ns = 1795305600000000000 };
	struct import *m = NULL;
	bool any = false;
	int r;

	if (!size)
		return 0;
	o.list = lists[data[0] % 4];
	r = import_new(&o, (struct str){ (const char *)data + 1, size - 1 }, &m);
	if (r < 0) {
		MUST((r == -EBADMSG || r == -EMSGSIZE) && !m);
		return 0;
	}
	for (const struct import_entry *e = import_first(m); e; e = e->next) {
		check(e);
		any = any || !e->refused;
	}
	as_a_book(m, any);
	import_free(&m);
	return 0;
}
