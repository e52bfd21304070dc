/* desk_state -- what the API says of the board: counters, and the limits that were reached. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "app/desk_state.h"
#include "base/json.h"
#include "base/obj.h"

struct seen {
	uint64_t calls, head_bytes, cgroup_conns, limit_hit;
	bool other; /* a limit that was not reached is named */
};

enum { CALLS, HEAD_BYTES, CGROUP_CONNS, LIMIT_HIT, OTHER };

static int on_value(void *ctx, int id, enum json_type type, struct str text)
{
	struct seen *s = ctx;
	uint64_t *to[] = { [CALLS] = &s->calls,
			   [HEAD_BYTES] = &s->head_bytes,
			   [CGROUP_CONNS] = &s->cgroup_conns,
			   [LIMIT_HIT] = &s->limit_hit };

	if (id == OTHER)
		s->other = true;
	else
		assert_true(type == JSON_NUMBER && str_u64(text, to[id]) == 0);
	return 0;
}

static void limits(void **state)
{
	static const struct json_want want[] = {
		{ "counters.calls", CALLS, 0 },
		{ "limits.head_bytes", HEAD_BYTES, 0 },
		{ "limits.cgroup_conns", CGROUP_CONNS, 0 },
		{ "counters.limit_hit", LIMIT_HIT, 0 },
		{ "limits.pipeline", OTHER, 0 },
	};
	struct board *b = mem_zero(1, sizeof(*b));
	struct buf text = { .limit = 1u << 20 };
	struct seen s = { .other = false };
	struct jsonw w;

	(void)state;
	assert_non_null(b);
	count_add(&b->counters, CALLS, 3);
	for (int i = 0; i < 5; i++)
		count_limit(&b->counters, HEAD_BYTES);
	count_limit(&b->counters, CGROUP_CONNS);
	jsonw_init(&w, &text);
	jsonw_open(&w, '{');
	desk_status(b, NULL, &w);
	jsonw_close(&w, '}');
	assert_int_equal(jsonw_done(&w), 0);
	assert_int_equal(json_scan(buf_str(&text), want, COUNT_OF(want), on_value, &s), 0);
	assert_int_equal(s.calls, 3);
	assert_int_equal(s.head_bytes, 5);
	assert_int_equal(s.cgroup_conns, 1);
	assert_int_equal(s.limit_hit, 6);
	assert_false(s.other);
	buf_done(&text);
	mem_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
