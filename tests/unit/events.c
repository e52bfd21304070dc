/* events -- which bodies come in events: by their media type, or by their first byte. */
#include "eventkit.h"

static void by_type(void **state)
{
	static const struct {
		const char *type;
		const struct events *events;
	} rows[] = {
		{ "text/event-stream", &sse_events },
		{ "Text/Event-Stream; charset=utf-8", &sse_events },
		{ " text/event-stream ;charset=utf-8", &sse_events },
		{ "application/x-ndjson", &lines_events },
		{ "application/ndjson", &lines_events },
		{ "application/jsonl", &lines_events },
		{ "application/x-jsonl", &lines_events },
		{ "application/jsonlines", &lines_events },
		{ "application/x-jsonlines", &lines_events },
		{ "application/stream+json", &lines_events },
		{ "application/vnd.amazon.eventstream", &eventstream_events },
		{ "application/grpc", &grpc_events },
		{ "application/grpc+proto", &grpc_events },
		{ "application/json", NULL },
		{ "application/grpc-web", NULL },
		{ "text/event-streams", NULL },
		{ "text/event", NULL },
		{ "x; text/event-stream", NULL },
		{ "text/event-stream, text/event-stream", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_ptr_equal(events_find(str_of(rows[i].type)), rows[i].events);
	assert_true(events_json(S("application/json")));
	assert_true(events_json(S("APPLICATION/JSON ; charset=UTF-8")));
	assert_false(events_json(S("application/json-seq")));
	assert_false(events_json(STR_NONE));
}

static void by_first_byte(void **state)
{
	(void)state;
	for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
		const struct events *want = c == '['    ? &array_events
					    : c == '\0' ? &eventstream_events
					    : c && strchr("deir:\xef", (char)c) ? &sse_events
										: NULL;

		assert_ptr_equal(events_guess((char)c, false), want);
		assert_ptr_equal(events_guess((char)c, true), c == '[' ? &array_events : NULL);
	}
}

/* Each is what it says it is. */
static void framings(void **state)
{
	(void)state;
	assert_int_equal(sse_events.framing, FRAMING_SSE);
	assert_int_equal(lines_events.framing, FRAMING_LINES);
	assert_int_equal(array_events.framing, FRAMING_ARRAY);
	assert_int_equal(eventstream_events.framing, FRAMING_EVENTSTREAM);
	assert_int_equal(grpc_events.framing, FRAMING_GRPC);
	assert_null(array_events.gap); /* nothing in it proves where an element begins */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_type),
		cmocka_unit_test(by_first_byte),
		cmocka_unit_test(framings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
