/* coding.c -- zlib, brotli and zstd behind one shape. Their memory is ours, so that tests can make
 * it fail. */
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_createDCtx_advanced, which takes an allocator */
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>
#include "base/obj.h"
#include "wire/coding.h"

#define ZLIB_ANY    15 /* window bits: the largest */
#define ZLIB_GZIP   (16 + 15)
#define ZSTD_WINDOW 23 /* log2 of bytes; 8 MiB is the most for HTTP (RFC 9659) */
#define ZSTD_LESS   8  /* bytes: no frame is as short */

/* ---- zlib: gzip and deflate ------------------------------------------------------------------ */

struct flate {
	unsigned magic;
#define FLATE_MAGIC 0xc0d10001u
	z_stream z;
	bool gzip, begun, ended;
	unsigned char first; /* of a deflate stream, while its kind is undecided */
	bool held;
};

static void *flate_alloc(void *opaque, unsigned count, unsigned size)
{
	(void)opaque;
	return mem_lend_raw(count, size);
}

static void flate_release(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

static int flate_begin(struct flate *f, int bits)
{
	f->z.zalloc = flate_alloc;
	f->z.zfree = flate_release;
	if (inflateInit2(&f->z, bits) != Z_OK)
		return -ENOMEM;
	f->begun = true;
	return 0;
}

static int flate_open(bool gzip, void **ret)
{
	struct flate *f = obj_new(f, FLATE_MAGIC);

	if (!f)
		return -ENOMEM;
	f->gzip = gzip;
	if (gzip && flate_begin(f, ZLIB_GZIP) < 0) {
		mem_free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

static int gzip_open(void **ret)
{
	return flate_open(true, ret);
}

static int deflate_open(void **ret)
{
	return flate_open(false, ret);
}

static void flate_close(void *state)
{
	struct flate *f = state;

	obj_check(f, FLATE_MAGIC);
	if (f->begun)
		inflateEnd(&f->z);
	mem_free(f);
}

static int flate_run(struct flate *f, struct str in, struct coding_io *io, size_t *ret_used)
{
	int z;

	f->z.next_in = (unsigned char *)(uintptr_t)in.p; /* zlib does not write there */
	f->z.avail_in = (unsigned)in.n;
	f->z.next_out = (unsigned char *)io->out + io->got;
	f->z.avail_out = (unsigned)(io->room - io->got);
	z = inflate(&f->z, Z_NO_FLUSH);
	*ret_used = in.n - f->z.avail_in;
	io->got = io->room - f->z.avail_out;
	f->ended = z == Z_STREAM_END;
	/* Z_BUF_ERROR: nothing could be done now, for want of input or of room */
	return z == Z_OK || z == Z_STREAM_END || z == Z_BUF_ERROR ? 0
	       : z == Z_MEM_ERROR                                 ? -ENOMEM
								  : -EBADMSG;
}

/* A zlib header is told from a raw stream by its method and check bits (RFC 1950); many servers
 * send raw. */
static int deflate_decide(struct flate *f, struct coding_io *io)
{
	unsigned char head[2];
	size_t used = 0;
	int r;

	if (!f->held) {
		f->first = (unsigned char)io->in.p[0];
		f->held = true;
		io->in = str_skip(io->in, 1);
	}
	if (!io->in.n)
		return 0;
	head[0] = f->first;
	head[1] = (unsigned char)io->in.p[0];
	r = flate_begin(f, (head[0] & 15) == Z_DEFLATED && (head[0] << 8 | head[1]) % 31 == 0
				   ? ZLIB_ANY
				   : -ZLIB_ANY);
	if (r < 0)
		return r;
	r = flate_run(f, (struct str){ (char *)head, 1 }, io, &used);
	return r < 0 ? r : used == 1 ? 0 : -EBADMSG;
}

static int flate_step(void *state, struct coding_io *io)
{
	struct flate *f = state;
	size_t used = 0;
	int r;

	obj_check(f, FLATE_MAGIC);
	if (f->ended && io->in.n) { /* a further gzip member */
		if (!f->gzip || inflateReset(&f->z) != Z_OK)
			return -EBADMSG;
		f->ended = false;
	}
	if (!f->begun && io->in.n) {
		r = deflate_decide(f, io);
		if (r < 0 || !io->in.n)
			return r;
	}
	if (f->begun && !f->ended) {
		r = flate_run(f, io->in, io, &used);
		if (r < 0)
			return r;
		io->in = str_skip(io->in, used);
	}
	io->end = f->ended;
	io->more = !f->ended && io->got == io->room;
	return 0;
}

/* ---- br -------------------------------------------------------------------------------------- */

static void *br_alloc(void *opaque, size_t size)
{
	(void)opaque;
	return mem_lend_raw(1, size);
}

static void br_release(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

static int br_open(void **ret)
{
	BrotliDecoderState *s = BrotliDecoderCreateInstance(br_alloc, br_release, NULL);

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

static void br_close(void *state)
{
	BrotliDecoderDestroyInstance(state);
}

static bool br_no_memory(BrotliDecoderErrorCode e)
{
	return e <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
	       e >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static int br_step(void *state, struct coding_io *io)
{
	const uint8_t *in = (const uint8_t *)io->in.p;
	uint8_t *out = (uint8_t *)io->out + io->got;
	size_t in_left = io->in.n, room = io->room - io->got;
	BrotliDecoderResult r;

	if (BrotliDecoderIsFinished(state)) {
		io->end = true;
		return io->in.n ? -EBADMSG : 0;
	}
	r = BrotliDecoderDecompressStream(state, &in_left, &in, &room, &out, NULL);
	if (r == BROTLI_DECODER_RESULT_ERROR)
		return br_no_memory(BrotliDecoderGetErrorCode(state)) ? -ENOMEM : -EBADMSG;
	io->in = str_skip(io->in, io->in.n - in_left);
	io->got = io->room - room;
	/* it may ask for input while output still waits for room */
	io->more = BrotliDecoderHasMoreOutput(state);
	io->end = r == BROTLI_DECODER_RESULT_SUCCESS;
	return 0;
}

/* ---- zstd ------------------------------------------------------------------------------------ */

struct zstd {
	unsigned magic;
#define ZSTD_MAGIC 0xc0d10002u
	ZSTD_DCtx *d;
	bool within; /* a frame */
};

/* The first byte of a frame, or of one to be skipped (RFC 8878 section 3.1). The library reads formats older than the standard,
 * too, in memory that nobody counts. */
static bool zstd_begins(char c)
{
	return c == '\x28' || (c & 0xf0) == 0x50;
}

static void *zstd_alloc(void *opaque, size_t size)
{
	return br_alloc(opaque, size);
}

static void zstd_release(void *opaque, void *p)
{
	br_release(opaque, p);
}

static int zstd_open(void **ret)
{
	struct zstd *z = obj_new(z, ZSTD_MAGIC);

	if (!z)
		return -ENOMEM;
	z->d = ZSTD_createDCtx_advanced((ZSTD_customMem){ zstd_alloc, zstd_release, NULL });
	if (!z->d || ZSTD_isError(ZSTD_DCtx_setParameter(z->d, ZSTD_d_windowLogMax, ZSTD_WINDOW))) {
		ZSTD_freeDCtx(z->d);
		mem_free(z);
		return -ENOMEM;
	}
	*ret = z;
	return 0;
}

static void zstd_close(void *state)
{
	struct zstd *z = state;

	obj_check(z, ZSTD_MAGIC);
	ZSTD_freeDCtx(z->d);
	mem_free(z);
}

static int zstd_step(void *state, struct coding_io *io)
{
	struct zstd *z = state;
	ZSTD_inBuffer in = { io->in.p, io->in.n, 0 };
	ZSTD_outBuffer out = { io->out, io->room, io->got };
	size_t r;

	obj_check(z, ZSTD_MAGIC);
	if (!z->within && in.size && !zstd_begins(io->in.p[0]))
		return -EBADMSG;
	if (!z->within) /* a whole frame at once is read in another way, which takes what this one refuses */
		in.size = MIN(in.size, ZSTD_LESS);
	r = ZSTD_decompressStream(z->d, &out, &in);
	if (ZSTD_isError(r))
		return ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
	io->in = str_skip(io->in, in.pos);
	io->got = out.pos;
	io->end = r == 0;
	z->within = r != 0;
	io->more = r != 0 && out.pos == out.size;
	return 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct coding codings[] = {
	{ .name = { "identity", 8 } },
	{ { "gzip", 4 }, { "x-gzip", 6 }, gzip_open, flate_step, flate_close },
	{ { "deflate", 7 }, { NULL, 0 }, deflate_open, flate_step, flate_close },
	{ { "br", 2 }, { NULL, 0 }, br_open, br_step, br_close },
	{ { "zstd", 4 }, { NULL, 0 }, zstd_open, zstd_step, zstd_close },
};

const struct coding *coding_find(struct str value)
{
	value = str_trim(value);
	if (!value.n)
		return &codings[0];
	for (size_t i = 0; i < COUNT_OF(codings); i++)
		if (str_ieq(value, codings[i].name) || str_ieq(value, codings[i].alias))
			return &codings[i];
	return NULL;
}

static bool is_text(struct str s)
{
	if (str_starts(s, S("\xef\xbb\xbf"))) /* a byte order mark */
		return true;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && !strchr("\t\n\r", s.p[i])) || s.p[i] == 0x7f || !s.p[i])
			return false;
	return true;
}

const struct coding *coding_guess(struct str first)
{
	return str_starts(first, S("\x1f\x8b"))           ? coding_find(S("gzip"))
	       : str_starts(first, S("\x28\xb5\x2f\xfd")) ? coding_find(S("zstd"))
	       : is_text(first)                           ? &codings[0]
							  : NULL;
}
