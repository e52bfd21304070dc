#include "base/obj.h"
#include "host/code.h"
#include "host/tlsfind.h"
#include "host/xref.h"

/* BoringSSL's functions raise their errors with OPENSSL_put_error(ERR_LIB_SSL, 0, reason, __FILE__, __LINE__): the reasons say
 * which function it is, whatever the compiler made of the rest. */
#define SOURCE  "ssl/ssl_lib.cc"
#define LIBRARY 16 /* ERR_LIB_SSL */

enum { /* of SSL_write: ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, SSL_R_UNINITIALIZED, SSL_R_SSL_HANDSHAKE_FAILURE, SSL_R_BAD_LENGTH */
       QUIC = 1,
       UNINITIALIZED = 2,
       HANDSHAKE = 4,
       LENGTH = 8,
       ALL = 15,
};
static const uint64_t reasons[] = { 0x42, 0xe2, 0xd7, 0x6f };

struct boring_fn {
	uint64_t start, file;
	unsigned raises;
	uint64_t quic_line;
	bool stores, takes3; /* obj, buf, len; no fourth argument */
};

static void boring_raise(const struct image *m, const struct code_call *c, struct boring_fn *f)
{
	const unsigned told = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4;

	if ((c->known & told) != told || c->arg[0] != LIBRARY || !xref_text(m, c->arg[3], SOURCE))
		return;
	f->file = c->arg[3];
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (c->arg[2] == reasons[i])
			f->raises |= 1u << i;
	if (c->arg[2] == reasons[0])
		f->quic_line = c->arg[4];
}

static bool boring_function(const struct image *m, uint64_t start, struct code *c,
			    struct boring_fn *ret)
{
	unsigned takes;

	*ret = (struct boring_fn){ .start = start };
	if (code_read(m, start, c) < 0)
		return false;
	takes = c->reads;
	for (size_t i = 0; i < c->calls; i++) {
		boring_raise(m, &c->call[i], ret);
		takes |= c->call[i].jump ? 0 : c->call[i].kept & 7;
	}
	ret->stores = c->stores;
	ret->takes3 = (takes & 7) == 7 && !(c->reads & 1 << 3);
	return ret->raises != 0;
}

static bool boring_write(const struct image *m, uint64_t start, struct boring_fn *ret)
{
	struct code c;

	return boring_function(m, start, &c, ret) && ret->raises == ALL && ret->takes3;
}

/* SSL_peek's body is inlined into SSL_read, error and all; but only SSL_read consumes what it gives, so it stores. Both call
 * ssl_read_impl(), which has errors of its own. */
static bool boring_read(const struct image *m, uint64_t start, const struct boring_fn *write,
			struct boring_fn *ret)
{
	unsigned impl;
	struct code c, callee;

	if (!boring_function(m, start, &c, ret) || !(ret->raises & QUIC) || ret->raises & LENGTH ||
	    !ret->takes3 || !ret->stores || ret->file != write->file ||
	    ret->quic_line >= write->quic_line)
		return false;
	impl = ret->raises;
	for (size_t i = 0; i < c.calls; i++) {
		struct boring_fn f;

		if (c.call[i].to && !c.call[i].jump &&
		    boring_function(m, c.call[i].to, &callee, &f) && f.file == ret->file)
			impl |= f.raises;
	}
	return (impl & (UNINITIALIZED | HANDSHAKE)) == (UNINITIALIZED | HANDSHAKE);
}

static int boring_add(const struct tlsfind_part *p, const struct boring_fn *read,
		      const struct boring_fn *write)
{
	uint64_t at_read, at_write;
	int r;

	if (!image_entry(p->image, read->start, &at_read) ||
	    !image_entry(p->image, write->start, &at_write))
		return -EBADMSG;
	r = tlsfind_add(p->ret, TLSFIND_BORING_READ, at_read, false);
	return r < 0 ? r : tlsfind_add(p->ret, TLSFIND_BORING_WRITE, at_write, false);
}

static int boring_hint(const struct tlsfind_part *p)
{
	uint64_t at_read, at_write;
	struct boring_fn read, write;

	if (!tlsfind_hint(p, TLSFIND_BORING_READ, &at_read) ||
	    !tlsfind_hint(p, TLSFIND_BORING_WRITE, &at_write) ||
	    !boring_write(p->image, at_write, &write) ||
	    !boring_read(p->image, at_read, &write, &read))
		return 0;
	return boring_add(p, &read, &write);
}

static int boring_choose(const struct tlsfind_part *p, const struct xref *x)
{
	struct boring_fn f, read = { 0 }, write = { 0 };
	size_t writes = 0, reads = 0;

	for (size_t i = 0; i < x->count; i++)
		if (boring_write(p->image, x->fn[i], &f)) {
			write = f;
			writes++;
		}
	/* of several, the one that stands right before SSL_write in the source */
	for (size_t i = 0; i < x->count && writes == 1; i++) {
		if (!boring_read(p->image, x->fn[i], &write, &f) || f.quic_line < read.quic_line)
			continue;
		reads = f.quic_line > read.quic_line ? 1 : reads + 1;
		read = f;
	}
	if (writes == 1 && reads == 1)
		return boring_add(p, &read, &write);
	tlsfind_why(
		p->ret,
		"BoringSSL without symbols: %zu functions look like SSL_write, %zu like SSL_read",
		writes, reads);
	return 0;
}

int find_boring(const struct tlsfind_part *p)
{
	_cleanup_(xref_done) struct xref x = { NULL, 0 };
	uint64_t text[XREF_TEXTS];
	size_t count;
	int r;

	if (p->hint)
		return boring_hint(p);
	r = xref_texts(p->image, SOURCE, text, &count);
	if (r == 0 && count > 0)
		r = xref_find(p->image, text, count, &x);
	if (r == 0 && x.count > 0)
		r = boring_choose(p, &x);
	return r;
}
