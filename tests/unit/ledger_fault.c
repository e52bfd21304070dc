/* The ledger when things break: every write and sync, every allocation, the process, the file itself. */
#include <fcntl.h>
#include <sys/wait.h>
#include "ledger_disk.h"
#include "ledger_kit.h"

#define CALLS 12
#define BATCH 4
#define EACH  1000 /* pico-dollars */

static const unsigned char epoch[8] = "epoch--1";

/* Books every call, a batch at a time; errors are met by trying again, `tries` times in all. */
static int play(struct kit *k, int tries)
{
	int r = k->l ? 0 : -EAGAIN;

	while (!k->l && tries-- > 0)
		r = kit_open(k);
	if (r < 0)
		return r;
	for (r = -EAGAIN; r < 0 && tries-- > 0;)
		r = ledger_epoch_begin(k->l, epoch, KIT_START);
	for (unsigned i = 0; r == 0 && i < CALLS; i++) {
		for (r = -EAGAIN; r < 0 && tries-- > 0;)
			r = kit_feed(k, i, i % 2 ? "red" : "blue", EACH);
		if (r == 0 && i % BATCH == BATCH - 1)
			for (r = -EAGAIN; r < 0 && tries-- > 0;)
				r = ledger_commit(k->l);
	}
	return r;
}

static void assert_all_once(struct kit *k)
{
	assert_int_equal(kit_ask(k, "SELECT count(*) FROM call"), CALLS);
	assert_int_equal(kit_ask(k, "SELECT count(DISTINCT id) FROM call"), CALLS);
	assert_int_equal(kit_ask(k, "SELECT max(seq) FROM transfer"), CALLS);
	assert_int_equal(kit_balance(k, "red", "spend"), CALLS / 2 * EACH);
	assert_int_equal(kit_balance(k, "blue", "wallet"), -CALLS / 2 * EACH);
	kit_sound(k);
}

/* Operations of a run without faults. */
static long count_operations(void)
{
	struct kit k;

	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(play(&k, 1000), 0);
	ledger_close(&k.l);
	kit_done(&k);
	return disk.seen;
}

static void fail_each(enum disk_mode mode)
{
	long all = count_operations(), failed = 0;

	for (long n = 0; n < all; n++) {
		struct kit k;

		kit_make(&k);
		disk_set(mode, n);
		assert_int_equal(play(&k, 1000), 0);
		failed += k.counters.n[CNT_COMMIT_ERRORS] > 0;
		disk_set(DISK_GOOD, 0);
		assert_int_equal(k.counters.n[CNT_POST_CONFLICT], 0);
		assert_int_equal(k.counters.n[CNT_POSTED], CALLS);
		assert_all_once(&k);
		ledger_close(&k.l);
		assert_int_equal(kit_open(&k), 0);
		assert_int_equal(play(&k, 1000), 0); /* everything once more changes nothing */
		assert_all_once(&k);
		kit_done(&k);
	}
	print_message("# %ld operations, %ld commits failed\n", all, failed);
	assert_true(failed > 0); /* the disk did fail */
}

static void test_fail_before(void **state)
{
	(void)state;
	fail_each(DISK_FAIL);
}

static void test_fail_after(void **state)
{
	(void)state;
	fail_each(DISK_FAIL_LATE);
}

static void test_full_disk(void **state)
{
	long all = count_operations();

	(void)state;
	for (long n = 0; n < all; n += 7) {
		struct kit k;
		int r;

		kit_make(&k);
		disk_set(DISK_FULL, n);
		r = play(&k, 60);
		assert_true(r < 0 || k.l);
		disk_set(DISK_GOOD, 0); /* space is back: nobody restarts anything */
		assert_int_equal(play(&k, 1000), 0);
		assert_all_once(&k);
		kit_done(&k);
	}
}

/* A disk that stays full: the batch is bounded, and who feeds it is told. */
static void test_bounded(void **state)
{
	struct kit k;
	unsigned taken = 0;
	int r;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(kit_open(&k), 0);
	disk_set(DISK_FULL, 0);
	while ((r = kit_feed(&k, taken, "red", EACH)) == 0)
		taken++;
	assert_int_equal(taken, ledger_batch(k.l));
	assert_int_equal(taken, 512);
	for (int i = 0; i < 3; i++) /* no worse by asking again */
		assert_true(kit_feed(&k, taken, "red", EACH) < 0);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(kit_feed(&k, taken, "red", EACH), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), taken + 1);
	kit_sound(&k);
	kit_done(&k);
}

static void child(struct kit *k, long n, int ack)
{
	disk_set(DISK_KILL, n);
	if (kit_open(k) < 0)
		_exit(2);
	for (unsigned i = 0; i < CALLS; i++) {
		if (kit_feed(k, i, i % 2 ? "red" : "blue", EACH) < 0)
			_exit(3);
		if (i % BATCH == BATCH - 1 && (ledger_commit(k->l) < 0 || write(ack, "+", 1) != 1))
			_exit(4);
	}
	_exit(0);
}

static void test_killed(void **state)
{
	int status = -1, killed = 0;
	char acked[CALLS];

	(void)state;
	for (long n = 0; status != 0; n++) {
		struct kit k;
		int ack[2];
		ssize_t batches = 0, got;
		pid_t pid;

		kit_make(&k);
		assert_int_equal(pipe(ack), 0);
		pid = fork();
		if (pid == 0)
			child(&k, n, ack[1]);
		close(ack[1]);
		while ((got = read(ack[0], acked, sizeof(acked))) > 0)
			batches += got;
		close(ack[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		killed += status != 0;

		disk_set(DISK_GOOD, 0);
		assert_int_equal(kit_open(&k), 0);
		kit_sound(&k);
		/* what was acknowledged is there, and whole batches only */
		assert_true(kit_ask(&k, "SELECT count(*) FROM call") >= batches * BATCH);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call") % BATCH, 0);
		assert_int_equal(play(&k, 1000), 0);
		assert_all_once(&k);
		kit_done(&k);
	}
	print_message("# killed at %d points\n", killed);
	assert_true(killed > 10);
}

static void test_no_memory(void **state)
{
	bool done = false;

	(void)state;
	for (long n = 0; !done; n++) {
		struct kit k;

		kit_make(&k);
		disk_set(DISK_GOOD, 0);
		mem_fail_after = n;
		if (play(&k, 100) < 0)
			fail_msg("the %ld-th allocation", n);
		done = mem_fail_after >= 0;
		mem_fail_after = -1;
		assert_all_once(&k);
		kit_done(&k);
	}
}

/* ---- SQLite's own memory ---- */

static sqlite3_mem_methods plain;
static long sqlite_fail_after = -1;

static bool unlucky(void)
{
	return sqlite_fail_after >= 0 && sqlite_fail_after-- == 0;
}

static void *short_malloc(int n)
{
	return unlucky() ? NULL : plain.xMalloc(n);
}

static void *short_realloc(void *p, int n)
{
	return unlucky() ? NULL : plain.xRealloc(p, n);
}

static void test_no_sqlite_memory(void **state)
{
	bool done = false;

	(void)state;
	for (long n = 0; !done; n += 1 + n / 40) { /* every one at first, then a sample */
		struct kit k;

		kit_make(&k);
		disk_set(DISK_GOOD, 0);
		sqlite_fail_after = n;
		assert_int_equal(play(&k, 100), 0);
		done = sqlite_fail_after >= 0;
		sqlite_fail_after = -1;
		assert_all_once(&k);
		kit_done(&k);
	}
}

/* One side of a gateway, without a price yet. */
static void side(struct kit_call *c, unsigned number, int64_t pico)
{
	kit_call(c, 50, "red", pico);
	c->posting.id[15] = (unsigned char)number;
	c->usage.from.tgid = number;
	c->usage.host = number == 1 ? S("api.openai.com") : S("127.0.0.1:4000");
	if (pico)
		return;
	c->charge.billing = BILLING_UNPRICED;
	c->charge.book = c->charge.entry = STR_NONE;
	c->charge.count = 0;
}

/* A rehearsal that breaks off says so: the second side is not priced as if the first had no price. Calls stay as they are. */
static void test_rehearsal(void **state)
{
	bool done = false;

	(void)state;
	for (long n = 0; !done; n += 1 + n / 40) {
		struct repriced got[2] = { 0 };
		struct kit_call c;
		struct kit k;
		int r = 0;

		kit_make(&k);
		disk_set(DISK_GOOD, 0);
		assert_int_equal(play(&k, 100), 0);
		for (unsigned i = 1; i <= 2; i++) {
			side(&c, i, 0);
			assert_int_equal(ledger_feed(k.l, &c.posting), 0);
		}
		sqlite_fail_after = n;
		r = ledger_rehearse(k.l, true);
		for (unsigned i = 1; r == 0 && i <= 2; i++) {
			side(&c, i, EACH);
			r = ledger_reprice(k.l, &c.posting, 0, STR_NONE, &got[i - 1]);
		}
		(void)!ledger_rehearse(k.l, false);
		done = sqlite_fail_after >= 0;
		sqlite_fail_after = -1;
		assert_true(r < 0 ? !done : got[0].more == EACH && got[1].joined);
		assert_int_equal(ledger_commit(k.l), 0);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), CALLS + 2);
		assert_int_equal(kit_ask(&k, "SELECT count(*) FROM revision"), 0);
		kit_sound(&k);
		kit_done(&k);
	}
}

/* ---- the file ---- */

static void put(const struct kit *k, const char *bytes, size_t n)
{
	int fd = open(k->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void test_wrong_file(void **state)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n";
	char back[sizeof(passwd)] = "";
	struct kit k;
	int fd;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	put(&k, passwd, sizeof(passwd));
	assert_int_equal(kit_open(&k), -EUCLEAN);
	fd = open(k.path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(passwd)); /* left as it was */
	close(fd);
	assert_memory_equal(back, passwd, sizeof(passwd));
	unlink(k.path);

	fd = open(k.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	close(fd);
	kit_do(&k, "CREATE TABLE theirs (x)"); /* a database of somebody else */
	assert_int_equal(kit_open(&k), -EUCLEAN);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM sqlite_schema"), 1);
	unlink(k.path);

	assert_int_equal(kit_open(&k), 0);
	ledger_close(&k.l);
	kit_do(&k, "INSERT INTO schema_version VALUES (99, 0)");
	assert_int_equal(kit_open(&k), -EPROTONOSUPPORT);
	kit_do(&k, "DELETE FROM schema_version WHERE version = 99");
	assert_int_equal(kit_open(&k), 0);
	ledger_close(&k.l);
	/* of the same version, and yet not what we know */
	kit_do(&k, "ALTER TABLE handover RENAME COLUMN booked_ns TO other");
	assert_int_equal(kit_open(&k), -EPROTONOSUPPORT);
	kit_done(&k);

	kit_make(&k);
	strcat(k.path, "/not/there");
	assert_int_equal(kit_open(&k), -ENOENT);
	k.path[strlen(k.path) - strlen("/not/there") - strlen("/ledger.db")] = '\0';
	assert_int_equal(kit_open(&k), -EISDIR);
	snprintf(k.path, sizeof(k.path), "%s/ledger.db", k.folder);
	kit_done(&k);
}

static void test_one_writer(void **state)
{
	struct kit k, other;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(kit_open(&k), 0);
	other = k;
	other.l = NULL;
	assert_int_equal(kit_open(&other), -EBUSY);
	assert_int_equal(kit_feed(&k, 1, "red", EACH), 0); /* the first goes on */
	assert_int_equal(ledger_commit(k.l), 0);
	ledger_close(&k.l);
	assert_int_equal(kit_open(&k), 0);
	kit_done(&k);
}

/* Somebody holds the write lock: calls wait in memory. */
static void test_busy(void **state)
{
	sqlite3 *db;
	struct kit k;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(kit_feed(&k, i, "red", EACH), 0);
	assert_int_equal(kit_feed(&k, 0, "red", EACH), 0); /* twice */
	assert_int_equal(ledger_commit(k.l), -EBUSY);
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 5);
	assert_int_equal(k.counters.n[CNT_POSTED], 5);
	assert_int_equal(k.counters.n[CNT_POST_AGAIN], 1);
	kit_sound(&k);
	kit_done(&k);
}

static void test_replaced(void **state)
{
	char old[128];
	struct kit k;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(kit_open(&k), 0);
	assert_int_equal(kit_feed(&k, 1, "red", EACH), 0);
	snprintf(old, sizeof(old), "%s-old", k.path);
	assert_int_equal(rename(k.path, old), 0);
	assert_int_equal(ledger_commit(k.l), -ESTALE);
	put(&k, "", 0);
	assert_int_equal(ledger_commit(k.l), -ESTALE);
	assert_int_equal(rename(old, k.path), 0);
	assert_int_equal(ledger_commit(k.l), 0);
	assert_int_equal(kit_ask(&k, "SELECT count(*) FROM call"), 1);
	kit_done(&k);
}

/* Each is seen when the file is opened next. */
static void test_tampered(void **state)
{
	static const char *const with[] = {
		"UPDATE transfer SET amount = amount + 1 WHERE seq = 3",
		"UPDATE transfer SET reason = 'gift' WHERE seq = 12",
		"UPDATE transfer SET call_id = NULL WHERE seq = 1",
		"UPDATE transfer SET hash = zeroblob(32) WHERE seq = 9",
		"DELETE FROM transfer WHERE seq = 5",
	};
	struct kit k;
	char error[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(with); i++) {
		kit_make(&k);
		disk_set(DISK_GOOD, 0);
		assert_int_equal(play(&k, 100), 0);
		ledger_close(&k.l);
		kit_do(&k, "DROP TRIGGER transfer_stays; DROP TRIGGER transfer_kept");
		kit_do(&k, with[i]);
		assert_int_equal(kit_open(&k), -EUCLEAN);
		kit_done(&k);
	}
	kit_make(&k); /* a balance is not in the chain, but it is the fold of it */
	assert_int_equal(play(&k, 100), 0);
	kit_do(&k, "UPDATE account SET balance_low = balance_low + 1 WHERE team = 'red' AND kind = "
		   "'spend'");
	assert_int_equal(ledger_verify(k.l, error), -EUCLEAN);
	kit_done(&k);
}

static void test_unchangeable(void **state)
{
	static const char *const tried[] = {
		"UPDATE transfer SET amount = 1",    "DELETE FROM transfer",
		"UPDATE call SET team = 'blue'",     "DELETE FROM call",
		"UPDATE charge_line SET amount = 0", "DELETE FROM charge_line",
	};
	struct kit k;
	sqlite3 *db;

	(void)state;
	kit_make(&k);
	disk_set(DISK_GOOD, 0);
	assert_int_equal(play(&k, 100), 0);
	assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
	for (size_t i = 0; i < COUNT_OF(tried); i++)
		assert_int_equal(sqlite3_exec(db, tried[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
	sqlite3_close(db);
	kit_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_before),      cmocka_unit_test(test_fail_after),
		cmocka_unit_test(test_full_disk),        cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_killed),           cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_sqlite_memory), cmocka_unit_test(test_wrong_file),
		cmocka_unit_test(test_one_writer),       cmocka_unit_test(test_busy),
		cmocka_unit_test(test_replaced),         cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_unchangeable),     cmocka_unit_test(test_rehearsal),
	};
	sqlite3_mem_methods failing;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
	failing = plain;
	failing.xMalloc = short_malloc;
	failing.xRealloc = short_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	disk_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
