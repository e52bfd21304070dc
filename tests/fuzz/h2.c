/* HTTP/2 under anything: each byte is accounted for once, each exchange ends once (wiretest.h asserts it); what is whole does
 * not depend on how it was cut; limits hold. Input: a byte that seeds the cuts, then records: a control byte (bit 0:
 * direction; bits 1-2: 3 = lost; bit 3: an end; bit 4: raw bytes, else the type of a frame whose head is made right), and
 *   raw: two bytes of length, the bytes;
 *   a frame: type, flags, stream, two bytes of length, the payload. */
#include "../unit/wiretest.h"
#include "base/limit.h"
#include "fuzz.h"

struct feed {
	struct world w;
	unsigned seed;
	bool plain; /* nothing was lost, no end came early, from the start */
};

static void pour(struct feed *f, enum flow_dir dir, struct str bytes, bool lost)
{
	while (bytes.n) {
		size_t n = MIN(bytes.n, 16384);

		if (f->seed) {
			f->seed = f->seed * 1103515245 + 12345;
			n = MIN(bytes.n, 1 + (f->seed >> 16) % 50);
		}
		MUST(world_chunk(&f->w, dir, str_head(bytes, n), lost) == 0);
		bytes = str_skip(bytes, n);
	}
}

static void play(struct feed *f, const uint8_t *p, size_t size, bool joined)
{
	f->plain = !joined;
	MUST(world_init(&f->w) == 0);
	if (!joined)
		pour(f, DIR_OUT, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), false);
	while (size >= 6) {
		unsigned control = p[0];
		bool raw = control & 16, lost = (control >> 1 & 3) == 3;
		size_t at = raw ? 3 : 6, want = (size_t)(p[at - 2] | p[at - 1] << 8);
		enum flow_dir dir = control & 1 ? DIR_IN : DIR_OUT;
		struct str bytes = { (const char *)p + at, MIN(want, size - at) };
		char head[9] = { 0,
				 (char)(bytes.n >> 8),
				 (char)bytes.n,
				 (char)p[1],
				 (char)p[2],
				 0,
				 0,
				 0,
				 (char)p[3] };
		struct buf all = { .limit = 1u << 17 };

		MUST(raw || buf_add(&all, (struct str){ head, sizeof(head) }) == 0);
		MUST(buf_add(&all, bytes) == 0);
		pour(f, dir, buf_str(&all), lost);
		buf_done(&all);
		f->plain = f->plain && !lost && !(control & 8);
		if (control & 8) {
			enum flow_end end = END_EOF + (control >> 5) % 4;

			MUST(world_end(&f->w, end, dir) == 0);
			f->w.from.gen += end != END_EOF; /* a generation ends but once */
		}
		size -= at + bytes.n;
		p += at + bytes.n;
	}
	world_close(&f->w);
	MUST(f->w.bytes <= 64 * f->w.fed + (1u << 20) || f->w.c.limit[LIM_INFLATE_RATIO]);
}

/* Whether a coded body is just below a bound or above it may depend on the cuts: see body.c. */
static bool bomb(const struct world *w)
{
	return w->c.limit[LIM_INFLATE_RATIO] || w->c.limit[LIM_INFLATE_STEEP];
}

static void same(const struct world *a, const struct world *b)
{
	MUST(a->count == b->count && a->ignored == b->ignored);
	if (bomb(a) || bomb(b))
		return;
	for (size_t i = 0; i < a->count; i++) {
		const struct seen *x = &a->seen[i], *y = &b->seen[i];

		MUST(x->off == y->off && x->status == y->status && x->why == y->why &&
		     x->aborted == y->aborted);
		for (int dir = 0; dir < 2; dir++) {
			MUST(x->cut[dir] == y->cut[dir] && x->blurred[dir] == y->blurred[dir]);
			/* how far a damaged coded body got does depend on the cuts */
			MUST(x->cut[dir] || str_eq(buf_str(&x->body[dir]), buf_str(&y->body[dir])));
		}
		MUST(x->cut[DIR_IN] || str_eq(buf_str(&x->events), buf_str(&y->events)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed a = { .seed = 0 }, b = { .seed = 0 };

	if (size < 8 || size > 1u << 13)
		return 0;
	b.seed = data[0] + 1u;
	play(&a, data + 1, size - 1, data[0] & 1);
	play(&b, data + 1, size - 1, data[0] & 1);
	if (a.plain)
		same(&a.w, &b.w);
	world_done(&a.w);
	world_done(&b.w);
	return 0;
}
