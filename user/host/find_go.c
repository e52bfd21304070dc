#include <stdio.h>
#include "base/obj.h"
#include "host/gotab.h"
#include "host/image.h"
#include "host/ret.h"
#include "host/tlsfind.h"

/* Go moves its stacks, so a return address must not be replaced: the end of a call is probed at each RET instruction.
 *
 * A function begins with a look at the stack's limit. When there is too little room it jumps to a call of
 * runtime.morestack at its own end and from there back to its first byte. The entry is therefore probed right behind that
 * look: once for each call, and nothing has been touched, neither the stack pointer nor an argument. */

#define FUNCTION_BYTES 65536 /* crypto/tls.(*Conn).Write has 2 KiB */

static const struct go_row {
	enum tlsfind_row row;
	bool leave; /* its returns are of interest, too: tbl/shape.h */
} rows[] = { { TLSFIND_GO_READ, true }, { TLSFIND_GO_WRITE, false }, { TLSFIND_GO_CLOSE, false } };

static const char *const functions[TLSFIND_ROWS] = {
#define TLS(row, family, function, shape, dir, finder, tried) \
	[TLSFIND_##row] = FINDER_##finder == FINDER_GO ? function : "",
#include "tbl/tls.h"
#undef TLS
};

static void go_why(const struct tlsfind_part *p, const char *what, const char *function)
{
	if (p->ret->why[0] == '\0')
		snprintf(p->ret->why, sizeof(p->ret->why), "Go: %s%s", what, function);
}

/* ---- one function ----------------------------------------------------------------------------------- */

struct go_body {
	uint64_t start, end;
	uint64_t entry,
		slow; /* behind the check; where it goes when the stack has to grow. 0 = not seen */
	uint64_t leave[TLSFIND_SITES];
	size_t leaves;
	bool begun, guard, again;
	const char *why;
};

/* The check itself; 1: the function's own work has begun. */
static int go_check(struct go_body *b, const struct ret_step *s)
{
	if (s->kind == RET_GUARD)
		b->guard = true;
	else if (s->kind == RET_BRANCH && s->to >= s->next && s->to < b->end &&
		 (b->slow == 0 || b->slow == s->to)) {
		b->slow = s->to;
		b->entry = s->next;
	} else if (s->kind != RET_SCRATCH)
		return 1;
	return 0;
}

static const char *go_jump(struct go_body *b, const struct ret_step *s)
{
	if (s->to < b->start || s->to >= b->end)
		return "a jump out of ";
	if (s->to == b->start && s->addr >= b->slow && s->kind == RET_JUMP) {
		b->again = true;
		return NULL;
	}
	return s->to <= b->entry || s->to >= b->slow ? "a loop through the entry of " : NULL;
}

static int go_step(void *ctx, const struct ret_step *s)
{
	struct go_body *b = ctx;

	if (!b->begun && go_check(b, s) == 0)
		return 0;
	b->begun = true;
	if (!b->guard || b->slow == 0)
		b->why = "arguments on the stack (before 1.17), or no known entry: ";
	else if (s->kind == RET_AWAY)
		b->why = "a jump to a computed place in ";
	else if (s->kind == RET_JUMP || s->kind == RET_BRANCH)
		b->why = go_jump(b, s);
	else if (s->kind == RET_LEAVE && (b->leaves == COUNT_OF(b->leave) || s->addr == b->entry))
		b->why = "returns of no known kind in ";
	else if (s->kind == RET_LEAVE)
		b->leave[b->leaves++] = s->addr;
	return b->why ? 1 : 0;
}

static int go_decode(const struct tlsfind_part *p, struct go_body *b)
{
	uint64_t size = b->end - b->start;
	struct ret_code code = { .addr = b->start, .n = size };
	unsigned char *text;
	int r;

	if (b->end <= b->start || size > FUNCTION_BYTES) {
		b->why = "no sound bounds of ";
		return 0;
	}
	text = mem_zero(1, size);
	if (!text)
		return -ENOMEM;
	code.p = text;
	r = image_read(p->image, b->start, text, size);
	if (r == 0)
		r = ret_walk(RET_HERE, &code, go_step, b);
	mem_free(text);
	if (r == -EBADMSG)
		b->why = "an unknown instruction in ";
	else if (r == 0 && (!b->again || b->leaves == 0))
		b->why = "no known shape of ";
	return r == -EBADMSG || r > 0 ? 0 : r;
}

/* All sites of a function, or none: an entry whose returns are not all probed would mix up calls. */
static const char *go_add(struct tlsfind *t, const struct image *m, const struct go_row *row,
			  const struct go_body *b)
{
	size_t before = t->count;
	uint64_t first, last;
	bool good = image_offset(m, b->start, &first) && image_offset(m, b->end - 1, &last) &&
		    last - first == b->end - 1 - b->start && /* segments may overlap */
		    tlsfind_add(t, row->row, first + (b->entry - b->start), false) == 0;

	for (size_t i = 0; good && row->leave && i < b->leaves; i++)
		good = tlsfind_add(t, row->row, first + (b->leave[i] - b->start), true) == 0;
	if (good)
		return NULL;
	t->count = before;
	return "no place for the probes of ";
}

static int go_function(const struct tlsfind_part *p, const struct gotab_func *f)
{
	const struct go_row *row = &rows[f->name];
	struct go_body b = { .start = f->start, .end = f->end };
	int r = go_decode(p, &b);

	if (r < 0)
		return r;
	if (!b.why)
		b.why = go_add(p->ret, p->image, row, &b);
	if (b.why)
		go_why(p, b.why, functions[row->row]);
	return 0;
}

/* ---- the program ------------------------------------------------------------------------------------ */

/* Go programs without TLS are no news; programs whose names were changed may have any. */
static void go_nothing(const struct tlsfind_part *p, struct gotab *t)
{
	if (gotab_has(t, "runtime.main") == 0)
		go_why(p, "its function names were changed, TLS is not found", "");
}

int find_go(const struct tlsfind_part *p)
{
	const char *name[COUNT_OF(rows)];
	struct gotab_func f[GOTAB_FUNCS];
	struct gotab t;
	size_t count = 0;
	int r = gotab_open(p->image, &t);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		name[i] = functions[rows[i].row];
	if (r == 0 && gotab_old(&t)) {
		if (gotab_has(&t, name[0]) == 1)
			go_why(p, "arguments on the stack (before 1.16): ", name[0]);
		return 0;
	}
	if (r == 0)
		r = gotab_find(&t, name, COUNT_OF(name), f, &count);
	if (r == -EBADMSG || r == -E2BIG)
		go_why(p, "its table of functions cannot be read", "");
	if (r == 0 && count == 0)
		go_nothing(p, &t);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = go_function(p, &f[i]);
	return r == -ENOENT || r == -EBADMSG || r == -E2BIG ? 0 : r;
}
