/* Records that no kernel of ours would write: counted, passed over, and nothing else. */
#include "ring_fake.h"

#define EACH_BAD(X)                          \
	X(d.head.type = 99)                  \
	X(d.head.type = ABI_FREE)            \
	X(d.head.size = sizeof(d.bytes) + 1) \
	X(d.head.size = UINT32_MAX)          \
	X(d.head.gen = 0)                    \
	X(d.head.gen = 7)                    \
	X(d.head.gen++)                      \
	X(d.head.conn_slot = ABI_CONN_SLOTS) \
	X(d.head.cg_slot = ABI_CG_SLOTS)     \
	X(d.head.cg_slot = UINT32_MAX)       \
	X(d.head.charge++)                   \
	X(d.head.dir = 2)                    \
	X(d.head.row = TLS_COUNT)            \
	X(d.head.off = UINT64_MAX - 1)       \
	X(e.type = 77)                       \
	X(e.type = 0)                        \
	X(e.type = ABI_EXEC)                 \
	X(e.gen = 0)                         \
	X(e.gen++)                           \
	X(e.dir = 2)                         \
	X(e.cg_slot = ABI_CG_SLOTS)          \
	X(e.conn_slot = ABI_CONN_SLOTS)      \
	X(e.final[1] = UINT64_MAX)           \
	X(e.type = ABI_CGROUP)

static void check_bad(struct full d, struct abi_end e, bool data, const char *what)
{
	struct full fine = good("fine");
	struct bed *b = bed_new(0);

	fake_put(data ? &b->data : &b->ctl, 0, data ? (void *)&d : &e,
		 data ? sizeof(d) : ABI_END_BYTES);
	fake_put(&b->data, 0, &fine, sizeof(fine));
	drain(b, 10);
	if (strcmp(b->log, "d") != 0 || count_get(&b->counters, BAD_RECORDS) != 1)
		fail_msg("%s: log '%s'", what, b->log);
	bed_free(b);
}

static void senseless_records_are_passed_over(void **state)
{
	(void)state;
#define CHECK(change)                                        \
	do {                                                 \
		struct full d = good("evil");                \
		struct abi_end e = end_of(ABI_FREE);         \
		change;                                      \
		check_bad(d, e, #change[0] == 'd', #change); \
	} while (0);
	EACH_BAD(CHECK)
}

static void short_and_endless_lengths(void **state)
{
	struct full d = good("fine");
	struct bed *b = bed_new(0);
	uint64_t at;

	(void)state;
	for (uint32_t n = 0; n < sizeof(d.head); n += 13)
		fake_put(&b->data, 0, &d, n);
	for (uint32_t n = 0; n < ABI_END_BYTES; n += 13)
		fake_put(&b->ctl, 0, &d, n);
	drain(b, 100);
	assert_string_equal(b->log, "");
	assert_int_equal(count_get(&b->counters, BAD_RECORDS), 16);
	at = fake_put(&b->data, 0, &d, sizeof(d));
	fake_commit(&b->data, at, SIZE);
	drain(b, 100);
	assert_int_equal(count_get(&b->counters, BAD_RECORDS), 17);
	assert_int_equal(consumed(&b->data), b->data.at);
	fake_put(&b->data, 0, &d, sizeof(d));
	drain(b, 100);
	assert_string_equal(b->log, "d");
	bed_free(b);
}

/* Any bytes, any positions: no read outside the ring, no loop without end. */
static void noise(void **state)
{
	struct bed *b = bed_new(0);
	struct full d = good("x");

	(void)state;
	srand(1);
	for (int round = 0; round < 3000; round++) {
		struct fake *f = round % 2 ? &b->data : &b->ctl;

		for (int i = 0; i < 20; i++) {
			char *p = (char *)&d;

			p[(size_t)rand() % sizeof(d)] ^= (char)(1 << rand() % 8);
			fake_put(f, rand() % 9 ? 0 : DROP, &d, (uint32_t)rand() % sizeof(d));
		}
		if (round % 7 == 0) {
			f->at += (uint64_t)rand();
			memcpy(f->p + f->page, &f->at, 8);
		}
		while (drain(b, 1000))
			b->n = 0;
		b->n = 0;
		d = good("x");
		/* a busy mark left by chance: as if its writer had died */
		ring_free(&b->ring);
		memcpy(b->data.p, &b->data.at, 8);
		memcpy(b->ctl.p, &b->ctl.at, 8);
		assert_int_equal(bed_ring(b), 0);
	}
	assert_true(count_get(&b->counters, BAD_RECORDS) > 1000);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senseless_records_are_passed_over),
		cmocka_unit_test(short_and_endless_lengths),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
