/* Public price lists: what becomes of an entry, its exact numbers, and that nothing is taken that cannot be said. */
#include "importkit.h"
#include "base/obj.h"
#include "price/import_entry.h"
#include "price/price.h"

static const struct import_stamp stamp = { S("2026-11-22"), S("x"), S("2026-11-22"), false };

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int shift, r;
		const char *is;
	} rows[] = {
		{ "1.25e-06", 6, 0, "1.25" },
		{ "0.00000125", 6, 0, "1.25" },
		{ "2.9999900000000002e-06", 6, 0, "2.9999900000000002" },
		{ "1e-06", 6, 0, "1" },
		{ "1E-06", 6, 0, "1" },
		{ "-0.0", 6, 0, "0" },
		{ "5", 0, 0, "5" },
		{ "5.50", 0, 0, "5.5" },
		{ "1200", 0, 0, "1200" },
		{ "0.0", 6, 0, "0" },
		{ "1e-7", 6, 0, "0.1" },
		{ "0.0002833333333333333", 0, 0, "0.0002833333333333333" },
		{ "1e-60", 6, -ERANGE, NULL },
		{ "1e60", 6, -ERANGE, NULL },
		{ "-1", 6, -EBADMSG, NULL },
		{ "x", 6, -EBADMSG, NULL },
		{ "", 6, -EBADMSG, NULL },
	};
	struct arena a = { .limit = 65536 };
	struct str s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		s = STR_NONE;
		if (import_shift(&a, str_of(rows[i].text), rows[i].shift, &s) != rows[i].r)
			fail_msg("%s", rows[i].text);
		if (!rows[i].r)
			assert_string_equal(s.p, rows[i].is);
	}
	assert_int_equal(import_times(&a, S("12.5"), S("1.1"), &s), 0);
	assert_string_equal(s.p, "13.75");
	assert_int_equal(import_times(&a, S("0.1"), S("1e-31"), &s), -ERANGE);
	assert_int_equal(import_rounded(&a, S("7.629e-08"), 1024 * 1024, &s), 0);
	assert_string_equal(s.p, "0.08");
	assert_int_equal(import_rounded(&a, S("1.9e-08"), 1024 * 1024, &s), 0);
	assert_string_equal(s.p, "0.02");
	assert_int_equal(import_rounded(&a, S("1e-08"), 1024 * 1024, &s), -EDOM); /* 0.01 or 0.02 */
	assert_int_equal(import_ratio(&a, S("1.1"), &s), 0);
	assert_string_equal(s.p, "11/10");
	assert_int_equal(import_ratio(&a, S("0.5"), &s), 0);
	assert_string_equal(s.p, "1/2");
	assert_int_equal(import_ratio(&a, S("6.0"), &s), 0);
	assert_string_equal(s.p, "6/1");
	assert_int_equal(import_ratio(&a, S("0"), &s), -ERANGE);
	assert_int_equal(import_ratio(&a, S("1.12345678"), &s), -ERANGE);
	arena_reset(&a);
}

/* Names, and entries that meet. */
static void litellm_names(void **state)
{
	static const struct {
		const char *key, *provider, *id, *refused;
	} rows[] = {
		{ "gpt-x", "openai", "gpt-x", "" },
		{ "openai/gpt-x", "openai", "gpt-x", "" },
		{ "azure/gpt-x", "azure", "gpt-x", "" },
		{ "azure/eu/gpt-x", "azure", "eu/gpt-x", "variant" },
		{ "bedrock/us-gov-west-1/a.b-v1:0", "bedrock", "us-gov-west-1:a.b-v1:0", "" },
		{ "bedrock/*/a", "bedrock", "*/a", "variant" },
		{ "bedrock/1024-x-1024/a", "bedrock", "1024-x-1024/a", "variant" },
		{ "bedrock/us-east-1/1-month-commitment/a", "bedrock",
		  "us-east-1/1-month-commitment/a", "commitment" },
		{ "us.anthropic.claude-x-v1:0", "bedrock", "us.anthropic.claude-x-v1:0", "" },
		{ "openai/hd/1024-x-1792/dall-e-3", "openai", "hd/1024-x-1792/dall-e-3",
		  "variant" },
		{ "openrouter/us/gpt-x", "openrouter", "us/gpt-x", "variant" },
		{ "openrouter/meta-llama/llama-3-70b", "openrouter", "meta-llama/llama-3-70b", "" },
		{ "vertex_ai/claude-x@20250101", "vertex", "claude-x@20250101", "" },
		{ "fireworks_ai/accounts/fireworks/models/q", "fireworks",
		  "accounts/fireworks/models/q", "" },
		{ "openai/a b", "openai", "a b", "name" },
		{ "openai/*", "openai", "*", "name" },
		{ "openai/\xc3\xa9", "openai", "\xc3\xa9", "name" },
	};
	char doc[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct import_entry *e;
		struct import *m;

		snprintf(doc, sizeof(doc),
			 "{\"%s\":{\"litellm_provider\":\"%s\",\"mode\":\"chat\"," IO "}}",
			 rows[i].key,
			 strcmp(rows[i].provider, "fireworks") == 0 ? "fireworks_ai"
			 : strcmp(rows[i].provider, "vertex") == 0  ? "vertex_ai-anthropic_models"
								    : rows[i].provider);
		m = take_list(NULL, doc, NULL);
		e = import_first(m);
		assert_string_equal(import_words[e->refused].text, rows[i].refused);
		assert_true(str_eq(e->provider, str_of(rows[i].provider)));
		assert_true(str_eq(e->id, str_of(rows[i].id)));
		import_free(&m);
	}
}

static void met_twice(void **state)
{
	static const char doc[] =
		"{\"openai/a\":{" CHAT IO "},\"A\":{" CHAT IO "},\"b\":{" CHAT IO
		"},\"openai/b\":{" CHAT "\"input_cost_per_token\":5e-06},\"c\":{" CHAT IO "}}";
	static const char *const says[] = { "", "same", "conflict", "conflict", "" };
	struct import *m = take_list("litellm", doc, NULL);
	size_t i = 0;

	(void)state;
	for (const struct import_entry *e = import_first(m); e; e = e->next)
		assert_string_equal(import_words[e->refused].text, says[i++]);
	assert_int_equal(i, COUNT_OF(says));
	import_free(&m);
}

#define IN(price) "\"input_cost_per_token\":" price "}"
#define BEDROCK   "{\"litellm_provider\":\"bedrock\",\"mode\":\"chat\","
#define AZURE     "{\"litellm_provider\":\"azure\",\"mode\":\"chat\","

/* The price of one place is an uplift of the model's own entry, where it is one ratio. */
static void places(void **state)
{
	static const char doc[] = "{\"bedrock/us-gov-west-1/a\":" BEDROCK IN(
		"1.2e-6") ",\"a\":" BEDROCK IN("1e-6") ",\"bedrock/us-east-1/a\":" BEDROCK
		IN("1e-6") ",\"bedrock/eu-west-2/a\":" BEDROCK IN(
			"6e-6") ",\"bedrock/sa-east-1/a\":" BEDROCK
				"\"output_cost_per_token\":1e-6," IN(
					"1e-6") ",\"bedrock/us-east-1/none\":" BEDROCK
					IN("1e-6") ",\"azure/eu/b\":" AZURE IN(
						"1.1e-6") ",\"azure/b\":" AZURE
						IN("1e-6") ",\"azure/us/b\":" AZURE IN(
							"1.2e-6") ",\"azure/global/b\":" AZURE
							IN("9e-7") "}";
	static const char *const says[] = { "uplift", "",       "same", "variant", "",
					    "",       "uplift", "",     "uplift",  "uplift" };
	struct import *m = take_list("litellm", doc, NULL);
	struct buf b = { .limit = 65536 };
	size_t i = 0;

	(void)state;
	for (const struct import_entry *e = import_first(m); e; e = e->next)
		assert_string_equal(import_words[e->refused].text, says[i++]);
	assert_int_equal(i, COUNT_OF(says));
	assert_int_equal(import_yaml(m, &stamp, &b), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	/* what is no one ratio, or of no other entry, is one of its own; six times is a slip */
	assert_non_null(strstr(b.p, "id: \"sa-east-1:a\"\n"));
	assert_non_null(strstr(b.p, "id: \"us-east-1:none\"\n"));
	assert_null(strstr(b.p, "eu-west-2"));
	assert_non_null(
		strstr(b.p, "uplift: [{when: {region: us-gov-west-1}, mul: 6/5, on: tokens}]\n"));
	assert_non_null(strstr(b.p, "uplift: [{when: {sku: global}, mul: 9/10, on: tokens}]\n"));
	assert_int_equal(import_first(m)->next->notes, 1ull << IMPORT_PLACES);
	buf_done(&b);
	import_free(&m);
}

/* Two that differ are no uplift, whichever comes first, also where one of them says that nothing changes. */
static void places_that_differ(void **state)
{
	static const char *const docs[] = {
		"{\"azure/b\":" AZURE IN("1e-6") ",\"azure/eu/b\":" AZURE IN(
			"1e-6") ",\"azure/us/b\":" AZURE IN("1.1e-6") "}",
		"{\"azure/b\":" AZURE IN("1e-6") ",\"azure/us/b\":" AZURE IN(
			"1.1e-6") ",\"azure/eu/b\":" AZURE IN("1e-6") "}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(docs); i++) {
		struct import *m = take_list("litellm", docs[i], NULL);
		struct buf b = { .limit = 65536 };

		assert_int_equal(import_first(m)->notes, 1ull << IMPORT_PLACES);
		assert_int_equal(import_yaml(m, &stamp, &b), 0);
		assert_int_equal(buf_put(&b, 0), 0);
		assert_null(strstr(b.p, "uplift: "));
		buf_done(&b);
		import_free(&m);
	}
}

#define PIXEL(price) "\"input_cost_per_pixel\":" price ",\"output_cost_per_pixel\":0.0"
#define EACH(price)  "\"input_cost_per_image\":" price
static const struct {
	const char *key, *provider, *price, *says;
} pictures[] = {
	{ "d-3", "openai", EACH("0.04"),
	  "n_image 0.04/image; standard/1024x1024 n_image 0.04/image; hd/1024x1024 n_image "
	  "0.08/image; hd/1024x1792 n_image 0.12/image ! by_pixel" },
	{ "hd/1024-x-1024/d-3", "openai", PIXEL("7.629e-08"), "! picture" },
	{ "hd/1024-x-1792/d-3", "openai", PIXEL("6.539e-08"), "! picture" },
	{ "standard/1024-x-1024/d-3", "openai", PIXEL("3.81469e-08"), "! picture" },
	{ "256-x-256/d-2", "openai", PIXEL("2.4414e-07"),
	  "standard/256x256 n_image 0.016/image ! unmapped ! by_pixel" },
	{ "azure/standard/1024-x-1024/d-3", "azure", PIXEL("3.81469e-08"),
	  "standard/1024x1024 n_image 0.04/image; n_image 0.04/image; hd/1792x1024 n_image "
	  "0.12/image ! unmapped ! by_pixel" },
	{ "azure/hd/1792-x-1024/d-3", "azure", EACH("0.12"), "! picture" },
	{ "low/1024-x-1024/g", "openai", EACH("0.01"), "! variant" }, /* billed by tokens */
	{ "g", "openai", "\"input_cost_per_token\":5e-06", "in_text 5/Mtok" },
	{ "hd/1024-x-1024/p", "openai", PIXEL("1e-08"), "! pixels" }, /* 0.01 or 0.02 */
	{ "hd/1024-x-1024/q", "openai", PIXEL("\"7e-08\""), "! no_price" },
	{ "d-9", "openai", EACH("0.04"), "! said_twice" },
	{ "1024-x-1024/d-9", "openai", EACH("0.05"), "! picture" },
};

static struct import *take_pictures(void)
{
	struct buf doc = { .limit = 65536 };
	struct import *m;

	for (size_t i = 0; i < COUNT_OF(pictures); i++)
		assert_int_equal(buf_printf(&doc,
					    "%c\"%s\":{\"litellm_provider\":\"%s\",\"mode\":"
					    "\"image_generation\",%s}",
					    i ? ',' : '{', pictures[i].key, pictures[i].provider,
					    pictures[i].price),
				 0);
	assert_int_equal(buf_add(&doc, S("}\0")), 0);
	m = take_list("litellm", doc.p, NULL);
	buf_done(&doc);
	return m;
}

/* What a picture costs in a quality and size is a tier of its model, in a request's words. */
static void sizes(void **state)
{
	static const char want[] =
		"    id: d-3\n    prices:\n      - from: 2026-11-22\n        rates:\n          "
		"all:\n"
		"            standard: {n_image: \"0.04/image\"}\n"
		"            standard/1024x1024: {n_image: \"0.04/image\"}\n"
		"            hd/1024x1024: {n_image: \"0.08/image\"}\n"
		"            hd/1024x1792: {n_image: \"0.12/image\"}\n        provenance";
	struct import *m = take_pictures();
	struct buf b = { .limit = 65536 };
	char error[YAML_ERROR];
	struct book *book = NULL;
	size_t i = 0;

	(void)state;
	for (const struct import_entry *e = import_first(m); e; e = e->next) {
		say(e, &b);
		assert_string_equal(b.p, pictures[i++].says);
	}
	assert_int_equal(i, COUNT_OF(pictures));
	buf_reset(&b);
	assert_int_equal(import_yaml(m, &stamp, &b), 0);
	assert_int_equal(book_new(&book), 0);
	if (book_add(book, buf_str(&b), "b", error) < 0)
		fail_msg("%s\n%.*s", error, (int)b.n, b.p);
	assert_int_equal(book_models(book), 4);
	assert_int_equal(buf_put(&b, 0), 0);
	assert_non_null(strstr(b.p, want));
	book_free(&book);
	buf_done(&b);
	import_free(&m);
}

static void only_some(void **state)
{
	static const char doc[] =
		"{\"a\":{" CHAT IO
		"},\"dashscope/q\":{\"litellm_provider\":\"dashscope\",\"mode\":\"chat\"," IO "}}";
	static const char *const some[] = { "dashscope", "x", NULL };
	struct import *m = take_list("litellm", doc, some);
	const struct import_entry *e = import_first(m);

	(void)state;
	assert_int_equal(e->refused, IMPORT_PROVIDER);
	assert_int_equal(e->next->refused, IMPORT_NONE);
	assert_true(str_eq(e->next->provider, S("dashscope")));
	import_free(&m);
}

static void no_list(void **state)
{
	static const char *const bad[] = { "", "5", "{", "[]", "{}", "{\"a\":{}}x", "nothing" };
	struct import_opts o = { .list = "litellm" };
	struct import *m = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		o.list = i & 1 ? "litellm" : NULL;
		assert_int_equal(import_new(&o, str_of(bad[i]), &m), -EBADMSG);
	}
	o.list = "other";
	assert_int_equal(import_new(&o, S("{}"), &m), -EINVAL);
	assert_null(m);
	import_free(&m);
}

#define BIG                                                                                        \
	"{\"openai/a\":{" CHAT IO ",\"input_cost_per_token_above_32k_tokens\":1e-5,\"output_cost_" \
	"per_token_above_32k_tokens\":1e-5,"                                                       \
	"\"regional_processing_uplift_multiplier_eu\":1.1,\"provider_specific_entry\":{\"us\":1."  \
	"1,\"fast\":2},"                                                                           \
	"\"search_context_cost_per_query\":{\"a\":0.01}},\"b\":{" CHAT IO                          \
	",\"off_peak_pricing\":{\"hours_utc\":[\"16:30-00:30\",\"09:00-12:00\"],\"input_cost_per_" \
	"token\":2.5e-6,"                                                                          \
	"\"output_cost_per_token\":1.5e-5}},\"c:1\":{" CHAT                                        \
	"\"tiered_pricing\":[{\"range\":[0,10],\"input_cost_per_token\":1e-6},"                    \
	"{\"range\":[10,20],\"input_cost_per_token\":2e-6},{\"range\":[20,30],\"input_cost_per_"   \
	"token\":3e-6}]},\"zero\":{" CHAT "\"input_cost_per_token\":0}}"

static const char big_book[] =
	"# Imported from litellm; what was flagged is in the notes.\n"
	"schema: submeter.pricebook/1\n"
	"book: {id: litellm, version: 2026-11-22, currency: USD}\n"
	"models:\n"
	"  - provider: openai\n    id: a\n    prices:\n      - from: 2026-11-22\n"
	"        context: {measure: prompt_total, bands: [{upto: 32000, cmp: le, name: "
	"std}, {name: long}]}\n"
	"        rates:\n"
	"          std:\n"
	"            standard: {in_text: \"5/Mtok\", out_text: \"30/Mtok\"}\n"
	"            fast: {in_text: \"10/Mtok\", out_text: \"60/Mtok\"}\n"
	"          long:\n"
	"            standard: {in_text: \"10/Mtok\", out_text: \"10/Mtok\"}\n"
	"            fast: {in_text: \"20/Mtok\", out_text: \"20/Mtok\"}\n"
	"        counts: {n_web_search: \"0.01/call\"}\n"
	"        uplift: [{when: {region: eu}, mul: 11/10, on: tokens}, {when: {region: "
	"us}, mul: 11/10, on: tokens}]\n"
	"        provenance: {source: \"a \\\"list\\\"\", checked: 2026-11-23}\n"
	"  - provider: openai\n    id: b\n    prices:\n      - from: 2026-11-22\n"
	"        rates:\n"
	"          all:\n"
	"            standard: {in_text: \"5/Mtok\", out_text: \"30/Mtok\"}\n"
	"        windows:\n"
	"          - {name: off_peak_1, tz: UTC, time: [\"16:30-24:00\", \"00:00-00:30\"], "
	"mul: 1/2, on: tokens}\n"
	"          - {name: off_peak_2, tz: UTC, time: [\"09:00-12:00\"], mul: 1/2, on: "
	"tokens}\n"
	"        provenance: {source: \"a \\\"list\\\"\", checked: 2026-11-23}\n"
	"  - provider: openai\n    id: \"c:1\"\n    prices:\n      - from: 2026-11-22\n"
	"        context: {measure: prompt_total, bands: [{upto: 10, cmp: le, name: "
	"upto_10}, "
	"{upto: 20, cmp: le, name: upto_20}, {name: above_20}]}\n"
	"        rates:\n"
	"          upto_10:\n            standard: {in_text: \"1/Mtok\"}\n"
	"          upto_20:\n            standard: {in_text: \"2/Mtok\"}\n"
	"          above_20:\n            standard: {in_text: \"3/Mtok\"}\n"
	"        provenance: {source: \"a \\\"list\\\"\", checked: 2026-11-23}\n";

static void as_a_book(void **state)
{
	struct import *m = take_list("litellm", BIG, NULL);
	struct buf b = { .limit = 65536 };
	char error[YAML_ERROR];
	struct book *book = NULL;

	const struct import_stamp listed = { S("2026-11-22"), S("a \"list\""), S("2026-11-23"),
					     false };

	(void)state;
	assert_int_equal(import_yaml(m, &listed, &b), 0);
	assert_int_equal(book_new(&book), 0);
	if (book_add(book, buf_str(&b), "b", error) < 0)
		fail_msg("%s\n%.*s", error, (int)b.n, b.p);
	assert_int_equal(book_models(book), 3);
	assert_int_equal(buf_put(&b, 0), 0);
	assert_string_equal(b.p, big_book);
	book_free(&book);
	b.limit = 0;
	buf_reset(&b);
	assert_int_equal(import_yaml(m, &stamp, &b), -EMSGSIZE);
	buf_done(&b);
	import_free(&m);
}

static int all(const char *list, const char *doc)
{
	struct import_opts o = { .list = list, .at_ns = AT };
	struct buf b = { .limit = 65536 };
	struct import *m = NULL;
	int r = import_new(&o, str_of(doc), &m);

	if (r == 0)
		r = import_yaml(m, &stamp, &b);
	import_free(&m);
	buf_done(&b);
	return r;
}

static void no_memory(void **state)
{
	static const struct {
		const char *list, *doc;
	} docs[] = {
		{ "litellm", BIG },
		{ "genai-prices", "[{\"id\":\"openai\",\"models\":[{\"id\":\"m\",\"match\":{\"or\":"
				  "[{\"equals\":\"n\"}]},\"prices\":"
				  "[{\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"start\":"
				  "9,\"price\":6}]},\"output_mtok\":1}}]}]}]" },
		{ "models.dev", "{\"openai\":{\"models\":{\"m\":{\"cost\":{\"input\":5,\"output\":"
				"3,\"tiers\":[{\"tier\":{\"size\":9},"
				"\"input\":10}]},\"experimental\":{\"modes\":{\"f\":{\"cost\":{"
				"\"input\":1},\"provider\":{\"body\":"
				"{\"speed\":\"fast\"}}}}}}}}}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(docs); i++) {
		long n = 0;
		int r;

		do {
			mem_fail_after = n++;
			r = all(docs[i].list, docs[i].doc);
			mem_fail_after = -1;
			assert_true(r == 0 || r == -ENOMEM);
		} while (r == -ENOMEM);
		assert_true(n > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(litellm_names),
		cmocka_unit_test(met_twice),
		cmocka_unit_test(places),
		cmocka_unit_test(only_some),
		cmocka_unit_test(no_list),
		cmocka_unit_test(places_that_differ),
		cmocka_unit_test(sizes),
		cmocka_unit_test(as_a_book),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
