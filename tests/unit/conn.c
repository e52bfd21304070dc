/* conn -- chunks become pieces: in order, holes named, ends complete. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "conn/conn.h"

struct log {
	struct counters c;
	struct buf text;
	struct conn *conn;
	uint64_t stale, refused;
	int refuse;
	uint64_t now_ns;    /* of data; ends are at 100 */
	struct origin from; /* of the last piece */
};

enum { /* as conn.c sees them */
#define SKIP(name, text, words) SKIP_##name,
#include "tbl/skip.h"
#undef SKIP
};

static int on_piece(void *ctx, const struct piece *p)
{
	static const char *const ends[] = { "", "eof", "free", "exec", "exit", "stop" };
	struct log *l = ctx;
	char dir = p->dir == DIR_OUT ? '>' : '<';
	int r = 0;

	if (l->refuse)
		return l->refuse;
	l->from = *p->from;
	if (p->kind == PIECE_BYTES)
		r = buf_printf(&l->text, "%llu%c%llu:" STR_FMT " ",
			       (unsigned long long)p->from->gen, dir, (unsigned long long)p->off,
			       STR_ARG(p->bytes));
	else if (p->kind == PIECE_GAP)
		r = buf_printf(&l->text, "%llu%c%llu+%llu ", (unsigned long long)p->from->gen, dir,
			       (unsigned long long)p->off, (unsigned long long)p->gap);
	else
		r = buf_printf(&l->text, "%llu.%s%s ", (unsigned long long)p->from->gen,
			       ends[p->end],
			       p->end != END_EOF ? ""
			       : dir == '>'      ? ">"
						 : "<");
	return r < 0 ? -EDOM : 0;
}

static void on_skip(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	struct log *l = ctx;

	assert_non_null(from);
	assert_true(skip == SKIP_STALE || skip == SKIP_REFUSED);
	*(skip == SKIP_STALE ? &l->stale : &l->refused) += bytes;
}

static void open_log(struct log *l)
{
	struct conn_opts o = { &l->c, on_skip, l };

	*l = (struct log){ .text.limit = 1u << 22 };
	assert_int_equal(conn_new(&o, (struct piece_sink){ on_piece, l }, &l->conn), 0);
}

static void close_log(struct log *l)
{
	conn_free(&l->conn);
	assert_null(l->conn);
	assert_int_equal(count_get(&l->c, CONNS_OPEN), 0);
	buf_done(&l->text);
}

static int data(struct log *l, uint64_t gen, enum flow_dir dir, uint64_t off, const char *z)
{
	struct chunk c = { .from = { .gen = gen,
				     .tgid = (uint32_t)(gen / 10),
				     .start_ns = 5,
				     .target = (uint32_t)(gen % 10) },
			   .at_ns = l->now_ns,
			   .dir = dir,
			   .off = off,
			   .bytes = str_of(z) };

	return conn_feed(l->conn, &c);
}

static int end(struct log *l, uint64_t gen, enum flow_end why, enum flow_dir dir, uint64_t out,
	       uint64_t in)
{
	struct chunk c = { .from = { .gen = gen, .tgid = (uint32_t)(gen / 10), .start_ns = 5 },
			   .at_ns = 100,
			   .end = why,
			   .dir = dir,
			   .final = { out, in } };

	return conn_feed(l->conn, &c);
}

static void says(struct log *l, const char *want)
{
	if (!str_eq(buf_str(&l->text), str_of(want)))
		fail_msg("got '" STR_FMT "', want '%s'", STR_ARG(buf_str(&l->text)), want);
	buf_reset(&l->text);
}

static void order_and_gaps(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "ab"), 0);
	assert_int_equal(data(&l, 10, DIR_IN, 0, "xy"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, 2, "cd"), 0);
	says(&l, "10>0:ab 10<0:xy 10>2:cd ");
	assert_int_equal(data(&l, 10, DIR_OUT, 9, "e"), 0);
	says(&l, "10>4+5 10>9:e ");
	assert_int_equal(count_get(&l.c, GAPS), 1);
	assert_int_equal(count_get(&l.c, GAP_BYTES), 5);
	assert_int_equal(data(&l, 11, DIR_IN, 7, "mid"), 0);
	says(&l, "11<0+7 11<7:mid ");
	assert_int_equal(count_get(&l.c, CONNS), 2);
	assert_int_equal(count_get(&l.c, CONNS_OPEN), 2);
	close_log(&l);
}

static void stale_bytes(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "abcd"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "abcd"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, 2, "cdef"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, 1, "b"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, UINT64_MAX - 1, "over"), 0);
	assert_int_equal(data(&l, 10, DIR_OUT, UINT64_MAX - 4, "over"), 0);
	says(&l, "10>0:abcd 10>4:ef ");
	assert_int_equal(l.stale, 4 + 2 + 1 + 4 + 4);
	assert_int_equal(data(&l, 10, DIR_OUT, 6, "g"), 0);
	says(&l, "10>6:g ");
	close_log(&l);
}

static void ends(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "ab"), 0);
	assert_int_equal(end(&l, 10, END_EOF, DIR_IN, 99, 5), 0);
	says(&l, "10>0:ab 10<0+5 10.eof< ");
	assert_int_equal(data(&l, 10, DIR_OUT, 2, "c"), 0);
	assert_int_equal(end(&l, 10, END_FREE, DIR_OUT, 4, 5), 0);
	says(&l, "10>2:c 10>3+1 10.free ");
	assert_int_equal(end(&l, 10, END_FREE, DIR_OUT, 4, 5), 0); /* already forgotten */
	assert_int_equal(data(&l, 11, DIR_OUT, 0, "z"), 0);
	assert_int_equal(end(&l, 11, END_FREE, DIR_OUT, OFF_UNKNOWN, OFF_UNKNOWN), 0);
	says(&l, "11>0:z 11.free ");
	close_log(&l);
}

static void processes(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "a"), 0);
	assert_int_equal(data(&l, 20, DIR_OUT, 0, "b"), 0);
	assert_int_equal(data(&l, 11, DIR_OUT, 0, "c"), 0);
	says(&l, "10>0:a 20>0:b 11>0:c ");
	assert_int_equal(end(&l, 0, END_EXIT, DIR_OUT, OFF_UNKNOWN, OFF_UNKNOWN), 0);
	says(&l, "");
	assert_int_equal(end(&l, 11, END_EXIT, DIR_OUT, 3, 0), 0);
	says(&l, "10.exit 11>1+2 11.exit ");
	assert_int_equal(end(&l, 29, END_EXEC, DIR_OUT, OFF_UNKNOWN, OFF_UNKNOWN), 0);
	says(&l, "20.exec ");
	l.now_ns = 100; /* the new program was faster than the news of its start */
	assert_int_equal(data(&l, 21, DIR_OUT, 0, "n"), 0);
	assert_int_equal(end(&l, 29, END_EXEC, DIR_OUT, OFF_UNKNOWN, OFF_UNKNOWN), 0);
	says(&l, "21>0:n ");
	assert_int_equal(end(&l, 21, END_FREE, DIR_OUT, 1, 0), 0);
	says(&l, "21.free ");
	assert_int_equal(count_get(&l.c, CONNS_OPEN), 0);
	assert_int_equal(data(&l, 30, DIR_OUT, 0, "d"), 0);
	assert_int_equal(data(&l, 31, DIR_IN, 0, "e"), 0);
	assert_int_equal(conn_flush(l.conn, 9), 0);
	says(&l, "30>0:d 31<0:e 30.stop 31.stop ");
	close_log(&l);
}

static void full_table(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	for (uint64_t gen = 1; gen <= LIMIT_CONNS; gen++) {
		assert_int_equal(data(&l, gen, DIR_OUT, 0, "a"), 0);
		buf_reset(&l.text);
	}
	assert_int_equal(data(&l, LIMIT_CONNS + 1, DIR_OUT, 0, "abc"), 0);
	assert_int_equal(data(&l, LIMIT_CONNS + 1, DIR_IN, 0, "defg"), 0);
	says(&l, "");
	assert_int_equal(l.refused, 7);
	assert_int_equal(count_get(&l.c, CONNS_REFUSED), 1);
	assert_int_equal(l.c.limit[LIM_CONNS], 1);
	assert_int_equal(count_get(&l.c, CONNS_REFUSED), 1);
	assert_int_equal(end(&l, 5, END_FREE, DIR_OUT, 1, 0), 0);
	assert_int_equal(data(&l, LIMIT_CONNS + 2, DIR_OUT, 0, "x"), 0);
	says(&l, "5.free 65538>0:x ");
	close_log(&l);
}

static int from_group(struct log *l, uint64_t cgroup, uint64_t gen, uint64_t off, const char *z)
{
	struct chunk c = { .from = { .gen = gen,
				     .tgid = 1 + (uint32_t)cgroup,
				     .start_ns = 5,
				     .cgroup = cgroup },
			   .dir = DIR_OUT,
			   .off = off,
			   .bytes = str_of(z) };

	return conn_feed(l->conn, &c);
}

/* One cgroup opens 50,000 connections: its own later ones are refused, those of another are not, nor are those it has. */
static void flood(void **state)
{
	const uint64_t many = 50000, rival = 1u << 20;
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(from_group(&l, 8, rival, 0, "ri"), 0);
	for (uint64_t gen = 1; gen <= many; gen++) {
		assert_int_equal(from_group(&l, 9, gen, 0, "abc"), 0);
		if (gen > LIMIT_CGROUP_CONNS)
			assert_int_equal(from_group(&l, 9, gen, 3, "de"), 0);
	}
	assert_int_equal(count_get(&l.c, CONNS_OPEN), LIMIT_CGROUP_CONNS + 1);
	assert_int_equal(count_get(&l.c, CONNS_REFUSED), many - LIMIT_CGROUP_CONNS);
	assert_int_equal(l.c.limit[LIM_CGROUP_CONNS], many - LIMIT_CGROUP_CONNS);
	assert_int_equal(l.refused, 5 * (many - LIMIT_CGROUP_CONNS));
	buf_reset(&l.text);
	assert_int_equal(from_group(&l, 8, rival, 2, "val"), 0);
	assert_int_equal(from_group(&l, 8, rival + 1, 0, "new"), 0);
	assert_int_equal(from_group(&l, 9, 1, 3, "own"), 0);
	says(&l, "1048576>2:val 1048577>0:new 1>3:own ");
	/* one ends, one more may come; a process that moved still counts where it began */
	assert_int_equal(from_group(&l, 10, 2, 3, "x"), 0);
	assert_int_equal(end(&l, 2, END_FREE, DIR_OUT, 4, 0), 0);
	assert_int_equal(from_group(&l, 9, many + 1, 0, "y"), 0);
	says(&l, "2>3:x 2.free 50001>0:y ");
	assert_int_equal(from_group(&l, 9, many + 2, 0, "z"), 0);
	says(&l, "");
	close_log(&l);
}

/* An outlet that refuses loses the record it refused and nothing else. */
static void outlet_errors(void **state)
{
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 10, DIR_OUT, 0, "a"), 0);
	assert_int_equal(data(&l, 11, DIR_OUT, 0, "a"), 0);
	l.refuse = -EIO;
	assert_int_equal(data(&l, 10, DIR_OUT, 1, "b"), -EIO);
	assert_int_equal(data(&l, 10, DIR_OUT, 5, "f"), -EIO);
	assert_int_equal(end(&l, 10, END_EOF, DIR_IN, 0, 4), -EIO);
	l.refuse = 0;
	assert_int_equal(data(&l, 10, DIR_OUT, 6, "g"), 0);
	says(&l, "10>0:a 11>0:a 10>6:g ");
	l.refuse = -EIO;
	assert_int_equal(end(&l, 10, END_EXIT, DIR_IN, 9, 9), -EIO);
	assert_int_equal(count_get(&l.c, CONNS_OPEN), 0);
	close_log(&l);
}

static void no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		struct log l = { .text.limit = 4096 };
		struct conn_opts o = { &l.c, on_skip, &l };
		uint64_t ok = 0;
		int r;

		assert_int_equal(buf_add(&l.text, S("room")), 0);
		l.text.p = mem_grow(l.text.p, 4096, 1);
		l.text.room = 4096;
		mem_fail_after = n;
		r = conn_new(&o, (struct piece_sink){ on_piece, &l }, &l.conn);
		for (uint64_t gen = 10; r == 0 && gen < 40; gen += 5) {
			int one = data(&l, gen, DIR_OUT, 0, "abc");

			assert_true(one == 0 || one == -ENOMEM);
			ok += one == 0 ? 3 : 0;
		}
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		if (l.conn)
			assert_int_equal(ok + l.refused, 18);
		assert_true(!failed || r == -ENOMEM || l.refused == 3);
		close_log(&l);
		assert_true(n < 100);
	}
}

/* The probes of one file are taken away: all that was seen through them ends, and nothing else. */
static void targets(void **state)
{
	struct chunk gone = { .from = { .target = 7 }, .at_ns = 100, .end = END_STOP };
	struct log l;

	(void)state;
	open_log(&l);
	assert_int_equal(data(&l, 17, DIR_OUT, 0, "a"), 0);
	assert_int_equal(data(&l, 18, DIR_OUT, 0, "b"), 0);
	assert_int_equal(data(&l, 27, DIR_IN, 0, "c"), 0);
	assert_int_equal(data(&l, 20, DIR_IN, 0, "d"), 0);
	buf_reset(&l.text);
	assert_int_equal(conn_feed(l.conn, &gone), 0);
	assert_int_equal(count_get(&l.c, CONNS_OPEN), 2);
	buf_reset(&l.text);
	assert_int_equal(conn_feed(l.conn, &gone), 0);
	says(&l, "");
	assert_int_equal(conn_flush(l.conn, 200), 0);
	close_log(&l);
}

/* A process is moved to another cgroup, and takes another name: who pays is who it is now. */
static void moved(void **state)
{
	struct chunk c = { .from = { .gen = 1,
				     .tgid = 7,
				     .start_ns = 5,
				     .cgroup = 30,
				     .cg_slot = 3,
				     .comm = "a" },
			   .bytes = S("x") };
	struct log l;

	(void)state;
	open_log(&l);
	for (; c.off < 2; c.off++) {
		assert_int_equal(conn_feed(l.conn, &c), 0);
		assert_int_equal(l.from.cgroup, c.from.cgroup);
		assert_int_equal(l.from.cg_slot, c.from.cg_slot);
		assert_string_equal(l.from.comm, c.from.comm);
		c.from.cgroup = 40;
		c.from.cg_slot = 4;
		c.from.comm[0] = 'b';
	}
	assert_int_equal(conn_flush(l.conn, 200), 0); /* an end has no sender of its own */
	assert_int_equal(l.from.cgroup, 40);
	assert_int_equal(l.from.cg_slot, 4);
	assert_string_equal(l.from.comm, "b");
	close_log(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_gaps), cmocka_unit_test(stale_bytes),
		cmocka_unit_test(ends),           cmocka_unit_test(processes),
		cmocka_unit_test(full_table),     cmocka_unit_test(outlet_errors),
		cmocka_unit_test(no_memory),      cmocka_unit_test(targets),
		cmocka_unit_test(flood),          cmocka_unit_test(moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
