/* llm_fields -- what the rows of a table make of a usage object: parts, spellings, totals, and what is not told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/names.h"
#include "llm/provider.h"

static const struct llm_field fields[] = {
	{ "in", LEAF_IN_TEXT, 0, 0 },
	{ "input", LEAF_IN_TEXT, FIELD_SAME, 0 },
	{ "cached", LEAF_IN_CACHE_READ, FIELD_PART, LEAF_IN_TEXT },
	{ "hit", LEAF_IN_CACHE_READ, FIELD_PART | FIELD_SAME, LEAF_IN_TEXT },
	{ "sound", LEAF_IN_AUDIO, FIELD_PART | FIELD_SHARED, LEAF_IN_TEXT },
	{ "out", LEAF_OUT_TEXT, 0, 0 },
	{ "thought", LEAF_OUT_REASONING, FIELD_PART | FIELD_APART, LEAF_OUT_TEXT },
	{ "spoken", LEAF_OUT_AUDIO, FIELD_PART, LEAF_OUT_TEXT },
	{ "drawn", LEAF_OUT_IMAGE, FIELD_PART | FIELD_LOOSE, LEAF_OUT_TEXT },
	{ "cited", LEAF_OUT_CITATION, FIELD_BEYOND, 0 },
	{ "more", 0, FIELD_EXTRA, 0 },
	{ "total", 0, FIELD_TOTAL, 0 },
};
static const struct llm_format format = { .fields = fields, .field_count = COUNT_OF(fields) };

static const struct {
	const char *raw, *want; /* NULL: BAD_USAGE */
} rows[] = {
	{ "{'in':9,'out':4}", "in_text=9 out_text=4" },
	{ "{'in':9,'out':4,'total':13}", "in_text=9 out_text=4" },
	{ "{'in':9,'out':4,'total':14}", NULL },
	/* two spellings of one thing, in any order */
	{ "{'input':9,'out':4}", "in_text=9 out_text=4" },
	{ "{'input':9,'in':9,'out':4,'total':13}", "in_text=9 out_text=4" },
	{ "{'in':9,'input':8,'out':4}", NULL },
	{ "{'in':9,'cached':3}", "in_text=6 in_cache_read=3" },
	{ "{'in':9,'hit':3}", "in_text=6 in_cache_read=3" },
	{ "{'hit':3,'in':9,'cached':3}", "in_text=6 in_cache_read=3" },
	{ "{'in':9,'cached':3,'hit':2}", NULL },
	{ "{'in':9,'cached':0,'hit':2}", NULL },
	{ "{'in':9,'cached':10}", NULL },
	{ "{'in':9,'cached':6,'sound':5}", "in_text=0 in_cache_read=6 in_audio=3" },
	/* within, unless only the sum with it comes to the total */
	{ "{'in':9,'out':4,'thought':3}", "in_text=9 out_text=1 out_reasoning=3" },
	{ "{'in':9,'out':4,'thought':3,'total':13}", "in_text=9 out_text=1 out_reasoning=3" },
	{ "{'in':9,'out':4,'thought':3,'total':16}", "in_text=9 out_text=4 out_reasoning=3" },
	{ "{'in':9,'out':4,'thought':7,'total':20}", "in_text=9 out_text=4 out_reasoning=7" },
	{ "{'in':9,'out':4,'thought':0,'total':13}", "in_text=9 out_text=4 out_reasoning=0" },
	{ "{'in':9,'out':4,'thought':3,'total':15}", NULL },
	{ "{'in':9,'out':4,'thought':7}", NULL },
	{ "{'in':9,'out':4,'thought':7,'total':13}", NULL },
	/* two parts that are not shared do not fit into the whole */
	{ "{'out':4,'thought':2,'spoken':2}", "out_text=0 out_reasoning=2 out_audio=2" },
	{ "{'out':4,'thought':3,'spoken':2}", NULL },
	/* the total does not hold it */
	{ "{'in':9,'out':4,'cited':50,'total':13}", "in_text=9 out_text=4 out_citation=50" },
	{ "{'in':9,'out':4,'cited':50,'total':63}", NULL },
	{ "{'in':-1}", NULL },
	{ "{'in':'9'}", NULL },
	{ "{'other':9}", NULL },
	{ "{'more':0}", NULL },
};

static struct llm_count count(const char *quoted)
{
	struct llm_count c;
	char raw[200];
	size_t n = strlen(quoted);

	assert_true(n < sizeof(raw));
	for (size_t i = 0; i <= n; i++)
		raw[i] = quoted[i] == '\'' ? '"' : quoted[i];
	assert_int_equal(llm_count_fields(&format, (struct str){ raw, n }, &c), 0);
	return c;
}

static void leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct llm_count c = count(rows[i].raw);
		char text[200] = "";
		size_t n = 0;

		for (int k = 0; k < LEAF_COUNT; k++)
			if (leaf_has(&c.used, k))
				n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%d",
						      n ? " " : "", names_leaf[k],
						      (int)c.used.n[k]);
		if (c.why != (rows[i].want ? WHY_NONE : WHY_BAD_USAGE) ||
		    strcmp(text, rows[i].want ? rows[i].want : "") != 0)
			fail_msg("%s: '%s'", rows[i].raw, text);
		assert_false(c.flags || c.extra);
	}
}

static void loose(void **state)
{
	struct llm_count c = count("{'out':10,'drawn':11}");

	(void)state;
	assert_int_equal(c.why, WHY_NONE);
	assert_int_equal(c.flags, 1u << FLAG_LOOSE_PART);
	assert_int_equal(c.used.n[LEAF_OUT_TEXT], 0);
	assert_int_equal(c.used.n[LEAF_OUT_IMAGE], 10);
	c = count("{'out':10,'drawn':10}");
	assert_int_equal(c.flags, 0);
	/* after another part: what is left of the whole */
	c = count("{'out':10,'thought':4,'drawn':9}");
	assert_int_equal(c.flags, 1u << FLAG_LOOSE_PART);
	assert_int_equal(c.used.n[LEAF_OUT_REASONING], 4);
	assert_int_equal(c.used.n[LEAF_OUT_IMAGE], 6);
}

static void extra(void **state)
{
	struct llm_count c = count("{'in':9,'more':2,'total':9}");

	(void)state;
	assert_true(c.extra);
	assert_int_equal(c.why, WHY_NONE);
	assert_int_equal(c.used.n[LEAF_IN_TEXT], 9);
	assert_false(count("{'in':9,'more':0}").extra);
	assert_false(count("{'in':9,'more':null}").extra);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves),
		cmocka_unit_test(loose),
		cmocka_unit_test(extra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
