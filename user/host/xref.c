#include <stdlib.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/code.h"
#include "host/xref.h"

#define TEXT_BYTES 256 /* of a file's name, with its NUL */

/* ---- texts ---------------------------------------------------------------------------------- */

struct texts {
	const struct image *image;
	const struct image_part *part; /* where they lie */
	struct str tail;               /* with its NUL */
	uint64_t *ret;
	size_t count;
};

/* Where the text begins whose end is at `end`: after the NUL before it, or with the segment. */
static int text_begin(const struct texts *t, uint64_t end, uint64_t *ret)
{
	char text[TEXT_BYTES];
	size_t n = (size_t)MIN(end - t->part->addr, (uint64_t)sizeof(text)), i;

	if (image_read(t->image, end - n, text, n) < 0)
		return -ENOENT;
	for (i = n; i > 0 && text[i - 1]; i--)
		;
	*ret = end - n + i;
	return i > 0 || n < sizeof(text) ? 0 : -ENOENT;
}

static int texts_window(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct texts *t = ctx;
	const unsigned char *at = p, *hit;

	while ((hit = memmem(at, n - (size_t)(at - p), t->tail.p, t->tail.n))) {
		uint64_t begin, here = addr + (uint64_t)(hit - p);

		at = hit + 1;
		if (text_begin(t, here, &begin) < 0)
			continue;
		if (t->count > 0 && t->ret[t->count - 1] >= begin)
			continue; /* seen at the end of the window before */
		if (t->count == XREF_TEXTS)
			return -E2BIG;
		t->ret[t->count++] = begin;
	}
	return 0;
}

int xref_texts(const struct image *m, const char *tail, uint64_t ret[XREF_TEXTS], size_t *ret_count)
{
	struct texts t = { m, NULL, { tail, strlen(tail) + 1 }, ret, 0 };

	for (size_t i = 0; (t.part = image_segment(m, i)); i++) {
		int r = t.part->written ? 0 : image_scan(m, t.part, t.tail.n - 1, texts_window, &t);

		if (r < 0)
			return r;
	}
	*ret_count = t.count;
	return 0;
}

bool xref_text(const struct image *m, uint64_t addr, const char *tail)
{
	const struct image_part *s;
	char text[TEXT_BYTES];
	size_t n = strlen(tail), room = 0;
	const char *end;

	for (size_t i = 0; !room && (s = image_segment(m, i)); i++)
		if (addr >= s->addr && addr - s->addr < s->size)
			room = (size_t)MIN(s->size - (addr - s->addr), (uint64_t)sizeof(text));
	if (room <= n || image_read(m, addr, text, room) < 0)
		return false;
	end = memchr(text, 0, room);
	return end && (size_t)(end - text) >= n && memcmp(end - n, tail, n) == 0;
}

/* ---- references ----------------------------------------------------------------------------- */

#if defined(__x86_64__)

#include <emmintrin.h>

struct refs {
	const struct image *image;
	const uint64_t *to;
	size_t count;
	uint64_t low, span; /* of `to` */
	uint64_t *at;       /* where something refers to it */
	size_t hits;
};

static int refs_new(struct refs *f, const struct image *m, const uint64_t *to, size_t count)
{
	uint64_t high = 0;

	*f = (struct refs){ .image = m, .to = to, .count = count, .low = UINT64_MAX };
	for (size_t i = 0; i < count; i++) {
		f->low = MIN(f->low, to[i]);
		high = MAX(high, to[i]);
	}
	f->span = high - f->low;
	f->at = mem_zero(LIMIT_XREFS, sizeof(*f->at));
	return f->at ? 0 : -ENOMEM;
}

static int refs_hit(struct refs *f, uint64_t at, uint64_t to)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->to[i] != to)
			continue;
		if (f->hits > 0 && f->at[f->hits - 1] >= at)
			return 0; /* seen at the end of the window before */
		if (f->hits == LIMIT_XREFS)
			return -E2BIG;
		f->at[f->hits++] = at;
		return 0;
	}
	return 0;
}

static uint64_t refs_disp(const unsigned char *p)
{
	int32_t disp;

	memcpy(&disp, p, sizeof(disp));
	return (uint64_t)(int64_t)disp;
}

#define LONGEST 6 /* bytes, from the one that is looked for */

/* lea disp(%rip), reg, from behind its prefix; call; jmp; where addresses are fixed, mov $imm, reg */
static int refs_look(struct refs *f, uint64_t addr, const unsigned char *p)
{
	uint64_t to;

	if (*p == 0xe8 || *p == 0xe9)
		to = addr + 5 + refs_disp(p + 1);
	else if (*p == 0x8d && (p[1] & 0xc7) == 0x05)
		to = addr + 6 + refs_disp(p + 2);
	else if (*p >= 0xb8 && *p <= 0xbf)
		to = (uint32_t)refs_disp(p + 1);
	else
		return 0;
	return to - f->low <= f->span ? refs_hit(f, addr, to) : 0;
}

/* Which of 16 bytes begin one of these: hundreds of megabytes come through here. */
static unsigned refs_first(const unsigned char *p, bool fixed)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i lea = _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0x8d));
	__m128i call = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0xfe)),
				      _mm_set1_epi8((char)0xe8));
	__m128i mov = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0xf8)),
				     _mm_set1_epi8((char)0xb8));
	__m128i any = _mm_or_si128(lea, call);

	return (unsigned)_mm_movemask_epi8(fixed ? _mm_or_si128(any, mov) : any);
}

static int refs_window(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct refs *f = ctx;
	bool fixed = image_fixed(f->image);
	size_t at = 0;
	int r = 0;

	for (; r == 0 && at + 16 + LONGEST <= n; at += 16)
		for (unsigned set = refs_first(p + at, fixed); set && r == 0; set &= set - 1) {
			size_t i = at + (size_t)__builtin_ctz(set);

			r = refs_look(f, addr + i, p + i);
		}
	for (; r == 0 && at + LONGEST <= n; at++)
		if (fixed || p[at] < 0xb8 || p[at] > 0xbf)
			r = refs_look(f, addr + at, p + at);
	return r;
}

/* ---- the first instruction ------------------------------------------------------------------ */

static bool begins_by_look(const struct image *m, uint64_t addr)
{
	static const struct {
		unsigned char p[4];
		size_t n;
	} first[] = {
		{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4 }, /* endbr64 */
		{ { 0x48, 0x83, 0xec }, 3 },       /* sub $, %rsp */
		{ { 0x48, 0x81, 0xec }, 3 },
	};
	unsigned char c[5]; /* one before it, and four of it */

	if (addr == 0 || image_read(m, addr - 1, c, sizeof(c)) < 0 ||
	    !memchr("\xcc\xc3\x90\0", c[0], 4))
		return false;
	for (size_t i = 0; i < COUNT_OF(first); i++)
		if (memcmp(c + 1, first[i].p, first[i].n) == 0)
			return true;
	return (c[1] & 0xf8) == 0x50 || (c[1] == 0x41 && (c[2] & 0xf8) == 0x50); /* push */
}

bool xref_begins(const struct image *m, uint64_t addr)
{
	uint64_t start, end;

	if (image_function(m, addr, &start, &end) == 0)
		return start == addr;
	return begins_by_look(m, addr);
}

static bool begin_holds(const struct image *m, uint64_t start, uint64_t at)
{
	struct code c;

	return code_read(m, start, &c) == 0 && at < c.end;
}

/* References in functions that .eh_frame does not know: the nearest address before each that something calls. */
struct begins {
	const struct image *image;
	const uint64_t *at;
	uint64_t *start;
	size_t count;
	uint64_t low, high;
};

static int begins_window(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct begins *b = ctx;
	const unsigned char *call;

	for (size_t i = 0; i + 5 <= n && (call = memchr(p + i, 0xe8, n - 4 - i)); i++) {
		uint64_t to;

		i = (size_t)(call - p);
		to = addr + i + 5 + refs_disp(call + 1);
		if (to - b->low > b->high - b->low)
			continue;
		for (size_t k = 0; k < b->count; k++)
			if (to <= b->at[k] && b->at[k] - to < CODE_BYTES && to > b->start[k] &&
			    begins_by_look(b->image, to))
				b->start[k] = to;
	}
	return 0;
}

static uint64_t begin_back(const struct image *m, uint64_t at)
{
	for (uint64_t a = at; a > 0 && at - a < CODE_BYTES; a--)
		if (begins_by_look(m, a) && begin_holds(m, a, at))
			return a;
	return 0;
}

static int scan_code(const struct image *m, size_t overlap,
		     int (*fn)(void *ctx, uint64_t addr, const unsigned char *p, size_t n),
		     void *ctx)
{
	const struct image_part *s;
	int r = 0;

	for (size_t i = 0; r == 0 && (s = image_segment(m, i)); i++)
		if (s->code)
			r = image_scan(m, s, overlap, fn, ctx);
	return r;
}

static int begins_find(const struct refs *f, uint64_t *start)
{
	struct begins b = { f->image, f->at, start, f->hits, UINT64_MAX, 0 };
	uint64_t end;
	int r;

	for (size_t i = 0; i < f->hits; i++) {
		if (image_function(f->image, f->at[i], &start[i], &end) == 0)
			continue;
		start[i] = 0;
		b.low = MIN(b.low, f->at[i] - MIN(f->at[i], (uint64_t)CODE_BYTES));
		b.high = MAX(b.high, f->at[i]);
	}
	if (b.high == 0)
		return 0;
	r = scan_code(f->image, 4, begins_window, &b);
	for (size_t i = 0; r == 0 && i < f->hits; i++)
		if (start[i] == 0 || !begin_holds(f->image, start[i], f->at[i]))
			start[i] = begin_back(f->image, f->at[i]);
	return r;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int xref_find(const struct image *m, const uint64_t *to, size_t count, struct xref *ret)
{
	uint64_t *start = mem_zero(LIMIT_XREFS, sizeof(*start));
	size_t n = 0;
	struct refs f;
	int r;

	r = start ? refs_new(&f, m, to, count) : -ENOMEM;
	if (r < 0)
		goto out;
	r = scan_code(m, LONGEST - 1, refs_window, &f);
	if (r == 0)
		r = begins_find(&f, start);
	if (r == 0) {
		qsort(start, f.hits, sizeof(*start), by_address);
		for (size_t i = 0; i < f.hits; i++)
			if (start[i] && (n == 0 || start[n - 1] != start[i]))
				start[n++] = start[i];
		*ret = (struct xref){ take(start), n };
	}
	mem_free(f.at);
out:
	mem_free(start);
	return r;
}

#else

bool xref_begins(const struct image *m, uint64_t addr)
{
	(void)m;
	(void)addr;
	return false;
}

int xref_find(const struct image *m, const uint64_t *to, size_t count, struct xref *ret)
{
	(void)m;
	(void)to;
	(void)count;
	*ret = (struct xref){ NULL, 0 };
	return 0;
}

#endif

void xref_done(struct xref *x)
{
	mem_free(x->fn);
	*x = (struct xref){ NULL, 0 };
}
