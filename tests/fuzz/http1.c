/* One direction of HTTP/1 says the same however its bytes are cut, and a body never outgrows its
 * input. Input: a byte of choices (side, HEAD), a byte that seeds the cuts, then the stream. */
#include "base/buf.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/http1.h"

struct log {
	struct buf text;
	size_t body;
};

static int on_head(void *ctx, const struct http1_head *h)
{
	struct log *l = ctx;

	MUST(h->status < 1000 && (h->status >= 100 || h->method.n));
	MUST(!h->upgraded || h->body_less);
	MUST(buf_printf(&l->text, "%u " STR_FMT " " STR_FMT " %d%d%d", h->status,
			STR_ARG(h->method), STR_ARG(h->target), h->body_less, h->close_ends,
			h->upgraded) == 0);
	for (int i = 0; i < HDR_COUNT; i++) {
		MUST(h->header[i].n <= LIMIT_HEADER_VALUE);
		if (h->header[i].p)
			MUST(buf_printf(&l->text, " %d=" STR_FMT, i, STR_ARG(h->header[i])) == 0);
	}
	MUST(buf_put(&l->text, '\n') == 0);
	return 0;
}

static int on_body(void *ctx, struct str bytes)
{
	struct log *l = ctx;

	MUST(bytes.n);
	l->body += bytes.n;
	MUST(buf_add(&l->text, bytes) == 0);
	return 0;
}

static int on_end(void *ctx)
{
	MUST(buf_add(&((struct log *)ctx)->text, S("\nend\n")) == 0);
	return 0;
}

static int run(unsigned choices, struct str in, unsigned seed, struct log *l)
{
	static const struct http1_calls calls = { on_head, on_body, on_end };
	_cleanup_(http1_free) struct http1 *h = NULL;
	size_t used = 0;

	MUST(http1_new(choices & 1 ? HTTP1_RESPONSE : HTTP1_REQUEST, &calls, l, NULL, &h) == 0);
	while (in.n) {
		size_t n = in.n;
		int r;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = MIN(in.n, 1 + (seed >> 16) % 40);
		}
		if (http1_idle(h))
			http1_expect(h, choices & 2 ? S("HEAD") : STR_NONE);
		r = http1_feed(h, str_head(in, n), &used);
		if (r < 0)
			return r;
		if (!used)
			return 1; /* upgraded */
		in = str_skip(in, used);
	}
	return http1_eof(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log a = { .text.limit = 1u << 28 }, b = { .text.limit = 1u << 28 };
	struct str in;

	if (size < 2)
		return 0;
	in = (struct str){ (const char *)data + 2, size - 2 };
	MUST(run(data[0], in, 0, &a) == run(data[0], in, data[1] + 1u, &b));
	MUST(str_eq(buf_str(&a.text), buf_str(&b.text)));
	MUST(a.body <= in.n);
	buf_done(&a.text);
	buf_done(&b.text);
	return 0;
}
