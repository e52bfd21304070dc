/* Server-sent events are the same however their bytes are cut, never hold more than came, and are those of a plain reading
 * of the rules (WHATWG HTML section 9.2.6). Input: a byte that seeds the cuts, then the stream. */
#include "base/buf.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/sse.h"

struct log {
	struct buf text; /* data NUL name NUL for each event */
	size_t data;
};

static void add(struct buf *b, struct str s)
{
	MUST(buf_add(b, s) == 0);
}

static void end_event(struct buf *to, struct str name)
{
	add(to, S("\0"));
	add(to, name);
	add(to, S("\0"));
}

static int on_event(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	struct log *l = ctx;

	MUST(name.n <= LIMIT_SSE_NAME);
	MUST((data.n || last) && why == WHY_NONE);
	l->data += data.n;
	add(&l->text, data);
	if (last)
		end_event(&l->text, name);
	return 0;
}

static void run(struct str in, unsigned seed, struct log *l)
{
	_cleanup_(sse_free) struct sse *s = NULL;

	MUST(sse_new(on_event, l, NULL, &s) == 0);
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

/* ---- the rules, line by line, the whole stream at hand ---------------------------------------- */

struct event {
	struct buf data;
	struct str name;
	bool any;
};

static void dispatch(struct event *e, struct buf *to)
{
	if (e->any) {
		add(to, buf_str(&e->data));
		end_event(to, str_head(e->name, LIMIT_SSE_NAME));
	}
	buf_reset(&e->data);
	e->name = S("");
	e->any = false;
}

static void process(struct event *e, struct str line, struct buf *to)
{
	struct str field = line, value = line;

	if (!line.n) {
		dispatch(e, to);
		return;
	}
	if (!str_cut(&value, &field, ':'))
		value = S("");
	else if (str_starts(value, S(" ")))
		value = str_skip(value, 1);
	if (str_eq(field, S("event")))
		e->name = value;
	if (!str_eq(field, S("data")))
		return;
	if (e->any)
		add(&e->data, S("\n"));
	add(&e->data, value);
	e->any = true;
}

static void reference(struct str in, struct buf *to)
{
	struct event e = { .data.limit = 1u << 28 };

	if (str_starts(in, S("\xef\xbb\xbf")))
		in = str_skip(in, 3);
	while (in.n) {
		size_t n = 0;

		while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
			n++;
		process(&e, str_head(in, n), to);
		in = str_skip(in, str_starts(str_skip(in, n), S("\r\n")) ? n + 2 : n + 1);
	}
	dispatch(&e, to); /* ours: what is whole but for its empty line counts */
	buf_done(&e.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log a = { .text.limit = 1u << 28 }, b = { .text.limit = 1u << 28 };
	struct buf want = { .limit = 1u << 28 };
	struct str in;

	if (size < 1)
		return 0;
	in = (struct str){ (const char *)data + 1, size - 1 };
	run(in, 0, &a);
	run(in, data[0] + 1u, &b);
	reference(in, &want);
	MUST(str_eq(buf_str(&a.text), buf_str(&b.text)));
	MUST(str_eq(buf_str(&a.text), buf_str(&want)));
	MUST(a.data <= in.n);
	buf_done(&a.text);
	buf_done(&b.text);
	buf_done(&want);
	return 0;
}
