/* Connections to a unix socket, as the kernel tells of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/unixsock.h"

#define TABLE "/proc/net/unix"

static int server(const char *path, int type, struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)a, sizeof(*a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static uint64_t count(const char *path)
{
	uint64_t n;

	assert_int_equal(unixsock_count(TABLE, path, &n), 0);
	return n;
}

static void counted(void **state)
{
	char folder[] = "/tmp/submeter-unix-XXXXXX", path[64], other[80];
	struct sockaddr_un a, b;
	int to, to_other, c[3], s[3];
	uint64_t n;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/llm sock", folder);
	snprintf(other, sizeof(other), "%s.2", path);
	to = server(path, SOCK_STREAM, &a);
	to_other = server(other, SOCK_DGRAM, &b);
	assert_int_equal(count(path), 0); /* one that listens is no connection */
	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(c[i], (struct sockaddr *)&a, sizeof(a)), 0);
		s[i] = accept(to, NULL, NULL);
		assert_true(s[i] >= 0);
		assert_int_equal(count(path), i + 1);
	}
	close(c[0]);
	close(s[0]);
	assert_int_equal(count(path), 2);
	assert_int_equal(count(other), 0);
	assert_int_equal(count("/nowhere"), 0);
	assert_int_equal(unixsock_count("/nowhere", path, &n), -ENOENT);
	for (int i = 1; i < 3; i++) {
		close(c[i]);
		close(s[i]);
	}
	close(to);
	close(to_other);
	unlink(path);
	unlink(other);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
