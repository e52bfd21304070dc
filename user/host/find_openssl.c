#include "base/obj.h"
#include "host/code.h"
#include "host/tlsfind.h"
#include "host/xref.h"

/* Functions of OpenSSL's ssl_lib.c say who they are when they raise an error: 3.x by name, in ERR_set_debug(file, line, name);
 * 1.1.1 by number, in ERR_put_error(ERR_LIB_SSL, number, reason, file, line). */
#define SOURCE  "ssl/ssl_lib.c"
#define LIBRARY 20 /* ERR_LIB_SSL */

enum raiser { READ, WRITE, READ_INNER, WRITE_INNER, RAISERS };
static const struct {
	const char *name;
	uint64_t number;
} raisers[RAISERS] = {
	[READ] = { "SSL_read", 223 },
	[WRITE] = { "SSL_write", 208 },
	[READ_INNER] = { "ssl_read_internal", 523 },
	[WRITE_INNER] = { "ssl_write_internal", 524 },
};

/* SSL_read() and SSL_read_ex() both end in ssl_read_internal(), and only the first has an error of its own. */
static const struct side {
	enum raiser named, inner;
	enum tlsfind_row row, row_ex;
} sides[] = {
	{ READ, READ_INNER, TLSFIND_BARE_READ, TLSFIND_BARE_READ_EX },
	{ WRITE, WRITE_INNER, TLSFIND_BARE_WRITE, TLSFIND_BARE_WRITE_EX },
};

#define OTHER  (1u << RAISERS) /* in a set of raisers: another function of that source */
#define SMALL  128             /* bytes; SSL_read_ex() and its like do next to nothing */
#define FIRST3 7u              /* obj, buf, len */
#define FOURTH 8u
#define FIFTH  16u

static bool is_name(const struct image *m, uint64_t addr, const char *name)
{
	char text[32];
	size_t n = strlen(name) + 1;

	return image_read(m, addr, text, n) == 0 && memcmp(text, name, n) == 0;
}

static unsigned raise_3(const struct image *m, const struct code_call *c)
{
	const unsigned told = 1 << 0 | 1 << 1 | 1 << 2;

	if ((c->known & told) != told || !xref_text(m, c->arg[0], SOURCE))
		return 0;
	for (unsigned i = 0; i < RAISERS; i++)
		if (is_name(m, c->arg[2], raisers[i].name))
			return 1u << i;
	return OTHER;
}

static unsigned raise_111(const struct image *m, const struct code_call *c)
{
	const unsigned told = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3;

	if ((c->known & told) != told || c->arg[0] != LIBRARY || !xref_text(m, c->arg[3], SOURCE))
		return 0;
	for (unsigned i = 0; i < RAISERS; i++)
		if (c->arg[1] == raisers[i].number)
			return 1u << i;
	return OTHER;
}

static bool ossl_read(const struct image *m, uint64_t start, struct code *c, unsigned *ret_raises)
{
	*ret_raises = 0;
	if (code_read(m, start, c) < 0)
		return false;
	for (size_t i = 0; i < c->calls; i++)
		*ret_raises |= raise_3(m, &c->call[i]) | raise_111(m, &c->call[i]);
	return true;
}

/* Does the function at this address raise the error that only this one does? */
static bool ossl_is(const struct image *m, uint64_t start, enum raiser who, struct code *c)
{
	unsigned raises;

	return start && ossl_read(m, start, c, &raises) && raises & 1u << who;
}

static bool ossl_named(const struct image *m, const struct side *s, uint64_t start)
{
	unsigned raises, takes, inner = 1u << s->inner;
	struct code c, callee;

	if (!ossl_read(m, start, &c, &raises) || (raises & ~inner) != 1u << s->named)
		return false;
	takes = c.reads;
	for (size_t i = 0; i < c.calls; i++) {
		takes |= c.call[i].jump ? 0 : c.call[i].kept & FIRST3;
		if (!(raises & inner) && ossl_is(m, c.call[i].to, s->inner, &callee))
			raises |= inner;
	}
	return raises & inner && (takes & FIRST3) == FIRST3 && !(c.reads & FOURTH);
}

/* ssl_read_internal() by itself answers -1 to an error; inlined into SSL_read_ex(), 0. */
static bool ossl_inner(const struct image *m, const struct side *s, uint64_t start)
{
	struct code c;
	unsigned raises;

	return ossl_read(m, start, &c, &raises) && raises == 1u << s->inner && c.minus;
}

static bool ossl_inlined(const struct image *m, const struct side *s, uint64_t start,
			 struct code *c)
{
	unsigned raises;

	return ossl_read(m, start, c, &raises) && raises == 1u << s->inner && !c->minus &&
	       (c->reads & (FIRST3 | FOURTH)) == (FIRST3 | FOURTH);
}

/* A small function that makes one call, with its own first three arguments, and raises nothing. */
static bool ossl_forwards(const struct image *m, uint64_t start, struct code_call *ret)
{
	unsigned raises;
	size_t calls = 0;
	struct code c;

	if (!ossl_read(m, start, &c, &raises) || raises || c.stores || c.end - start > SMALL)
		return false;
	for (size_t i = 0; i < c.calls; i++) {
		if (c.call[i].jump && c.call[i].to >= start && c.call[i].to < c.end)
			continue;
		*ret = c.call[i];
		calls++;
	}
	return calls == 1 && ret->to && (ret->kept & FIRST3) == FIRST3;
}

/* From 3.3 on ssl_write_internal() takes flags before the pointer to the result. SSL_write_ex2() takes them too and passes them
 * on; SSL_write_ex() puts 0 there. */
static bool ossl_ex2(const struct image *m, const struct side *s, uint64_t start)
{
	struct code_call call;
	struct code c;

	if (ossl_inlined(m, s, start, &c))
		return c.reads & FIFTH;
	return ossl_forwards(m, start, &call) && ossl_is(m, call.to, s->inner, &c) &&
	       c.reads & FIFTH && call.kept & FOURTH && call.kept & FIFTH;
}

static bool ossl_ex(const struct image *m, const struct side *s, uint64_t start)
{
	struct code_call call;
	struct code c;
	bool zero;

	if (ossl_inlined(m, s, start, &c))
		return !(c.reads & FIFTH);
	if (!ossl_forwards(m, start, &call))
		return false;
	zero = call.known & FOURTH && call.arg[3] == 0;
	if (ossl_inner(m, s, call.to) && ossl_is(m, call.to, s->inner, &c))
		return c.reads & FIFTH ? zero : (call.kept & FOURTH) != 0;
	return zero && ossl_ex2(m, s, call.to);
}

/* Calls the inner function, and is none of those that are known to. */
static bool ossl_stray(const struct image *m, const struct side *s, uint64_t start)
{
	struct code c, callee;
	unsigned raises;

	if (!ossl_read(m, start, &c, &raises) || raises || ossl_ex(m, s, start) ||
	    ossl_ex2(m, s, start))
		return false;
	for (size_t i = 0; i < c.calls; i++)
		if (ossl_is(m, c.call[i].to, s->inner, &callee))
			return true;
	return false;
}

/* ---- the search ----------------------------------------------------------------------------- */

static int ossl_add(const struct tlsfind_part *p, enum tlsfind_row row, uint64_t start)
{
	uint64_t at;

	return image_entry(p->image, start, &at) ? tlsfind_add(p->ret, row, at, false) : -EBADMSG;
}

static int ossl_hint(const struct tlsfind_part *p)
{
	uint64_t at;
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT_OF(sides); i++) {
		const struct side *s = &sides[i];

		if (tlsfind_hint(p, s->row, &at) && ossl_named(p->image, s, at))
			r = ossl_add(p, s->row, at);
		if (r == 0 && tlsfind_hint(p, s->row_ex, &at) && ossl_ex(p->image, s, at))
			r = ossl_add(p, s->row_ex, at);
	}
	return r;
}

/* Those of `x` that are what is wanted; `ret`: the last of them. */
static size_t ossl_count(const struct image *m, const struct side *s, const struct xref *x,
			 bool (*is)(const struct image *m, const struct side *s, uint64_t start),
			 uint64_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < x->count; i++) {
		if (!is(m, s, x->fn[i]))
			continue;
		*ret = x->fn[i];
		n++;
	}
	return n;
}

/* One answer is added, none is fine (the program does not have that function), several are reported. */
static int ossl_one(const struct tlsfind_part *p, const char *what, const char *suffix, size_t n,
		    enum tlsfind_row row, uint64_t start)
{
	if (n == 1)
		return ossl_add(p, row, start);
	if (n > 1)
		tlsfind_why(p->ret, "OpenSSL without symbols: %zu functions look like %s%s", n,
			    what, suffix);
	return 0;
}

/* Among `x`, what names the source file or calls the inner functions. Where there is only SSL_write_ex2(), among its callers. */
static int ossl_search_ex(const struct tlsfind_part *p, const struct side *s, const struct xref *x)
{
	_cleanup_(xref_done) struct xref callers = { NULL, 0 };
	uint64_t at = 0, ex2 = 0, other;
	size_t n = ossl_count(p->image, s, x, ossl_ex, &at);
	size_t strays = ossl_count(p->image, s, x, ossl_stray, &other);
	int r = 0;

	if (n == 0 && ossl_count(p->image, s, x, ossl_ex2, &ex2) == 1) {
		r = xref_find(p->image, &ex2, 1, &callers);
		n = r == 0 ? ossl_count(p->image, s, &callers, ossl_ex, &at) : 0;
	}
	if (r == 0 && n == 0 && strays > 0)
		tlsfind_why(p->ret, "OpenSSL without symbols: %zu unknown callers of %s", strays,
			    raisers[s->inner].name);
	return r < 0 ? r : ossl_one(p, raisers[s->named].name, "_ex", n, s->row_ex, at);
}

static int ossl_search(const struct tlsfind_part *p, const struct xref *x)
{
	_cleanup_(xref_done) struct xref wider = { NULL, 0 };
	uint64_t to[COUNT_OF(sides) + XREF_TEXTS], at = 0;
	size_t found = p->ret->count, inner = 0, count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT_OF(sides); i++) {
		const struct side *s = &sides[i];
		size_t n = ossl_count(p->image, s, x, ossl_named, &at);

		r = ossl_one(p, raisers[s->named].name, "", n, s->row, at);
		if (ossl_count(p->image, s, x, ossl_inner, &at) == 1)
			to[inner++] = at;
	}
	if (r == 0)
		r = xref_texts(p->image, SOURCE, to + inner, &count);
	if (r == 0)
		r = xref_find(p->image, to, inner + count, &wider);
	for (size_t i = 0; r == 0 && i < COUNT_OF(sides); i++)
		r = ossl_search_ex(p, &sides[i], &wider);
	if (r == 0 && p->ret->count == found && !p->ret->why[0])
		tlsfind_why(
			p->ret,
			"OpenSSL without symbols: no function looks like SSL_read or SSL_write");
	return r;
}

int find_openssl(const struct tlsfind_part *p)
{
	_cleanup_(xref_done) struct xref x = { NULL, 0 };
	uint64_t text[XREF_TEXTS];
	size_t count;
	int r;

	if (p->hint)
		return ossl_hint(p);
	r = xref_texts(p->image, SOURCE, text, &count);
	if (r == 0 && count > 0)
		r = xref_find(p->image, text, count, &x);
	if (r == 0 && x.count > 0)
		r = ossl_search(p, &x);
	return r;
}
