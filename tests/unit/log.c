/* What reaches standard error: one line, one write, printable ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/log.h"

static char got[8192];
static int from[2], stderr_copy;

static int capture_start(void **state)
{
	(void)state;
	stderr_copy = dup(STDERR_FILENO);
	return stderr_copy < 0 || pipe2(from, O_DIRECT) < 0 || dup2(from[1], STDERR_FILENO) < 0;
}

static int capture_end(void **state)
{
	(void)state;
	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	close(from[0]);
	close(from[1]);
	log_max = LOG_INFO;
	log_who = "submeter";
	return 0;
}

/* A pipe in packet mode gives back one write at a time. */
static const char *line(void)
{
	ssize_t n = read(from[0], got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void test_lines(void **state)
{
	(void)state;
	log_info("plain %d", 1);
	assert_string_equal(line(), "submeter: plain 1\n");
	log_who = "submeterd[meter]";
	assert_int_equal(log_err(-ENOENT, "cannot open '%s'", "x"), -ENOENT);
	assert_string_equal(line(),
			    "submeterd[meter]: cannot open 'x': No such file or directory\n");
	log_who = "desk";
	assert_int_equal(log_warn(0, "odd"), 0);
	assert_string_equal(line(), "submeterd[desk]: warning: odd\n");
}

static void test_levels(void **state)
{
	(void)state;
	log_debug("not this");
	log_max = LOG_DEBUG;
	log_debug("this");
	assert_string_equal(line(), "submeter: debug: this\n");
	log_max = LOG_ERR;
	(void)log_warn(0, "not this");
	(void)log_err(0, "but this");
	assert_string_equal(line(), "submeter: but this\n");
}

static void test_escapes(void **state)
{
	char big[5000];

	(void)state;
	log_info("%s", "a\x1b[31m\n\tb\xC3\xA9\x7f\\");
	assert_string_equal(line(), "submeter: a\\x1b[31m\\n\\x09b\\xc3\\xa9\\x7f\\\n");
	memset(big, '\x01', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_int_equal(line()[strlen(got) - 1], '\n');
	assert_true(strlen(got) > 3000 && strlen(got) <= 4096); /* whole in one write to a pipe */
	close(STDERR_FILENO);
	errno = 7;
	log_info("nobody hears this");
	assert_int_equal(errno, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, capture_start, capture_end),
		cmocka_unit_test_setup_teardown(test_levels, capture_start, capture_end),
		cmocka_unit_test_setup_teardown(test_escapes, capture_start, capture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
