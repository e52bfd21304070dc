/* book_wrong.c -- what a price book may not say, section by section, and that the message names file and line. */
#include "pricekit.h"

#define RATES           "rates: {all: {standard: {in_text: \"1/Mtok\"}}}"
#define PROVIDERS(more) HEAD "providers:\n  - {id: p, " more "}\n"
#define WINDOW(more)                                                                          \
	HEAD "models:\n  - {provider: p, id: a, prices: [{from: 2026-01-01, " RATES ", " FROM \
	     ",\n   windows: [{name: peak, mul: 2, " more "}]}]}\n"
#define UPLIFT(more)                                                                          \
	HEAD "models:\n  - {provider: p, id: a, prices: [{from: 2026-01-01, " RATES ", " FROM \
	     ",\n   uplift: [{" more "}]}]}\n"
#define CONTRACT(id, match, more) "  - {id: " id ", match: " match ", from: 2026-01-01, " more "}\n"
#define HALF                      "rules: [{kind: percent, percent: 50}]"
#define RULE(rule)                HEAD "contracts:\n" CONTRACT("c", "{provider: p}", "rules: [{" rule "}]")
#define LISTED                                                                                     \
	HEAD "models:\n  - {provider: p, id: a, aliases: [aa], prices: [{from: 2026-01-01, " RATES \
	     ", " FROM "}]}\n"
#define AGREED(provider, rule) \
	LISTED "contracts:\n" CONTRACT("c", "{provider: " provider "}", "rules: [{" rule "}]")
#define FINE "kind: percent, percent: \"1.000001\"}, {"
#define PRICES(rates)                                                                         \
	HEAD "models:\n  - {provider: p, id: a, prices: [{from: 2026-01-01, " rates ", " FROM \
	     "}]}\n"

static const struct {
	const char *yaml, *says;
} wrong[] = {
	{ HEAD "prices: []\n", "w.yaml:3: unknown key 'prices'" },
	/* providers and names */
	{ PROVIDERS("color: red"), "w.yaml:4: unknown key 'color'" },
	{ HEAD "providers:\n  - {fallback: []}\n", "w.yaml:4: 'id' is missing" },
	{ PROVIDERS("fallback: openai"), "w.yaml:4: 'fallback' is a list" },
	{ PROVIDERS("fallback: [{mul: 2}]"), "w.yaml:4: 'provider' is missing" },
	{ PROVIDERS("fallback: [{provider: q, mul: 1.1}]"), "w.yaml:4: 'mul' is a ratio" },
	{ PROVIDERS("fallback: [{provider: q, mul: 0}]"), "w.yaml:4: 'mul' is a ratio" },
	{ PROVIDERS("fallback: [{provider: q, mul: 2, uplift: []}]"), "not both" },
	{ PROVIDERS("fallback: [{provider: q}]") "  - {id: p, fallback: [{provider: r}]}\n",
	  "w.yaml:5: 'fallback'" },
	{ PROVIDERS("variants: [free]"), "'variants' is" },
	{ PROVIDERS("variants: {nitro: dear}"), "'same', or is 'free'" },
	{ PROVIDERS("variants: {a: free}") "  - {id: p, variants: {b: free}}\n",
	  "w.yaml:5: 'variants'" },
	{ PROVIDERS("priced_at: noon"), "'priced_at' is one of: start, end" },
	{ PROVIDERS("priced_at: end") "  - {id: p, priced_at: end}\n", "w.yaml:5: 'priced_at'" },
	{ PROVIDERS("deployments: [{name: d, model: m}]"), "'host' is missing" },
	{ PROVIDERS("deployments: [{host: h, name: d}]"), "w.yaml:4: say the 'model'" },
	{ PROVIDERS("deployments: [{host: h, name: d, sku: s},\n   {host: H, name: D, model: m}]"),
	  "w.yaml:5: what 'D'" },
	{ HEAD "overrides: [{provider: p, name: d, host: h, model: m}]\n", "unknown key 'host'" },
	{ HEAD "overrides: [{provider: p, model: m}]\n", "'name' is missing" },
	{ HEAD "overrides:\n  - {provider: p, name: d, model: m}\n  - {provider: p, name: d, "
	       "model: m}\n",
	  "w.yaml:5: what 'd' stands for" },
	/* uplifts */
	{ UPLIFT("mul: 2"), "w.yaml:5: an uplift is" },
	{ UPLIFT("when: {region: us}"), "w.yaml:5: an uplift is" },
	{ UPLIFT("when: {}, mul: 2"), "'when' names" },
	{ UPLIFT("when: {moon: full}, mul: 2"), "unknown key 'moon'" },
	{ UPLIFT("when: {region: []}, mul: 2"), "this list is empty" },
	{ UPLIFT("when: {region: [{a: b}]}, mul: 2"), "expected a text" },
	{ UPLIFT("when: {region: us}, mul: 2, on: calls"), "'on' is one of: tokens" },
	/* windows */
	{ WINDOW("time: [\"09:00-12:00\"]"), "'tz' is an offset" },
	{ WINDOW("tz: Europe/Berlin, time: [\"09:00-12:00\"]"), "w.yaml:5: 'tz' is an offset" },
	{ WINDOW("tz: \"+24:00\", time: [\"09:00-12:00\"]"), "'tz' is an offset" },
	{ WINDOW("tz: \"+8\", time: [\"09:00-12:00\"]"), "'tz' is an offset" },
	{ WINDOW("tz: UTC"), "'time' is a list" },
	{ WINDOW("tz: UTC, time: []"), "'time' is a list" },
	{ WINDOW("tz: UTC, time: [\"22:00-06:00\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"09:00-09:00\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"22:00-24:01\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"9:00-12:00\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"09:60-12:00\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"09:00\"]"), "within one day" },
	{ WINDOW("tz: UTC, time: [\"09:00-10:00\"], days: [monday]"), "a day is one of" },
	{ WINDOW("tz: UTC, time: [\"09:00-10:00\"], days: mon"), "'days' is a list" },
	{ WINDOW("tz: UTC, time: [\"09:00-10:00\"], holidays: [xmas]"), "a holiday is a date" },
	{ WINDOW("tz: UTC, time: [\"09:00-10:00\"], holidays: [\"2026-10-01T00:00:00Z\"]"),
	  "a holiday is a date" },
	{ WINDOW("tz: UTC, time: [\"09:00-10:00\"], dst: 1"), "unknown key 'dst'" },
	/* gates */
	{ PRICES("rates: {all: {standard: {in_text: \"1000.000001/Mtok\"}}}"),
	  "w.yaml:4: '1000.000001/Mtok' is absurd" },
	{ PRICES("rates: {all: {standard: {out_audio: \"0.015/tok\"}}}"),
	  "w.yaml:4: '0.015/tok' is absurd" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\", in_cache_read: "
		 "\"1.0000001/Mtok\"}}}"),
	  "a cached token costs more" },
	{ PRICES("rates: {all: {standard: {in_text: \"0/Mtok\", out_text: \"0/Mtok\"}}}"),
	  "every price is 0" },
	{ HEAD "gates: {max_usd_per_Mtok: much}\n", "w.yaml:3: 'max_usd_per_Mtok'" },
	{ HEAD "gates: {max_jump: 5}\n", "unknown key 'max_jump'" },
	{ HEAD "gates: {cache_read_le_input: perhaps}\n", "is one of: false, true" },
	/* a unit of another thing */
	{ PRICES("rates: {all: {standard: {in_text: \"1/call\"}}}"),
	  "w.yaml:4: '1/call' is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/char\"}}}"), "is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\", n_image: \"1/kcall\"}}}"),
	  "is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\"}}}, counts: {n_web_search: "
		 "\"1/Mtok\"}"),
	  "is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\"}}}, counts: {n_audio_ms: "
		 "\"1/call\"}"),
	  "is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\"}}}, counts: {n_page: \"1/image\"}"),
	  "is no rate of this" },
	{ PRICES("rates: {all: {standard: {in_text: \"1/Mtok\"}}}, counts: {in_text: \"1/Mtok\"}"),
	  "can be priced here" },
	/* unpriced */
	{ HEAD "unpriced: {policy: guess}\n", "'policy' is one of: hold, alert, deny, shadow" },
	{ HEAD "unpriced: {policy: shadow}\n", "goes with" },
	{ HEAD "unpriced: {policy: hold, shadow_rate: {in_text: \"1/Mtok\"}}\n", "goes with" },
	/* contracts */
	{ HEAD "contracts: {}\n", "'contracts' is a list" },
	{ HEAD "contracts:\n" CONTRACT("c", "{}", HALF), "'match' is missing" },
	{ HEAD "contracts:\n" CONTRACT("c", "{account: org}", HALF), "unknown key 'account'" },
	{ HEAD "contracts:\n  - {id: c, match: {provider: p}, " HALF "}\n", "'from' is missing" },
	{ HEAD "contracts:\n" CONTRACT("c", "{provider: p}", "rules: []"), "'rules' is a list" },
	{ LISTED "contracts:\n" CONTRACT("c", "{provider: p}", HALF)
		  CONTRACT("d", "{provider: [q, P]}", HALF),
	  "w.yaml:7: holds at the same time, for the same calls or under the same id, as contract "
	  "'c' of line 6" },
	{ LISTED "contracts:\n" CONTRACT("c", "{provider: p}", HALF)
		  CONTRACT("c", "{provider: q}", HALF),
	  "w.yaml:7: holds" },
	{ LISTED "contracts:\n" CONTRACT("c", "{provider: [p, q]}", HALF),
	  "w.yaml:6: no entry has a price for provider 'q'" },
	{ AGREED("p", "kind: percent, percent: 5, model: b"),
	  "w.yaml:6: 'b' is no id or alias of an entry" },
	{ AGREED("p", "kind: percent, percent: 5, model: [a, aaa]"), "'aaa' is no id or alias" },
	{ AGREED("q", "kind: percent, percent: 5, model: a"), "'a' is no id or alias" },
	{ AGREED("p", "kind: override, model: aa, tier: flexx, rates: {in_text: \"1/Mtok\"}"),
	  "no price has a tier 'flexx'" },
	{ AGREED("p", "kind: override, model: aa, band: long, rates: {in_text: \"1/Mtok\"}"),
	  "no price of that model has a band 'long'" },
	{ AGREED("p", FINE FINE FINE FINE "kind: markup, percent: \"1.000001\""),
	  "w.yaml:6: the percentages of this contract together need more digits" },
	{ RULE("percent: 5"), "'kind' is" },
	{ RULE("kind: gift"), "'kind' is" },
	{ RULE("kind: percent"), "'percent' is percent" },
	{ RULE("kind: percent, percent: 100.1"), "'percent' is percent" },
	{ RULE("kind: percent, percent: -1"), "'percent' is percent" },
	{ RULE("kind: percent, percent: 0.0000001"), "'percent' is percent" },
	{ RULE("kind: percent, percent: 5, on: pages"), "'on' is one of: all, tokens, counts" },
	{ RULE("kind: percent, percent: 5, steps: []"), "unknown key 'steps'" },
	{ RULE("kind: markup, percent: 5, team: research"), "before its team is known" },
	{ RULE("kind: override, rates: {in_text: \"1/Mtok\"}"), "'model' is missing" },
	{ RULE("kind: override, model: a"), "expected rates" },
	{ RULE("kind: override, model: a, rates: {in_text: \"1/tok\"}"), "absurd" },
	{ RULE("kind: volume"), "'steps' is a list" },
	{ RULE("kind: volume, steps: [{upto: 5, percent: 1}]"), "the last step" },
	{ RULE("kind: volume, steps: [{percent: 1}, {percent: 2}]"), "the last step" },
	{ RULE("kind: volume, steps: [{upto: 5, percent: 1}, {upto: 5, percent: 1}, {percent: 2}]"),
	  "go upwards" },
	{ RULE("kind: volume, period: week, steps: [{percent: 1}]"),
	  "'period' is one of: month, contract" },
	{ RULE("kind: volume, meter: gross, steps: [{percent: 1}]"),
	  "'meter' is one of: net, list" },
	{ RULE("kind: commit"), "'amount' is dollars" },
	{ RULE("kind: commit, amount: 0"), "'amount' is dollars" },
	{ RULE("kind: commit, amount: 5, overage: free"), "'overage' is one of: contract, list" },
	{ RULE("kind: ptu, marginal: dear"), "'marginal' is one of: free" },
	{ RULE("kind: ptu, amortise: \"2/hour\""), "unknown key 'amortise'" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct book *b = NULL;
		char error[YAML_ERROR] = "";

		assert_int_equal(book_new(&b), 0);
		if (book_add(b, str_of(wrong[i].yaml), "w.yaml", error) != -EBADMSG)
			fail_msg("taken: %s", wrong[i].yaml);
		if (strncmp(error, "w.yaml", 6) != 0 || !strstr(error, wrong[i].says))
			fail_msg("'%s' does not say '%s'", error, wrong[i].says);
		book_free(&b);
	}
}

static const char second[] = HEAD
	"providers:\n  - {id: p, deployments: [{host: h, name: e, model: a}]}\n  - {id: p, "
	"deployments: "
	"[{host: h, name: f, model: a}], priced_at: end}\n"
	"overrides: [{provider: p, name: o, model: a, sku: s}]\n"
	"contracts:\n" CONTRACT(
		"c", "{provider: p}",
		"until: 2026-02-01, " HALF) "  - {id: c, match: {provider: p}, from: "
					    "2026-02-01, " HALF
					    "}\n" CONTRACT("d", "{host: h}", HALF)
						    CONTRACT("e", "{provider: p, host: h}", HALF);

static const char first[] = HEAD "gates: {max_usd_per_Mtok: 5000000, cache_read_le_input: false}\n"
				 "unpriced: {policy: shadow, shadow_rate: {in_text: \"1/tok\"}}\n"
				 "providers:\n  - {id: p, fallback: [{provider: q, vendor: v, mul: "
				 "2}, {provider: r, uplift: "
				 "[{when: {geo: us}, mul: 2}]}], variants: {x: free}}\n"
				 "models:\n  - {provider: p, id: a, aliases: [aa], prices: [{from: "
				 "2026-01-01, rates: {all: {standard: {in_text: "
				 "\"1/tok\", in_cache_read: \"2/tok\"}}}, " FROM
				 ", windows: [{name: w, tz: UTC, days: [mon], time: "
				 "[\"00:00-24:00\"], holidays: [2026-01-05], mul: 2}]}]}\n";

static int load_both(void)
{
	struct book *b = NULL;
	char error[YAML_ERROR] = "";
	int r = book_new(&b);

	if (r == 0)
		r = book_add(b, str_of(first), "one.yaml", error);
	if (r == 0)
		r = book_add(b, str_of(second), "two.yaml", error);
	if (r < 0 && r != -ENOMEM)
		print_error("%s\n", error);
	book_free(&b);
	return r;
}

/* A second file adds to what the first said, and gates are each file's own. */
static void added(void **state)
{
	struct book *b = book_from(first);
	char error[YAML_ERROR];

	(void)state;
	assert_int_equal(load_both(), 0);
	assert_int_equal(book_add(b, S(HEAD "unpriced: {policy: hold}\n"), "u.yaml", error),
			 -EBADMSG);
	assert_non_null(strstr(error, "u.yaml:3: 'unpriced' has been said"));
	book_free(&b);
	b = book_from(first);
	assert_int_equal(book_add(b,
				  S(HEAD "models:\n  - {provider: p, id: b, prices: [{from: "
					 "2026-01-01, rates: {all: "
					 "{standard: {in_text: \"1/tok\"}}}, " FROM "}]}\n"),
				  "g.yaml", error),
			 -EBADMSG);
	assert_non_null(strstr(error, "g.yaml:4: '1/tok' is absurd"));
	book_free(&b);
}

static void no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		int r;

		mem_fail_after = n;
		r = load_both();
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(added),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
