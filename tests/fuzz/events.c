/* Events of every framing: the same from any cut, and those that a plain reading of the whole finds.
 *
 * Input: a byte that chooses the framing, one that seeds the cuts, then the body; for the fifth choice a script that AWS
 * messages are made from, some with a bit flipped: all that were not hit come out, and nothing else. */
#include <zlib.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/events.h"

#define MOST (1u << 28)

struct log {
	struct buf text; /* of events that are whole: length of the data, data, NUL, name, NUL */
	struct buf data; /* of the one under way */
	size_t bytes, whole, damaged;
	unsigned bad_json; /* events that are no JSON document */
};

static void add(struct buf *b, struct str s)
{
	MUST(buf_add(b, s) == 0);
}

static void add_number(struct buf *b, uint32_t n)
{
	char p[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };

	add(b, (struct str){ p, 4 });
}

static void add_event(struct buf *to, struct str name, struct str data)
{
	add_number(to, (uint32_t)data.n);
	add(to, data);
	add(to, S("\0"));
	add(to, name);
	add(to, S("\0"));
}

static int no_value(void *ctx, int id, enum json_type type, struct str text)
{
	(void)ctx, (void)id, (void)type, (void)text;
	return 0;
}

static int is_json(struct str s)
{
	static const struct json_want want[] = { { "none", 0, 0 } };

	return json_scan(s, want, 1, no_value, NULL);
}

static int on_event(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	struct log *l = ctx;

	MUST(name.n <= 1 + LIMIT_SSE_NAME);
	MUST((data.n || last) && (last || why == WHY_NONE) && why < WHY_COUNT);
	l->bytes += data.n;
	add(&l->data, data);
	if (!last)
		return 0;
	l->whole += why == WHY_NONE;
	l->damaged += why != WHY_NONE;
	if (why == WHY_NONE)
		add_event(&l->text, name, buf_str(&l->data));
	l->bad_json += why == WHY_NONE && is_json(buf_str(&l->data)) < 0;
	buf_reset(&l->data);
	return 0;
}

static int run(const struct events *e, struct str in, unsigned seed, struct log *l)
{
	void *state = NULL;
	int r = e->open(on_event, l, NULL, &state);

	*l = (struct log){ .text.limit = MOST, .data.limit = MOST };
	while (r == 0 && in.n) {
		size_t n = in.n;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % 20;
		}
		r = e->feed(state, str_head(in, n));
		in = str_skip(in, n);
	}
	if (r == 0)
		r = e->end(state);
	e->close(state);
	MUST(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
	return r;
}

static void log_done(struct log *l)
{
	buf_done(&l->text);
	buf_done(&l->data);
}

/* ---- what a plain reading of the whole finds ------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int lines_by_hand(struct str in, struct buf *to)
{
	while (in.n) {
		struct str line = in;

		if (!str_cut(&in, &line, '\n'))
			in = STR_NONE;
		while (line.n && is_blank(line.p[0]))
			line = str_skip(line, 1);
		if (line.n)
			add_event(to, S(""), line);
	}
	return 0;
}

static int grpc_by_hand(struct str in, struct buf *to)
{
	while (in.n) {
		const unsigned char *h = (const unsigned char *)in.p;
		uint32_t n;

		if (in.n < 5)
			return -EBADMSG;
		n = (uint32_t)h[1] << 24 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 8 | h[4];
		if (h[0] > 1)
			return -EBADMSG;
		if (n > LIMIT_GRPC_BYTES)
			return -EMSGSIZE;
		in = str_skip(in, 5);
		if (in.n < n)
			return -EBADMSG;
		if (!h[0] || !n)
			add_event(to, S(""), str_head(in, n));
		in = str_skip(in, n);
	}
	return 0;
}

/* The array is JSON exactly if it is split and each element is. */
static void array_check(struct str in, int r, const struct log *l)
{
	struct str rest = in;
	int whole = is_json(in);

	while (rest.n && (is_blank(rest.p[0]) || rest.p[0] == '\n'))
		rest = str_skip(rest, 1);
	if (!str_starts(rest, S("[")))
		MUST(r == -EBADMSG && l->whole == 0);
	else if (whole != -EMSGSIZE) /* one level deeper than its elements */
		MUST((whole == 0) == (r == 0 && l->bad_json == 0));
}

/* ---- AWS messages from a script -------------------------------------------------------------- */

static char printable(unsigned char c)
{
	return (char)(' ' + c % 95); /* no lengths can be made of these */
}

/* `n` bytes of the script, printable; fewer where it ends. */
static struct str take_text(struct str *script, size_t n, char *room)
{
	n = MIN(n, script->n);
	for (size_t i = 0; i < n; i++)
		room[i] = printable((unsigned char)script->p[i]);
	*script = str_skip(*script, n);
	return (struct str){ room, n };
}

static uint32_t crc(const struct buf *b, size_t from)
{
	return (uint32_t)crc32(0, (const unsigned char *)b->p + from, (unsigned)(b->n - from));
}

static void add_message(struct buf *to, struct str name, struct str payload)
{
	size_t from = to->n, headers = 1 + 11 + 1 + 2 + name.n;
	char length[2] = { 0, (char)name.n };

	add_number(to, (uint32_t)(16 + headers + payload.n));
	add_number(to, (uint32_t)headers);
	add_number(to, crc(to, from));
	add(to, S("\13:event-type\7"));
	add(to, (struct str){ length, 2 });
	add(to, name);
	add(to, payload);
	add_number(to, crc(to, from));
}

static void script_check(struct str script, unsigned seed)
{
	struct buf body = { .limit = MOST }, want = { .limit = MOST };
	char name[16], payload[256];
	size_t hit = 0;
	struct log l;
	int r;

	while (script.n >= 4) {
		const unsigned char *op = (const unsigned char *)script.p;
		size_t from = body.n, at = (size_t)op[1] << 8 | op[2];
		struct str n, p;

		script = str_skip(script, 4);
		n = take_text(&script, op[0] & 15, name);
		p = take_text(&script, op[3], payload);
		add_message(&body, n, p);
		if (op[0] & 16) {
			body.p[from + at % (body.n - from)] ^= (char)(1 << (op[0] >> 5));
			hit++;
		} else {
			add_event(&want, n, p);
		}
	}
	r = run(&eventstream_events, buf_str(&body), seed, &l);
	MUST(str_eq(buf_str(&l.text), buf_str(&want)));
	MUST(!hit == !l.damaged && l.damaged <= hit && (r == 0 || hit));
	log_done(&l);
	buf_done(&body);
	buf_done(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const struct events *events;
		int (*by_hand)(struct str in, struct buf *to);
	} framings[] = { { &lines_events, lines_by_hand },
			 { &grpc_events, grpc_by_hand },
			 { &array_events, NULL },
			 { &eventstream_events, NULL } };
	struct buf want = { .limit = MOST };
	unsigned which;
	struct log a, b;
	struct str in;
	int r;

	if (size < 2)
		return 0;
	in = (struct str){ (const char *)data + 2, size - 2 };
	which = data[0] % (COUNT_OF(framings) + 1);
	if (which == COUNT_OF(framings)) {
		script_check(in, data[1]);
		return 0;
	}
	r = run(framings[which].events, in, 0, &a);
	MUST(run(framings[which].events, in, data[1] + 1u, &b) == r);
	MUST(str_eq(buf_str(&a.text), buf_str(&b.text)) && a.damaged == b.damaged);
	MUST(a.bytes <= in.n && b.bytes <= in.n);
	if (framings[which].by_hand) {
		MUST(framings[which].by_hand(in, &want) == r);
		MUST(str_eq(buf_str(&a.text), buf_str(&want)));
	}
	if (framings[which].events == &array_events)
		array_check(in, r, &a);
	log_done(&a);
	log_done(&b);
	buf_done(&want);
	return 0;
}
