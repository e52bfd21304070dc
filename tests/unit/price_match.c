/* price_match.c -- which entry a name finds, and how that is recorded. */
#include "base/limit.h"
#include "pricekit.h"

#define PRICES \
	"prices: [{from: 2026-01-01, rates: {all: {standard: {in_text: \"1/Mtok\"}}}, " FROM "}]"
#define UP(facet, list)                                                              \
	"[{from: 2026-01-01, rates: {all: {standard: {in_text: \"1/Mtok\"}}}, " FROM \
	", uplift: [{when: {" facet ": " list "}, mul: 11/10, on: tokens}]}]"
#define M(provider, id, more) "  - {provider: " provider ", id: \"" id "\"" more ", " PRICES "}\n"

static const char yaml[] = HEAD
	"providers:\n"
	"  - id: azure\n"
	"    fallback: [{provider: openai, uplift: [{when: {sku: datazone}, mul: 11/10}]}]\n"
	"    deployments:\n"
	"      - {host: acme.openai.azure.com, name: prod-chat, model: gpt-5.5, sku: datazone}\n"
	"      - {host: acme.openai.azure.com, name: zone, sku: datazone}\n"
	"      - {host: acme.openai.azure.com, name: gone, model: gpt-none}\n"
	"  - id: bedrock\n"
	"    fallback: [{provider: anthropic, uplift: [{when: {geo: [us, eu, apac, au, jp]}, mul: "
	"11/10}]}]\n"
	"  - id: vertex\n"
	"    fallback: [{provider: gemini, vendor: google}, {provider: anthropic, mul: 3}]\n"
	"  - id: openrouter\n"
	"    fallback: [{provider: anthropic}]\n"
	"    variants: {nitro: same, free: free}\n"
	"overrides:\n"
	"  - {provider: bedrock, name: "
	"\"arn:aws:bedrock:us-east-1:1:application-inference-profile/x1\", "
	"model: us.anthropic.claude-8-v1:0}\n"
	"  - {provider: openai, name: house-model, model: gpt-5.5}\n"
	"models:\n" M("openai", "gpt-5.5", ", aliases: [gpt-5.5-latest], allow_dated: true") M(
		"openai", "gpt-4o", "") M("openai", "ft:gpt-4o", ", allow_dated: true")
		M("anthropic", "claude-9", ", allow_dated: true") M(
			"anthropic", "claude-7-20250101",
			", aliases: [claude-7]") M("bedrock", "amazon.nova-v1:0", "")
			M("bedrock", "anthropic.claude-6-20250101-v1:0",
			  "") M("bedrock", "openai.gpt-oss-1:0",
				"") "  - {provider: bedrock, id: anthropic.claude-8, allow_dated: "
				    "true, prices: " UP("geo", "[us, eu]") "}\n" M("vertex",
										   "gemini-3", "")
					    M("vertex", "claude-10@20250101",
					      "") M("gemini", "gemini-2", ", allow_dated: true")
						    M("openrouter", "a/b", ", allow_dated: true")
							    M("openrouter", "a/b:thinking", "")
								    M("together", "x/y", "");

static struct book *book;

static int open_book(void **state)
{
	(void)state;
	book = book_from(yaml);
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	book_free(&book);
	return 0;
}

static const struct row {
	const char *provider, *host, *served, *asked; /* of the call */
	const char *match, *entry, *cost, *region, *flags;
} rows[] = {
#define OPENAI "openai/gpt-5.5@2026-01-01"
	{ "openai", "", "GPT-5.5", "", "exact", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-5.5-latest", "", "alias", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-5.5-2027-01-02", "", "dated", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-5.5-20270102", "", "dated", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-5.5@20270102", "", "dated", OPENAI, "1", "", "" },
	{ "openai", "", "odd", "gpt-5.5", "requested", OPENAI, "1", "", "model_mismatch" },
	{ "openai", "", "", "gpt-5.5", "requested", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-5.5[1m]", "", "exact", OPENAI, "1", "", "suffix_1m" },
	{ "openai", "", "gpt-5.5", "house-model", "override", OPENAI, "1", "", "" },
	{ "openai", "", "gpt-4o", "house-model", "override", OPENAI, "1", "", "model_mismatch" },
	{ "openai", "", "house-model", "gpt-4o", "override", OPENAI, "1", "", "" },
	{ "openai", "", "ft:gpt-4o:acme::1", "", "ft", "openai/ft:gpt-4o@2026-01-01", "1", "", "" },
	{ "openai", "", "ft:gpt-4o-2024-08-06:acme:x:1", "", "ft", "openai/ft:gpt-4o@2026-01-01",
	  "1", "", "" },
	/* Azure: the list of OpenAI, dearer where the operator says so */
	{ "azure", "acme.openai.azure.com", "gpt-5.5-2026-04-23", "", "fallback", OPENAI, "1", "",
	  "" },
	{ "azure", "acme.openai.azure.com", "gpt-5.5-2026-04-23", "prod-chat", "override", OPENAI,
	  "1.1", "datazone", "" },
	{ "azure", "ACME.openai.azure.com", "gpt-4o", "prod-chat", "override", OPENAI, "1.1",
	  "datazone", "model_mismatch" },
	{ "azure", "acme.openai.azure.com", "gpt-4o", "zone", "fallback",
	  "openai/gpt-4o@2026-01-01", "1.1", "datazone", "" },
	{ "azure", "other.openai.azure.com", "gpt-5.5", "prod-chat", "fallback", OPENAI, "1", "",
	  "" },
	/* Bedrock: the path decides */
	{ "bedrock", "", "", "us.anthropic.claude-8-20260101-v1:0", "dated",
	  "bedrock/anthropic.claude-8@2026-01-01", "1.1", "us", "" },
	{ "bedrock", "", "", "global.amazon.nova-v1:0", "exact",
	  "bedrock/amazon.nova-v1:0@2026-01-01", "1", "", "" },
	{ "bedrock", "", "", "global.anthropic.claude-8-v1", "exact",
	  "bedrock/anthropic.claude-8@2026-01-01", "1", "", "" },
	{ "bedrock", "", "claude-8-20260101", "eu.anthropic.claude-8-20260101-v1:0", "dated",
	  "bedrock/anthropic.claude-8@2026-01-01", "1.1", "eu", "" },
	{ "bedrock", "", "",
	  "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-8-v1:0", "exact",
	  "bedrock/anthropic.claude-8@2026-01-01", "1.1", "eu", "" },
	{ "bedrock", "", "", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-v1:0",
	  "exact", "bedrock/amazon.nova-v1:0@2026-01-01", "1", "", "" },
	{ "bedrock", "", "", "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1",
	  "override", "bedrock/anthropic.claude-8@2026-01-01", "1.1", "us", "" },
	{ "bedrock", "", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-v1:0",
	  "arn:aws:bedrock:us-east-1:1:default-prompt-router/r:1", "exact",
	  "bedrock/amazon.nova-v1:0@2026-01-01", "1", "", "" },
	{ "bedrock", "", "claude-8.1", "us.anthropic.claude-8-v1:0", "exact",
	  "bedrock/anthropic.claude-8@2026-01-01", "1.1", "us", "" },
	{ "bedrock", "", "meta.llama-v1:0", "amazon.nova-v1:0", "requested",
	  "bedrock/amazon.nova-v1:0@2026-01-01", "1", "", "model_mismatch" },
	{ "bedrock", "", "anthropic.claude-8-v1:0", "us.anthropic.claude-8-v1:0", "exact",
	  "bedrock/anthropic.claude-8@2026-01-01", "1.1", "us", "" },
	{ "bedrock", "", "", "openai.gpt-oss-1:0", "exact", "bedrock/openai.gpt-oss-1:0@2026-01-01",
	  "1", "", "" },
	{ "bedrock", "", "", "jp.anthropic.claude-9-20260101-v2:0", "fallback",
	  "anthropic/claude-9@2026-01-01", "1.1", "jp", "" },
	{ "bedrock", "", "", "anthropic.claude-7-20250101-v1:0", "fallback",
	  "anthropic/claude-7-20250101@2026-01-01", "1", "", "" },
	/* Google */
	{ "vertex", "", "gemini-3", "", "exact", "vertex/gemini-3@2026-01-01", "1", "", "" },
	{ "vertex", "", "publishers/google/models/gemini-3", "", "exact",
	  "vertex/gemini-3@2026-01-01", "1", "", "" },
	{ "vertex", "", "gemini-3@default", "", "exact", "vertex/gemini-3@2026-01-01", "1", "",
	  "" },
	{ "vertex", "", "projects/p/locations/l/publishers/google/models/gemini-2@latest", "",
	  "fallback", "gemini/gemini-2@2026-01-01", "1", "", "" },
	{ "vertex", "", "claude-7@20250101", "", "fallback",
	  "anthropic/claude-7-20250101@2026-01-01", "3", "", "" },
	{ "vertex", "", "claude-9@20260202", "", "fallback", "anthropic/claude-9@2026-01-01", "3",
	  "", "" },
	/* the answer has the vendor's spelling, the list Vertex's */
	{ "vertex", "", "claude-10-20250101", "", "exact", "vertex/claude-10@20250101@2026-01-01",
	  "1", "", "" },
	{ "vertex", "", "publishers/anthropic/models/claude-10-20250101", "", "exact",
	  "vertex/claude-10@20250101@2026-01-01", "1", "", "" },
	{ "gemini", "", "models/gemini-2", "", "exact", "gemini/gemini-2@2026-01-01", "1", "", "" },
	{ "openrouter", "", "a/b-20260101", "", "dated", "openrouter/a/b@2026-01-01", "1", "", "" },
	{ "openrouter", "", "a/b:thinking", "", "exact", "openrouter/a/b:thinking@2026-01-01", "1",
	  "", "" },
	{ "openrouter", "", "a/b:nitro", "", "exact", "openrouter/a/b@2026-01-01", "1", "", "" },
	{ "openrouter", "", "anthropic/claude-9", "", "fallback", "anthropic/claude-9@2026-01-01",
	  "1", "", "" },
	{ "together", "", "x/y", "", "exact", "together/x/y@2026-01-01", "1", "", "" },
};

static struct usage usage_of(const struct row *row)
{
	struct usage u = call(row->provider, row->served);

	u.host = str_of(row->host);
	u.model_requested = str_of(row->asked);
	leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
	return u;
}

static void found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct usage u = usage_of(row);
		struct charge c = price(book, &u);

		assert_charge(&c, row->cost);
		assert_text(c.match, row->match);
		assert_text(c.entry, row->entry);
		assert_text(c.region, row->region);
		assert_flags(c.flags, row->flags);
	}
}

#define NONE NULL, NULL, NULL, NULL, NULL
static const struct row lost[] = {
	{ "openai", "", "ft:gpt-5.5:acme::1", "", NONE }, /* never at the price of its base */
	{ "openai", "", "gpt-5.5-0423", "", NONE },
	{ "openai", "", "gpt-5.5-2026-04", "", NONE },
	{ "openai", "", "gpt-5.5-mini", "", NONE },
	{ "openai", "", "gpt-5", "", NONE },
	{ "openai", "", "gpt-4o-20240101", "", NONE }, /* not allowed there */
	{ "openai", "", "[1m]", "", NONE },
	{ "azure", "acme.openai.azure.com", "gpt-5.5", "gone", NONE },
	{ "azure", "acme.openai.azure.com", "ft:gpt-4o:a::b", "", NONE },
	{ "bedrock", "", "", "us-gov.anthropic.claude-8-v1:0", NONE },
	{ "bedrock", "", "", "us.amazon.nova-v1:0", NONE }, /* nothing says what it costs there */
	{ "bedrock", "", "", "jp.anthropic.claude-8-v1:0", NONE },
	{ "bedrock", "", "",
	  "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-v1:0", NONE },
	{ "bedrock", "", "", "arn:aws:bedrock:us-east-1:1:provisioned-model/amazon.nova-v1:0",
	  NONE },
	{ "bedrock", "", "", "meta.claude-9-v1:0", NONE }, /* another vendor's */
	{ "bedrock", "", "", "anthropic.claude-6-20250101-v2:0", NONE },
	{ "bedrock", "", "", "amazon.nova-v1:0:28k", NONE },
	{ "bedrock", "", "", "claude-9", NONE },
	{ "vertex", "", "projects/p/locations/l/endpoints/gemini-3", "", NONE },
	{ "vertex", "", "publishers/mistralai/models/gemini-2", "", NONE },
	{ "vertex", "", "gemini-3@001", "", NONE },
	{ "openrouter", "", "a/b:online", "", NONE },
	{ "openrouter", "", "c/claude-9", "", NONE },
	{ "together", "", "x/y:nitro", "", NONE },
	{ "together", "", "y", "", NONE },
	{ "unknown", "", "gpt-5.5", "", NONE },
};

static void not_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lost); i++) {
		struct usage u = usage_of(&lost[i]);

		assert_unpriced(book, &u, WHY_NO_PRICE);
	}
}

#define DAY(from, rate) \
	"{from: " from ", rates: {all: {standard: {in_text: \"" rate "/Mtok\"}}}, " FROM "}"
#define DATED(provider, id, more, prices) \
	"  - {provider: " provider ", id: \"" id "\"" more ", prices: [" prices "]}\n"

static const char days[] = HEAD
	"providers:\n"
	"  - {id: azure, fallback: [{provider: openai}]}\n"
	"  - {id: openrouter, variants: {nitro: same}}\n"
	"overrides: [{provider: openai, name: ours, model: gpt-9-2026-04-23}]\n"
	"models:\n" DATED("openai", "gpt-9", ", allow_dated: true", DAY("2026-01-01", "1"))
		DATED("openai", "gpt-9-2026-04-23", "",
		      DAY("2026-11-01", "2")) DATED("openai", "gpt-8", "", DAY("2026-11-01", "2"))
			DATED("openai", "*", "", DAY("2026-06-01", "7"))
				DATED("azure", "gpt-9", "", DAY("2026-11-01", "3")) DATED(
					"azure", "eu:gpt-9", "", DAY("2026-12-01", "4"))
					DATED("openrouter", "a/b", "", DAY("2026-01-01", "1"))
						DATED("openrouter", "a/b:nitro", "",
						      DAY("2026-11-01", "5"));

/* An entry says nothing of other days: what a call cost does not change when a list adds one. */
static void other_days(void **state)
{
	static const struct {
		const char *day, *provider, *served, *asked, *region, *match, *cost;
	} calls[] = {
		{ "2026-10-31", "azure", "gpt-9", "", "", "fallback", "1" },
		{ "2026-11-01", "azure", "gpt-9", "", "", "exact", "3" },
		{ "2026-11-30", "azure", "gpt-9", "", "eu", "exact", "3" },
		{ "2026-12-01", "azure", "gpt-9", "", "eu", "exact", "4" },
		{ "2026-10-31", "openai", "gpt-9-2026-04-23", "", "", "dated", "1" },
		{ "2026-11-01", "openai", "gpt-9-2026-04-23", "", "", "exact", "2" },
		{ "2026-10-31", "openai", "x", "ours", "", "override", "1" },
		{ "2026-11-01", "openai", "x", "ours", "", "override", "2" },
		{ "2026-10-31", "openai", "gpt-8", "gpt-9", "", "requested", "1" },
		{ "2026-11-01", "openai", "gpt-8", "gpt-9", "", "exact", "2" },
		{ "2026-06-01", "openai", "gpt-8", "", "", "any", "7" },
		{ "2026-05-31", "openai", "gpt-8", "", "", NULL, NULL },
		{ "2025-12-31", "openai", "gpt-9", "", "", NULL, NULL },
		{ "2026-10-31", "openrouter", "a/b:nitro", "", "", "exact", "1" },
		{ "2026-11-01", "openrouter", "a/b:nitro", "", "", "exact", "5" },
	};
	struct book *b = book_from(days);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct usage u = call(calls[i].provider, calls[i].served);
		struct charge c;

		u.start_ns = at(calls[i].day);
		u.model_requested = str_of(calls[i].asked);
		u.region = str_of(calls[i].region);
		leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
		if (!calls[i].match) {
			assert_unpriced(b, &u, WHY_NO_PRICE_DATE);
			continue;
		}
		c = price(b, &u);
		assert_charge(&c, calls[i].cost);
		assert_text(c.match, calls[i].match);
	}
	book_free(&b);
}

/* The one wildcard, said by the book: it stands behind every name. */
static void any(void **state)
{
	struct book *b = book_from(HEAD "models:\n" M("own", "a", "") M("own", "*", ""));
	struct usage u = call("own", "b");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
	u.model_requested = S("a");
	assert_text(price(b, &u).match, "requested");
	u.model_requested = S("c");
	c = price(b, &u);
	assert_text(c.match, "any");
	assert_text(c.entry, "own/*@2026-01-01");
	assert_charge(&c, "1");
	u.model_served = u.model_requested = STR_NONE;
	assert_unpriced(b, &u, WHY_NO_MODEL);
	u = call("other", "b");
	assert_unpriced(b, &u, WHY_NO_PRICE);
	book_free(&b);
}

/* What the operator says stands, whoever answers, also where it is free. */
static void said_free(void **state)
{
	struct book *b = book_from(
		HEAD "overrides: [{provider: own, name: ours, model: gratis}]\nmodels:\n" M(
			"own", "a", "") "  - {provider: own, id: gratis, prices: [{from: "
					"2026-01-01, free: true, " FROM "}]}\n");
	struct usage u = call("own", "a");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	u.model_requested = S("ours");
	c = price(b, &u);
	assert_int_equal(c.billing, BILLING_FREE);
	assert_text(c.match, "override");
	assert_flags(c.flags, "model_mismatch");
	book_free(&b);
}

static void variants(void **state)
{
	struct usage u = call("openrouter", "a/b:free");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	c = price(book, &u);
	assert_int_equal(c.billing, BILLING_FREE);
	assert_text(c.entry, "openrouter/a/b@2026-01-01");
	assert_int_equal(c.count, 0);
	u.billing = BILLING_SUBSCRIPTION;
	c = price(book, &u);
	assert_int_equal(c.billing, BILLING_SUBSCRIPTION);
	assert_text(c.entry, "openrouter/a/b@2026-01-01");
	u.billing = BILLING_METERED;
	/* a router may have asked another one */
	u.model_requested = u.model_served;
	u.model_served = S("c/d");
	assert_unpriced(book, &u, WHY_NO_PRICE);
	u.model_served = STR_NONE;
	assert_int_equal(price(book, &u).billing, BILLING_FREE);
	u.model_served = S("a/b:FREE");
	assert_int_equal(price(book, &u).billing, BILLING_FREE);
}

static void strange_names(void **state)
{
	static const char *const names[] = { ":",
					     "/",
					     ".",
					     "@",
					     "-",
					     "ft:",
					     "ft::",
					     "arn:",
					     "arn:aws:bedrock:",
					     "arn:aws:bedrock:::::",
					     "us.",
					     ".us",
					     "models/",
					     "publishers//models/",
					     "a:",
					     ":a",
					     "-v1",
					     "-v:",
					     "v1:0",
					     "[1m]",
					     "x[1m]",
					     "@20250101",
					     "-2025-01-01",
					     "us.-v1:0",
					     "//",
					     "@latest",
					     "a@latest" };
	static const char *const providers[] = { "bedrock", "vertex", "openai", "openrouter",
						 "azure" };
	static char longest[3 * LIMIT_MODEL_TEXT];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	for (size_t p = 0; p < COUNT_OF(providers); p++) {
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			struct usage u = call(providers[p], names[i]);

			leaf_set(&u.used, LEAF_IN_TEXT, 1);
			u.model_requested = str_of(names[COUNT_OF(names) - 1 - i]);
			assert_unpriced(book, &u, WHY_NO_PRICE);
		}
		for (size_t n = sizeof(longest) - 40; n < sizeof(longest); n++) {
			struct usage u = call(providers[p], NULL);

			u.model_served = (struct str){ longest, n };
			u.model_requested = u.model_served;
			leaf_set(&u.used, LEAF_IN_TEXT, 1);
			assert_unpriced(book, &u, WHY_NO_PRICE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),         cmocka_unit_test(not_found),
		cmocka_unit_test(any),           cmocka_unit_test(said_free),
		cmocka_unit_test(other_days),    cmocka_unit_test(variants),
		cmocka_unit_test(strange_names),
	};

	return cmocka_run_group_tests(tests, open_book, close_book);
}
