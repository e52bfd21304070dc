/* Server-sent events are the same however their bytes are cut, and never hold more than came.
 * Input: a byte that seeds the cuts, then the stream. */
#include "base/buf.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/sse.h"

struct log {
	struct buf text;
	size_t data;
};

static int on_event(void *ctx, struct str name, struct str data, bool last)
{
	struct log *l = ctx;

	MUST(name.n <= LIMIT_SSE_NAME);
	MUST(data.n || last);
	l->data += data.n;
	MUST(buf_add(&l->text, data) == 0);
	if (last)
		MUST(buf_put(&l->text, '\0') == 0 && buf_add(&l->text, name) == 0 &&
		     buf_put(&l->text, '\0') == 0);
	return 0;
}

static void run(struct str in, unsigned seed, struct log *l)
{
	_cleanup_(sse_free) struct sse *s = NULL;

	MUST(sse_new(on_event, l, &s) == 0);
	while (in.n) {
		size_t n = in.n;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % 20;
		}
		MUST(sse_feed(s, str_head(in, n)) == 0);
		in = str_skip(in, n);
	}
	MUST(sse_end(s) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log a = { .text.limit = 1u << 28 }, b = { .text.limit = 1u << 28 };
	struct str in;

	if (size < 1)
		return 0;
	in = (struct str){ (const char *)data + 1, size - 1 };
	run(in, 0, &a);
	run(in, data[0] + 1u, &b);
	MUST(str_eq(buf_str(&a.text), buf_str(&b.text)));
	MUST(a.data <= in.n);
	buf_done(&a.text);
	buf_done(&b.text);
	return 0;
}
