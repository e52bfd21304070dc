/* Header blocks: what comes out does not depend on how they are cut, it is bounded, and a reader that joined midway says the
 * same as one that saw all, or unknown. Input: a byte that seeds the cuts, a byte: how many blocks the second reader missed,
 * then blocks: two bytes of length, the bytes. */
#include "base/buf.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/hpack.h"

enum { BLOCKS = 32 };

struct log {
	struct buf text; /* "name: value\n"; "?\n": unknown */
	size_t fields, bytes;
};

static int on_field(void *ctx, struct str name, struct str value, bool unknown)
{
	struct log *l = ctx;

	MUST(name.n <= LIMIT_HEAD_NAME && ++l->fields <= LIMIT_HEAD_LINES);
	l->bytes += name.n + value.n;
	MUST(l->bytes <= LIMIT_HEAD_BYTES && (!unknown || (!name.p && !value.p)));
	/* lengths keep fields with any bytes in them apart */
	MUST(unknown ? buf_add(&l->text, S("?")) == 0
		     : buf_printf(&l->text, "%zu %zu ", name.n, value.n) == 0);
	MUST(buf_add(&l->text, name) == 0 && buf_add(&l->text, value) == 0);
	return 0;
}

static int feed(struct hpack *h, struct str block, unsigned *seed, struct log *l)
{
	int r;

	*l = (struct log){ .text.limit = 1u << 20 };
	do {
		size_t n = block.n;

		if (*seed) {
			*seed = *seed * 1103515245 + 12345;
			n = MIN(block.n, 1 + (*seed >> 16) % 9);
		}
		r = hpack_feed(h, str_head(block, n), n == block.n, on_field, l);
		block = str_skip(block, n);
	} while (r == 0 && block.n);
	return r;
}

/* One field of each: the same, or the second unknown. */
static void alike(struct str all, struct str part)
{
	while (part.n) {
		size_t name, value;
		int used = 0;

		if (!all.n) /* both are at their end, or what is left is one unknown */
			MUST(part.n == 1);
		if (!all.n)
			return;
		MUST(sscanf(all.p, "%zu %zu%n", &name, &value, &used) == 2 && used++);
		if (part.p[0] != '?')
			MUST(str_eq(str_head(all, (size_t)used + name + value),
				    str_head(part, (size_t)used + name + value)));
		part = str_skip(part, part.p[0] == '?' ? 1 : (size_t)used + name + value);
		all = str_skip(all, (size_t)used + name + value);
	}
}

static void three(struct str in, unsigned seed, unsigned missed)
{
	struct hpack *h[3] = { NULL };
	unsigned seeds[3] = { 0, seed + 1, 0 };
	bool ok = true, late = true;

	for (int i = 0; i < 3; i++)
		MUST(hpack_new(i == 2, NULL, &h[i]) == 0);
	hpack_resize(h[2], UINT32_MAX);
	for (unsigned block = 0; ok && block < BLOCKS && in.n >= 2; block++) {
		size_t n = (unsigned char)in.p[0] | (size_t)(unsigned char)in.p[1] << 8;
		struct str one = str_head(str_skip(in, 2), n);
		struct log l[3] = { 0 };
		int r = feed(h[0], one, &seeds[0], &l[0]);

		MUST(feed(h[1], one, &seeds[1], &l[1]) == r);
		MUST(str_eq(buf_str(&l[0].text), buf_str(&l[1].text)));
		MUST(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
		ok = r == 0;
		if (ok && late && block >= missed % BLOCKS) {
			r = feed(h[2], one, &seeds[2], &l[2]);
			/* an empty name is unknown to it, and a table's size is not checked */
			late = r == 0;
			MUST(buf_put(&l[0].text, 0) == 0); /* for sscanf() */
			l[0].text.n--;
			alike(buf_str(&l[0].text), buf_str(&l[2].text));
		}
		for (int i = 0; i < 3; i++)
			buf_done(&l[i].text);
		in = str_skip(str_skip(in, 2), n);
	}
	for (int i = 0; i < 3; i++)
		hpack_free(&h[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2)
		three((struct str){ (const char *)data + 2, size - 2 }, data[0], data[1]);
	return 0;
}
