#include "app/proof.h"

enum {
#define FINDER(name, text, proof, versions) FINDER_##name,
#include "tbl/finder.h"
#undef FINDER
};
static const bool by_signature[] = {
#define FINDER(name, text, proof, versions) [FINDER_##name] = proof,
#include "tbl/finder.h"
#undef FINDER
};
static const unsigned char row_finder[] = {
#define TLS(row, family, function, shape, dir, finder, tried) FINDER_##finder,
#include "tbl/tls.h"
#undef TLS
};

enum { METHOD_MOST = 16, FRAME_HEAD = 9, FRAME_SETTINGS = 4 };

static int begins(struct str bytes, struct str text)
{
	size_t n = MIN(bytes.n, text.n);

	if (memcmp(bytes.p, text.p, n) != 0)
		return 0;
	return bytes.n >= text.n ? 1 : -1;
}

/* "GET /", "OPTIONS *", "CONNECT host": also the preface of HTTP/2 */
static int request(struct str s)
{
	size_t n = 0;

	while (n < s.n && n < METHOD_MOST && s.p[n] >= 'A' && s.p[n] <= 'Z')
		n++;
	if (n == s.n || (n && n + 1 == s.n && s.p[n] == ' '))
		return -1;
	return n > 0 && n < METHOD_MOST && s.p[n] == ' ' && s.p[n + 1] > ' ' && s.p[n + 1] < 127;
}

/* HTTP/2 from the server: RFC 9113 section 6.5 */
static int settings(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n < FRAME_HEAD)
		return p[0] == 0 ? -1 : 0;
	return p[0] == 0 && (p[1] << 8 | p[2]) % 6 == 0 && p[3] == FRAME_SETTINGS && p[4] == 0 &&
	       !p[5] && !p[6] && !p[7] && !p[8];
}

int proof_looks(struct str bytes)
{
	int one, some = 0;

	if (!bytes.n)
		return -1;
	one = begins(bytes, S("HTTP/1."));
	if (one > 0)
		return 1;
	some |= one;
	one = request(bytes);
	if (one > 0)
		return 1;
	some |= one;
	one = settings(bytes);
	return one > 0 ? 1 : some < 0 || one < 0 ? -1 : 0;
}

void proof_chunk(struct board *b, const struct chunk *c, uint64_t utc_off)
{
	uint32_t i = TARGET_ROW(c->from.target);
	const struct board_target *t = &b->target[i % BOARD_TARGETS];
	struct board_proof *p = &b->proof[i % BOARD_TARGETS];
	bool before;
	int looks;

	if (c->end || c->off || !c->from.target || i >= BOARD_TARGETS ||
	    c->from.row >= COUNT_OF(row_finder) || !by_signature[row_finder[c->from.row]])
		return;
	if (__atomic_load_n(&t->number, __ATOMIC_RELAXED) != c->from.target)
		return;
	/* an argument that leads to no memory is no buffer */
	looks = c->bytes.n ? proof_looks(c->bytes) : 0;
	/* Of a process that was there before, this may be the middle of a connection. */
	before = c->from.start_ns + utc_off < __atomic_load_n(&t->attached_ns, __ATOMIC_RELAXED);
	if (looks < 0)
		return;
	if (p->number != c->from.target) {
		/* another attachment's counts are gone before they could be taken for this one's */
		__atomic_store_n(&p->number, 0, __ATOMIC_RELEASE);
		p->right = p->wrong = p->doubt = 0;
		__atomic_store_n(&p->number, c->from.target, __ATOMIC_RELEASE);
	}
	__atomic_fetch_add(looks ? &p->right : before ? &p->doubt : &p->wrong, 1, __ATOMIC_RELAXED);
}
