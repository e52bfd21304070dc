/* llm_socket.c -- OpenAI's Responses over WebSocket: which message is whose call, with messages lost. */
#include "socketkit.h"

/* ---- Responses ------------------------------------------------------------------------------------- */

static void in_sequence(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE(",\"input\":\"a\"") ONE("a", "3", "2")
				   CREATE(",\"input\":\"b\"") ONE("b", "7", "4") },
	    2);
	assert_reported(o.got[0], 3, 2);
	assert_reported(o.got[1], 7, 4);
	assert_int_equal(o.got[0].u.off, 100);
	assert_int_equal(o.got[1].u.off, 500);
	assert_int_equal(o.got[0].u.start_ns, 20);
	assert_int_equal(o.got[0].u.first_ns, 30);
	assert_int_equal(o.got[0].u.end_ns, 50);
	assert_int_equal(o.got[0].u.status, 200);
	assert_true(o.got[0].u.stream);
	assert_string_equal(o.got[0].model, "gpt-5-x");
	assert_string_equal(o.got[0].asked, "gpt-5");
	assert_string_equal(o.got[0].id, "a");
	assert_string_equal(o.got[0].operation, "responses");
	assert_int_equal(strlen(o.got[0].hash), 32);
	assert_string_not_equal(o.got[0].hash, o.got[1].hash);
	/* the opening itself costs nothing */
	assert_int_equal(o.got[2].u.kind, KIND_OTHER);
	assert_int_equal(o.got[2].u.why, WHY_NOT_INFERENCE);
	assert_int_equal(o.got[2].u.status, 101);
}

/* Lanes by stream id; by response id; the last alone. */
static void lanes(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){
		    .closed = true,
		    .script = CREATE(",\"stream_id\":\"s1\"") CREATE(
			    ",\"stream_id\":\"s2\"") "<{\"type\":\"response.created\",\"stream_"
						     "id\":\"s2\",\"response\":{"
						     "\"id\":\"b\"}}\n"
						     "<{\"type\":\"response.created\",\"stream_"
						     "id\":\"s1\",\"response\":{"
						     "\"id\":\"a\"}}\n"
						     "<{\"delta\":\"1234\",\"type\":\"response."
						     "output_text.delta\","
						     "\"stream_id\":\"s2\"}\n" DONE("a", "1", "2")
							     DONE("b", "3", "4") },
	    2);
	assert_reported(o.got[0], 1, 2);
	assert_int_equal(o.got[0].u.off, 100);
	assert_reported(o.got[1], 3, 4);
	assert_int_equal(o.got[1].u.off, 200);
	/* answers of one stream come in order, even when the terminal event is the first that tells the id */
	run(&o,
	    (struct sock){ .closed = true,
			   .script =
				   CREATE("") CREATE("") DONE("a", "1", "2") DONE("b", "3", "4") },
	    2);
	assert_reported(o.got[0], 1, 2);
	assert_int_equal(o.got[0].u.off, 100);
	assert_reported(o.got[1], 3, 4);
}

/* A server that names no streams: clear for one call, a guess for two. */
static void nameless(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE(",\"stream_id\":\"s1\"") ONE("a", "1", "2")
				   CREATE(",\"stream_id\":\"s1\"") ONE("b", "3", "4") },
	    2);
	assert_reported(o.got[0], 1, 2);
	assert_reported(o.got[1], 3, 4);
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE(",\"stream_id\":\"s1\"") CREATE(",\"stream_id\":\"s2\"")
				   ONE("b", "3", "4") ONE("a", "1", "2") },
	    2);
	assert_unsure(o.got[0], WHY_PROTOCOL);
	assert_unsure(o.got[1], WHY_PROTOCOL);
}

static void prewarm(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE(",\"generate\":false") ONE("w", "0", "0") CREATE("")
				   ONE("a", "3", "2") },
	    2);
	assert_int_equal(o.got[0].u.kind, KIND_OTHER);
	assert_int_equal(o.got[0].u.why, WHY_NOT_INFERENCE);
	assert_int_equal(o.got[0].u.used.has, 0);
	assert_string_equal(o.got[0].operation, "prewarm");
	assert_reported(o.got[1], 3, 2);
	/* what is billed is billed */
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE(",\"generate\":false") ONE("w", "50", "0") },
	    1);
	assert_reported(o.got[0], 50, 0);
	assert_string_equal(o.got[0].operation, "prewarm");
	/* none, or never ended */
	run(&o, (struct sock){ .script = CREATE(",\"generate\":false") CREATED("w") }, 1);
	assert_int_equal(o.got[0].u.kind, KIND_OTHER);
	assert_int_equal(o.got[0].u.source, SOURCE_NONE);
	/* a contradiction is not nothing */
	run(&o, (struct sock){ .script = CREATE(",\"generate\":false") ONE("w", "-5", "0") }, 1);
	assert_int_equal(o.got[0].u.kind, KIND_INFERENCE);
	assert_int_equal(o.got[0].u.why, WHY_BAD_USAGE);
}

static void errors(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .closed = true,
			   .script =
				   CREATE("") "<{\"type\":\"error\",\"status\":429,\"error\":{"
					      "\"code\":\"x\"}}\n" CREATE("") ONE("a", "3", "2") },
	    2);
	assert_int_equal(o.got[0].u.kind, KIND_ERROR);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_RATE_LIMITED);
	assert_reported(o.got[1], 3, 2);
	/* after it began to answer */
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") CREATED("a") TEXT_DELTA
			   "<{\"type\":\"error\",\"error\":{}}\n" },
	    1);
	assert_unsure(o.got[0], WHY_STREAM_ERROR);
	/* a failure without usage */
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") CREATED("a") TEXT_DELTA
			   "<{\"type\":\"response.failed\",\"response\":{\"id\":\"a\",\"error\":{"
			   "},\"usage\":null}}\n" },
	    1);
	assert_unsure(o.got[0], WHY_STREAM_ERROR);
	/* whose error it is cannot be told: neither call may become an error */
	run(&o,
	    (struct sock){ .closed = true,
			   .script = CREATE("") CREATED("a") CREATE(
				   "") "<{\"type\":\"error\",\"error\":{}}\n" DONE("a", "3", "2") },
	    2);
	assert_reported(o.got[0], 3, 2);
	assert_unsure(o.got[1], WHY_ABORTED);
}

static void broken_off(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .script = CREATE(",\"input\":\"12345678\"") CREATED("a") TEXT_DELTA },
	    1);
	assert_unsure(o.got[0], WHY_ABORTED);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_ABORTED);
	assert_int_equal(o.got[0].u.used.n[LEAF_OUT_TEXT], 2);
	assert_true(o.got[0].u.used.n[LEAF_IN_TEXT] >= 2);
	run(&o, (struct sock){ .script = CREATE("") CREATED("a"), .why = WHY_DESYNC }, 1);
	assert_unsure(o.got[0], WHY_DESYNC);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_INCOMPLETE);
	run(&o, (struct sock){ .script = CREATE(""), .closed = true }, 1);
	assert_unsure(o.got[0], WHY_ABORTED);
	assert_int_equal(o.got[0].u.status, -1);
	/* a cancelled call that is answered after all */
	run(&o,
	    (struct sock){ .script = CREATE("")
				   CREATED("a") ">{\"type\":\"response.cancel\"}\n"
						"<{\"type\":\"response.incomplete\",\"response\":{"
						"\"id\":\"a\"," USAGE("3", "1") "}}\n" },
	    1);
	assert_reported(o.got[0], 3, 1);
	/* and one that never is: the next answer may be its own */
	run(&o,
	    (struct sock){ .script = CREATE("") ">{\"type\":\"response.cancel\"}\n" CREATE("")
				   ONE("b", "3", "2") },
	    2);
	assert_unsure(o.got[0], WHY_ABORTED);
	assert_int_equal(o.got[0].u.used.n[LEAF_OUT_TEXT], 2);
	assert_int_equal(o.got[0].u.low.n[LEAF_OUT_TEXT], 0);
	assert_unsure(o.got[1], WHY_ABORTED);
}

/* Numbers that might be another call's are never reported as one's own. */
static void damaged(void **state)
{
	struct out o;

	(void)state;
	/* a delta, a created: the terminal event tells all the same */
	run(&o,
	    (struct sock){ .script =
				   CREATE("") "!" CREATED("a") "!" TEXT_DELTA DONE("a", "3", "2") },
	    1);
	assert_reported(o.got[0], 3, 2);
	/* the terminal event itself */
	run(&o,
	    (struct sock){ .script = CREATE("") CREATED("a") TEXT_DELTA "!" DONE("a", "3", "2") },
	    1);
	assert_unsure(o.got[0], WHY_GAP);
	assert_int_equal(o.got[0].u.outcome, OUTCOME_INCOMPLETE);
	/* and the next call is exact again, since ids tell them apart */
	run(&o,
	    (struct sock){ .script = CREATE("") CREATED("a") "!" DONE("a", "3", "2") CREATE("")
				   ONE("b", "7", "4") },
	    2);
	assert_reported(o.got[0], 7, 4);
	assert_int_equal(o.got[0].u.off, 400);
	assert_unsure(o.got[1], WHY_GAP);
	/* the whole answer of a call, the next one's follows: whose is it? */
	run(&o,
	    (struct sock){ .script = CREATE("") "!" DONE("a", "3", "2") CREATE("")
				   ONE("b", "7", "4") CREATE("") ONE("c", "9", "5") },
	    3);
	for (size_t i = 0; i < 3; i++)
		assert_unsure(o.got[i], WHY_GAP);
	/* a client's message, perhaps a call: its answer has no request, the next has a doubtful one */
	run(&o, (struct sock){ .script = "!" CREATE("") ONE("a", "3", "2") }, 1);
	assert_reported(o.got[0], 3, 2);
	assert_int_equal(o.got[0].u.off, 1ull << 63 | 200);
	run(&o,
	    (struct sock){ .script = "!" CREATE("") CREATE("") ONE("a", "3", "2")
				   ONE("b", "7", "4") },
	    2);
	assert_unsure(o.got[0], WHY_GAP);
	assert_reported(o.got[1], 7, 4);
	/* both directions: a call may have passed unseen, and the socket says so */
	run(&o, (struct sock){ .script = "!" CREATE("") "!" ONE("a", "3", "2") }, 1);
	run(&o, (struct sock){ .script = "!" CREATE("") "!" DONE("a", "3", "2") }, 0);
	assert_int_equal(o.got[0].u.kind, KIND_INFERENCE);
	assert_int_equal(o.got[0].u.billing, BILLING_UNPRICED);
	assert_int_equal(o.got[0].u.why, WHY_GAP);
	/* a message that is broken JSON */
	run(&o,
	    (struct sock){ .script = CREATE("") CREATED("a") "<{\"response\":{\"id\":\"a\"]\n" },
	    1);
	assert_unsure(o.got[0], WHY_BAD_BODY);
}

static void cut_off(void **state)
{
	struct out o;

	(void)state;
	run(&o, (struct sock){ .script = CREATE("") CREATED("a") "x<\n" CREATE("") }, 2);
	assert_unsure(o.got[0], WHY_GAP);
	assert_unsure(o.got[1], WHY_GAP);
	run(&o, (struct sock){ .script = CREATE("") "x>\n" ONE("a", "3", "2") ONE("b", "7", "4") },
	    2);
	assert_reported(o.got[0], 3, 2);
	assert_int_equal(o.got[0].u.off, 100);
	assert_reported(o.got[1], 7, 4);
}

/* On HTTP/2 the exchange's offset is a stream id, and so may be the number of a message of another. */
static void tunnelled(void **state)
{
	struct out o;

	(void)state;
	run(&o, (struct sock){ .script = CREATE("") ONE("a", "3", "2"), .tunnel = true }, 1);
	assert_reported(o.got[0], 3, 2);
	assert_int_equal(o.got[0].u.off, 1ull << 62 | 2ull << 34 | 100);
	/* the same stream of the next connection on the same TLS object is another */
	run(&o, (struct sock){ .script = CREATE("") ONE("a", "3", "2"), .tunnel = true, .conn = 3 },
	    1);
	assert_int_equal(o.got[0].u.off, 1ull << 62 | 3ull << 54 | 2ull << 34 | 100);
}

static void too_many(void **state)
{
	struct buf b = { .limit = 1 << 20 };
	struct out o;

	(void)state;
	for (int i = 0; i < LIMIT_SOCKET_LANES + 2; i++)
		assert_int_equal(buf_add(&b, str_of(CREATE(""))), 0);
	assert_int_equal(buf_put(&b, 0), 0);
	run(&o, (struct sock){ .script = b.p }, LIMIT_SOCKET_LANES);
	assert_int_equal(o.counters.limit[LIM_SOCKET_LANES], 2);
	assert_int_equal(o.got[LIMIT_SOCKET_LANES].u.kind, KIND_INFERENCE);
	assert_int_equal(o.got[LIMIT_SOCKET_LANES].u.why, WHY_LIMIT);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_sequence), cmocka_unit_test(lanes),
		cmocka_unit_test(nameless),    cmocka_unit_test(prewarm),
		cmocka_unit_test(errors),      cmocka_unit_test(broken_off),
		cmocka_unit_test(damaged),     cmocka_unit_test(cut_off),
		cmocka_unit_test(tunnelled),   cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
