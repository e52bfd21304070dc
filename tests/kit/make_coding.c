#include <brotli/encode.h>
#include <zstd.h>
#include "make.h"

/* Low levels: what is tested is the other side. */
enum { LEVEL = 1, WINDOW = 15, GZIP_WRAPPER = 16, ZLIB_MEMORY = 8, ROOM = 16384 };

struct str make_coding_name(enum make_coding coding)
{
	static const char *const names[MAKE_CODINGS] = { "",        "gzip", "deflate",
							 "deflate", "br",   "zstd" };

	return coding == MAKE_PLAIN ? STR_NONE : str_of(names[coding]);
}

static void zlib_coded(struct buf *out, int window, struct str s, bool last, z_stream *z)
{
	char room[ROOM];
	int r;

	if (!z->state)
		assert(deflateInit2(z, LEVEL, Z_DEFLATED, window, ZLIB_MEMORY,
				    Z_DEFAULT_STRATEGY) == Z_OK);
	z->next_in = (unsigned char *)s.p;
	z->avail_in = (unsigned)s.n;
	do {
		z->next_out = (unsigned char *)room;
		z->avail_out = sizeof(room);
		r = deflate(z, last ? Z_FINISH : Z_SYNC_FLUSH);
		assert(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
		make_add(out, (struct str){ room, sizeof(room) - z->avail_out });
	} while (last ? r != Z_STREAM_END : !z->avail_out);
	if (last)
		deflateEnd(z);
}

static void br_coded(struct buf *out, struct str s, bool last, BrotliEncoderState **b)
{
	const unsigned char *in = (const unsigned char *)s.p, *p;
	size_t none = 0, n;

	if (!*b) {
		*b = BrotliEncoderCreateInstance(NULL, NULL, NULL);
		assert(*b && BrotliEncoderSetParameter(*b, BROTLI_PARAM_QUALITY, LEVEL) &&
		       BrotliEncoderSetParameter(*b, BROTLI_PARAM_LGWIN, WINDOW + 3));
	}
	do {
		bool good = BrotliEncoderCompressStream(
			*b, last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH, &s.n, &in,
			&none, NULL, NULL);

		assert(good);
		n = 0;
		p = BrotliEncoderTakeOutput(*b, &n);
		make_add(out, (struct str){ (const char *)p, n });
	} while (s.n || BrotliEncoderHasMoreOutput(*b));
	if (last)
		BrotliEncoderDestroyInstance(*b);
}

static void zstd_coded(struct buf *out, struct str s, bool last, ZSTD_CCtx **z)
{
	ZSTD_inBuffer in = { s.p, s.n, 0 };
	char room[ROOM];
	size_t left;

	if (!*z) {
		*z = ZSTD_createCCtx();
		assert(*z &&
		       !ZSTD_isError(ZSTD_CCtx_setParameter(*z, ZSTD_c_compressionLevel, LEVEL)));
	}
	do {
		ZSTD_outBuffer got = { room, sizeof(room), 0 };

		left = ZSTD_compressStream2(*z, &got, &in, last ? ZSTD_e_end : ZSTD_e_flush);
		assert(!ZSTD_isError(left));
		make_add(out, (struct str){ room, got.pos });
	} while (left);
	if (last)
		ZSTD_freeCCtx(*z);
}

void make_coded(struct buf *out, enum make_coding coding, struct str plain, const size_t *flush,
		size_t flushes)
{
	z_stream z = { 0 };
	BrotliEncoderState *br = NULL;
	ZSTD_CCtx *zstd = NULL;
	size_t at = 0;

	if (coding == MAKE_PLAIN) {
		make_add(out, plain);
		return;
	}
	for (size_t i = 0; i <= flushes; i++) {
		bool last = i == flushes;
		size_t to = last ? plain.n : MIN(flush[i], plain.n);
		struct str run = str_head(str_skip(plain, at), to - MIN(at, to));

		if (coding == MAKE_BR)
			br_coded(out, run, last, &br);
		else if (coding == MAKE_ZSTD)
			zstd_coded(out, run, last, &zstd);
		else
			zlib_coded(out,
				   coding == MAKE_GZIP   ? WINDOW + GZIP_WRAPPER
				   : coding == MAKE_ZLIB ? WINDOW
							 : -WINDOW,
				   run, last, &z);
		at = MAX(at, to);
	}
}
