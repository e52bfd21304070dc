/* The consumer against rings made by hand. */
#include "ring_fake.h"

static void data_becomes_a_chunk(void **state)
{
	struct full d = good("hello");
	struct bed *b = bed_new(0);
	uint64_t utc;

	(void)state;
	fake_put(&b->data, 0, &d, sizeof(d));
	assert_int_equal(drain(b, 10), 1);
	assert_string_equal(b->log, "d");
	assert_true(str_eq(b->last.bytes, S("hello")));
	assert_int_equal(b->last.from.gen, ABI_GEN_STEP + 7);
	assert_int_equal(b->last.from.cgroup, 55);
	assert_int_equal(b->last.from.start_ns, 99);
	assert_int_equal(b->last.from.tgid, 3);
	assert_int_equal(b->last.from.uid, 4);
	assert_int_equal(b->last.from.cg_slot, 2);
	assert_string_equal(b->last.from.comm, "curl");
	assert_int_equal(b->last.dir, DIR_IN);
	assert_int_equal(b->last.off, 10);
	utc = clock_utc_ns() - clock_boot_ns() + d.head.at_ns;
	assert_in_range(b->last.at_ns, utc - NS_PER_SEC, utc + NS_PER_SEC);
	assert_int_equal(b->used[2], d.head.charge);
	assert_int_equal(consumed(&b->data), b->data.at);
	assert_int_equal(count_get(&b->counters, CHUNK_BYTES), 5);
	assert_int_equal(drain(b, 10), 0);
	bed_free(b);
}

static void an_unreadable_one_only_gives_its_charge_back(void **state)
{
	struct full d = good("");
	struct bed *b = bed_new(0);

	(void)state;
	fake_put(&b->data, 0, &d, sizeof(d));
	fake_put(&b->data, DROP, &d, sizeof(d));
	assert_int_equal(drain(b, 10), 2);
	assert_string_equal(b->log, "");
	assert_int_equal(b->used[2], d.head.charge);
	assert_int_equal(count_get(&b->counters, BAD_RECORDS), 0);
	bed_free(b);
}

static void an_end_waits_for_the_data_before_it(void **state)
{
	struct abi_end e = end_of(ABI_FREE);
	struct full d = good("x");
	struct bed *b = bed_new(0);
	struct ring_mark mark;
	uint64_t at, clear;

	(void)state;
	at = fake_put(&b->data, BUSY, &d, sizeof(d));
	fake_put(&b->ctl, 0, &e, ABI_END_BYTES);
	mark = ring_mark(b->ring);
	assert_int_equal(drain(b, 10), 0);
	assert_string_equal(b->log, "");
	assert_false(ring_passed(b->ring, mark));
	assert_int_equal(ring_clear_until(b->ring), 0);
	fake_commit(&b->data, at, sizeof(d));
	fake_put(&b->data, 0, &d, sizeof(d));
	assert_int_equal(drain(b, 1), 1);
	assert_int_equal(drain(b, 10), 2);
	assert_string_equal(b->log, "dFd");
	assert_int_equal(b->last.end, END_NONE);
	assert_true(ring_passed(b->ring, mark));
	clear = ring_clear_until(b->ring);
	assert_true(clear > 0 && clear <= clock_utc_ns());
	bed_free(b);
}

static void every_end_has_its_kind(void **state)
{
	struct abi_cgroup g = { .type = ABI_CGROUP, .cgroup = 1234, .path = "/a/b" };
	struct bed *b = bed_new(0);
	struct abi_end e;

	(void)state;
	e = end_of(ABI_EOF);
	e.dir = 1;
	fake_put(&b->ctl, 0, &e, ABI_END_BYTES);
	drain(b, 10);
	assert_int_equal(b->last.off, 30);
	assert_int_equal(b->last.dir, DIR_IN);
	e = end_of(ABI_FREE);
	fake_put(&b->ctl, 0, &e, ABI_END_BYTES);
	drain(b, 10);
	assert_int_equal(b->last.final[0], 20);
	assert_int_equal(b->last.final[1], 30);
	e = end_of(ABI_EXIT);
	fake_put(&b->ctl, 0, &e, ABI_END_BYTES);
	drain(b, 10);
	assert_true(b->last.final[0] == OFF_UNKNOWN);
	e = end_of(ABI_EXEC);
	fake_put(&b->ctl, 0, &e, sizeof(e));
	drain(b, 10);
	assert_string_equal(b->path, "/bin/true");
	assert_int_equal(b->id, 3 + 99);
	fake_put(&b->ctl, 0, &g, sizeof(g));
	drain(b, 10);
	assert_string_equal(b->path, "/a/b");
	assert_int_equal(b->id, 1234);
	assert_string_equal(b->log, "EFxXgg"); /* a name is told twice */
	bed_free(b);
}

static void a_cgroup_is_named_before_its_data(void **state)
{
	struct abi_cgroup g = { .type = ABI_CGROUP, .cgroup = 1234, .path = "/a/b" };
	struct full d = good("abc");
	struct bed *b = bed_new(0);

	(void)state;
	fake_put(&b->ctl, 0, &g, sizeof(g));
	fake_put(&b->data, 0, &d, sizeof(d));
	assert_int_equal(drain(b, 1), 1); /* one record: the data, which comes first */
	assert_true(str_eq(b->last.bytes, S("abc")));
	assert_int_equal(b->id, 1234);
	bed_free(b);
}

static void records_go_around_the_end(void **state)
{
	struct full d = good("abcdefgh");
	struct bed *b = bed_new(5 * (uint64_t)SIZE - 120); /* the bytes lie across the seam */

	(void)state;
	for (int i = 0; i < 2000; i++) {
		fake_put(&b->data, 0, &d, sizeof(d));
		assert_int_equal(drain(b, 10), 1);
		assert_true(str_eq(b->last.bytes, S("abcdefgh")));
		b->n = 0;
	}
	bed_free(b);
}

static void a_new_consumer_goes_on(void **state)
{
	struct full d = good("x");
	struct bed *b = bed_new(0);

	(void)state;
	fake_put(&b->data, 0, &d, sizeof(d));
	fake_put(&b->data, 0, &d, sizeof(d));
	drain(b, 1);
	ring_free(&b->ring);
	assert_int_equal(bed_ring(b), 0);
	assert_int_equal(drain(b, 10), 1);
	assert_string_equal(b->log, "dd");
	bed_free(b);
}

static void the_outlet_can_refuse(void **state)
{
	struct full d = good("x");
	struct bed *b = bed_new(0);
	size_t done;

	(void)state;
	fake_put(&b->data, 0, &d, sizeof(d));
	b->answer = -ENOSPC;
	assert_int_equal(ring_drain(b->ring, 10, &done), -ENOSPC);
	b->answer = 0;
	assert_int_equal(drain(b, 10), 0);
	assert_int_equal(b->used[2], d.head.charge);
	bed_free(b);
}

static void rows_and_verdicts(void **state)
{
	struct bed *b = bed_new(0);

	(void)state;
	ring_ignore(b->ring, 3 * ABI_GEN_STEP + 12);
	assert_int_equal(b->verdict[12], 3 * ABI_GEN_STEP + 12);
	assert_non_null(ring_cg(b->ring, 0));
	assert_null(ring_cg(b->ring, 1));
	b->cg[3].cgroup = 9;
	assert_non_null(ring_cg(b->ring, 1));
	assert_int_equal(ring_cg(b->ring, 3)->cgroup, 9);
	assert_null(ring_cg(b->ring, 4));
	assert_null(ring_cg(b->ring, ABI_CG_SLOTS));
	assert_null(ring_cg(b->ring, UINT32_MAX));
	assert_int_equal(ring_poll_fd(b->ring, KFD_DATA), b->data.fd);
	assert_int_equal(ring_poll_fd(b->ring, KFD_CTL), b->ctl.fd);
	bed_free(b);
}

static void no_memory_no_map(void **state)
{
	struct bed *b = bed_new(0);
	int keep = b->fd[KFD_VERDICT];

	(void)state;
	ring_free(&b->ring);
	mem_fail_after = 0;
	assert_int_equal(bed_ring(b), -ENOMEM);
	mem_fail_after = -1;
	b->fd[KFD_VERDICT] = -1;
	assert_int_equal(bed_ring(b), -EBADF);
	assert_null(b->ring);
	b->fd[KFD_VERDICT] = keep;
	assert_int_equal(ftruncate(b->data.fd, (off_t)(b->data.page + 100)), 0);
	assert_int_equal(bed_ring(b), -EINVAL);
	assert_int_equal(ftruncate(b->data.fd, (off_t)(2 * b->data.page + 2 * SIZE)), 0);
	assert_int_equal(bed_ring(b), 0);
	bed_free(b);
}

static void a_socket_is_told(void **state)
{
	struct {
		struct abi_sock head;
		char hello[16];
	} d = { .head = { .type = ABI_HELLO, .size = 5, .cookie = 77 },
		.hello = "hello, and more" };
	struct bed *b = bed_new(0);

	(void)state;
	fake_put(&b->ctl, 0, &d, sizeof(d));
	assert_int_equal(drain(b, 10), 1);
	assert_string_equal(b->log, "s");
	assert_string_equal(b->path, "hello");
	assert_int_equal(b->id, 77);
	d.head.type = ABI_SHUT;
	d.head.size = 0;
	fake_put(&b->ctl, 0, &d, sizeof(d.head));
	assert_int_equal(drain(b, 10), 1);
	assert_string_equal(b->log, "ss");
	/* longer than its record, or than any; no room for the head */
	d.head.size = 17;
	fake_put(&b->ctl, 0, &d, sizeof(d));
	d.head.size = ABI_HELLO_MAX + 1;
	fake_put(&b->ctl, 0, &d, sizeof(d));
	fake_put(&b->ctl, 0, &d, sizeof(d.head) - 8);
	assert_int_equal(drain(b, 10), 3);
	assert_string_equal(b->log, "ss");
	assert_int_equal(count_get(&b->counters, BAD_RECORDS), 3);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_becomes_a_chunk),
		cmocka_unit_test(an_unreadable_one_only_gives_its_charge_back),
		cmocka_unit_test(an_end_waits_for_the_data_before_it),
		cmocka_unit_test(every_end_has_its_kind),
		cmocka_unit_test(a_cgroup_is_named_before_its_data),
		cmocka_unit_test(records_go_around_the_end),
		cmocka_unit_test(a_new_consumer_goes_on),
		cmocka_unit_test(the_outlet_can_refuse),
		cmocka_unit_test(rows_and_verdicts),
		cmocka_unit_test(no_memory_no_map),
		cmocka_unit_test(a_socket_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
