/* socket_scenes.h -- WebSockets by hand, and what the stage says of them: for tests/unit/socket.c. */
#ifndef TESTS_SOCKET_SCENES_H
#define TESTS_SOCKET_SCENES_H

#include "wiretest.h"

#define OUT DIR_OUT
#define IN  DIR_IN

#define B(text)                         \
	{                               \
		text, sizeof(text) - 1, \
	}
#define SAYS(text)                               \
	{                                        \
		.dir = DIR_OUT, .bytes = B(text) \
	}
#define HEARS(text)                             \
	{                                       \
		.dir = DIR_IN, .bytes = B(text) \
	}
#define ASK                                                                           \
	"GET /s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" /* 141 */
#define YES_ "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define YES  YES_ "\r\n"        /* 78 */
#define KEY  "\x80\x80\x80\x80" /* a mask that is seen */
#define BYE  "\x88\x02\x03\xe8"
#define BYE_ "\x88\x82" KEY "\x83\x68"
#define HI   "\x81\x82" KEY "\xe8\xe9" /* "hi", masked */

static const struct scene {
	const char *name;
	struct step {
		enum flow_dir dir;
		struct str bytes;
		enum flow_end end; /* where there are no bytes */
		bool lost;
	} steps[12];
	/* "STATUS up? sent/answered out-cut in-cut why aborted?", a line an exchange */
	const char *want;
	int ignored; /* -1: not */
} scenes[] = {
	{ "closed",
	  { SAYS(ASK),
	    HEARS(YES),
	    SAYS(HI),
	    HEARS("\x82\x03you\x81\x00"),
	    SAYS(BYE_),
	    HEARS(BYE),
	    { .end = END_FREE } },
	  "101 up hi@141|;/you@77|;@82|; . . .\n",
	  -1 },
	{ "right behind the head",
	  { SAYS(ASK), HEARS(YES "\x82\x03you" BYE), SAYS(BYE_), { .end = END_FREE } },
	  "101 up /you@77|; . . .\n",
	  -1 },
	{ "1xx first",
	  { SAYS(ASK),
	    HEARS("HTTP/1.1 103 Hints\r\n\r\n" YES "\x82\x01x" BYE),
	    SAYS(BYE_),
	    { .end = END_FREE } },
	  "101 up /x@99|; . . .\n",
	  -1 },
	{ "request with a body",
	  { SAYS("POST /s HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"),
	    HEARS(YES),
	    SAYS(HI BYE_),
	    HEARS(BYE),
	    { .end = END_FREE } },
	  "101 up hi@41|;/ . . .\n",
	  -1 },
	{ "after another request",
	  { SAYS("GET /a HTTP/1.1\r\n\r\n"),
	    HEARS("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	    SAYS(ASK),
	    HEARS(YES "\x81\x01x" BYE),
	    SAYS(BYE_),
	    { .end = END_FREE } },
	  "200 / . . .\n101 up /x@117|; . . .\n",
	  -1 },
	{ "nothing counts behind a goodbye",
	  { SAYS(ASK),
	    HEARS(YES BYE "\xff\xff"),
	    SAYS(HI BYE_ "GET / HTTP/1.1\r\n\r\n"),
	    HEARS("garbage"),
	    { .end = END_FREE } },
	  "101 up hi@141|;/ . . .\n",
	  -1 },
	{ "goodbye within a message",
	  { SAYS(ASK), HEARS(YES "\x01\x01x" BYE), SAYS(BYE_), { .end = END_FREE } },
	  "101 up /@77|!ABORTED; . . .\n",
	  -1 },
	{ "goodbye behind the end of the other side",
	  { SAYS(ASK), HEARS(YES BYE), { IN, .end = END_EOF }, SAYS(HI BYE_), { .end = END_FREE } },
	  "101 up hi@141|;/ . . .\n",
	  -1 },
	{ "only one side closed",
	  { SAYS(ASK), HEARS(YES BYE), { .end = END_FREE } },
	  "101 up / . . ABORTED aborted\n",
	  -1 },
	{ "freed",
	  { SAYS(ASK), HEARS(YES "\x01\x01x"), SAYS(HI), { .end = END_FREE } },
	  "101 up hi@141|;/@77|!ABORTED; . . ABORTED aborted\n",
	  -1 },
	{ "exit",
	  { SAYS(ASK), HEARS(YES "\x81\x01x\x81"), { .end = END_EXIT } },
	  "101 up /x@77|; . . ABORTED aborted\n",
	  -1 },
	{ "stopped",
	  { SAYS(ASK), HEARS(YES "\x81\x02x"), { .end = END_STOP } },
	  "101 up /@77|!STOPPED; . . STOPPED\n",
	  -1 },
	{ "both sides end without a word",
	  { SAYS(ASK), HEARS(YES), { OUT, .end = END_EOF }, { IN, .end = END_EOF } },
	  "101 up / . . ABORTED aborted\n",
	  -1 },
	{ "bad frame",
	  { SAYS(ASK), HEARS(YES "\x81\x01x\xff"), HEARS("xyz"), SAYS(HI) },
	  "101 up /x@77|; DESYNC DESYNC DESYNC\n",
	  SKIP_DESYNC },
	{ "bad frame while both speak",
	  { SAYS(ASK), HEARS(YES "\x01\x01x"), SAYS("\x01\x81" KEY "h\xff\x00") },
	  "101 up @141|!DESYNC;/@77|!DESYNC; DESYNC DESYNC DESYNC\n",
	  SKIP_DESYNC },
	{ "deflate where it was not agreed on",
	  { SAYS(ASK), HEARS(YES "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00") },
	  "101 up / DESYNC DESYNC DESYNC\n",
	  SKIP_DESYNC },
	{ "deflate",
	  { SAYS(ASK),
	    HEARS(YES_ "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
		       "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00" BYE),
	    SAYS(BYE_),
	    { .end = END_FREE } },
	  "101 up /Hello@123|;Hello@132|; . . .\n",
	  -1 },
	{ "an extension that we cannot undo",
	  { SAYS(ASK), HEARS(YES_ "Sec-WebSocket-Extensions: x-zstd\r\n\r\n\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "another protocol",
	  { SAYS(ASK), HEARS("HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "no protocol",
	  { SAYS(ASK), HEARS("HTTP/1.1 101 X\r\n\r\n\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "CONNECT is no socket",
	  { SAYS("CONNECT h:1 HTTP/1.1\r\n\r\n"),
	    HEARS("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n\x81\x01x") },
	  "200 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "refused",
	  { SAYS(ASK),
	    HEARS("HTTP/1.1 404 No\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno"),
	    { .end = END_FREE } },
	  "404 / . . .\n",
	  -1 },
	{ "asked for more meanwhile",
	  { SAYS(ASK "GET / HTTP/1.1\r\n\r\n"), HEARS(YES "\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n0 / . . PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "a head under way",
	  { SAYS(ASK "GET / HT"), HEARS(YES "\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "request under way",
	  { SAYS("POST /s HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), HEARS(YES "\x81\x01x") },
	  "101 / PROTOCOL PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "request not seen",
	  { HEARS(YES "\x81\x01x") },
	  "101 / . PROTOCOL PROTOCOL\n",
	  SKIP_OPAQUE },
	{ "frames before the answer",
	  { SAYS(ASK), SAYS("\x81\x82\0\0\0\0hi"), HEARS(YES) },
	  "0 / . . DESYNC\n",
	  SKIP_DESYNC },
	{ "bytes lost between messages",
	  { SAYS(ASK),
	    HEARS(YES),
	    SAYS(HI),
	    { OUT, B(HI), .lost = true },
	    SAYS(HI BYE_),
	    HEARS("\x81\x01x" BYE),
	    { .end = END_FREE } },
	  "101 up hi@141|;/x@77|; GAP . ABORTED aborted\n",
	  -1 },
	{ "bytes lost within a message",
	  { SAYS(ASK),
	    HEARS(YES "\x01\x03"),
	    { IN, B("xyz"), .lost = true },
	    HEARS("\x80\x01!\x81\x01y" BYE),
	    SAYS(BYE_),
	    { .end = END_FREE } },
	  "101 up /@77|!GAP;y@85|; . . .\n",
	  -1 },
	{ "bytes lost beyond a message",
	  { SAYS(ASK),
	    HEARS(YES "\x81\x04w"),
	    { IN, B("xyz\x81"), .lost = true },
	    HEARS("\x01y"),
	    SAYS(HI),
	    { .end = END_FREE } },
	  "101 up hi@141|;/@77|!GAP; . GAP ABORTED aborted\n",
	  -1 },
};

#endif
