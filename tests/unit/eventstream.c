/* eventstream -- AWS messages: what is handed on whole is whole; damage is said, and the next message is found. */
#include "eventkit.h"

#define MOST (1u << 20)
#define TEXT 7 /* a type */

#define KIND(text)                             \
	{                                      \
		S(":message-type"), S(text), 0 \
	}
#define EVENT(text)                          \
	{                                    \
		S(":event-type"), S(text), 0 \
	}

static void message(struct buf *b, const struct make_header *h, size_t n, const char *payload)
{
	make_aws(b, h, n, str_of(payload), MAKE_WHOLE);
}

#define MESSAGE(b, payload, ...)                                                                  \
	message((b), (const struct make_header[]){ __VA_ARGS__ },                                 \
		sizeof((const struct make_header[]){ __VA_ARGS__ }) / sizeof(struct make_header), \
		payload)

/* Whole, at every cut, refused, with no memory. */
static void check(struct buf *in, const char *out, int r)
{
	struct split_row row = { buf_str(in), str_of(out), r };

	split_rows(&eventstream_events, &row, 1);
	buf_done(in);
}

/* What AWS gives to test with (its event stream test vectors). */
static void published(void **state)
{
	static const struct split_row rows[] = {
		ROW("\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff", "|;", 0),
		ROW("\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36",
		    "|{'foo':'bar'};", 0),
	};

	(void)state;
	split_rows(&eventstream_events, rows, COUNT_OF(rows));
}

static void names(void **state)
{
	struct buf b = { .limit = MOST };

	(void)state;
	make_aws_event(&b, S("messageStart"), S("{\"p\":1}"));
	make_aws_event(&b, S("metadata"), S("{}"));
	make_aws_event(&b, S("empty"), S(""));
	check(&b, "messageStart|{\"p\":1};metadata|{};empty|;", 0);
	/* faults, in any order of the headers; and an event that is named like one */
	MESSAGE(&b, "1", KIND("exception"), { S(":exception-type"), S("throttlingException"), 0 });
	MESSAGE(&b, "2", { S(":exception-type"), S("e"), 0 }, EVENT("metadata"));
	MESSAGE(&b, "3", EVENT("metadata"), { S(":exception-type"), S("e"), 0 });
	MESSAGE(&b, "4", { S(":error-code"), S("InternalFailure"), 0 }, KIND("error"));
	MESSAGE(&b, "5", KIND("error"));
	MESSAGE(&b, "6", KIND("event"), EVENT("throttlingException"));
	MESSAGE(&b, "7", { S(":event-typ"), S("x"), 0 }, { S(":event-type1"), S("y"), 0 });
	MESSAGE(&b, "8", { S("xxxxxxxxxxxxxxxx:event-type"), S("x"), 0 });
	check(&b,
	      "!throttlingException|1;!e|2;!e|3;!InternalFailure|4;!|5;throttlingException|6;|7;|"
	      "8;",
	      0);
}

/* Every type of value is stepped over; ours are text, and of another type they are not ours. */
static void header_types(void **state)
{
	static const char zeros[16];
	struct buf b = { .limit = MOST };

	(void)state;
	for (unsigned type = 1; type < 10; type++) {
		static const unsigned char size[] = { 0, 0, 1, 2, 4, 8, 3, 3, 8, 16 };
		struct make_header h[] = { { S("x"), { zeros, size[type] }, type },
					   EVENT("e"),
					   { S(":event-type"), { zeros, size[type] }, type } };

		make_aws(&b, h, type == TEXT ? 2 : 3, S("{}"), MAKE_WHOLE);
	}
	check(&b, "e|{};e|{};e|{};e|{};e|{};e|{};e|{};e|{};e|{};", 0);
}

static void by_hand(struct buf *b, struct str headers, struct str payload)
{
	size_t from = b->n;

	make_number(b, 16 + headers.n + payload.n, 4);
	make_number(b, headers.n, 4);
	make_number(b, crc32(0, (unsigned char *)b->p + from, 8), 4);
	make_add(b, headers);
	make_add(b, payload);
	make_number(b, crc32(0, (unsigned char *)b->p + from, (unsigned)(b->n - from)), 4);
}

/* Headers that make no sense, in a message whose CRCs are right: its length is, too. */
static void bad_headers(void **state)
{
	static const struct {
		struct str headers;
		const char *out;
	} rows[] = {
		{ { "\1x\0", 3 }, "|P;" },           /* true */
		{ { "\1x\1\1y\0", 6 }, "|P;" },      /* false, true */
		{ { "\1x\7\0\0", 5 }, "|P;" },       /* an empty text */
		{ { "\0\0", 2 }, "|!B;" },           /* no name */
		{ { "\1x\12", 3 }, "|!B;" },         /* no such type */
		{ { "\1", 1 }, "|!B;" },             /* they end in a name, */
		{ { "\5x", 2 }, "|!B;" },            /* and again, */
		{ { "\1x", 2 }, "|!B;" },            /* in front of a type, */
		{ { "\1x\7", 3 }, "|!B;" },          /* a length, */
		{ { "\1x\7\0", 4 }, "|!B;" },        /* and within it, */
		{ { "\1x\7\0\2a", 6 }, "|!B;" },     /* in a value */
		{ { "\1x\7\xff\xff", 5 }, "|!B;" },  /* longer than all of it */
		{ { "\1x\11\0\0\0\0", 7 }, "|!B;" }, /* half a UUID */
		{ { "\13:event-type\7\0\1e\1", 17 }, "e|!B;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = { .limit = MOST };
		char out[64];

		by_hand(&b, rows[i].headers, S("P"));
		make_aws_event(&b, S("next"), S("{}"));
		snprintf(out, sizeof(out), "%snext|{};", rows[i].out);
		check(&b, out, 0);
	}
}

static void damage(void **state)
{
	static const struct make_header h[] = { EVENT("e") };
	struct buf b = { .limit = MOST };

	(void)state;
	/* the message: its end is known */
	make_aws(&b, h, 1, S("one"), MAKE_BAD_MESSAGE);
	make_aws(&b, h, 1, S("two"), MAKE_WHOLE);
	check(&b, "e|one!B;e|two;", 0);
	/* the prelude: the next one is looked for */
	make_aws(&b, h, 1, S("one"), MAKE_BAD_PRELUDE);
	make_aws(&b, h, 1, S("two"), MAKE_BAD_PRELUDE);
	make_aws(&b, h, 1, S("three"), MAKE_WHOLE);
	make_aws(&b, h, 1, S("four"), MAKE_WHOLE);
	check(&b, "|!B;e|three;e|four;", 0);
	/* something else altogether, with a message inside */
	make_add(&b, S("HTTP/1.1 200 OK\r\n\r\n"));
	make_aws(&b, h, 1, S("one"), MAKE_WHOLE);
	make_add(&b, S("\0\0\0\x10"));
	check(&b, "|!B;e|one;", -EBADMSG);
	make_add(&b, S("twelve bytes and more, none of them ours"));
	check(&b, "|!B;", -EBADMSG);
	/* lengths that cannot be, with their CRC */
	make_number(&b, 15, 4);
	make_number(&b, 0, 4);
	make_number(&b, crc32(0, (unsigned char *)b.p, 8), 4);
	make_aws(&b, h, 1, S("one"), MAKE_WHOLE);
	check(&b, "|!B;e|one;", 0);
	make_number(&b, 20, 4);
	make_number(&b, 5, 4);
	make_number(&b, crc32(0, (unsigned char *)b.p, 8), 4);
	make_aws(&b, h, 1, S("one"), MAKE_WHOLE);
	check(&b, "|!B;e|one;", 0);
}

static void broken_off(void **state)
{
	struct buf b = { .limit = MOST };

	(void)state;
	make_aws_event(&b, S("e"), S("{}"));
	for (size_t n = 1; n < b.n; n++) {
		struct split s;

		split_init(&s);
		assert_int_equal(split_run(&eventstream_events, str_head(buf_str(&b), n), 0, 7, &s),
				 -EBADMSG);
		assert_int_equal(s.events, 0);
		split_done(&s);
	}
	check(&b, "e|{};", 0);
}

/* The prelude of a message so large, and a message behind it that must be found. */
static void too_large(uint64_t headers, uint64_t payload, enum limit_id limit, const char *out)
{
	static char run[65536];
	struct buf b = { .limit = MOST };
	struct split s;
	uint64_t left = headers + payload + 4;
	void *a = NULL;

	split_init(&s);
	make_number(&b, 16 + headers + payload, 4);
	make_number(&b, headers, 4);
	make_number(&b, crc32(0, (unsigned char *)b.p, 8), 4);
	assert_int_equal(eventstream_events.open(split_event, &s, &s.c, &a), 0);
	mem_fail_after = 0;
	assert_int_equal(eventstream_events.feed(a, buf_str(&b)), 0);
	assert_int_equal(s.events, 1); /* said at once */
	for (size_t n; left; left -= n) {
		n = MIN(left, sizeof(run));
		assert_int_equal(eventstream_events.feed(a, (struct str){ run, n }), 0);
	}
	mem_fail_after = -1;
	assert_int_equal(s.events, 1);
	assert_int_equal(s.c.limit[limit], 1);
	buf_reset(&b);
	make_aws_event(&b, S("next"), S("{}"));
	assert_int_equal(eventstream_events.feed(a, buf_str(&b)), 0);
	assert_int_equal(eventstream_events.end(a), 0);
	assert_true(str_eq(buf_str(&s.text), str_of(out)));
	eventstream_events.close(a);
	buf_done(&b);
	split_done(&s);
}

static void limits(void **state)
{
	(void)state;
	too_large(LIMIT_EVENT_HEADERS + 1, 0, LIM_EVENT_HEADERS, "|!L;next|{};");
	too_large(LIMIT_EVENT_HEADERS + 1, LIMIT_EVENT_BYTES, LIM_EVENT_HEADERS, "|!L;next|{};");
	too_large(0, LIMIT_EVENT_BYTES - 15, LIM_EVENT_BYTES, "|!L;next|{};");
	too_large(0, UINT32_MAX / 32, LIM_EVENT_BYTES, "|!L;next|{};");
}

/* As large as it may be: 128 KiB of headers, 24 MiB in all. No memory is asked for after the first byte. */
static void largest(void **state)
{
	static char run[LIMIT_EVENT_BYTES - LIMIT_EVENT_HEADERS - 16];
	struct make_header h[] = { { S(":event-type"), { run, 300 }, 0 },
				   { S("x"), { run, 60000 }, 6 },
				   { S("x"), { run, 60000 }, 6 },
				   { S("x"), { run, 131072 - 315 - 2 * 60005 - 5 }, 6 } };
	struct buf b = { .limit = 64u << 20 };
	struct split s;
	void *a = NULL;

	(void)state;
	memset(run, 'n', sizeof(run));
	make_aws(&b, h, COUNT_OF(h), (struct str){ run, sizeof(run) }, MAKE_WHOLE);
	assert_int_equal(b.n, LIMIT_EVENT_BYTES);
	split_init(&s);
	s.text.limit = s.data.limit = 32u << 20;
	assert_int_equal(eventstream_events.open(split_event, &s, &s.c, &a), 0);
	mem_fail_after = 0;
	assert_int_equal(eventstream_events.feed(a, buf_str(&b)), 0);
	assert_int_equal(eventstream_events.end(a), 0);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	assert_true(s.events == 1 && s.damaged == 0 && s.bytes == sizeof(run));
	assert_int_equal(s.text.n, LIMIT_SSE_NAME + 1 + sizeof(run) + 1); /* the name is cut */
	assert_int_equal(s.c.limit[LIM_SSE_NAME], 1);
	eventstream_events.close(a);
	split_done(&s);
	buf_done(&b);
}

/* Only a name is cut, and counts; a kind that long is none that we know. */
static void long_kind(void **state)
{
	char kind[LIMIT_SSE_NAME + 2];
	struct make_header h[] = { EVENT("e"), { S(":message-type"), { kind, sizeof(kind) }, 0 } };
	struct buf b = { .limit = MOST };
	struct split s;

	(void)state;
	memset(kind, 'k', sizeof(kind));
	make_aws(&b, h, 2, S("{}"), MAKE_WHOLE);
	split_init(&s);
	assert_int_equal(split_run(&eventstream_events, buf_str(&b), 0, 9, &s), 0);
	assert_true(str_eq(buf_str(&s.text), S("!e|{};")));
	assert_int_equal(s.c.limit[LIM_SSE_NAME], 0);
	split_done(&s);
	buf_done(&b);
}

/* ---- whatever happens to the bytes ------------------------------------------------------------- */

static void stream_make(struct stream *t)
{
	stream_init(t, &eventstream_events, 0);
	for (int i = 0; i < EVENTS; i++) {
		struct buf payload = { .limit = MOST };
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		for (int k = 0; k < 1 + i * 9; k++)
			make_printf(&payload, "<%d.%d>", i, k);
		make_aws_event(&t->bytes, str_of(name), buf_str(&payload));
		stream_said(t, str_of(name), buf_str(&payload));
		buf_done(&payload);
	}
}

static void flipped(void **state)
{
	struct stream t;

	(void)state;
	stream_make(&t);
	for (size_t at = 0; at < t.bytes.n; at++)
		for (int bit = 0; bit < 8; bit++) {
			struct witness w = witness_of(&t, at, at + 1);
			void *a = NULL;
			int r;

			t.bytes.p[at] ^= (char)(1 << bit);
			assert_int_equal(eventstream_events.open(witness_event, &w, NULL, &a), 0);
			assert_int_equal(eventstream_events.feed(a, buf_str(&t.bytes)), 0);
			r = eventstream_events.end(a);
			t.bytes.p[at] ^= (char)(1 << bit);
			assert_int_equal(w.damaged, 1);
			witness_end(&w, r);
			eventstream_events.close(a);
		}
	stream_done(&t);
}

static void gaps(void **state)
{
	struct stream t;

	(void)state;
	stream_make(&t);
	stream_gaps(&t);
	stream_done(&t);
}

/* Two holes: the second inside the message that the first one damaged, or reaching beyond it. */
static void two_gaps(void **state)
{
	struct stream t;

	(void)state;
	stream_make(&t);
	for (size_t gap = 1; gap < 200; gap++) {
		size_t at = t.begin[3] + 80, after = at + 10 + gap;
		struct witness w = witness_of(&t, at, after);
		void *a = NULL;

		assert_int_equal(eventstream_events.open(witness_event, &w, NULL, &a), 0);
		assert_int_equal(eventstream_events.feed(a, str_head(buf_str(&t.bytes), at)), 0);
		assert_int_equal(eventstream_events.gap(a, 5), 0);
		assert_int_equal(eventstream_events.feed(a, (struct str){ t.bytes.p + at + 5, 5 }),
				 0);
		assert_int_equal(eventstream_events.gap(a, gap), 0);
		assert_int_equal(w.damaged, after <= t.begin[4] ? 1 : 2);
		assert_int_equal(eventstream_events.feed(a, str_skip(buf_str(&t.bytes), after)), 0);
		witness_end(&w, eventstream_events.end(a));
		eventstream_events.close(a);
	}
	stream_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),    cmocka_unit_test(names),
		cmocka_unit_test(header_types), cmocka_unit_test(bad_headers),
		cmocka_unit_test(damage),       cmocka_unit_test(broken_off),
		cmocka_unit_test(limits),       cmocka_unit_test(long_kind),
		cmocka_unit_test(largest),      cmocka_unit_test(flipped),
		cmocka_unit_test(gaps),         cmocka_unit_test(two_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
