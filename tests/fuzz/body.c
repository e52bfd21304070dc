/* Content codings: within their bounds, the same from any cut, and what the libraries say when they have the whole at once.
 *
 * Input: a byte that chooses the coding (bit 7: what follows is plain and is coded first), one that seeds the cuts, the body. */
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include "base/buf.h"
#include "base/limit.h"
#include "fuzz.h"
#include "wire/body.h"

enum { GZIP, DEFLATE, BR, ZSTD, CODINGS };

#define ROOM (1u << 20) /* what becomes larger is not compared */

static void add(struct buf *b, struct str s)
{
	MUST(buf_add(b, s) == 0);
}

static int on_bytes(void *ctx, struct str bytes)
{
	MUST(bytes.n > 0 && bytes.n <= LIMIT_CHUNK_BYTES);
	add(ctx, bytes);
	return 0;
}

static int run(unsigned coding, struct str in, unsigned seed, struct buf *out)
{
	static const char *const names[CODINGS] = { "gzip", "deflate", "br", "zstd" };
	_cleanup_(body_free) struct body *b = NULL;
	struct counters c = { 0 };
	int r = body_new(str_of(names[coding]), on_bytes, out, &c, &b);

	while (r == 0 && in.n) {
		size_t n = in.n;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % 40;
		}
		r = body_feed(b, str_head(in, n));
		in = str_skip(in, n);
	}
	if (r == 0)
		r = body_end(b);
	MUST(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
	MUST(count_get(&c, LIMIT_HIT) == (r == -EMSGSIZE));
	MUST(out->n <= LIMIT_INFLATE_BYTES);
	return r;
}

/* ---- the whole at once ----------------------------------------------------------------------- */

static int flate_whole(struct str in, int bits, bool members, char *out, size_t *ret_n)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.p,
		       .avail_in = (unsigned)in.n,
		       .next_out = (unsigned char *)out,
		       .avail_out = ROOM };
	int r;

	MUST(inflateInit2(&z, bits) == Z_OK);
	do {
		r = inflate(&z, Z_FINISH);
	} while (r == Z_STREAM_END && members && z.avail_in && inflateReset(&z) == Z_OK);
	*ret_n = ROOM - z.avail_out;
	r = r == Z_STREAM_END && !z.avail_in ? 0 : !z.avail_out ? -EMSGSIZE : -EBADMSG;
	inflateEnd(&z);
	return r;
}

static int br_whole(struct str in, char *out, size_t *ret_n)
{
	BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	const uint8_t *p = (const uint8_t *)in.p;
	size_t left = in.n, room = ROOM;
	uint8_t *q = (uint8_t *)out;
	int r;

	MUST(s);
	r = BrotliDecoderDecompressStream(s, &left, &p, &room, &q, NULL);
	BrotliDecoderDestroyInstance(s);
	*ret_n = ROOM - room;
	return r == BROTLI_DECODER_RESULT_SUCCESS && !left ? 0 : -EBADMSG;
}

static int whole(unsigned coding, struct str in, char *out, size_t *ret_n)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n = ROOM;

	if (coding == GZIP)
		return flate_whole(in, 31, true, out, ret_n);
	if (coding == DEFLATE) {
		bool wrapped = in.n > 1 && (p[0] & 15) == 8 && (p[0] << 8 | p[1]) % 31 == 0;

		return flate_whole(in, wrapped ? 15 : -15, false, out, ret_n);
	}
	if (coding == BR)
		return br_whole(in, out, ret_n);
	n = ZSTD_decompress(out, ROOM, in.p, in.n);
	*ret_n = ZSTD_isError(n) ? 0 : n;
	return ZSTD_isError(n) ? -EBADMSG : 0;
}

static void compare(unsigned coding, struct str in, int r, struct str got)
{
	static char out[ROOM];
	size_t n = ROOM;
	int want;

	if (!in.n || r == -EMSGSIZE || got.n > ROOM / 2)
		return;
	want = whole(coding, in, out, &n);
	if (r == 0)
		MUST(want == 0 && str_eq(got, (struct str){ out, n }));
	else if (coding != ZSTD) /* a window larger than HTTP allows is refused here */
		MUST(want != 0);
}

/* ---- plain bytes there and back -------------------------------------------------------------- */

static void code(unsigned coding, struct str plain, struct buf *to)
{
	size_t room = plain.n + plain.n / 2 + 1024;
	char *out = malloc(room);
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)plain.p,
		       .avail_in = (unsigned)plain.n,
		       .next_out = (unsigned char *)out,
		       .avail_out = (unsigned)room };

	MUST(out);
	if (coding == ZSTD) {
		room = ZSTD_compress(out, room, plain.p, plain.n, 1);
		MUST(!ZSTD_isError(room));
	} else {
		int bits = coding == GZIP ? 31 : plain.n % 2 ? 15 : -15;

		MUST(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
		MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
		room -= z.avail_out;
		deflateEnd(&z);
	}
	add(to, (struct str){ out, room });
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* kept: fresh memory for each bomb took most of the time */
	static struct buf a = { .limit = 1u << 28 }, b = { .limit = 1u << 28 },
			  coded = { .limit = 1u << 28 };
	unsigned coding;
	struct str in, plain;
	int r, again;

	if (size < 2)
		return 0;
	a.n = b.n = coded.n = 0;
	coding = data[0] % CODINGS;
	plain = in = (struct str){ (const char *)data + 2, size - 2 };
	if (data[0] & 128 && coding != BR) {
		code(coding, plain, &coded);
		in = buf_str(&coded);
	}
	r = run(coding, in, 0, &a);
	again = run(coding, in, data[1] + 1u, &b);
	if (r != -EMSGSIZE && again != -EMSGSIZE) {
		MUST(r == again);
		MUST(r < 0 || str_eq(buf_str(&a), buf_str(&b)));
	}
	if (coded.n)
		MUST(r == 0 && str_eq(buf_str(&a), plain));
	compare(coding, in, r, buf_str(&a));
	return 0;
}
