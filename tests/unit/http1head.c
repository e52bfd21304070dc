/* http1head -- a head says what follows it, whatever was in the answer's place before. All else: http1.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/table.h"
#include "wire/http1head.h"

#define LENGTH  "Content-Length: 5\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static void framing(void **state)
{
	static const struct {
		const char *head, *method;
		enum http1_body want;
		bool upgraded;
	} row[] = {
		{ "HTTP/1.1 200 OK\r\n" LENGTH, "GET", HTTP1_COUNTED, false },
		{ "HTTP/1.1 200 OK\r\n" CHUNKED, "GET", HTTP1_CHUNKED, false },
		{ "HTTP/1.1 200 OK\r\n\r\n", "GET", HTTP1_UNTIL_END, false },
		{ "HTTP/1.1 200 OK\r\n" LENGTH, "HEAD", HTTP1_NO_BODY, false },
		{ "HTTP/1.1 101 Go\r\n" LENGTH, "GET", HTTP1_NO_BODY, true },
		{ "HTTP/1.1 200 OK\r\n" LENGTH, "CONNECT", HTTP1_NO_BODY, true },
		{ "HTTP/1.1 407 No\r\n" LENGTH, "CONNECT", HTTP1_COUNTED, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		for (int before = HTTP1_NO_BODY; before <= HTTP1_UNTIL_END; before++) {
			struct http1_framing got = { .body = (enum http1_body)before };
			struct arena joined = { .limit = 100 };
			struct http1_head head;

			assert_int_equal(http1head_read(NULL, HTTP1_RESPONSE, str_of(row[i].head),
							str_of(row[i].method), &joined, &head,
							&got),
					 0);
			assert_int_equal(got.body, row[i].want);
			assert_int_equal(head.body_less, row[i].want == HTTP1_NO_BODY);
			assert_int_equal(head.close_ends, row[i].want == HTTP1_UNTIL_END);
			assert_int_equal(head.upgraded, row[i].upgraded);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(framing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
