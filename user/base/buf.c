#include <stdarg.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/obj.h"

static int buf_room(struct buf *b, size_t more)
{
	size_t want, room = b->room ? b->room : 64;
	char *p;

	if (__builtin_add_overflow(b->n, more, &want) || want > b->limit)
		return -EMSGSIZE;
	if (want <= b->room)
		return 0;
	while (room < want)
		room *= 2;
	room = MIN(room, MAX(want, b->limit)); /* what can never be used is not asked for */
	p = mem_lend_more(b->p, b->room, room);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->room = room;
	return 0;
}

int buf_add(struct buf *b, struct str s)
{
	int r = buf_room(b, s.n);

	if (r < 0)
		return r;
	if (s.n)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	return 0;
}

int buf_put(struct buf *b, char c)
{
	return buf_add(b, (struct str){ &c, 1 });
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list va;
	int n, r;

	va_start(va, format);
	n = vsnprintf(NULL, 0, format, va);
	va_end(va);
	if (n < 0)
		return -EINVAL;
	/* vsnprintf writes a NUL behind the text: room for it, beyond the limit if need be */
	b->limit++;
	r = buf_room(b, (size_t)n + 1);
	b->limit--;
	if (r < 0)
		return r;
	va_start(va, format);
	vsnprintf(b->p + b->n, (size_t)n + 1, format, va);
	va_end(va);
	b->n += (size_t)n;
	return 0;
}

void buf_done(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){ .limit = b->limit };
}
