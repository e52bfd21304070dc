/* llm -- request targets in absolute form, as proxies are sent them: whose they are, and which call. */
#include <stdlib.h>
#include "llm/provider.h"
#include "llmkit.h"

enum {
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

static const char answer[] = "{\"id\":\"c\",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7,"
			     "\"completion_tokens\":2,\"total_tokens\":9}}";

/* The authority beats the Host beside it. */
static void authority(void **state)
{
	static const struct {
		const char *host, *target, *provider;
		bool inference;
	} rows[] = {
		{ "a.test", "http://api.openai.com/v1/chat/completions", "openai", true },
		{ "a.test", "HTTPS://api.openai.com/v1/chat/completions", "openai", true },
		{ "a.test", "https://api.openai.com:443/v1/chat/completions?a=/b", "openai", true },
		{ "api.openai.com", "http://a.test/v1/chat/completions", "unknown", false },
		{ "api.openai.com", "https://a/v1/chat/completions", "unknown", false },
		{ "api.openai.com", "http:/v1/chat/completions", "openai", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit_out o = kit_run((struct kit){
			.host = rows[i].host, .target = rows[i].target, .answer = answer });

		print_message("# %s\n", rows[i].target);
		assert_string_equal(o.text[0], rows[i].provider);
		assert_int_equal(o.u.why == WHY_NONE, rows[i].inference);
	}
}

/* However short the host is: the path begins behind it. */
static void path(void **state)
{
	static const char *const targets[] = {
		"http://a/v1/chat/completions",     "http://ab/v1/chat/completions",
		"https://a/v1/chat/completions#/b", "http://a:80/v1/chat/completions?b",
		"HTTP://a/v1/chat/completions",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		struct kit_out o = kit_run((struct kit){
			.host = "b", .row = ROW_PLAIN, .target = targets[i], .answer = answer });

		print_message("# %s\n", targets[i]);
		assert_string_equal(o.text[0], "openai-compatible");
		assert_int_equal(o.u.used.n[LEAF_IN_TEXT], 7);
	}
}

/* Targets that end within what all have: nothing beyond them is read. */
static void no_path(void **state)
{
	static const char *const targets[] = {
		"",         "#",        "h",       "http:/",   "http://",    "http://#/v1",
		"http://a", "http:///", "https:/", "https://", "https://#/", "https:///",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		size_t n = strlen(targets[i]);
		char *copy = malloc(n + !n);
		struct str model;

		assert_non_null(copy);
		memcpy(copy, targets[i], n);
		assert_null(
			provider_route(&llm_openai, S("POST"), (struct str){ copy, n }, &model));
		assert_true(provider_local(S("POST"), (struct str){ copy, n }) == &llm_unknown);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authority),
		cmocka_unit_test(path),
		cmocka_unit_test(no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
