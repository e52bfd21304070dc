/* http1.c -- a head is collected and read whole; a body is only counted through. */
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "wire/http1head.h"

enum state {
	AT_HEAD,      /* collecting a head; idle while nothing is held */
	AT_BODY,      /* `left` bytes, then the end */
	AT_END,       /* everything is body until the connection ends */
	AT_SIZE,      /* hex digits of a chunk size */
	AT_EXTENSION, /* behind them, up to CRLF */
	AT_SIZE_LF,   /* CR seen */
	AT_CHUNK,     /* `left` bytes of a chunk */
	AT_CHUNK_CR,
	AT_CHUNK_LF,
	AT_TRAILER,  /* collecting trailer lines */
	AT_UPGRADED, /* not HTTP any more */
	AT_ERROR,
};

struct http1 {
	unsigned magic;
#define HTTP1_MAGIC 0x48313101u
	enum http1_side side;
	const struct http1_calls *calls;
	void *ctx;
	struct counters *counters;
	struct str expect; /* literal: HEAD, CONNECT or absent */
	enum state state;
	struct buf held; /* a head or a trailer line that has not ended */
	uint64_t left;   /* bytes of the counted body or chunk, or the chunk size so far */
	unsigned digits; /* of that size */
	unsigned line;   /* bytes of the chunk-size line so far, or trailer lines */
	bool blank;      /* an empty line before this request was passed over */
	bool ext;        /* the ';' of a chunk extension was seen */
	struct arena joined;
};

int http1_new(enum http1_side side, const struct http1_calls *calls, void *ctx,
	      struct counters *counters, struct http1 **ret)
{
	struct http1 *h = obj_new(h, HTTP1_MAGIC);

	if (!h)
		return -ENOMEM;
	h->side = side;
	h->calls = calls;
	h->ctx = ctx;
	h->counters = counters;
	h->held.limit = LIMIT_HEAD_BYTES;
	h->joined.limit = (size_t)LIMIT_HEAD_LINES * (LIMIT_HEADER_VALUE + 16);
	*ret = h;
	return 0;
}

void http1_free(struct http1 **ph)
{
	struct http1 *h = obj_take(ph, HTTP1_MAGIC);

	if (!h)
		return;
	buf_done(&h->held);
	arena_reset(&h->joined);
	mem_free(h);
}

void http1_reset(struct http1 *h)
{
	obj_check(h, HTTP1_MAGIC);
	buf_done(&h->held); /* connections are idle for most of their life: hold nothing then */
	h->state = AT_HEAD;
	h->left = 0;
	h->line = 0;
	h->blank = false;
}

void http1_expect(struct http1 *h, struct str method)
{
	obj_check(h, HTTP1_MAGIC);
	h->expect = str_eq(method, S("HEAD"))      ? S("HEAD")
		    : str_eq(method, S("CONNECT")) ? S("CONNECT")
						   : STR_NONE;
}

bool http1_idle(const struct http1 *h)
{
	obj_check(h, HTTP1_MAGIC);
	return h->state == AT_HEAD && h->held.n == 0;
}

/* ---- heads ----------------------------------------------------------------------------------- */

static int message_end(struct http1 *h)
{
	http1_reset(h);
	return h->calls->end(h->ctx);
}

static int head_whole(struct http1 *h)
{
	struct http1_head head;
	struct http1_framing framing;
	int r;

	r = http1head_read(h->counters, h->side, buf_str(&h->held), h->expect, &h->joined, &head,
			   &framing);
	if (r == 0)
		r = h->calls->head(h->ctx, &head);
	arena_reset(&h->joined);
	if (r < 0)
		return r;
	http1_reset(h);
	if (head.upgraded) {
		h->state = AT_UPGRADED;
		return 0;
	}
	if (h->side == HTTP1_RESPONSE && head.status < 200)
		return 0;
	switch (framing.body) {
	case HTTP1_NO_BODY:
		return message_end(h);
	case HTTP1_COUNTED:
		h->state = AT_BODY;
		h->left = framing.length;
		break;
	case HTTP1_CHUNKED:
		h->state = AT_SIZE;
		h->digits = 0;
		break;
	case HTTP1_UNTIL_END:
		h->state = AT_END;
		break;
	}
	return 0;
}

/* Collects lines and checks that each ends in CRLF and holds no control character, and that no more
 * than `limit` bytes are held: byte by byte, so that the verdict does not depend on how the bytes
 * were cut. *ret_n: bytes taken; *ret_line: a line has ended. */
static int hold_line(struct http1 *h, struct str s, size_t limit, size_t *ret_n, bool *ret_line)
{
	char last = h->held.n ? h->held.p[h->held.n - 1] : '\0';
	size_t n = 0;
	int r;

	*ret_line = false;
	while (n < s.n && !*ret_line) {
		char c = s.p[n++];
		bool plain = (unsigned char)c >= ' ' && c != 0x7f;

		if (h->held.n + n > limit)
			return -EMSGSIZE;
		if (last == '\r' ? c != '\n' : !plain && c != '\r' && c != '\t')
			return -EBADMSG;
		*ret_line = c == '\n';
		last = c;
	}
	r = buf_add(&h->held, str_head(s, n));
	if (r < 0)
		return r;
	*ret_n = n;
	return 0;
}

static int feed_head(struct http1 *h, struct str s, size_t *ret_n, bool *ret_stop)
{
	size_t n = 0;
	bool line;
	int r = hold_line(h, s, LIMIT_HEAD_BYTES, &n, &line);

	*ret_n = n;
	if (r == -EMSGSIZE)
		count_limit(h->counters, HEAD_BYTES);
	if (r < 0 || !line)
		return r;
	if (h->held.n == 2) {
		/* one empty line before a request is passed over (RFC 9112 section 2.2) */
		if (h->side != HTTP1_REQUEST || h->blank)
			return -EBADMSG;
		h->held.n = 0;
		h->blank = true;
		*ret_stop = true;
		return 0;
	}
	if (str_ends(buf_str(&h->held), S("\r\n\r\n"))) {
		r = head_whole(h);
		*ret_stop = h->state == AT_HEAD || h->state == AT_UPGRADED;
		return r;
	}
	return 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* `left` has come down to 0 in AT_BODY or AT_CHUNK. */
static int counted_end(struct http1 *h, bool *ret_stop)
{
	if (h->state == AT_CHUNK) {
		h->state = AT_CHUNK_CR;
		return 0;
	}
	*ret_stop = true;
	return message_end(h);
}

static int feed_body(struct http1 *h, struct str s, size_t *ret_n, bool *ret_stop)
{
	size_t n = h->state == AT_END ? s.n : MIN(h->left, s.n);
	int r;

	r = h->calls->body(h->ctx, str_head(s, n));
	*ret_n = n;
	if (r < 0 || h->state == AT_END)
		return r;
	h->left -= n;
	return h->left ? 0 : counted_end(h, ret_stop);
}

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* One byte of "1f; name=value CR LF". Blanks may stand only in front of a ';'. */
static int size_byte(struct http1 *h, char c)
{
	int hex = hex_of(c);

	if (++h->line > LIMIT_CHUNK_LINE) {
		count_limit(h->counters, CHUNK_LINE);
		return -EMSGSIZE;
	}
	if (h->state == AT_SIZE && hex >= 0) {
		if (++h->digits > 15) /* 60 bits: no sum of it with anything here overflows */
			return -EBADMSG;
		h->left = h->left << 4 | (unsigned)hex;
		return 0;
	}
	if (!h->digits)
		return -EBADMSG;
	if (h->state == AT_SIZE_LF) {
		if (c != '\n')
			return -EBADMSG;
		h->state = h->left ? AT_CHUNK : AT_TRAILER;
		h->line = 0;
		return 0;
	}
	if (c == '\r') {
		if (h->state == AT_EXTENSION && !h->ext)
			return -EBADMSG;
		h->state = AT_SIZE_LF;
		return 0;
	}
	if (h->state == AT_SIZE) {
		h->state = AT_EXTENSION;
		h->ext = false;
	}
	if (c == ';')
		h->ext = true;
	else if (!h->ext && c != ' ' && c != '\t')
		return -EBADMSG;
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? -EBADMSG : 0;
}

static int chunk_ended(struct http1 *h, char c)
{
	if (c != (h->state == AT_CHUNK_CR ? '\r' : '\n'))
		return -EBADMSG;
	if (h->state == AT_CHUNK_CR) {
		h->state = AT_CHUNK_LF;
		return 0;
	}
	h->state = AT_SIZE;
	h->digits = 0;
	h->left = 0;
	h->line = 0;
	return 0;
}

static int feed_trailer(struct http1 *h, struct str s, size_t *ret_n, bool *ret_stop)
{
	struct str name, value;
	size_t n = 0;
	bool line;
	int r = hold_line(h, s, LIMIT_CHUNK_LINE, &n, &line);

	*ret_n = n;
	if (r == -EMSGSIZE)
		count_limit(h->counters, CHUNK_LINE);
	if (r < 0 || !line)
		return r;
	if (h->held.n == 2) {
		*ret_stop = true;
		return message_end(h);
	}
	if (++h->line > LIMIT_HEAD_LINES) {
		count_limit(h->counters, HEAD_LINES);
		return -EMSGSIZE;
	}
	r = http1head_field(h->counters, str_head(buf_str(&h->held), h->held.n - 2), &name, &value);
	h->held.n = 0;
	return r;
}

static int http1_step(struct http1 *h, struct str s, size_t *ret_n, bool *ret_stop)
{
	*ret_n = 1;
	switch (h->state) {
	case AT_HEAD:
		return feed_head(h, s, ret_n, ret_stop);
	case AT_BODY:
	case AT_END:
	case AT_CHUNK:
		return feed_body(h, s, ret_n, ret_stop);
	case AT_SIZE:
	case AT_EXTENSION:
	case AT_SIZE_LF:
		return size_byte(h, s.p[0]);
	case AT_CHUNK_CR:
	case AT_CHUNK_LF:
		return chunk_ended(h, s.p[0]);
	case AT_TRAILER:
		return feed_trailer(h, s, ret_n, ret_stop);
	case AT_UPGRADED:
		*ret_n = 0;
		*ret_stop = true;
		return 0;
	case AT_ERROR:
		break;
	}
	return -EBADMSG;
}

int http1_feed(struct http1 *h, struct str bytes, size_t *ret_used)
{
	size_t used = 0, n = 0;
	bool stop = false;

	obj_check(h, HTTP1_MAGIC);
	while (used < bytes.n && !stop) {
		int r = http1_step(h, str_skip(bytes, used), &n, &stop);

		if (r < 0) {
			h->state = AT_ERROR;
			return r;
		}
		used += n;
	}
	*ret_used = used;
	return 0;
}

/* ---- gaps and ends --------------------------------------------------------------------------- */

uint64_t http1_sure(const struct http1 *h)
{
	obj_check(h, HTTP1_MAGIC);
	if (h->state == AT_END)
		return UINT64_MAX;
	return h->state == AT_BODY || h->state == AT_CHUNK ? h->left : 0;
}

int http1_skip(struct http1 *h, uint64_t bytes)
{
	bool stop;

	assert(bytes <= http1_sure(h));
	if (h->state == AT_END || bytes == 0)
		return 0;
	h->left -= bytes;
	return h->left ? 0 : counted_end(h, &stop);
}

int http1_eof(struct http1 *h)
{
	obj_check(h, HTTP1_MAGIC);
	if (http1_idle(h) || h->state == AT_UPGRADED)
		return 0;
	return h->state == AT_END ? message_end(h) : -EPIPE;
}
