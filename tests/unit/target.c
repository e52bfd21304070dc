/* Rows of files on the board: whose a row is, its numbers, what is shown. Looks and probes are tests/live's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "app/targets.h"
#include "base/obj.h"

static struct world world;
static struct targets t = { .magic = TARGETS_MAGIC, .world = &world };

static int fresh(void **state)
{
	(void)state;
	free(world.board);
	world.board = calloc(1, sizeof(*world.board));
	return world.board ? 0 : -1;
}

static int done(void **state)
{
	(void)state;
	free(world.board);
	world.board = NULL;
	return 0;
}

static struct target file(uint64_t ino)
{
	return (struct target){ .key = { 1, ino }, .watch = -1, .state = TARGET_ATTACHED };
}

static void test_numbers(void **state)
{
	struct target a = file(1), b = file(2);
	uint32_t first, again;

	(void)state;
	first = target_number(&t, &a);
	assert_int_equal(TARGET_ROW(first), 0);
	assert_int_not_equal(first, 0);
	assert_int_equal(TARGET_ROW(target_number(&t, &b)), 1);
	/* attached once more: another number of the same row, so that an old record is nobody's */
	again = target_number(&t, &a);
	assert_int_equal(TARGET_ROW(again), 0);
	assert_int_not_equal(again, first);
	/* at the end of the numbers it begins anew, never with the one that means nothing */
	world.board->target[0].number = UINT32_MAX / (2 * BOARD_TARGETS) * (2 * BOARD_TARGETS);
	again = target_number(&t, &a);
	assert_int_equal(TARGET_ROW(again), 0);
	assert_int_not_equal(again, 0);
}

/* A row that another file has taken is not this one's any more. */
static void test_taken(void **state)
{
	struct target a = file(1), b = file(2);
	uint32_t first;

	(void)state;
	world.board->target_count = BOARD_TARGETS;
	for (uint32_t i = 0; i < BOARD_TARGETS; i++) {
		world.board->target[i].ino = 100 + i;
		world.board->target[i].state = TARGET_ATTACHED;
	}
	assert_int_equal(target_number(&t, &a), 0);
	assert_null(target_own_row(&a));
	world.board->target[7].state = TARGET_EMPTY;
	world.board->target[9].state = TARGET_GONE;
	first = target_number(&t, &a);
	assert_int_equal(TARGET_ROW(first), 9); /* what is gone goes first */
	target_show(&t, &a, "/a", "");
	assert_int_equal(world.board->target[9].state, TARGET_ATTACHED);
	world.board->target[9].state = TARGET_GONE;
	assert_int_equal(TARGET_ROW(target_number(&t, &b)), 9);
	target_show(&t, &b, "", "");
	assert_null(target_own_row(&a));
	target_say(&a, "/nobody", "");
	assert_string_equal(world.board->target[9].path, "");
	assert_int_equal(TARGET_ROW(target_number(&t, &a)), 7);
	assert_int_equal(world.board->target_count, BOARD_TARGETS);
}

static void test_shown(void **state)
{
	struct site site[] = { { .row = TLS_OPENSSL_READ },
			       { .row = TLS_OPENSSL_WRITE_INNER },
			       { .row = TLS_RUSTLS_OUT },
			       { .row = TLS_RUSTLS_IN } };
	const struct board_target *row = world.board->target;
	struct target a = file(1);

	(void)state;
	a.site = site;
	a.sites = 2;
	target_show(&t, &a, "/usr/bin/x", "");
	assert_string_equal(row->family, "openssl");
	assert_string_equal(row->how, "symbol, callee");
	assert_int_equal(row->trial, 0);
	assert_true(row->attached_ns > 0);
	a.sites = COUNT_OF(site);
	target_show(&t, &a, "/usr/bin/x", "boringssl: two candidates");
	assert_string_equal(row->family, "openssl, rustls");
	assert_string_equal(row->how, "symbol, callee, rustls");
	assert_string_equal(row->why, "boringssl: two candidates");
	assert_int_equal(row->trial, 1);
	assert_int_equal(row->sites, 4);
	assert_true(target_proof(&site[2]) && !target_proof(&site[0]));
	assert_true(target_returns(&site[0]));
	assert_false(target_returns(&(struct site){ .row = TLS_GO_READ, .leave = 1 }));
	/* what is shown of a file that lost its probes is no attachment */
	a.sites = 0;
	a.state = TARGET_REFUSED;
	target_show(&t, &a, row->path, "the kernel refused the probes");
	assert_string_equal(row->path, "/usr/bin/x");
	assert_int_equal(row->attached_ns, 0);
}

/* What must not be attached goes, and says why; what may be stays, in its order. */
static void test_stripped(void **state)
{
	const struct site all[] = { { .row = TLS_OPENSSL_READ }, { .row = TLS_BORING_READ },
				    { .row = TLS_GO_READ },      { .row = TLS_GO_READ, .leave = 1 },
				    { .row = TLS_RUSTLS_IN },    { .row = TLS_GNUTLS_DEINIT } };
	struct target a = file(1), copy = file(2);
	struct find_answer answer = { .count = COUNT_OF(all) };

	(void)state;
	memcpy(answer.site, all, sizeof(all));
	target_strip(&t, &a, &answer);
	assert_int_equal(answer.count, COUNT_OF(all));
	assert_string_equal(answer.why, "");
	/* a signature that lied: what has a name is believed, and so is a copy of the file */
	a.distrusted = true;
	target_strip(&t, &copy, &answer);
	assert_int_equal(answer.count, COUNT_OF(all));
	target_strip(&t, &a, &answer);
	assert_int_equal(answer.count, 4);
	assert_int_equal(answer.site[1].row, TLS_GO_READ);
	assert_int_equal(answer.site[3].row, TLS_GNUTLS_DEINIT);
	assert_string_equal(answer.why, target_lie);
	/* a kernel on which return probes do harm: Go needs none, and what is whole at its entry neither */
	strcpy(world.board->no_returns, "they kill");
	answer = (struct find_answer){ .count = COUNT_OF(all) };
	memcpy(answer.site, all, sizeof(all));
	target_strip(&t, &copy, &answer);
	assert_int_equal(answer.count, 4);
	for (uint32_t i = 0; i < answer.count; i++)
		assert_false(target_returns(&answer.site[i]));
	assert_int_equal(answer.site[2].row, TLS_RUSTLS_IN);
	assert_string_equal(answer.why, "they kill");
}

/* The first connections of a program may be to a database: after a while it gets another trial, not before. */
static void test_pardoned(void **state)
{
	struct target seen = file(1), *e = NULL;

	(void)state;
	seen.state = TARGET_REFUSED;
	assert_int_equal(target_add(&t, &seen, &e), 0);
	e->distrusted = true;
	e->again_ns = 1000;
	assert_int_equal(targets_round(&t, 999), 0);
	assert_int_equal(e->state, TARGET_REFUSED);
	assert_true(e->distrusted);
	assert_int_equal(targets_round(&t, 1000), 0);
	assert_int_equal(e->state, TARGET_GONE);
	assert_false(e->distrusted);
	/* refused for something else: that stays */
	e->state = TARGET_REFUSED;
	assert_int_equal(targets_round(&t, 5000), 0);
	assert_int_equal(e->state, TARGET_REFUSED);
	target_forget(&t, e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_numbers, fresh),
		cmocka_unit_test_setup(test_taken, fresh),
		cmocka_unit_test_setup(test_shown, fresh),
		cmocka_unit_test_setup(test_stripped, fresh),
		cmocka_unit_test_setup(test_pardoned, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
