/* lanes -- the calls of a WebSocket: which of them a message is about. What a socket as a whole says: llm_socket.c. */
#include "socketkit.h"

#define ON_S CREATE(",\"stream_id\":\"s\"")
#define CREATED_ON_S \
	"<{\"type\":\"response.created\",\"stream_id\":\"s\",\"response\":{\"id\":\"a\"}}\n"
#define ERROR_ON_S "<{\"type\":\"error\",\"stream_id\":\"s\",\"status\":400,\"error\":{}}\n"

/* An error that names a stream is about the call that waits there, not about the one that is being answered. */
static void error_of_a_stream(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){
		    .closed = true,
		    .script = ON_S CREATED_ON_S TEXT_DELTA ON_S ERROR_ON_S DONE("a", "3", "2") },
	    2);
	assert_int_equal(o.got[0].u.kind, KIND_ERROR);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_CLIENT_ERROR);
	assert_int_equal(o.got[0].u.off, 400);
	assert_reported(o.got[1], 3, 2);
	assert_int_equal(o.got[1].u.off, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(error_of_a_stream) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
