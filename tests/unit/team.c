/* The team stage: who pays, and under which id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/obj.h"
#include "team/team.h"

struct got {
	int count, answer;
	unsigned char id[CALL_ID];
	char text[256];
};

static int on_posting(void *ctx, const struct posting *p)
{
	struct got *g = ctx;

	g->count++;
	memcpy(g->id, p->id, CALL_ID);
	snprintf(g->text, sizeof(g->text),
		 STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT,
		 STR_ARG(p->team), STR_ARG(p->rule), STR_ARG(p->cgroup), STR_ARG(p->unit),
		 STR_ARG(p->host), STR_ARG(p->source_id));
	return g->answer;
}

static void facts(void *ctx, const struct origin *from, struct subject *ret)
{
	(void)ctx;
	if (from->cgroup == 7)
		*ret = (struct subject){ .cgroup = S("/acme/x"), .unit = S("x.service") };
}

static struct str source_id(void *ctx, const struct origin *from)
{
	(void)ctx;
	return from->gen == 1 ? S("one") : S("two");
}

static const struct team_opts live = {
	.host_id = "host-id-16-bytes", .epoch = "epoch-1", .host = S("h"), .facts = facts
};

static void feed(struct team *t, struct usage u, struct got *g)
{
	struct charge c = { .usage = &u };

	assert_int_equal(team_feed(t, &c), g->answer);
}

static void test_owner(void **state)
{
	_cleanup_(map_free) struct map *m = NULL;
	_cleanup_(team_free) struct team *t = NULL;
	struct got g = { 0 };
	char error[YAML_ERROR];

	(void)state;
	assert_int_equal(map_parse(S("teams: {a: {}}\nrules: [{id: r, match: {cgroup: /acme/**}, "
				     "assign: {team: a}}]"),
				   "m", &m, error),
			 0);
	assert_int_equal(team_new(&live, (struct posting_sink){ on_posting, &g }, &t), 0);
	feed(t, (struct usage){ .from.cgroup = 7 }, &g); /* no map yet */
	assert_string_equal(g.text, "__unattributed__||/acme/x|x.service|h|");
	team_use(t, m);
	feed(t, (struct usage){ .from.cgroup = 7 }, &g);
	assert_string_equal(g.text, "a|r|/acme/x|x.service|h|");
	feed(t, (struct usage){ .from.cgroup = 8 }, &g); /* nothing known */
	assert_string_equal(g.text, "__unattributed__||||h|");
	g.answer = -EIO;
	feed(t, (struct usage){ .from.cgroup = 8 }, &g);
	assert_int_equal(g.count, 4);
}

static void test_ids(void **state)
{
	static const struct usage rows[] = {
		{ .from = { .gen = 1 } }, { .from = { .gen = 2 } },      { .from = { .tgid = 1 } },
		{ .from = { .obj = 1 } }, { .from = { .start_ns = 1 } }, { .off = 1 },
		{ .off = 256 },
	};
	struct team_opts other[] = { live, live, live };
	unsigned char seen[3 * COUNT_OF(rows)][CALL_ID];
	size_t count = 0;

	(void)state;
	other[1].host_id[3] ^= 1;
	other[2].epoch[7] ^= 1;
	for (size_t o = 0; o < COUNT_OF(other); o++) {
		_cleanup_(team_free) struct team *t = NULL;
		struct got g = { 0 };

		assert_int_equal(team_new(&other[o], (struct posting_sink){ on_posting, &g }, &t),
				 0);
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			feed(t, rows[i], &g);
			memcpy(seen[count++], g.id, CALL_ID);
			feed(t, rows[i], &g); /* the same again is the same */
			assert_memory_equal(seen[count - 1], g.id, CALL_ID);
		}
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], CALL_ID);
}

static void test_saved(void **state)
{
	struct team_opts o = { .saved = true, .source_id = source_id };
	_cleanup_(team_free) struct team *t = NULL;
	unsigned char one[CALL_ID];
	struct got g = { 0 };

	(void)state;
	assert_int_equal(team_new(&o, (struct posting_sink){ on_posting, &g }, &t), 0);
	feed(t, (struct usage){ .from.gen = 1 }, &g);
	assert_string_equal(g.text, "__unattributed__|||||one");
	memcpy(one, g.id, CALL_ID);
	feed(t, (struct usage){ .from.gen = 1, .off = 77 }, &g); /* the file's own id decides */
	assert_memory_equal(one, g.id, CALL_ID);
	feed(t, (struct usage){ .from.gen = 2 }, &g);
	assert_memory_not_equal(one, g.id, CALL_ID);
}

static void test_no_memory(void **state)
{
	struct team *t = NULL;

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(team_new(&live, (struct posting_sink){ on_posting, NULL }, &t), -ENOMEM);
	mem_fail_after = -1;
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
