/* conn and wire under anything: each byte is accounted for once, each exchange ends once
 * (wiretest.h asserts it), and what is whole does not depend on how it was cut. Input: a byte that
 * seeds the cuts, then records: a control byte (bit 0: direction; bits 1-2: 3 = lost; bit 3: an
 * end), two bytes of length, the bytes. */
#include "../unit/wiretest.h"
#include "fuzz.h"
#include "wire/http1.h"

/* Plays the input; cut into small pieces where seed is not 0. True if nothing was lost and no end
 * came early. */
static bool play(struct world *w, const uint8_t *p, size_t size, unsigned seed)
{
	bool plain = true;

	MUST(world_init(w) == 0);
	while (size >= 3) {
		unsigned control = p[0];
		struct str bytes = { (const char *)p + 3,
				     MIN((size_t)(p[1] | p[2] << 8), size - 3) };
		bool lost = (control >> 1 & 3) == 3;

		size -= 3 + bytes.n;
		p += 3 + bytes.n;
		plain = plain && !lost && !(control & 8);
		while (bytes.n) {
			size_t n = MIN(bytes.n, 16384);

			if (seed) {
				seed = seed * 1103515245 + 12345;
				n = MIN(bytes.n, 1 + (seed >> 16) % 50);
			}
			MUST(world_chunk(w, control & 1 ? DIR_IN : DIR_OUT, str_head(bytes, n),
					 lost) == 0);
			bytes = str_skip(bytes, n);
		}
		if (control & 8) {
			enum flow_end end = END_EOF + (control >> 4) % 4;

			MUST(world_end(w, end, control & 1 ? DIR_IN : DIR_OUT) == 0);
			if (end != END_EOF)
				world_next(w);
		}
	}
	world_close(w);
	return plain;
}

/* Whether a coded body is just below a bound or above it may depend on the cuts: see body.c. */
static bool bomb(const struct world *w)
{
	return w->c.limit[LIM_INFLATE_RATIO] || w->c.limit[LIM_INFLATE_STEEP];
}

static void same(const struct world *a, const struct world *b)
{
	MUST(a->count == b->count);
	if (bomb(a) || bomb(b))
		return;
	for (size_t i = 0; i < a->count; i++) {
		const struct seen *x = &a->seen[i], *y = &b->seen[i];

		MUST(x->off == y->off && x->status == y->status && x->why == y->why &&
		     x->aborted == y->aborted);
		for (int dir = 0; dir < 2; dir++) {
			MUST(x->cut[dir] == y->cut[dir]);
			/* how far a damaged coded body got does depend on the cuts */
			MUST(x->cut[dir] || str_eq(buf_str(&x->body[dir]), buf_str(&y->body[dir])));
		}
		MUST(x->cut[DIR_IN] || str_eq(buf_str(&x->events), buf_str(&y->events)));
		MUST(x->cut[DIR_OUT] || str_eq(buf_str(&x->sent), buf_str(&y->sent)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world a, b;
	bool plain;

	if (size < 4 || size > 1u << 13)
		return 0;
	plain = play(&a, data + 1, size - 1, 0);
	play(&b, data + 1, size - 1, data[0] + 1u);
	/* only what is known from its first byte can be cut anywhere: see pair.c */
	if (plain && !(data[1] & 1) &&
	    http1_begins_request((struct str){
		    (const char *)data + 4, MIN((size_t)(data[2] | data[3] << 8), size - 4) }) == 1)
		same(&a, &b);
	world_done(&a);
	world_done(&b);
	return 0;
}
