/* importkit.h -- what the tests of the importers share: a list taken in, an entry said in words. */
#ifndef UNIT_IMPORTKIT_H
#define UNIT_IMPORTKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/names.h"
#include "price/import.h"

#define AT   1795305600000000000ull /* 2026-11-22 */

#define CHAT "\"litellm_provider\":\"openai\",\"mode\":\"chat\","
#define IO   "\"input_cost_per_token\":5e-06,\"output_cost_per_token\":3e-05"
#define SAYS "in_text 5/Mtok; out_text 30/Mtok"

static inline struct import *take_list(const char *list, const char *json,
				       const char *const *provider)
{
	struct import_opts o = { .list = list, .provider = provider, .at_ns = AT };
	struct import *m = NULL;
	int r = import_new(&o, str_of(json), &m);

	if (r < 0)
		fail_msg("%d: %s", r, json);
	return m;
}

/* "in_text 5/Mtok; >200000 flex out_text 1/Mtok", then the notes */
static inline void say(const struct import_entry *e, struct buf *b)
{
	int r = 0;

	buf_reset(b);
	for (const struct import_rate *x = e->refused ? NULL : e->rates; x && r == 0; x = x->next) {
		r = b->n ? buf_add(b, S("; ")) : 0;
		if (r == 0 && x->above)
			r = buf_printf(b, "%s%llu ", e->ge ? ">=" : ">",
				       (unsigned long long)x->above);
		if (r == 0 && !str_eq(x->tier, S("standard")))
			r = buf_printf(b, STR_FMT " ", STR_ARG(x->tier));
		if (r == 0)
			r = buf_printf(b, "%s " STR_FMT "/%s", names_leaf[x->leaf],
				       STR_ARG(x->dollars), x->unit);
	}
	for (int n = 1; n < IMPORT_COUNT && r == 0; n++)
		if (e->refused ? e->refused == (enum import_note)n : e->notes >> n & 1)
			r = buf_printf(b, "%s%s", b->n ? " ! " : "! ", import_words[n].text);
	assert_int_equal(r, 0);
	assert_int_equal(buf_put(b, 0), 0);
}

struct row {
	const char *json, *says;
};

static inline void expect(const char *list, const struct row *rows, size_t count,
			  const char *format)
{
	struct buf b = { .limit = 65536 }, doc = { .limit = 65536 };

	for (size_t i = 0; i < count; i++) {
		struct import *m;

		buf_reset(&doc);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		assert_int_equal(buf_printf(&doc, format, rows[i].json), 0);
#pragma GCC diagnostic pop
		assert_int_equal(buf_put(&doc, 0), 0);
		m = take_list(list, doc.p, NULL);
		say(import_first(m), &b);
		if (strcmp(b.p, rows[i].says) != 0)
			fail_msg("%s\n  gives %s\n  want  %s", rows[i].json, b.p, rows[i].says);
		import_free(&m);
	}
	buf_done(&b);
	buf_done(&doc);
}

#endif
