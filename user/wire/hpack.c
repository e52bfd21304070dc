/* hpack.c -- nghttp2's inflater, with bounds and with a table whose beginning may be unknown.
 *
 * Why a table that was joined midway is never wrong: an index counts from the newest entry. Whatever was added since we
 * joined is therefore found where the encoder means it, and all else is older: a placeholder. It does not matter when
 * something is evicted: an encoder refers only to what is still there, and ours is there at least as long, because a
 * placeholder is smaller than any entry. So there are always at least as many of them as entries that we did not see, as
 * long as the table is not larger than it is at first. Where it is larger, a reference may go past ours. That is an error
 * to the inflater; it proves the larger table, and is taken as a lost block, once.
 *
 * For the same reason an entry that nobody will ask for may be smaller than it is: hpack_rest().
 *
 * A lost block may have added any number of entries: no position is certain any more, all are forgotten. It may also have
 * made the table larger, so no size below what the peer allowed is relied on. */
#include <nghttp2/nghttp2.h>
#include "base/limit.h"
#include "base/obj.h"
#include "wire/hpack.h"

enum {
	TABLE = 4096, /* RFC 9113 section 6.5.2: until SETTINGS say otherwise */
	ENTRY = 32,   /* RFC 7541 section 4.1: what an entry takes besides its text */
	FEW = TABLE / ENTRY,
	FIRST = 62 /* RFC 7541 section 2.3.3: index of the newest entry */
};

struct hpack {
	unsigned magic;
#define HPACK_MAGIC 0x4ac10001u
	struct counters *counters;
	nghttp2_hd_inflater *inflater; /* NULL: made by the next block */
	unsigned char *rested;         /* NULL, or a block that makes the table what it was */
	size_t rested_bytes;
	uint64_t read;                /* coded bytes, since the inflater was made */
	uint32_t allowed, applied;    /* size of the table: by the peer, told to the inflater */
	bool joined;                  /* entries may be placeholders */
	bool roomy;                   /* a table larger than TABLE has been seen to be in use */
	bool within;                  /* a block */
	bool blind;                   /* what is left of the block cannot be read */
	size_t coded, decoded, lines; /* of the block under way */
};

/* ---- memory ---------------------------------------------------------------------------------- */

static void *on_malloc(size_t size, void *ctx)
{
	(void)ctx;
	return mem_lend_raw(1, size);
}

static void *on_calloc(size_t count, size_t size, void *ctx)
{
	(void)ctx;
	return mem_lend(count, size);
}

static void *on_realloc(void *p, size_t size, void *ctx)
{
	(void)ctx;
	return mem_grow(p, 1, size);
}

static void on_free(void *p, void *ctx)
{
	(void)ctx;
	mem_free(p);
}

static nghttp2_mem memory = { NULL, on_malloc, on_free, on_calloc, on_realloc };

int hpack_new(bool joined, struct counters *c, struct hpack **ret)
{
	struct hpack *h = obj_new(h, HPACK_MAGIC);

	if (!h)
		return -ENOMEM;
	h->counters = c;
	h->joined = joined;
	h->allowed = TABLE;
	*ret = h;
	return 0;
}

static void hpack_forget(struct hpack *h)
{
	if (h->inflater)
		nghttp2_hd_inflate_del(h->inflater);
	h->inflater = NULL;
	mem_free(h->rested);
	h->rested = NULL;
	h->joined = true;
}

void hpack_free(struct hpack **ph)
{
	struct hpack *h = obj_take(ph, HPACK_MAGIC);

	if (!h)
		return;
	hpack_forget(h);
	mem_free(h);
}

/* What the peer allows may shrink, too. The encoder then says so before it relies on it, and until it does a larger table is
 * right as well: the largest that was ever allowed is kept. */
void hpack_resize(struct hpack *h, uint32_t bytes)
{
	obj_check(h, HPACK_MAGIC);
	h->allowed = MAX(h->allowed, bytes);
}

void hpack_lost(struct hpack *h)
{
	obj_check(h, HPACK_MAGIC);
	hpack_forget(h);
	h->within = false;
}

/* ---- the beginning of a block ---------------------------------------------------------------- */

static int hpack_error(ssize_t r)
{
	return r == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EBADMSG;
}

/* Feeds a representation of our own, whole. */
static int hpack_say(struct hpack *h, const void *bytes, size_t n, bool last)
{
	const unsigned char *p = bytes;
	int flags;

	do {
		nghttp2_nv nv;
		ssize_t used;

		flags = 0;
		used = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, p, n, last);
		if (used < 0)
			return hpack_error(used);
		p += used;
		n -= (size_t)used;
	} while (n || (last && !(flags & NGHTTP2_HD_INFLATE_FINAL)));
	return 0;
}

static size_t put_number(unsigned char *to, unsigned first, unsigned bits, size_t n)
{
	size_t most = (1u << bits) - 1, at = 0;
	unsigned char text[12];

	text[at++] = (unsigned char)(first | MIN(n, most));
	if (n >= most)
		for (n -= most;; n >>= 7) {
			text[at++] = (unsigned char)(n > 127 ? 128 | (n & 127) : n);
			if (n <= 127)
				break;
		}
	if (to)
		memcpy(to, text, at);
	return at;
}

/* The same empty entry again and again, all with one name. */
static int hpack_fill(struct hpack *h)
{
	static const unsigned char first[] = { 0x40, 0, 0 }, next[] = { 0x7e, 0 };
	size_t room = h->roomy ? MIN(h->allowed, (uint32_t)LIMIT_H2_TABLE) : TABLE;
	unsigned char size[12];
	int r = hpack_say(h, size, put_number(size, 0x20, 5, room), false);

	if (r == 0)
		r = hpack_say(h, first, sizeof(first), false);
	for (size_t i = 1; r == 0 && i < room / ENTRY - 1; i++)
		r = hpack_say(h, next, sizeof(next), false);
	if (r == 0)
		r = hpack_say(h, "", 0, true);
	if (r == 0)
		nghttp2_hd_inflate_end_headers(h->inflater);
	return r;
}

static int hpack_allow(struct hpack *h)
{
	int r = 0;

	if (h->applied < h->allowed)
		r = nghttp2_hd_inflate_change_table_size(h->inflater, h->allowed);
	h->applied = h->allowed;
	return r < 0 ? hpack_error(r) : 0;
}

static int hpack_wake(struct hpack *h)
{
	int r = hpack_say(h, h->rested, h->rested_bytes, true);

	if (r < 0)
		return r;
	nghttp2_hd_inflate_end_headers(h->inflater);
	mem_free(h->rested);
	h->rested = NULL;
	return 0;
}

static int hpack_make(struct hpack *h)
{
	int r = nghttp2_hd_inflate_new2(&h->inflater, &memory);

	if (r < 0)
		return hpack_error(r);
	h->applied = TABLE;
	h->read = 0;
	r = hpack_allow(h);
	if (r == 0 && h->rested)
		return hpack_wake(h);
	return r == 0 && h->joined ? hpack_fill(h) : r;
}

static int hpack_begin(struct hpack *h)
{
	int r = h->inflater ? hpack_allow(h) : hpack_make(h);

	h->within = true;
	h->blind = false;
	h->coded = h->decoded = h->lines = 0;
	return r;
}

/* ---- rest ------------------------------------------------------------------------------------ */

static size_t put_text(unsigned char *to, const void *p, size_t n)
{
	size_t at = put_number(to, 0, 7, n);

	if (to && n)
		memcpy(to + at, p, n);
	return at + n;
}

/* Writes the block that hpack_wake() reads, the oldest entry first; NULL: only how long it is. */
static size_t hpack_write(struct hpack *h, bool (*keep)(struct str name), unsigned char *to)
{
	size_t at = 0;

	at += put_number(to, 0x20, 5, nghttp2_hd_inflate_get_max_dynamic_table_size(h->inflater));
	for (size_t i = nghttp2_hd_inflate_get_num_table_entries(h->inflater); i >= FIRST; i--) {
		const nghttp2_nv *nv = nghttp2_hd_inflate_get_table_entry(h->inflater, i);
		struct str name = { (const char *)nv->name, nv->namelen };
		bool kept = !name.n || keep(name);

		at += put_number(to ? to + at : NULL, 0x40, 6, 0);
		at += put_text(to ? to + at : NULL, kept ? name.p : "-", kept ? name.n : 1);
		at += put_text(to ? to + at : NULL, nv->value, kept ? nv->valuelen : 0);
	}
	return at;
}

int hpack_rest(struct hpack *h, bool (*keep)(struct str name))
{
	size_t entries;

	obj_check(h, HPACK_MAGIC);
	if (!h->inflater || h->within)
		return 0;
	/* To write and to read a large table again and again, for blocks of a byte each, would be too much work for them. */
	entries = nghttp2_hd_inflate_get_num_table_entries(h->inflater) - FIRST + 1;
	if (entries > FEW && entries > h->read)
		return 0;
	h->rested_bytes = hpack_write(h, keep, NULL);
	h->rested = mem_zero(1, h->rested_bytes);
	if (!h->rested)
		return -ENOMEM;
	hpack_write(h, keep, h->rested);
	nghttp2_hd_inflate_del(h->inflater);
	h->inflater = NULL;
	return 0;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static int hpack_tell(struct hpack *h, const nghttp2_nv *nv, hpack_fn *fn, void *ctx)
{
	struct str name = { (const char *)nv->name, nv->namelen };
	struct str value = { (const char *)nv->value, nv->valuelen };
	bool unknown = h->joined && !name.n; /* nobody may send an empty name: RFC 9113 8.2.1 */

	if (name.n > LIMIT_HEAD_NAME) {
		count_limit(h->counters, HEAD_NAME);
		return -EMSGSIZE;
	}
	h->decoded += name.n + value.n + 4; /* as a line of text: ": " and CRLF */
	if (h->decoded > LIMIT_HEAD_BYTES) {
		count_limit(h->counters, HEAD_BYTES);
		return -EMSGSIZE;
	}
	if (++h->lines > LIMIT_HEAD_LINES) {
		count_limit(h->counters, HEAD_LINES);
		return -EMSGSIZE;
	}
	return fn(ctx, unknown ? STR_NONE : name, unknown ? STR_NONE : value, unknown);
}

/* The inflater gave up. */
static int hpack_puzzled(struct hpack *h, bool last, hpack_fn *fn, void *ctx)
{
	if (!h->joined || h->roomy || h->allowed <= TABLE)
		return -EBADMSG;
	h->roomy = true;
	hpack_forget(h);
	h->blind = true;
	h->within = !last;
	return fn(ctx, STR_NONE, STR_NONE, true);
}

static int hpack_read(struct hpack *h, struct str block, bool last, hpack_fn *fn, void *ctx)
{
	int flags, r = 0;

	do {
		const unsigned char *p = (const unsigned char *)(block.n ? block.p : "");
		nghttp2_nv nv;
		ssize_t used;

		flags = 0;
		used = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, p, block.n, last);
		if (used == NGHTTP2_ERR_NOMEM)
			return -ENOMEM;
		if (used < 0)
			return hpack_puzzled(h, last, fn, ctx);
		block = str_skip(block, (size_t)used);
		if (nghttp2_hd_inflate_get_max_dynamic_table_size(h->inflater) > LIMIT_H2_TABLE) {
			count_limit(h->counters, H2_TABLE);
			return -EMSGSIZE;
		}
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			r = hpack_tell(h, &nv, fn, ctx);
		if (r < 0)
			return r;
	} while (block.n || flags & NGHTTP2_HD_INFLATE_EMIT);
	if (flags & NGHTTP2_HD_INFLATE_FINAL) {
		nghttp2_hd_inflate_end_headers(h->inflater);
		h->within = false;
	}
	return 0;
}

int hpack_feed(struct hpack *h, struct str block, bool last, hpack_fn *fn, void *ctx)
{
	int r;

	obj_check(h, HPACK_MAGIC);
	r = h->within ? 0 : hpack_begin(h);
	if (r < 0)
		return r;
	h->coded += block.n;
	h->read += block.n;
	if (h->coded > LIMIT_HEAD_BYTES) {
		count_limit(h->counters, HEAD_BYTES);
		return -EMSGSIZE;
	}
	if (!h->blind)
		return hpack_read(h, block, last, fn, ctx);
	h->within = !last;
	return 0;
}
