/* exchange -- what is not known: heads that tell only part, bodies with holes. */
#include "exchangekit.h"

/* ---- heads that do not tell ------------------------------------------------------------------------ */

static void blurred(void **state)
{
	static const struct {
		const char *type;
		struct str body;
		enum framing head, events;
		const char *out;
	} dim[] = {
		{ NULL, { "{\"a\":1}", 7 }, FRAMING_NONE, FRAMING_NONE, "body {\"a\":1}\n" },
		{ NULL, { "{", 1 }, FRAMING_NONE, FRAMING_NONE, "body {\n" },
		{ NULL, { "", 0 }, FRAMING_NONE, FRAMING_NONE, "" },
		{ NULL, { "[1,2]", 5 }, FRAMING_NONE, FRAMING_ARRAY, "event |1\nevent |2\n" },
		{ NULL, { "data: 1\n\n", 9 }, FRAMING_NONE, FRAMING_SSE, "event |1\n" },
		{ NULL,
		  { "\nevent: e\ndata: 1\n\n", 19 },
		  FRAMING_NONE,
		  FRAMING_SSE,
		  "body \n\nevent e|1\n" },
		{ NULL, { ": hello\ndata: 1\n\n", 17 }, FRAMING_NONE, FRAMING_SSE, "event |1\n" },
		{ "application/json",
		  { "data: 1\n\n", 9 },
		  FRAMING_NONE,
		  FRAMING_NONE,
		  "body data: 1\n\n\n" },
		{ "text/event-stream",
		  { "data: 1\n\n", 9 },
		  FRAMING_SSE,
		  FRAMING_SSE,
		  "event |1\n" },
		{ "text/event-stream", { "", 0 }, FRAMING_SSE, FRAMING_SSE, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dim); i++)
		for (int k = 0; k < 6; k++) {
			static const enum make_coding codings[] = { MAKE_PLAIN, MAKE_GZIP,
								    MAKE_ZSTD };
			struct body_in in = { .dir = k % 2, .type = dim[i].type, .blurred = true };
			struct buf b = { .limit = MOST }, want = { .limit = MOST };

			/* nobody asks in events without saying so */
			bool plain = in.dir == DIR_OUT && !dim[i].type;
			char body[64] = "";

			if (plain && dim[i].body.n)
				text_of(body, sizeof(body), "body " STR_FMT "\n",
					STR_ARG(dim[i].body));
			make_coded(&b, codings[k / 2], dim[i].body, NULL, 0);
			in.bytes = buf_str(&b);
			wanted(&want, in.dir, dim[i].head, plain ? FRAMING_NONE : dim[i].events,
			       plain ? body : dim[i].out, "end 0\n");
			every_cut(in, want.p);
			buf_done(&b);
			buf_done(&want);
		}
}

static void blurred_binary(void **state)
{
	struct body_in in = { .dir = DIR_IN, .blurred = true, .bytes = S("\x8b\x0f\x80{}\3") };
	struct buf aws = { .limit = MOST };
	char want[128];

	(void)state;
	/* neither text nor a magic number */
	text_of(want, sizeof(want), "<head 0\n<cut %d\nend 0\n", WHY_ENCODING);
	every_cut(in, want);
	in.bytes = S("\x8b");
	every_cut(in, want);
	/* a coding that the head does tell is not guessed */
	in.bytes = S("{}");
	in.coding = "gzip";
	text_of(want, sizeof(want), "<head 0\n<cut %d\nend 0\n", WHY_BAD_BODY);
	every_cut(in, want);
	/* messages that begin with their length: of a known type, and of none */
	make_aws_event(&aws, S("e"), S("{}"));
	in.coding = NULL;
	in.type = "application/vnd.amazon.eventstream";
	in.bytes = buf_str(&aws);
	text_of(want, sizeof(want), "<head %d\n<event%d e|{}\nend 0\n", FRAMING_EVENTSTREAM,
		FRAMING_EVENTSTREAM);
	every_cut(in, want);
	in.type = "application/grpc";
	in.bytes = S("\0\0\0\0\1x");
	text_of(want, sizeof(want), "<head %d\n<event%d |x\nend 0\n", FRAMING_GRPC, FRAMING_GRPC);
	every_cut(in, want);
	buf_done(&aws);
}

/* ---- holes ----------------------------------------------------------------------------------------- */

static void holes(void **state)
{
	struct buf aws = { .limit = MOST };
	struct body_in in = { .dir = DIR_IN, .gap = 3 };
	char want[256];
	size_t second;

	(void)state;
	make_aws_event(&aws, S("a"), S("{}"));
	second = aws.n;
	make_aws_event(&aws, S("b"), S("{}"));
	make_aws_event(&aws, S("c"), S("{}"));
	in.type = "application/vnd.amazon.eventstream";
	in.bytes = buf_str(&aws);
	for (in.gap_at = 0; in.gap_at + in.gap < second; in.gap_at++) {
		/* what is said of the first one, the name included, depends on how far it got */
		struct log l;

		in.step = 1 + in.gap_at % 7;
		log_init(&l);
		assert_int_equal(play(&l, &in), 0);
		text_of(want, sizeof(want), "!%d\n<event%d b|{}\n<event%d c|{}\nend 0\n", WHY_GAP,
			FRAMING_EVENTSTREAM, FRAMING_EVENTSTREAM);
		assert_true(str_ends(buf_str(&l.text), str_of(want)));
		log_done(&l);
	}
	in.gap_at = 0;
	hardship(in);
	in.gap_at = second + 40;
	hardship(in);
	buf_done(&aws);
}

static void grpc_holes(void **state)
{
	struct body_in in;
	char want[256];

	(void)state;
	/* within a gRPC message, and beyond it */
	in = (struct body_in){ .dir = DIR_IN,
			       .gap = 1,
			       .gap_at = 6,
			       .type = "application/grpc",
			       .bytes = S("\0\0\0\0\2ab\0\0\0\0\1c") };
	text_of(want, sizeof(want), "<head %d\n<event%d |a!%d\n<event%d |c\nend 0\n", FRAMING_GRPC,
		FRAMING_GRPC, WHY_GAP, FRAMING_GRPC);
	every_cut(in, want);
	in.gap = 2;
	text_of(want, sizeof(want), "<head %d\n<cut %d\nend 0\n", FRAMING_GRPC, WHY_GAP);
	every_cut(in, want);
}

static void other_holes(void **state)
{
	struct buf aws = { .limit = MOST }, gz = { .limit = MOST };
	struct body_in in = { .dir = DIR_IN, .gap = 3, .gap_at = 3 };
	char want[256];
	size_t flush;

	(void)state;
	/* coded, or maybe so: nothing behind the hole can be read */
	in.type = "application/vnd.amazon.eventstream";
	make_aws_event(&aws, S("a"), S("{}"));
	flush = aws.n;
	make_aws_event(&aws, S("b"), S("{}"));
	make_coded(&gz, MAKE_GZIP, buf_str(&aws), &flush, 1);
	in.coding = "gzip";
	in.bytes = buf_str(&gz);
	text_of(want, sizeof(want), "<head %d\n<cut %d\nend 0\n", FRAMING_EVENTSTREAM, WHY_GAP);
	every_cut(in, want);
	in.coding = NULL;
	in.blurred = true;
	every_cut(in, want);
	/* an empty line, the end of a line */
	in = (struct body_in){ .dir = DIR_OUT,
			       .gap = 1,
			       .gap_at = 10,
			       .type = "text/event-stream",
			       .bytes = S("data: 1\n\ndata: 2\n\ndata: 3\n\n") };
	text_of(want, sizeof(want), ">head %d\n>event%d |1\n>event%d |!%d\n>event%d |3\nend 0\n",
		FRAMING_SSE, FRAMING_SSE, FRAMING_SSE, WHY_GAP, FRAMING_SSE);
	every_cut(in, want);
	in.type = "application/x-ndjson";
	in.bytes = S("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
	text_of(want, sizeof(want),
		">head %d\n>event%d |{\"n\":1}\n>event%d |{\"!%d\n>event%d |{\"n\":3}\nend 0\n",
		FRAMING_LINES, FRAMING_LINES, FRAMING_LINES, WHY_GAP, FRAMING_LINES);
	every_cut(in, want);
	/* what proves nothing: a document, an array */
	in.type = "application/json";
	in.bytes = S("{\"a\": \"0123456789\"}");
	text_of(want, sizeof(want), ">head 0\n>body {\"a\": \"012\n>cut %d\nend 0\n", WHY_GAP);
	every_cut(in, want);
	in.dir = DIR_IN;
	in.bytes = S("[1,2,3,4,5,6,7,8]");
	text_of(want, sizeof(want), "<head 0\n<event%d |1\n<event%d |2\n<event%d |3\n<event%d |4\n",
		FRAMING_ARRAY, FRAMING_ARRAY, FRAMING_ARRAY, FRAMING_ARRAY);
	text_of(want + strlen(want), sizeof(want) - strlen(want), "<cut %d\nend 0\n", WHY_GAP);
	every_cut(in, want);
	buf_done(&aws);
	buf_done(&gz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blurred),     cmocka_unit_test(blurred_binary),
		cmocka_unit_test(holes),       cmocka_unit_test(grpc_holes),
		cmocka_unit_test(other_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
