/* llm, its table: an exchange too many is counted and not read; those that are there are not disturbed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "llm/llm.h"

struct bed {
	struct counters c;
	struct llm *llm;
	size_t calls;
};

static int on_usage(void *ctx, const struct usage *u)
{
	struct bed *b = ctx;

	assert_true(str_eq(u->host, S("api.openai.com")));
	b->calls++;
	return 0;
}

static int say(struct bed *b, uint64_t gen, enum part_kind kind)
{
	const struct origin from = { .gen = gen };
	struct part p = { .from = &from, .kind = kind, .at_ns = 1 };

	if (kind == PART_REQUEST) {
		p.method = S("GET");
		p.target = S("/v1/models");
		p.header[HDR_HOST] = S("api.openai.com");
		p.body_less = true;
	}
	return llm_feed(b->llm, &p);
}

static void exchanges(void **state)
{
	const uint64_t many = LIMIT_XCHGS + 3;
	struct bed b = { .calls = 0 };
	struct llm_opts o = { .counters = &b.c };

	(void)state;
	assert_int_equal(llm_new(&o, (struct usage_sink){ on_usage, &b }, &b.llm), 0);
	for (uint64_t gen = 1; gen <= many; gen++)
		assert_int_equal(say(&b, gen, PART_REQUEST), 0);
	assert_int_equal(b.c.limit[LIM_XCHGS], 3);
	assert_int_equal(count_get(&b.c, LIMIT_HIT), 3);
	assert_int_equal(say(&b, 1, PART_END), 0);
	assert_int_equal(say(&b, many + 1, PART_REQUEST), 0); /* there is room again */
	assert_int_equal(b.c.limit[LIM_XCHGS], 3);
	for (uint64_t gen = 2; gen <= many + 1;
	     gen++) /* the end of one that was refused says nothing */
		assert_int_equal(say(&b, gen, PART_END), 0);
	assert_int_equal(b.calls, LIMIT_XCHGS + 1);
	llm_free(&b.llm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
