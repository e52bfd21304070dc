/* Imported entries put into the text of a price book, and what differs between two books. */
#include "importkit.h"
#include "base/obj.h"
#include "price/diff.h"
#include "price/merge.h"
#include "price/price.h"

#define HEAD "schema: submeter.pricebook/1\nbook: {id: t, version: 2026-11-01.3, currency: USD}\n"
#define LIST                                                                                     \
	"{\"a\":{\"litellm_provider\":\"openai\",\"mode\":\"chat\",\"input_cost_per_token\":2e-" \
	"06}}"
#define PROV "provenance: {source: s, checked: 2026-01-01}"
#define NEW                                                                                  \
	"from: 2026-11-22\n        rates:\n          all:\n            standard: {in_text: " \
	"\"2/Mtok\"}\n        missing_tier: standard\n"                                      \
	"        provenance: {source: src, checked: 2026-11-23}\n"
#define ADDED "  - provider: openai\n    id: a\n    prices:\n      - " NEW

static const struct {
	unsigned line;
	const char *text, *is; /* or what is wrong */
} rows[] = {
	{ 0, "",
	  "schema: submeter.pricebook/1\nbook: {id: imported, version: 2026-11-23.1, currency: "
	  "USD}\nmodels:\n" ADDED },
	{ 0, HEAD,
	  "schema: submeter.pricebook/1\nbook: {id: t, version: 2026-11-23.1, currency: "
	  "USD}\nmodels:\n" ADDED },
	{ 0,
	  "# kept\n\nbook: {version: \"2026-11-23.4\", id: t}\nmodels:\n  - {provider: p, id: "
	  "x}\n# last\nproviders: []\n",
	  "# kept\n\nbook: {version: \"2026-11-23.5\", id: t}\nmodels:\n  - {provider: p, id: "
	  "x}\n# last\n" ADDED "providers: []\n" },
	{ 0, "models:\n- id: x",
	  "models:\n- id: x\n- provider: openai\n  id: a\n  prices:\n    - from: 2026-11-22\n"
	  "      rates:\n        all:\n          standard: {in_text: \"2/Mtok\"}\n"
	  "      missing_tier: standard\n      provenance: {source: src, checked: 2026-11-23}\n" },
	{ 5,
	  "models:\n  - provider: openai\n    id: a\n    prices:\n      - from: 2026-01-01   # "
	  "why\n        rates: {}\n\n  - id: b\n",
	  "models:\n  - provider: openai\n    id: a\n    prices:\n      - " NEW
	  "      - from: 2026-01-01   # why\n        until: 2026-11-22\n        rates: {}\n\n  - "
	  "id: b\n" },
	{ 3, "models:\n  - prices:\n      - {from: 2026-01-01, free: true}\n",
	  "models:\n  - prices:\n      - " NEW
	  "      - {from: 2026-01-01, until: 2026-11-22, free: true}\n" },
	{ 2, "models:\n  - {prices: [{from: 2026-01-01, free: true}]}\n", "f:2: cannot be edited" },
	{ 3, "models:\n  - prices:\n      - {free: true, from: 2026-01-01}\n",
	  "f:3: cannot be edited" },
	{ 3, "models:\n  - prices:\n      - {from: 2026-01-01\n         , free: true}\n",
	  "f:3: cannot be edited" },
	{ 0, "models: []\n", "f:1: 'models' has no model" },
	{ 0, "models: [{id: x}]\n", "f:1: the first model does not begin" },
	{ 0, "book:\n  version:\n    2026-11-01\nmodels:\n  - {id: x}\n", "f:3: cannot be edited" },
	{ 0, "models: [\n", "f:2: " },
};

static const struct import_stamp stamp = { S("2026-11-22"), S("src"), S("2026-11-23"), true };

static void merged(void **state)
{
	struct merge_opts o = { .name = "f", .today = S("2026-11-23") };
	struct import *m = take_list("litellm", LIST, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct merge item = { import_first(m), rows[i].line, stamp };
		struct buf b = { .limit = 65536 };
		char error[YAML_ERROR];
		int r = merge_text(str_of(rows[i].text), &item, 1, &o, &b, error);

		assert_int_equal(buf_put(&b, 0), 0);
		if (r == -EBADMSG && !strstr(error, rows[i].is))
			fail_msg("%s\nsays %s", rows[i].text, error);
		if (r == 0)
			assert_string_equal(b.p, rows[i].is);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true((r == 0) == !strstr(rows[i].is, "f:"));
		buf_done(&b);
	}
	import_free(&m);
}

static void merged_without_memory(void **state)
{
	struct merge_opts o = { .name = "f", .today = S("2026-11-23") };
	struct import *m = take_list("litellm", LIST, NULL);
	struct merge item = { import_first(m), 5, stamp };
	long n = 0;
	int r;

	(void)state;
	do {
		struct buf b = { .limit = 65536 };
		char error[YAML_ERROR];

		mem_fail_after = n++;
		r = merge_text(str_of(rows[4].text), &item, 1, &o, &b, error);
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
		buf_done(&b);
	} while (r == -ENOMEM);
	assert_true(n > 5);
	import_free(&m);
}

/* ---- differences ------------------------------------------------------------------------------------ */

#define BOOK(models) \
	"schema: submeter.pricebook/1\nbook: {id: t, version: 1, currency: USD}\nmodels:\n" models
#define MODEL(id, more, prices) "  - {provider: p, id: " id more ", prices: [" prices "]}\n"
#define UP(first)                                                                                \
	"{from: 2026-01-01, rates: {all: {standard: {in_text: 1/Mtok}}}, uplift: [{when: " first \
	"], " PROV "}"
#define PRICE(when, rates) "{from: " when ", rates: {all: {standard: {" rates "}}}, " PROV "}"

static struct book *book_of(const char *yaml)
{
	char error[YAML_ERROR];
	struct book *b = NULL;

	assert_int_equal(book_new(&b), 0);
	if (book_add(b, str_of(yaml), "b", error) < 0)
		fail_msg("%s", error);
	return b;
}

static int note(void *ctx, const struct diff_row *r)
{
	static const char *const kinds[] = { "+", "-", "name", "rate", "rule" };
	const struct book_model *m = r->now ? r->now : r->old;

	return buf_printf(ctx, "%s " STR_FMT " %s|%s|%s %s>%s %s%s\n", kinds[r->kind],
			  STR_ARG(m->id), r->kind >= DIFF_RATE ? r->band : "",
			  r->kind >= DIFF_RATE ? r->tier : "", r->what, r->was, r->is,
			  r->kind == DIFF_RATE ? r->percent : "", r->jump ? " jump" : "");
}

static const struct {
	const char *old, *now, *says;
	bool dated, stated;
} differences[] = {
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "", PRICE("2026-01-01", "in_text: \"0.000001/tok\"")), "", 0, 0 },
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "", PRICE("2026-01-01", "in_text: 1.125/Mtok")),
	  "rate a all|standard|in_text 1/Mtok>1.125/Mtok +12.5\n", 0, 0 },
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "", PRICE("2026-01-01", "in_text: 6/Mtok")),
	  "rate a all|standard|in_text 1/Mtok>6/Mtok +500.0 jump\n", 0, 0 },
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 5/Mtok")),
	  MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  "rate a all|standard|in_text 5/Mtok>1/Mtok -80.0\n", 0, 0 },
	/* a unit is compared by what it costs, own rate or not */
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "",
		PRICE("2026-01-01", "in_text: 1/Mtok, in_image: 1/Mtok, in_cache_read: 0.1/Mtok")),
	  "rate a all|standard|in_cache_read 1/Mtok>0.1/Mtok -90.0\n", 0, 0 },
	{ MODEL("a", "",
		PRICE("2026-01-01", "in_text: 1/Mtok, in_cache_read: 0.1/Mtok, in_image: 1/Mtok")),
	  MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  "rate a all|standard|in_cache_read 0.1/Mtok> \n", 0, 1 },
	/* bands by their sizes, not by their names */
	{ MODEL("a", "",
		"{from: 2026-01-01, context: {measure: prompt_total, bands: [{upto: 11, cmp: lt, "
		"name: x}, {name: y}]}, rates: {x: "
		"{standard: {in_text: 1/Mtok}}, y: {standard: {in_text: 2/Mtok}}}, " PROV "}"),
	  MODEL("a", "",
		"{from: 2026-01-01, context: {measure: prompt_total, bands: [{upto: 10, cmp: le, "
		"name: u}, {upto: 20, cmp: le, name: v}, "
		"{name: w}]}, rates: {u: {standard: {in_text: 1/Mtok}}, v: {standard: {in_text: "
		"2/Mtok}, flex: {in_text: 1/Mtok}}, w: "
		"{standard: {in_text: 3/Mtok}}}, " PROV "}"),
	  "rate a <=20|flex|in_text >1/Mtok \nrate a >20|standard|in_text 2/Mtok>3/Mtok +50.0\n", 0,
	  0 },
	/* counts, rules */
	{ MODEL("a", "",
		"{from: 2026-01-01, rates: {all: {standard: {in_text: 1/Mtok}}}, counts: "
		"{n_web_search: 10/kcall}, " PROV "}"),
	  MODEL("a", "",
		"{from: 2026-01-01, rates: {all: {standard: {in_text: 1/Mtok}}}, uplift: [{when: "
		"{region: us}, mul: 11/10, on: tokens}], "
		"missing_tier: standard, " PROV "}"),
	  "rate a ||n_web_search 10/kcall> \nrule a ||uplift >region us x 11/10 \nrule a "
	  "||missing_tier error>standard \n",
	  0, 0 },
	/* places, however they are written */
	{ MODEL("a", "", UP("{region: [us, eu]}, mul: 11/10}")),
	  MODEL("a", "", UP("{region: EU}, mul: 22/20}, {when: {region: us}, mul: 11/10}")), "", 0,
	  0 },
	{ MODEL("a", "", UP("{region: [us, eu]}, mul: 11/10}")),
	  MODEL("a", "", UP("{region: eu}, mul: 12/10}, {when: {region: [us, eu]}, mul: 11/10}")),
	  "rule a ||uplift region us, eu x 11/10>region eu x 12/10; region us, eu x 11/10 \n", 0,
	  0 },
	{ MODEL("a", "", UP("{region: us}, mul: 11/10}")),
	  MODEL("a", "", UP("{sku: us}, mul: 11/10}")),
	  "rule a ||uplift region us x 11/10>sku us x 11/10 \n", 0, 0 },
	{ MODEL("a", "", UP("{region: us}, mul: 2}")),
	  MODEL("a", "", UP("{region: [us, eu]}, mul: 2}")),
	  "rule a ||uplift region us x 2>region us, eu x 2 \n", 0, 0 },
	{ MODEL("a", "", UP("{region: us}, mul: 2}, {when: {region: \"*\"}, mul: 3}")),
	  MODEL("a", "", UP("{region: \"*\"}, mul: 3}, {when: {region: us}, mul: 2}")),
	  "rule a ||uplift region us x 2; region * x 3>region * x 3; region us x 2 \n", 0, 0 },
	/* names */
	{ MODEL("a", ", aliases: [b, c]", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("b", ", aliases: [a, d], allow_dated: true",
		PRICE("2026-01-01", "in_text: 1/Mtok")),
	  "name b ||id a>b \nname b ||alias c> \nname b ||alias >d \nname b ||allow_dated "
	  "false>true \n",
	  0, 0 },
	/* models */
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("b", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  "+ b || > \nrate b all|standard|in_text >1/Mtok \n- a || > \n", 0, 0 },
	/* dates */
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "",
		"{from: 2026-01-01, until: 2026-06-01, rates: {all: {standard: {in_text: "
		"1/Mtok}}}, " PROV "}, " PRICE("2026-06-01", "in_text: 2/Mtok")),
	  "rate a all|standard|in_text 1/Mtok>2/Mtok +100.0\n", 1, 0 },
	{ MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok")),
	  MODEL("a", "", "{from: 2026-02-01, until: 2026-06-01, free: true, " PROV "}"),
	  "rate a all|standard|in_text 1/Mtok> \nrate a all|standard|in_text 1/Mtok> \nrule a "
	  "||free >yes \n"
	  "rate a all|standard|in_text 1/Mtok> \n",
	  1, 0 },
};

static void differs(void **state)
{
	char old[4096], now[4096];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(differences); i++) {
		struct buf b = { .limit = 65536 };
		struct diff_opts o = { .at_ns = differences[i].dated ? 0 : AT,
				       .stated = differences[i].stated,
				       .removed = true,
				       .fn = note,
				       .ctx = &b };
		struct book *x, *y;

		snprintf(old, sizeof(old), BOOK("%s"), differences[i].old);
		snprintf(now, sizeof(now), BOOK("%s"), differences[i].now);
		x = book_of(old);
		y = book_of(now);
		assert_int_equal(diff_books(x, y, &o), 0);
		assert_int_equal(buf_put(&b, 0), 0);
		if (strcmp(b.p, differences[i].says) != 0)
			fail_msg("%s\n%s\ngives\n%s\nwant\n%s", old, now, b.p, differences[i].says);
		book_free(&x);
		book_free(&y);
		buf_done(&b);
	}
}

static int refuse(void *ctx, const struct diff_row *r)
{
	(void)ctx, (void)r;
	return -EIO;
}

static int nothing(void *ctx, const struct diff_row *r)
{
	(void)ctx, (void)r;
	return 0;
}

static void differs_without(void **state)
{
	struct book *x = book_of(BOOK(MODEL("a", "", PRICE("2026-01-01", "in_text: 1/Mtok"))));
	struct book *y = book_of(BOOK(MODEL("a", "", PRICE("2026-01-01", "in_text: 2/Mtok"))));
	struct diff_opts o = { .fn = refuse };
	long n = 0;
	int r;

	(void)state;
	assert_int_equal(diff_books(x, y, &o), -EIO);
	o.fn = nothing;
	do {
		mem_fail_after = n++;
		r = diff_books(x, y, &o);
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
	} while (r == -ENOMEM);
	assert_true(n > 2);
	book_free(&x);
	book_free(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged),
		cmocka_unit_test(merged_without_memory),
		cmocka_unit_test(differs),
		cmocka_unit_test(differs_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
