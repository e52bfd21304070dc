/* vertexpb -- usage as Vertex sends it in protobuf becomes the object that REST sends. A whole answer: llm_gemini.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/obj.h"
#include "llm/provider.h"
#include "llm/said.h"

#define ROW(bytes, usage)                           \
	{                                           \
		{ bytes, sizeof(bytes) - 1 }, usage \
	}

static const struct {
	struct str bytes;
	const char *usage;
} rows[] = {
	ROW("\x22\0", "{}"),
	ROW("\x22\x04\x08\x07\x10\x02", "{\"promptTokenCount\":7,\"candidatesTokenCount\":2}"),
	/* a list, whose items stand together or not */
	ROW("\x22\x0e\x4a\x04\x08\x01\x10\x05\x4a\x04\x08\x04\x10\x06\x08\x0b",
	    "{\"promptTokensDetails\":[{\"modality\":1,\"tokenCount\":5},"
	    "{\"modality\":4,\"tokenCount\":6}],\"promptTokenCount\":11}"),
	/* items that say nothing */
	ROW("\x22\x04\x4a\0\x08\x07", "{\"promptTokensDetails\":[{}],\"promptTokenCount\":7}"),
	ROW("\x22\x06\x4a\0\x4a\0\x52\0",
	    "{\"promptTokensDetails\":[{},{}],\"cacheTokensDetails\":[{}]}"),
	/* the last one of a message stands */
	ROW("\x22\x02\x08\x07\x22\x02\x08\x08", "{\"promptTokenCount\":8}"),
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t cut = 1; cut <= rows[i].bytes.n; cut++) {
			const char *target =
				"/google.cloud.aiplatform.v1.PredictionService/GenerateContent";
			struct str rest = rows[i].bytes, model;
			const struct llm_route *r = provider_route(
				provider_by_name(S("vertex")), S("POST"), str_of(target), &model);
			struct said *s = NULL;

			assert_int_equal(said_new(r->format, &s), 0);
			for (; rest.n; rest = str_skip(rest, cut))
				assert_int_equal(said_feed(s, str_head(rest, cut)), 0);
			assert_true(said_whole(s));
			if (!str_eq(buf_str(&s->raw), str_of(rows[i].usage)))
				fail_msg("row %zu: " STR_FMT, i, STR_ARG(buf_str(&s->raw)));
			said_free(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
