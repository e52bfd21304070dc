/* Records and descriptors between two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/fdpass.h"

struct record {
	uint64_t a, b;
};

static int pair[2];

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int teardown(void **state)
{
	(void)state;
	close(pair[0]);
	return close(pair[1]);
}

static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_round(void **state)
{
	struct record out = { 1, 2 }, in = { 0 };
	struct stat a, b;
	int fd[2] = { pair[0], pair[1] }, got[2];
	size_t count;

	(void)state;
	assert_int_equal(fdpass_send(pair[0], &out, sizeof(out), fd, 2, 0), 0);
	assert_int_equal(fdpass_recv(pair[1], &in, sizeof(in), got, 2, &count, 0), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(count, 2);
	assert_int_equal(fstat(got[1], &a), 0);
	assert_int_equal(fstat(fd[1], &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	close(got[0]);
	close(got[1]);
	assert_int_equal(fdpass_recv(pair[1], &in, sizeof(in), got, 2, &count, MSG_DONTWAIT),
			 -EAGAIN);
}

/* A record that is not what was expected leaves no descriptor behind. */
static void test_wrong(void **state)
{
	struct record out = { 1, 2 }, in = { 0 };
	int fd[3] = { 0, 1, 2 }, got[2];
	unsigned before = open_fds();
	size_t count;

	(void)state;
	assert_int_equal(fdpass_send(pair[0], &out, sizeof(out) - 1, fd, 1, 0), 0);
	assert_int_equal(fdpass_recv(pair[1], &in, sizeof(in), got, 2, &count, 0), -EBADMSG);
	assert_int_equal(fdpass_send(pair[0], &out, sizeof(out), fd, 1, 0), 0);
	assert_int_equal(fdpass_recv(pair[1], &in, 1, got, 2, &count, 0), -EBADMSG);
	assert_int_equal(fdpass_send(pair[0], &out, sizeof(out), fd, 3, 0), 0);
	assert_int_equal(fdpass_recv(pair[1], &in, sizeof(in), got, 2, &count, 0), -EBADMSG);
	assert_int_equal(open_fds(), before);
	assert_int_equal(fdpass_send(pair[0], &out, sizeof(out), fd, FDPASS_MOST + 1, 0),
			 -EMSGSIZE);
	shutdown(pair[0], SHUT_WR);
	assert_int_equal(fdpass_recv(pair[1], &in, sizeof(in), got, 2, &count, 0), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
