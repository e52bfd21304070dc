/* ws_rows.h -- frames by hand and what they say, and answers to a handshake: for tests/unit/ws.c. */
#ifndef TESTS_WS_ROWS_H
#define TESTS_WS_ROWS_H

#include "wire/ws.h"

#define IN_                   \
	{                     \
		.dir = DIR_IN \
	}
#define OUT_                   \
	{                      \
		.dir = DIR_OUT \
	}
#define CODED_                                 \
	{                                      \
		.dir = DIR_IN, .deflate = true \
	}
#define FRESH_                                                        \
	{                                                             \
		.dir = DIR_IN, .deflate = true, .fresh_context = true \
	}
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

static const struct row {
	const char *name;
	struct ws_opts o;
	struct str in;
	const char *want; /* data|why@off; where damaged, no data. NULL: -EBADMSG */
} rows[] = {
	/* RFC 6455 section 5.7 */
	{ "unmasked", IN_, { "\x81\x05Hello", 7 }, "Hello|@0;" },
	{ "masked", OUT_, { "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11 }, "Hello|@0;" },
	{ "fragments", IN_, { "\x01\x03Hel\x80\x02lo", 9 }, "Hello|@0;" },
	{ "ping between", IN_, { "\x01\x03Hel\x89\x02hi\x8a\x00\x80\x02lo", 15 }, "Hello|@0;" },
	{ "ping", IN_, { "\x89\x05Hello\x82\x01x", 10 }, "x|@7;" },
	{ "empty", IN_, { "\x81\x00\x01\x00\x00\x00\x80\x00\x82\x01y", 11 }, "|@0;|@2;y|@8;" },
	{ "masks begin anew with each frame",
	  OUT_,
	  { "\x01\x83\x01\x02\x03\x04\x60\x60\x60\x80\x82\x10\x20\x30\x40\x74\x45", 17 },
	  "abcde|@0;" },
	/* RFC 7692 section 7.2.3 */
	{ "deflated", CODED_, { "\xc1\x07" HELLO, 9 }, "Hello|@0;" },
	{ "deflated fragments",
	  CODED_,
	  { "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", 11 },
	  "Hello|@0;" },
	{ "takeover",
	  CODED_,
	  { "\xc1\x07" HELLO "\xc1\x05\xf2\x00\x11\x00\x00", 16 },
	  "Hello|@0;Hello|@9;" },
	{ "stored", CODED_, { "\xc1\x0b\x00\x05\x00\xfa\xffHello\x00", 13 }, "Hello|@0;" },
	{ "final block",
	  CODED_,
	  { "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\xc1\x05\xf2\x00\x11\x00\x00", 17 },
	  "Hello|@0;Hello|@10;" },
	{ "two blocks",
	  CODED_,
	  { "\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 15 },
	  "Hello|@0;" },
	{ "final block without another",
	  CODED_,
	  { "\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00", 16 },
	  "Hello|@0;Hello|@9;" },
	{ "deflated nothing", CODED_, { "\xc1\x01\x00\xc1\x07" HELLO, 12 }, "|@0;Hello|@3;" },
	{ "not deflated although agreed on",
	  CODED_,
	  { "\xc1\x07" HELLO "\x81\x02hi\xc1\x05\xf2\x00\x11\x00\x00", 20 },
	  "Hello|@0;hi|@9;Hello|@13;" },
	{ "fresh", FRESH_, { "\xc1\x07" HELLO "\xc1\x07" HELLO, 18 }, "Hello|@0;Hello|@9;" },
	/* the framing holds, the message does not */
	{ "refers to nothing", CODED_, { "\xc1\x05\xf2\x00\x11\x00\x00", 7 }, "|BAD_BODY@0;" },
	{ "refers to before a fresh start",
	  FRESH_,
	  { "\xc1\x07" HELLO "\xc1\x05\xf2\x00\x11\x00\x00\xc1\x07" HELLO, 25 },
	  "Hello|@0;|BAD_BODY@9;Hello|@16;" },
	{ "no deflate data", CODED_, { "\xc1\x02\xff\xff", 4 }, "|BAD_BODY@0;" },
	{ "the context goes with it",
	  CODED_,
	  { "\xc1\x02\xff\xff\xc1\x07" HELLO "\x81\x02hi", 17 },
	  "|BAD_BODY@0;|BAD_BODY@4;hi|@13;" },
	{ "broken off", CODED_, { "\xc1\x03\xf2\x48\xcd", 5 }, "|BAD_BODY@0;" },
	{ "no byte at all", CODED_, { "\xc1\x00\xc1\x07" HELLO, 11 }, "|BAD_BODY@0;|BAD_BODY@2;" },
	{ "nothing after a final block",
	  CODED_,
	  { "\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\x00\xc1\x00", 11 },
	  "Hello|@0;|BAD_BODY@9;" },
	/* close */
	{ "close", IN_, { "\x81\x02hi\x88\x02\x03\xe8", 8 }, "hi|@0;" },
	{ "close without a reason", IN_, { "\x88\x00\xff\xff", 4 }, "" },
	{ "what follows is passed over", IN_, { "\x88\x02\x03\xe8\x81\x02hi", 8 }, "" },
	{ "close within a message", IN_, { "\x01\x02hi\x88\x00\x80\x00", 8 }, "|ABORTED@0;" },
	/* refused */
	{ "reserved 2", IN_, { "\xa1\x00", 2 }, NULL },
	{ "reserved 3", IN_, { "\x91\x00", 2 }, NULL },
	{ "deflated without agreement", IN_, { "\xc1\x00", 2 }, NULL },
	{ "deflated continuation", CODED_, { "\x01\x00\xc0\x00", 4 }, NULL },
	{ "deflated ping", CODED_, { "\xc9\x00", 2 }, NULL },
	{ "opcode 3", IN_, { "\x83\x00", 2 }, NULL },
	{ "opcode 7", IN_, { "\x87\x00", 2 }, NULL },
	{ "opcode 11", IN_, { "\x8b\x00", 2 }, NULL },
	{ "opcode 15", IN_, { "\x8f\x00", 2 }, NULL },
	{ "ping in fragments", IN_, { "\x09\x00", 2 }, NULL },
	{ "long ping", IN_, { "\x89\x7e\x00\x7e", 4 }, NULL },
	{ "long close", IN_, { "\x88\x7e\x00\x80", 4 }, NULL },
	{ "continuation of nothing", IN_, { "\x80\x00", 2 }, NULL },
	{ "continuation behind the end", IN_, { "\x81\x00\x80\x00", 4 }, NULL },
	{ "message within another", IN_, { "\x01\x00\x81\x00", 4 }, NULL },
	{ "16 bits for 125", IN_, { "\x81\x7e\x00\x7d", 4 }, NULL },
	{ "64 bits for 65535", IN_, { "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10 }, NULL },
	{ "more than 63 bits", IN_, { "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10 }, NULL },
	{ "a server masks", IN_, { "\x81\x80\x01\x02\x03\x04", 6 }, NULL },
	{ "a client does not", OUT_, { "\x81\x00", 2 }, NULL },
};

static const struct {
	const char *answer; /* NULL: absent */
	const char *want;   /* of both: deflate, fresh; NULL: refused */
} answers[] = {
	{ NULL, "-,-" },
	{ "", "-,-" },
	{ "permessage-deflate", "d,d" },
	{ " Permessage-Deflate ,", "d,d" },
	{ "permessage-deflate; server_no_context_takeover", "d,df" },
	{ "permessage-deflate;client_no_context_takeover", "df,d" },
	{ "permessage-deflate; server_no_context_takeover; client_no_context_takeover", "df,df" },
	{ "permessage-deflate; client_max_window_bits=15; server_max_window_bits = 8", "d,d" },
	{ "permessage-deflate; server_max_window_bits=\"10\"", "d,d" },
	{ "permessage-deflate; client_max_window_bits", NULL },
	{ "permessage-deflate; client_max_window_bits=7", NULL },
	{ "permessage-deflate; client_max_window_bits=16", NULL },
	{ "permessage-deflate; client_max_window_bits=08", NULL },
	{ "permessage-deflate; client_max_window_bits=\"\"", NULL },
	{ "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", NULL },
	{ "permessage-deflate; server_no_context_takeover=1", NULL },
	{ "permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL },
	{ "permessage-deflate; something", NULL },
	{ "permessage-deflate; ", NULL },
	{ "permessage-deflate, permessage-deflate", NULL },
	{ "permessage-bzip2", NULL },
	{ "permessage-deflate, x", NULL },
	{ "x", NULL },
};

#endif
