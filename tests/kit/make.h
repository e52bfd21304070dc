/* make.h -- bytes as clients and servers send them: codings, HTTP/1, HTTP/2, WebSocket, event framings.
 *
 * Everything is appended to a struct buf whose limit is the caller's. Nothing here can fail: what should not happen stops the
 * test. Allocations that a test makes fail (mem_fail_after) are the tested code's alone, never the kit's. */
#ifndef KIT_MAKE_H
#define KIT_MAKE_H

#include <nghttp2/nghttp2.h>
#include <zlib.h>
#include "base/buf.h"

void make_add(struct buf *out, struct str s);
void make_printf(struct buf *out, const char *format, ...) _printf_(2, 3);
/* `bytes` of `value`, the highest first. */
void make_number(struct buf *out, uint64_t value, int bytes);

/* ---- chance: the same seed, the same bytes ------------------------------------------------------ */

uint64_t make_random(uint64_t *seed);          /* any 64 bits; *seed may be anything */
size_t make_below(uint64_t *seed, size_t n);   /* 0 to n - 1; n is not 0 */
size_t make_size(uint64_t *seed, size_t most); /* 1 to `most`, small ones as often as large ones */
bool make_chance(uint64_t *seed, unsigned percent); /* true so often */

/* ---- content codings ------------------------------------------------------------------------------ */

enum make_coding {
	MAKE_PLAIN,
	MAKE_GZIP,
	MAKE_ZLIB,
	MAKE_DEFLATE,
	MAKE_BR,
	MAKE_ZSTD,
	MAKE_CODINGS
};

/* The Content-Encoding value; MAKE_PLAIN has none. MAKE_ZLIB and MAKE_DEFLATE (no wrapper) are both "deflate". */
struct str make_coding_name(enum make_coding coding);
/* One whole body. After plain[flush[i]] (ascending) everything before is flushed out, as a streaming server does. */
void make_coded(struct buf *out, enum make_coding coding, struct str plain, const size_t *flush,
		size_t flushes);

/* ---- HTTP/1 ------------------------------------------------------------------------------------------ */

struct make_chunked {
	size_t size;           /* of each chunk; with `seed` the largest; 0 = all in one */
	uint64_t *seed;        /* not NULL: sizes at random */
	const char *extension; /* behind each size, as ";name=value"; NULL = none */
	const char *trailers;  /* whole lines with CRLF; NULL = none */
};

/* The body with its last chunk and the empty line. `how` may be NULL. */
void make_chunked(struct buf *out, struct str body, const struct make_chunked *how);

/* ---- HTTP/2: one direction of a connection ------------------------------------------------------------- */

struct make_h2 {
	struct buf *out;
	nghttp2_hd_deflater *deflater;
};

struct make_field {
	struct str name, value;
	bool never; /* never indexed */
};

struct make_frame {    /* zero: none of it */
	bool end;      /* END_STREAM */
	bool padded;   /* with `pad` bytes behind, 0 to 255 */
	size_t pad;    /* a pad of 0 is one byte of its own, too */
	bool priority; /* HEADERS: with the five bytes of a dependency */
	size_t fragment; /* HEADERS: so much of the block in each frame, the rest in CONTINUATION; 0 = 16384.
			     DATA: so much in each frame */
};

/* Writes nothing. `table`: bytes the deflater may use at first, 4096 unless the peer said otherwise. */
void make_h2_init(struct make_h2 *h, struct buf *out, size_t table);
void make_h2_done(struct make_h2 *h);
void make_h2_preface(struct make_h2 *h); /* a client's, without its SETTINGS */
/* count pairs of id and value; make_h2_ack answers the peer's */
void make_h2_settings(struct make_h2 *h, const uint32_t (*pairs)[2], size_t count);
void make_h2_ack(struct make_h2 *h);
void make_h2_headers(struct make_h2 *h, uint32_t stream, const struct make_field *f, size_t count,
		     const struct make_frame *how);
void make_h2_data(struct make_h2 *h, uint32_t stream, struct str bytes,
		  const struct make_frame *how);
void make_h2_push(struct make_h2 *h, uint32_t stream, uint32_t promised, const struct make_field *f,
		  size_t count);
void make_h2_rst(struct make_h2 *h, uint32_t stream, uint32_t code);
void make_h2_goaway(struct make_h2 *h, uint32_t last, uint32_t code);
void make_h2_window(struct make_h2 *h, uint32_t stream, uint32_t by);
void make_h2_ping(struct make_h2 *h, bool ack);
/* Any frame. type: 0 DATA 1 HEADERS 2 PRIORITY 3 RST_STREAM 4 SETTINGS 5 PUSH_PROMISE 6 PING 7 GOAWAY 8 WINDOW_UPDATE
 * 9 CONTINUATION */
void make_h2_frame(struct make_h2 *h, unsigned type, unsigned flags, uint32_t stream,
		   struct str payload);
/* Only the header block: for frames of one's own. */
void make_h2_block(struct make_h2 *h, const struct make_field *f, size_t count, struct buf *out);
/* The peer allows a table of this size: the next block begins by saying so. */
void make_h2_table(struct make_h2 *h, size_t bytes);

/* ---- WebSocket: one direction of a connection ------------------------------------------------------------ */

struct make_ws {
	struct buf *out;
	bool mask;      /* a client */
	uint32_t key;   /* of the next frame; changes with each */
	bool deflate;   /* permessage-deflate is agreed on */
	bool fresh;     /* no context takeover */
	bool plain;     /* set for a message: not compressed although it could be */
	z_stream state; /* where `deflate` */
};

enum make_opcode { MAKE_CONTINUE, MAKE_TEXT, MAKE_BINARY, MAKE_CLOSE = 8, MAKE_PING, MAKE_PONG };

struct make_ws_how {
	bool client, deflate, fresh;
	int window; /* bits, 9 to 15; 0 = 15 */
};

void make_ws_init(struct make_ws *w, struct buf *out, const struct make_ws_how *how);
void make_ws_done(struct make_ws *w);
/* `first` is the first byte: FIN 0x80, RSV1 0x40, opcode. */
void make_ws_frame(struct make_ws *w, unsigned first, struct str payload);
/* A whole message, in frames of at most `fragment` bytes; 0 = one frame. */
void make_ws_message(struct make_ws *w, enum make_opcode opcode, struct str data, size_t fragment);
void make_ws_close(struct make_ws *w, unsigned code, struct str reason);

/* ---- events -------------------------------------------------------------------------------------------------- */

struct make_header { /* of an AWS event; type 7 (string) where 0 */
	struct str name, value;
	unsigned type;
};

enum make_damage { MAKE_WHOLE, MAKE_BAD_PRELUDE, MAKE_BAD_MESSAGE };

/* A message of application/vnd.amazon.eventstream, CRCs right unless damage is asked for. */
void make_aws(struct buf *out, const struct make_header *h, size_t count, struct str payload,
	      enum make_damage damage);
/* The usual one: `:message-type` event, `:event-type` NAME, `:content-type` application/json. */
void make_aws_event(struct buf *out, struct str name, struct str payload);
/* What Bedrock's InvokeModelWithResponseStream sends: {"bytes":BASE64 of `json`} as an event "chunk". */
void make_aws_chunk(struct buf *out, struct str json);
void make_base64(struct buf *out, struct str bytes);

/* A gRPC message: flag (bit 0: compressed), length, payload. */
void make_grpc(struct buf *out, unsigned flag, struct str payload);
/* Protocol buffers: a field of varints, and one with a length. */
void make_proto_number(struct buf *out, unsigned field, uint64_t value);
void make_proto_bytes(struct buf *out, unsigned field, struct str value);

struct make_sse {
	const char *eol; /* NULL: "\n" */
	bool named;      /* an "event:" line, from the document's "type" */
	bool done;       /* "[DONE]" at the end, as OpenAI does */
	bool open_end;   /* no empty line after the last event */
};

/* An event for each line of JSON. `how` may be NULL. */
void make_sse(struct buf *out, struct str lines, const struct make_sse *how);

#endif
